"""What tuning makes high: the validation metric of the blend, or of one signal."""

from __future__ import annotations

from ...kg import ConfigError
from ..config import Config
from ..stages import Stages
from .fitted import SIGNALS, Given, Reports, fit_one, fit_signals, recency_of, weighed
from .prepared import Prepared

__all__ = ["BLEND", "check_signal", "objective"]

BLEND = "blend"


def objective(
    config: Config, prepared: Prepared, reports: Reports | None = None, *, signal: str = BLEND, stages: Stages
) -> float:
    """Validation NDCG at the first cut-off of what a configuration trains; test is never looked at.

    A signal is measured alone, with all items of a history weighing the same.

    Args:
        config: differs from the prepared one in how things are trained, not in the data.
        prepared: the data.
        reports: told every look at validation while signals are fitted; what it raises ends the trial.
        signal: "blend", or the name of a signal.
        stages: told about every stage.

    Raises:
        ConfigError: if nothing can be trained by the configuration.
    """
    given = Given(prepared.catalogue.graph, prepared.texts(config, stages))
    watched, k = prepared.watched, config.evaluation.ks[0]
    if signal != BLEND:
        fitted = fit_one(signal, config, prepared, given, stages, None if reports is None else reports.compared)
        if fitted is None:
            raise ConfigError(f"there is no {signal} signal: the data or the configuration has nothing to fit it on")
        return watched.ndcg(fitted.score(watched.audience()), k)
    signals = fit_signals(config, prepared, given, stages, reports)
    # Not measured anew: the blend was chosen by these very users, and is known by cross-validation.
    return weighed(config, signals, recency_of(config, signals, prepared, stages), prepared, given, stages)[1]


def check_signal(signal: str) -> None:
    """See that there is such a signal.

    Raises:
        ConfigError: if there is not.
    """
    if signal not in (BLEND, *SIGNALS):
        raise ConfigError(f"there is no signal {signal!r}; known are {', '.join((BLEND, *SIGNALS))}")
