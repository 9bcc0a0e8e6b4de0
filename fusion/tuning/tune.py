"""The search for a better configuration: one trial after another, until there are enough or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...kg import ConfigError, PlaitError, Progress, SilentProgress, Stage
from ..config import Config
from ..stages import Stages
from .fitted import Reports
from .objective import BLEND, check_signal, objective
from .prepared import NotingProgress, Prepared
from .search import Search
from .space import Space
from .study import distributions, identity, importance, open_study, rounded, trials_of
from .values import with_values

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["tune"]

MOST_FAILURES = 5
"""Trials that may fail one after another: more of them would fail too."""

Objective = Callable[[Config, Reports | None, Stages], float]


def tune(
    config: Config,
    space: Space,
    study: Path,
    *,
    trials: int = 30,
    minutes: float | None = None,
    signal: str = BLEND,
    progress: Progress | None = None,
) -> Search:
    """Search a space for what validates best, beginning with the configuration as it stands.

    Every trial trains on the same data, read once, and is measured on the same validation users; test is not looked at.
    A training of the graph net (or of the signal looked at alone) that is behind the median of earlier ones at the same look
    is ended early, and its trial with it. Ctrl-C ends the
    search; what was found so far is given, and the study goes on from there when the same is asked again.

    Args:
        config: what is varied.
        space: keys and the values they may take.
        study: the SQLite file of the study; one that is there is gone on with.
        trials: how many there shall be in the study, those of earlier runs and those pruned included, failed ones not.
        minutes: after which no trial is begun, and a running one is ended at its next look at validation.
        signal: "blend", or the name of the signal to look at alone, which is faster.
        progress: told about reading, and about the search.

    Raises:
        ConfigError: if the study is one of something else, or trials fail one after another.
        PlaitError: if configuration or data cannot be used.
    """
    check_signal(signal)
    listener = progress or SilentProgress()
    with open_study(study, identity(config, space, signal), config.seed) as opened:
        prepared = Prepared.read(config, progress=listener)
        prepared.texts(config)

        def measure(tried: Config, reports: Reports | None, stages: Stages) -> float:
            return objective(tried, prepared, reports, signal=signal, stages=stages)

        until = None if minutes is None else time.monotonic() + 60 * minutes
        with listener.stage("tune", trials) as stage:
            ended = _Loop(config, space, opened, measure, stage, trials, until).run()
            what = "the blend" if signal == BLEND else signal
            metric = f"NDCG@{config.evaluation.ks[0]} of {what} on validation"
            baseline = float(opened.user_attrs["baseline"])
            found = Search(metric, baseline, space, trials_of(opened), importance(opened), ended)
            stage.result(_told(found))
    return found


@dataclass
class _Loop:
    """The trials of one run."""

    config: Config
    space: Space
    study: Study
    measure: Objective
    stage: Stage
    trials: int
    until: float | None

    def run(self) -> str:
        """Try until there is enough of it; why it ended."""
        if "baseline" not in self.study.user_attrs:
            # Of a search without anything to compare with nothing could be said: Ctrl-C here ends it all.
            value = self.measure(self.config, None, self._stages("as it stands"))
            self.study.set_user_attr("baseline", value)
        failures = 0
        try:
            while self._done() < self.trials:
                if self._late():
                    return "the time was up"
                failures = 0 if self._one() else failures + 1
                if failures == MOST_FAILURES:
                    reason = trials_of(self.study)[-1].reason
                    raise ConfigError(f"{failures} trials failed one after another, the last one so: {reason}")
        except KeyboardInterrupt:
            return "interrupted"
        return "all trials are done"

    def _one(self) -> bool:
        """One trial; whether it did not fail."""
        from optuna import TrialPruned
        from optuna.trial import TrialState

        trial = self.study.ask(distributions(self.space))
        stages = self._stages(f"trial {trial.number}")

        def compared(look: int, value: float) -> None:
            trial.report(value, look)
            if trial.should_prune() or self._late():
                raise TrialPruned

        def others(look: int, value: float) -> None:
            if self._late():
                raise TrialPruned

        try:
            tried = with_values(self.config, rounded(trial.params))
            value = self.measure(tried, Reports(compared, others), stages)
        except TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED)
        except (PlaitError, MemoryError) as error:
            trial.set_user_attr("reason", str(error) or "out of memory")
            self.study.tell(trial, state=TrialState.FAIL)
            return False
        except BaseException as error:
            trial.set_user_attr("reason", "interrupted" if isinstance(error, KeyboardInterrupt) else repr(error))
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            self.study.tell(trial, value)
        return True

    def _late(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until

    def _done(self) -> int:
        return sum(trial.state != "failed" for trial in trials_of(self.study))

    def _stages(self, run: str) -> Stages:
        """Stages that are told as notes of the search, beside the best so far."""
        values = [trial.value for trial in trials_of(self.study) if trial.value is not None]
        best = f" (best {max(values):.4f})" if values else ""
        return Stages(NotingProgress(self.stage, self._done(), self.trials, run + best))


def _told(search: Search) -> str:
    complete, pruned, failed = (search.count(state) for state in ("complete", "pruned", "failed"))
    best = search.best
    found = "nothing better" if best is None else f"{best.value:.4f} in trial {best.number}"
    less = f", {failed} failed" if failed else ""
    return f"{complete} trials, {pruned} pruned{less}; {search.baseline:.4f} as it stands, {found}; {search.ended}"
