"""The study: trials proposed by Optuna's TPE, kept in an SQLite file, resumed from there."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ...kg import ConfigError
from ..config import Config
from ..training import fingerprint
from .search import Trial, TrialState
from .space import Parameter, Range, Space
from .values import Value

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

__all__ = ["distributions", "identity", "importance", "open_study", "rounded", "trials_of"]

NAME = "plait"
STARTUP = 8
"""Trials drawn at random before the sampler draws by what it has seen."""
LOOKS = 3
"""Looks at validation of a training before it may be pruned: the first epochs say little."""


@contextmanager
def open_study(path: Path, identity: dict[str, str], seed: int) -> Iterator[Study]:
    """The study of a file, made if it is not there; trials that were running when a process died are marked failed.

    Args:
        path: the SQLite file.
        identity: what all its trials share, by what it is called, each as a digest.
        seed: of the sampler.

    Raises:
        ConfigError: if Optuna is missing, the file is no study or one of something else, or another process is at it.
    """
    optuna = _optuna()
    from sqlalchemy.exc import DBAPIError

    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            "another process is tuning by this study; wait for it, or name another file", path=path
        ) from None
    try:
        with _quiet(optuna):
            try:
                study = optuna.create_study(
                    study_name=NAME, storage=_storage(path), load_if_exists=True, direction="maximize"
                )
            except (DBAPIError, RuntimeError) as error:
                raise ConfigError("this file is no study that can be gone on with; name another", path=path) from error
            _check(study, identity, path)
            _bury(study)
            # The same seed again would draw the same first trials again after every start.
            study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=STARTUP)
            study.pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP // 2, n_warmup_steps=LOOKS)
            yield study
    finally:
        lock.release()


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("tuning needs Optuna: pip install 'plait[tune]'") from error
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without a line of log for every trial, and without warnings of what is new in Optuna."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _storage(path: Path) -> Any:
    import optuna
    from sqlalchemy.pool import NullPool

    # Opened by us: in an address a "?" of the path would begin options.
    options = {"creator": lambda: sqlite3.connect(path, timeout=60), "poolclass": NullPool}
    return optuna.storages.RDBStorage("sqlite://", engine_kwargs=options)


def identity(config: Config, space: Space, signal: str) -> dict[str, str]:
    """What all trials of a study must share: digests of configuration, data, space and what is measured."""
    told = {name: p.model_dump(mode="json") if isinstance(p, Range) else list(p) for name, p in space.items()}
    # Where it runs, and by how many threads, may change between two runs.
    settings = config.model_dump_json(exclude={"device", "threads"})
    parts = {
        "configuration": settings,
        "data": json.dumps(fingerprint(config), sort_keys=True),
        "space": json.dumps(told, sort_keys=True),
        "signal": signal,
    }
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in parts.items()}


def _check(study: Study, identity: dict[str, str], path: Path) -> None:
    known = study.user_attrs.get("identity")
    if known is None and not study.trials:
        study.set_user_attr("identity", identity)
        return
    differing = [name for name, digest in identity.items() if (known or {}).get(name) != digest]
    if differing:
        raise ConfigError(
            f"this study is of another {' and '.join(differing)}; name another file, or remove this one", path=path
        )


def _bury(study: Study) -> None:
    """Mark failed what was running when a process died: the lock says that none is."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space in Optuna's terms."""
    return {key: _distribution(parameter) for key, parameter in space.items()}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(parameter, Range):
        return CategoricalDistribution(parameter)
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def trials_of(study: Study) -> tuple[Trial, ...]:
    """The finished trials of a study."""
    from optuna.trial import TrialState as State

    states: dict[State, TrialState] = {State.COMPLETE: "complete", State.PRUNED: "pruned", State.FAIL: "failed"}
    return tuple(
        Trial(
            trial.number,
            states[trial.state],
            trial.value if trial.state == State.COMPLETE else None,
            rounded(trial.params),
            trial.duration.total_seconds() if trial.duration else math.nan,
            str(trial.user_attrs.get("reason", "")),
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.state in states
    )


def rounded(drawn: Mapping[str, Any]) -> dict[str, Value]:
    """Values as they are tried and written: what the sampler drew, in five digits."""
    return {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in drawn.items()}


def importance(study: Study) -> dict[str, float]:
    """How much each key matters for the metric among the trials, by PED-ANOVA; empty where too few tell."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    values = {trial.value for trial in trials_of(study) if trial.state == "complete"}
    if len(values) < 4:
        return {}
    try:
        return dict(get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()))
    except (ValueError, RuntimeError):  # of trials that tell nothing
        return {}
