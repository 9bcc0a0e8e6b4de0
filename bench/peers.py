"""Recommenders of others on the same split, each tuned by as many trials; and how long nets take to the same recall.

    PLAIT_DATA=... python bench/peers.py examples/amazon-beauty.yaml --trials 30 [--minutes 8] [--peers ease knn ...]
    PLAIT_DATA=... python bench/peers.py examples/lightkg-lastfm.yaml --speed

Settings are drawn at random from each peer's space (`space` in bench/peers/), the same number for all, and chosen by
validation NDCG at the first cut-off; a net that has trained for a quarter of an hour ends at its next look at validation.
Test is measured once, for the chosen one. Peers that cannot fold in what a user did
after training (PyG's LightGCN, KGAT) are trained once more on train and validation, for the epochs that were best. Each
peer is written to results/peers-NAME.json when it is done; the same command goes on with the next. Where
`accuracy.py` has measured the configuration, plait's blend is tested against each peer in pairs (Wilcoxon, Holm).
implicit is not among plait's dependencies: pip install implicit.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring.one_run import rounded, versions
from measuring.pairs import mean_over_seeds, tested
from measuring.results import RESULTS, ROOT, ResultsFile, identity, shortened
from measuring.tables import head, pairs_table
from peers.peer import Fit, Peer, Setting, Task, tuned
from rich.console import Console
from rich.table import Table

from plait.fusion import Config, read_config
from plait.fusion.evaluation import PerUser, evaluate, write_per_user
from plait.fusion.stages import Stages
from plait.fusion.storage import without_nan
from plait.fusion.training import read_data
from plait.kg import ConfigError, IdMap, PlaitError, SilentProgress, available_cores, whole_directory
from plait.loaders import Split

NAMES = ("ease", "knn", "ials", "lightgcn", "plait-lightgcn", "kgat")


def make(name: str) -> Peer:
    """A peer by its name here; heavy imports only for those asked for.

    Raises:
        ConfigError: if its library is missing.
    """
    from peers.kgat import Kgat
    from peers.lightgcn import PlaitLightGcn, PygLightGcn
    from peers.linear import PlainEase
    from peers.of_implicit import ImplicitAls, ImplicitKnn

    if name in ("knn", "ials") and find_spec("implicit") is None:
        raise ConfigError(
            f"the peer {name} needs the library implicit: pip install implicit, or leave it out of --peers"
        )
    kinds: dict[str, Callable[[], Peer]] = {
        "ease": PlainEase,
        "knn": ImplicitKnn,
        "ials": ImplicitAls,
        "lightgcn": PygLightGcn,
        "plait-lightgcn": PlaitLightGcn,
        "kgat": Kgat,
    }
    return kinds[name]()


def task_of(config: Config, given: argparse.Namespace) -> Task:
    """The data of a configuration, of some users alone if so asked."""
    split, catalogue = read_data(config, Stages(SilentProgress()), np.random.default_rng(config.seed))
    if given.users is not None:
        split = of_some(split, given.users)
    nets = {"epochs": given.epochs, "every": given.every, "patience": given.patience, "device": given.device}
    return Task(split, catalogue.graph, config.evaluation.ks[0], seed=config.seed, **nets)


def of_some(split: Split, n: int) -> Split:
    """The interactions of the first so many users, to try things out."""
    return replace(split, **{part: getattr(split, part).select(getattr(split, part).user < n) for part in PARTS})


PARTS = ("train", "valid", "test")


def measured(name: str, task: Task, config: Config, trials: int, minutes: float | None, console: Console) -> Any:
    """One peer tuned, then measured on test: its record, and the figures of each user."""
    peer = make(name)

    def tell(setting: Setting, fit: Fit) -> None:
        told = ", ".join(f"{key} {value}" for key, value in setting.items())
        console.print(f"{peer.name}: {fit.valid:.4f} by {told}", highlight=False)

    chosen = tuned(peer, task, trials, minutes, tell)
    began = time.perf_counter()
    score = peer.last(task, chosen.setting, chosen.fit)
    last = time.perf_counter() - began
    found = evaluate({peer.name: lambda audience, _: score(audience)}, task.split, config.evaluation, ("test",))
    assert found.per_user is not None
    record = {
        "peer": name,
        "name": peer.name,
        "trials": chosen.trials,
        "setting": dict(chosen.setting),
        "epochs": chosen.fit.epochs,
        "valid": round(chosen.fit.valid, 6),
        "test": rounded(found.rows[0].metrics),
        "seconds": round(chosen.seconds, 1),
        "last_fit_seconds": round(last, 1),
    }
    return without_nan(record), found.per_user


def against_blend(
    file: ResultsFile, config: Config, path: Path, peers: list[Any], metric: str
) -> tuple[list[dict[str, Any]], str]:
    """Plait's blend against every peer on the users of both; none, and why, where `accuracy.py` has not been run here."""
    blend = ResultsFile(file.path.parent / f"{path.stem}.json", "accuracy", identity(config))
    seeds = [run["seed"] for run in blend.read().get("runs", ())]
    if not seeds:
        return (
            [],
            f"no paired test: `python bench/accuracy.py {path}` has not measured plait on this configuration and data",
        )
    try:
        ours = blend.per_user(seeds)
    except ConfigError as error:
        return [], f"no paired test: {error}"
    theirs: list[tuple[str, PerUser]] = [(one["name"], file.per_user([one["peer"]])[0]) for one in peers]
    users = IdMap.numbering(*(one.users for one in ours), *(one.users for _, one in theirs))
    columns = {name: mean_over_seeds([one], name, metric, users) for name, one in theirs}
    return tested(("plait's blend", mean_over_seeds(ours, "blend", metric, users)), columns, metric), ""


def compete(path: Path, config: Config, given: argparse.Namespace, console: Console) -> None:
    """Every peer that is not done yet, then the table and the tests."""
    task = task_of(config, given)
    nets = {"epochs": given.epochs, "every": given.every, "patience": given.patience}
    budget = {"trials": given.trials, "minutes": given.minutes, "users": given.users, "seed": config.seed, **nets}
    file = ResultsFile(given.out / f"peers-{path.stem}.json", "peers", identity(config, budget=budget))
    kept = {} if given.anew else file.read()
    peers = {one["peer"]: one for one in kept.get("peers", ())}
    file.make_cache()
    metric, ks = f"ndcg@{task.k}", config.evaluation.ks
    shown = [f"ndcg@{task.k}", f"recall@{ks[-1]}"]
    content: dict[str, Any] = {
        "name": path.stem,
        "command": command(path, f"--trials {given.trials}", given.minutes),
        "metric": metric,
        "shown": shown,
        "budget": budget,
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
    for name in [name for name in given.peers if name not in peers]:
        record, per_user = measured(name, task, config, given.trials, given.minutes, console)
        with whole_directory(file.cache_of(name)) as target:
            write_per_user(per_user, target)
        peers[name] = record
        file.write({**shortened(content), "peers": list(peers.values()), "pairs": []})
    every = [peers[name] for name in NAMES if name in peers]
    pairs, why = against_blend(file, config, path, every, metric)
    file.write({**shortened(content), "peers": every, "pairs": pairs})
    console.print(table_of(content, every))
    console.print(pairs_table(pairs) if pairs else why)


def table_of(content: Any, peers: list[Any]) -> Table:
    """Peers side by side."""
    table = Table(title=f"Peers on {content['name']}", title_justify="left")
    table.add_column("peer", no_wrap=True)
    for heading in ("trials", "valid", *(head(("test", name)) for name in content["shown"]), "seconds", "chosen"):
        table.add_column(heading, justify="left" if heading == "chosen" else "right")
    for one in peers:
        figures = [f"{one['test'][name]:.4f}" for name in content["shown"]]
        chosen = ", ".join(f"{key} {value}" for key, value in one["setting"].items())
        table.add_row(
            one["name"], str(one["trials"]), f"{one['valid']:.4f}", *figures, f"{one['seconds']:,.0f}", chosen
        )
    return table


def race(path: Path, config: Config, given: argparse.Namespace, console: Console) -> None:
    """Seconds to the same recall."""
    from peers.speed import SHARES, K, courses, table

    task = task_of(config, given)
    found = {}
    for name, course in courses(task, given.minutes or 10, given.rates):
        console.print(f"{name}: best recall@{K} {course.best():.4f}, {course.seconds[-1]:.1f} s", highlight=False)
        found[name] = course
    target, heads, rows = table(found)
    threads = torch.get_num_threads()
    seconds = "Processor seconds" if given.device == "cpu" else "Seconds"
    told = (
        f"{seconds} of training, looks at validation not counted, until validation recall@{K} is {target:.4f} (what "
        f"every net reaches) or a share of it; ratio to the first; {threads} thread{'s' * (threads != 1)}, {given.device}."
    )
    shown = Table(title=told, title_justify="left")
    for heading in heads:
        shown.add_column(heading, justify="left" if heading == "net" else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    file = ResultsFile(given.out / f"speed-{path.stem}.json", "speed", identity(config))
    curves = {name: vars(course) for name, course in found.items()}
    how = f"--speed --rates {' '.join(f'{rate:g}' for rate in given.rates)}"
    content = {
        "name": path.stem,
        "command": command(path, how, given.minutes),
        "told": told,
        "heads": heads,
        "rows": rows,
    }
    file.write({**content, "shares": SHARES, "curves": curves, "cores": available_cores(), "versions": versions()})


def command(path: Path, how: str, minutes: float | None) -> str:
    """What to type to get the same."""
    how += "" if minutes is None else f" --minutes {minutes:g}"
    where = path.resolve()
    inside = where.is_relative_to(ROOT.resolve())
    return f"python bench/peers.py {where.relative_to(ROOT.resolve()) if inside else path.name} {how}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", type=Path, default=ROOT / "examples" / "amazon-beauty.yaml")
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--trials", type=int, default=30, help="settings tried for each peer")
    parser.add_argument("--minutes", type=float, help="after so long no further trial of a peer is begun")
    parser.add_argument("--speed", action="store_true", help="measure seconds to the same recall instead")
    parser.add_argument(
        "--rates", nargs="+", type=float, default=[1e-3, 5e-3], help="step sizes of PyG's, with --speed"
    )
    parser.add_argument("--epochs", type=int, default=400, help="most epochs of a net")
    parser.add_argument("--every", type=int, default=5, help="epochs between looks at validation")
    parser.add_argument("--patience", type=int, default=5, help="looks without a gain before a net stops")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--users", type=int, help="the first so many users alone, to try it out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    return parser.parse_args()


def main() -> None:
    """Do what was asked."""
    given = _arguments()
    # Of torch on CSR tensors, and of implicit on its own matrices: nothing a user could mend.
    for message in ("Sparse CSR tensor support", "Sparse invariant checks", "Method expects CSR input"):
        warnings.filterwarnings("ignore", message=message)
    console = Console(width=None if sys.stdout.isatty() else 180)
    try:
        config = read_config(given.config)
        (race if given.speed else compete)(given.config, config, given, console)
    except PlaitError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; peers that were done are kept")


if __name__ == "__main__":
    main()
