"""Accuracy of plait on a configuration: trained anew for each seed, every scorer measured on validation and test.

    PLAIT_DATA=... python bench/accuracy.py examples/lightkg-lastfm.yaml [--seeds 0 1 2 3 4] [--out bench/results]
    PLAIT_DATA=... python bench/accuracy.py examples/lightkg-lastfm.yaml --compare blend ease
    python bench/accuracy.py --markdown          all results as tables
    python bench/accuracy.py --render            the same, into docs/benchmarks.md

Each seed is a process of its own, one after the other, and is written to NAME.json when it is done: the same command goes on
where one stopped, as long as configuration and data stay the same (--anew begins from nothing). Figures of single users, which
--compare tests in pairs (Wilcoxon's signed-rank test over the users' means over seeds, Holm over the pairs), lie beside in
results-cache/, which is no part of the project. Without configurations all of examples/ are measured, which takes hours.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from measuring.pairs import within
from measuring.results import RESULTS, ROOT, ResultsFile, code, identity
from measuring.tables import markdown, pairs_table, rendered, terminal_table
from rich.console import Console

from plait.fusion import read_config
from plait.kg import ConfigError, PlaitError, whole_file

EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))
ONE_RUN = Path(__file__).parent / "measuring" / "one_run.py"
PAGE = ROOT / "docs" / "benchmarks.md"
SEEDS = [0, 1, 2, 3, 4]


def one_run(config: Path, seed: int, folder: Path) -> dict[str, Any]:
    """The record of one training, done in a process of its own.

    Raises:
        ConfigError: if it failed.
    """
    command = [sys.executable, str(ONE_RUN), str(config), str(seed), str(folder)]
    # In a session of its own it does not see Ctrl-C, which would end the training of one net and go on.
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    last = ""
    try:
        for line in child.stderr or ():
            sys.stderr.write(line)
            last = line.strip() or last
        if child.wait():
            raise ConfigError(f"the run of seed {seed} failed: {last}", path=config)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def measured(
    path: Path, name: str, seeds: list[int] | None, out: Path, *, anew: bool, console: Console
) -> tuple[ResultsFile, Any]:
    """The results of a configuration, with the seeds that were missing run; None takes what is there.

    Raises:
        ConfigError: if a run failed, or there is none and none was asked for.
    """
    file = ResultsFile(out / f"{name}.json", "accuracy", identity(read_config(path)))
    kept = {} if anew else file.read()
    runs = {run["seed"]: run for run in kept.get("runs", ())}
    if seeds is None and not runs:
        raise ConfigError("no results of this configuration and data; run it with --seeds", path=file.path)
    file.make_cache()
    for seed in [seed for seed in seeds or () if seed not in runs]:
        console.print(f"[bold]{name}, seed {seed}[/]", highlight=False)
        state = code()
        runs[seed] = {**one_run(path, seed, file.cache_of(seed)), "code": state}
        kept = {"name": name, "command": _command(path, sorted(runs)), "runs": [runs[s] for s in sorted(runs)]}
        # Tests of fewer seeds are none of these.
        file.write({**kept, "pairs": []})
    return file, {"pairs": [], **kept}


def _command(path: Path, seeds: list[int]) -> str:
    where = path.resolve()
    shown = where.relative_to(ROOT.resolve()) if where.is_relative_to(ROOT.resolve()) else Path(path.name)
    return f"python bench/accuracy.py {shown} --seeds {' '.join(map(str, seeds))}"


def compare(file: ResultsFile, kept: Any, scorers: list[str], metric: str | None) -> list[dict[str, Any]]:
    """Tests of the first scorer against the others, kept in the results in place of earlier ones of these pairs."""
    seeds = [run["seed"] for run in kept["runs"]]
    metric = metric or next(name for name in next(iter(kept["runs"][0]["test"].values())) if name.startswith("ndcg@"))
    pairs = within(file.per_user(seeds), scorers, metric)
    others = [one for one in kept["pairs"] if (one["first"], one["metric"]) != (scorers[0], metric)]
    content = {name: kept[name] for name in ("name", "command", "runs")}
    file.write({**content, "pairs": [*others, *pairs]})
    return pairs


def render(out: Path, page: Path) -> None:
    """Write the results into the page.

    Raises:
        ConfigError: if it has no place for them.
    """
    try:
        text = rendered(page.read_text(encoding="utf-8"), markdown(out) or "None yet.")
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot take the results: {error}", path=page) from error
    with whole_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", type=Path, help="YAML files; all of examples/ by default")
    parser.add_argument("--seeds", nargs="+", type=int, help=f"{SEEDS} by default; with --compare those there are")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--name", help="of the results, where one configuration is measured by several environments")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    parser.add_argument("--compare", nargs="+", metavar="SCORER", help="test the first against each of the others")
    parser.add_argument("--metric", help="what --compare compares; NDCG at the first cut-off by default")
    parser.add_argument("--markdown", action="store_true", help="print all results as Markdown, measure nothing")
    parser.add_argument("--render", action="store_true", help="write them into --page, measure nothing")
    parser.add_argument("--page", type=Path, default=PAGE, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Do what was asked."""
    given = _arguments()
    # As Ctrl-C, so that a killed benchmark leaves no training behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else 180)
    try:
        if given.markdown:
            print(markdown(given.out))
            return
        if given.render:
            render(given.out, given.page)
            return
        if given.name and len(given.configs) != 1:
            raise ConfigError("--name is for one configuration; give one")
        seeds = given.seeds or (None if given.compare else SEEDS)
        for path in given.configs or EXAMPLES:
            name = given.name or path.stem
            file, kept = measured(path, name, seeds, given.out, anew=given.anew, console=console)
            console.print(terminal_table(name, kept["runs"]))
            if given.compare:
                console.print(pairs_table(compare(file, kept, given.compare, given.metric)))
    except PlaitError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; finished seeds are kept")


if __name__ == "__main__":
    main()
