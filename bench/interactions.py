"""Seconds and memory from a log on disk to numbered columns, by time, each pair once: plait against pandas.

Every measurement runs in a process of its own, so that its peak of memory is its own; imports are not timed, and a
log of a hundred rows is read before.

Run: python bench/interactions.py [number of interactions]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

ROUNDS = 3
FORMS = ("csv", "parquet")
TOOLS = ("plait", "pandas")


def write_log(folder: Path, n: int, rng: np.random.Generator) -> None:
    """Write a log as shops have them: few users and items have most of the rows, times in no order, some pairs twice."""
    users, items = max(n // 30, 1), max(n // 100, 1)
    user = (users * rng.random(n) ** 2).astype(np.int64)
    item = (items * rng.random(n) ** 3).astype(np.int64)
    names = (
        (f"A{number:08x}{number % 97:02d}" for number in range(users)),
        (f"B{number:09d}" for number in range(items)),
    )
    table = pa.table(
        {
            "user_id": pa.array(names[0]).take(pa.array(user)),
            "item_id": pa.array(names[1]).take(pa.array(item)),
            "rating": rng.integers(1, 6, n).astype(np.float64),
            "timestamp": rng.integers(1_300_000_000, 1_500_000_000, n),
        }
    )
    for name, rows in (("log", table), ("first", table.slice(0, 100))):
        pacsv.write_csv(rows, folder / f"{name}.csv", pacsv.WriteOptions(quoting_style="none"))
        pq.write_table(rows, folder / f"{name}.parquet")


def by_plait(path: Path) -> tuple[float, float, int]:
    """Seconds, those of all cores, and rows left."""
    from plait.loaders.logs.interactions import InteractionsConfig, read_interactions

    start, cores = time.perf_counter(), time.process_time()
    (log,), _ = read_interactions(InteractionsConfig(path=path))
    return time.perf_counter() - start, time.process_time() - cores, len(log)


def by_pandas(path: Path) -> tuple[float, float, int]:
    """Seconds, those of all cores, and rows left: read, sort by time, keep the last of each pair, factorize."""
    import pandas as pd

    start, cores = time.perf_counter(), time.process_time()
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    frame = frame.sort_values("timestamp", kind="stable")
    frame["user_id"], _ = pd.factorize(frame["user_id"])
    frame["item_id"], _ = pd.factorize(frame["item_id"])
    frame = frame.drop_duplicates(["user_id", "item_id"], keep="last")
    return time.perf_counter() - start, time.process_time() - cores, len(frame)


def measured(tool: str, path: Path) -> tuple[float, float, float, int]:
    """Seconds, seconds of all cores, MB at the peak and rows left, in a fresh process."""
    seconds, cores, peak, rows = in_fresh_process("--measure", tool, str(path)).split()
    return float(seconds), float(cores), float(peak), int(rows)


def in_fresh_process(*arguments: str) -> str:
    """What this script prints when run with these arguments."""
    return subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def measure(tool: str, path: Path) -> None:
    """Print what `measured` reads."""
    run = by_plait if tool == "plait" else by_pandas
    run(path.with_stem("first"))
    seconds, cores, rows = run(path)
    # Linux counts in KB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(seconds, cores, peak, rows)


def main() -> None:
    """Print the comparison: the tools turn about, the best of each, since other work only ever slows one down."""
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--write"]:
        write_log(Path(sys.argv[2]), int(sys.argv[3]), np.random.default_rng(0))
        return
    if find_spec("pandas") is None:
        sys.exit("pandas, to compare with, is not installed: pip install pandas")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    load = os.getloadavg()[0]
    title = f"{n:,} interactions, {os.cpu_count()} cores, load {load:.1f} before"
    table = Table("", "seconds", "ratio", "of all cores", "peak MB", "rows left", title=title)
    with tempfile.TemporaryDirectory() as folder:
        # Not here: a process begins with the peak of the one that starts it.
        in_fresh_process("--write", folder, str(n))
        for form in FORMS:
            path = Path(folder) / f"log.{form}"
            rounds = [[measured(tool, path) for tool in TOOLS] for _ in range(ROUNDS)]
            best = [min(runs) for runs in zip(*rounds, strict=True)]
            for tool, (seconds, cores, peak, rows) in zip(TOOLS, best, strict=True):
                ratio = f"{seconds / best[1][0]:.2f}"
                table.add_row(f"{form}, {tool}", f"{seconds:.2f}", ratio, f"{cores:.2f}", f"{peak:,.0f}", f"{rows:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
