"""One training in this process: its figures as `run.json`, those of every test user as `per_user.parquet`.

Run by `accuracy.py`, so that peak memory is that of one training alone:

    python bench/measuring/one_run.py CONFIG SEED FOLDER
"""

from __future__ import annotations

import json
import platform
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console

from plait.fusion import read_config
from plait.fusion.evaluation import write_per_user
from plait.fusion.storage import without_nan
from plait.fusion.training import Trained, train
from plait.kg import PlaitError, available_cores, whole_directory
from plait.terminal import TerminalProgress

PACKAGES = ("plait", "numpy", "scipy", "torch", "torch-geometric", "lightgbm", "transformers", "implicit")
NO_CHOICE = ("threads", "refit", "blend", "text", "recency", "stages", "data", "schema", "mapping", "held_out")
"""Details of a training that are told elsewhere in a run's record, or not at all."""


def versions() -> dict[str, str]:
    """What it ran with; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def peak_mib() -> float:
    """Most memory this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def rounded(metrics: Any) -> dict[str, float]:
    """Six digits: less than any difference that means something."""
    return {name: round(value, 6) for name, value in metrics.items()}


def record_of(trained: Trained, seed: int, seconds: float) -> dict[str, Any]:
    """All that is kept of a training, JSON-ready."""
    details, evaluation = trained.record.details, trained.evaluation
    parts: dict[str, dict[str, Any]] = {part: {} for part in evaluation.users}
    for row in evaluation.rows:
        parts[row.part][row.name] = rounded(row.metrics)
    chosen = {name: dict(told) for name, told in details.items() if name not in NO_CHOICE}
    for told in chosen.values():
        told.pop("relation_weights", None)
    blend = details["blend"] | {"weights": dict(trained.recommender.blend.weights)}
    stages = [{name: stage[name] for name in ("name", "seconds", "peak_mib")} for stage in details["stages"]]
    return {
        "seed": seed,
        "users": dict(evaluation.users),
        "cold": dict(evaluation.cold),
        **parts,
        "chosen": chosen,
        "recency": details["recency"],
        "blend": blend,
        "seconds": round(seconds, 1),
        "peak_mib": round(peak_mib()),
        "stages": stages,
        "cores": available_cores(),
        "threads": details["threads"],
        "machine": platform.machine(),
        "versions": versions(),
    }


def interrupted(record: Any) -> bool:
    """Whether some net's training was cut short: such figures are not those of the configuration."""
    return any(isinstance(told, dict) and told.get("interrupted") for told in record["chosen"].values())


def main() -> None:
    """Train and write."""
    path, seed, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    try:
        config = read_config(path).model_copy(update={"seed": seed})
        began = time.perf_counter()
        trained = train(config, progress=TerminalProgress(Console(stderr=True)))
        record = record_of(trained, seed, time.perf_counter() - began)
    except PlaitError as error:
        sys.exit(str(error))
    if interrupted(record):
        sys.exit("a training was interrupted; nothing was kept")
    with whole_directory(folder) as target:
        (target / "run.json").write_text(json.dumps(without_nan(record), indent=1, allow_nan=False), encoding="utf-8")
        if trained.evaluation.per_user is not None:
            write_per_user(trained.evaluation.per_user, target)


if __name__ == "__main__":
    main()
