"""A graph from a table of 1.1 million triples: plait's reader against pandas and against plain Python, same file.

Reads Amazon Beauty's triples where PLAIT_DATA names the benchmark data, else a generated table of the same size. Rounds
turn about, the best of each counts; the peak of memory is that of a fresh process that does nothing else.

Run: OMP_NUM_THREADS=1 python bench/tables.py [triples]
"""

from __future__ import annotations

import csv
import gzip
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROUNDS, TRIPLES, ENTITIES = 3, 1_115_330, 128_000
RELATIONS = ("also_bought", "also_viewed", "belongs_to", "bought_together", "produced_by")
Counts = tuple[int, int, int]


def by_plait(path: Path) -> Counts:
    """Entities, relations and distinct triples by plait, as a graph sorted by relation, head and tail."""
    from plait.loaders.triples.tables import TripleGraph, read_triples

    graph = read_triples(TripleGraph(source="triples", files=(path,)))
    return graph.n_entities, len(graph.relations), graph.n_triples


def by_pandas(path: Path) -> Counts:
    """The same by pandas: read_csv, factorize, drop_duplicates."""
    import pandas as pd

    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
    numbers, entities = pd.factorize(pd.concat([table["head"], table["tail"]], ignore_index=True))
    relation, names = pd.factorize(table["relation"])
    n = len(table)
    triples = pd.DataFrame({"relation": relation, "head": numbers[:n], "tail": numbers[n:]})
    triples = triples.drop_duplicates().sort_values(["relation", "head", "tail"])
    return len(entities), len(names), len(triples)


def by_dict(path: Path) -> Counts:
    """The same in plain Python: the csv module, a dict for each numbering, a set of triples, sorted."""
    entities: dict[str, int] = {}
    relations: dict[str, int] = {}
    triples: set[tuple[int, int, int]] = set()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        for head, relation, tail in rows:
            h, t = (entities.setdefault(name, len(entities)) for name in (head, tail))
            triples.add((relations.setdefault(relation, len(relations)), h, t))
    return len(entities), len(relations), len(sorted(triples))


CONTENDERS: dict[str, Callable[[Path], Counts]] = {
    "plait": by_plait,
    "pandas read_csv + factorize": by_pandas,
    "csv module + dict": by_dict,
}


def generated(path: Path, triples: int) -> None:
    """Write a table like Amazon Beauty's: few relations, popular entities, long-tailed."""
    rng = np.random.default_rng(0)
    relation = rng.integers(0, len(RELATIONS), triples)
    head, tail = (ENTITIES * rng.random((2, triples)) ** 2.5).astype(np.int64)
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("head\trelation\ttail\n")
        file.writelines(
            f"product_{h}\t{RELATIONS[r]}\trelated_{t}\n" for h, r, t in zip(head, relation, tail, strict=True)
        )


def peak(name: str, path: Path) -> float:
    """Peak memory of a fresh process that reads the file once, MiB."""
    run = [sys.executable, __file__, "--peak", name, str(path)]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def own_peak() -> float:
    """Peak memory of this process, MiB."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # Linux hands ru_maxrss on from the process that started this one; VmHWM begins anew.
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def compare(path: Path) -> None:
    """Print times, ratios and peaks."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for read in CONTENDERS.values():
        read(path)  # the first pays for imports
    counts = {}
    for _ in range(ROUNDS):
        for name, read in CONTENDERS.items():
            start = time.perf_counter()
            counts[name] = read(path)
            times[name].append(time.perf_counter() - start)
    if len(set(counts.values())) != 1:
        raise SystemExit(f"the readers disagree: {counts}")
    entities, relations, triples = counts["plait"]
    title = f"{path.name}: {triples:,} triples, {entities:,} entities, {relations} relations"
    table = Table("", "seconds", "ratio", "peak MiB", title=title)
    for name in CONTENDERS:
        best = min(times[name])
        table.add_row(name, f"{best:.2f}", f"{best / min(times['plait']):.2f}", f"{peak(name, path):.0f}")
    Console().print(table)


def main() -> None:
    """Read once for the peak, or compare all."""
    if sys.argv[1:2] == ["--peak"]:
        CONTENDERS[sys.argv[2]](Path(sys.argv[3]))
        print(own_peak())
        return
    real = Path(os.environ.get("PLAIT_DATA", "")) / "amazon-beauty" / "kg.tsv.gz"
    if real.is_file() and len(sys.argv) == 1:
        compare(real)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.tsv.gz"
        generated(path, int(sys.argv[1]) if len(sys.argv) > 1 else TRIPLES)
        compare(path)


if __name__ == "__main__":
    main()
