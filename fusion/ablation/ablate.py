"""The ablation: variants by seeds, those that are done before left out, and what each part is worth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ...kg import Progress, SilentProgress, Stage
from ..blending.blend import Blend
from ..config import Config
from ..stages import Stages
from ..training import fingerprint
from ..tuning.fitted import Given, fit_signals, recency_of, weighed
from ..tuning.prepared import NotingProgress, Prepared
from .runs import Run, Runs, measured
from .summary import Ablation, summarised
from .variants import TRAINED, WHOLE, WITHOUT, Lacking, checked_variants, evidence, needless

__all__ = ["ablate"]


def ablate(
    config: Config,
    folder: Path,
    *,
    seeds: int = 5,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Ablation:
    """Train variants of a configuration by several seeds and compare each with the whole.

    Seeds count up from that of the configuration. They draw what training draws; the split, the text vectors and the
    users of validation are those of the configuration's own seed, so that all runs are measured on the same users. In
    every run weights and early stopping are chosen on validation.

    Args:
        config: the whole.
        folder: where finished runs are kept; those found there are not done again.
        seeds: how many.
        only: names of variants, besides the whole; all by default.
        progress: told about reading, and about the runs.

    Raises:
        ConfigError: if a variant is unknown, or the folder holds runs of something else.
        PlaitError: if configuration or data cannot be used.
    """
    wanted = checked_variants(only)
    listener = progress or SilentProgress()
    runs = Runs(folder, _identity(config))
    numbers = [config.seed + n for n in range(seeds)]
    lacking = [without for name in wanted if (without := needless(name, config))]
    trained = [name for name in TRAINED if name in wanted and not any(name == one.variant for one in lacking)]
    todo = [(name, seed) for name in trained for seed in numbers if not _done(runs, name, seed, wanted)]
    if todo:
        prepared = Prepared.read(config, progress=listener)
        prepared.texts(config)
        with listener.stage("train variants", len(todo)) as stage:
            lacking += _run_all(todo, config, prepared, runs, wanted, stage)
            kept = len(trained) * seeds - len(todo)
            stage.result(f"{len(todo)} runs" + (f", {kept} known from before" if kept else ""))
    found = {name: [run for seed in numbers if (run := runs.read(name, seed))] for name in wanted}
    return summarised({name: kept for name, kept in found.items() if kept}, config.evaluation.ks[0], numbers, lacking)


def _run_all(
    todo: list[tuple[str, int]], config: Config, prepared: Prepared, runs: Runs, wanted: list[str], stage: Stage
) -> list[Lacking]:
    lacking: dict[str, Lacking] = {}
    for done, (name, seed) in enumerate(todo):
        stages = Stages(NotingProgress(stage, done, len(todo), f"{name}, seed {seed}"))
        seeded = config.model_copy(update={"seed": seed})
        given = evidence(name, seeded, prepared, stages)
        if isinstance(given, Lacking):
            lacking[name] = given
            continue
        for run in _runs_of(name, seeded, prepared, given, wanted, stages):
            runs.write(run)
        stage.update(done + 1)
    return list(lacking.values())


def _runs_of(
    name: str, config: Config, prepared: Prepared, given: Given, wanted: list[str], stages: Stages
) -> list[Run]:
    """The run of a trained variant; with the whole come those that leave a signal out, the whole last.

    The whole's file says that the others are there too.
    """
    signals = fit_signals(config, prepared, given, stages)
    recency = recency_of(config, signals, prepared, stages)

    def measure(variant: str, blend: Blend) -> Run:
        return measured(variant, config.seed, blend, prepared.split, config.evaluation.ks[0])

    found = []
    left_out = (
        [signal for signal in signals if WITHOUT + signal in wanted] if name == WHOLE and len(signals) > 1 else []
    )
    for signal in left_out:
        rest = {other: fitted for other, fitted in signals.items() if other != signal}
        found.append(measure(WITHOUT + signal, weighed(config, rest, recency, prepared, given, stages)[0]))
    return [*found, measure(name, weighed(config, signals, recency, prepared, given, stages)[0])]


def _done(runs: Runs, name: str, seed: int, wanted: list[str]) -> bool:
    """Whether a run is there, and with the whole those that leave out one of its signals."""
    run = runs.read(name, seed)
    if run is None or name != WHOLE:
        return run is not None
    parts = [WITHOUT + signal for signal in run.weights if len(run.weights) > 1]
    return all(runs.read(part, seed) is not None for part in parts if part in wanted)


def _identity(config: Config) -> str:
    """Digest of configuration and data; where and by how many threads it runs may change."""
    settings = config.model_dump_json(exclude={"device", "threads"})
    return hashlib.sha256(f"{settings}{json.dumps(fingerprint(config), sort_keys=True)}".encode()).hexdigest()
