"""The search: it measures what training measures, ends as told, survives Ctrl-C and a kill, and never sees test."""

from __future__ import annotations

import signal as signals
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.fusion import Config, Ease, read_config
from plait.fusion.evaluation import HeldOut
from plait.fusion.signals.item_entities import item_entities
from plait.fusion.stages import Stages
from plait.fusion.tuning import Prepared, Range, default_space, objective, tune, with_values
from plait.fusion.tuning.fitted import Reports
from plait.kg import ConfigError, SilentProgress

EASE = {"ease.l2": Range(low=1, high=1000, log=True)}
NET = {"gnn.learning_rate": Range(low=1e-5, high=5e-2, log=True)}


def _stages() -> Stages:
    return Stages(SilentProgress())


@pytest.fixture(scope="module")
def prepared(bare: Path) -> Prepared:
    return Prepared.read(read_config(bare))


@pytest.mark.parametrize("methods", [("weights",), ("gate",)])
def test_the_blend_is_measured_as_in_training(config: Config, prepared: Prepared, methods: tuple[str, ...]) -> None:
    """By cross-validation, and not by those it was chosen on."""
    blend = config.blend.model_copy(update={"methods": methods, "l2": (1e-2,)})
    asked = config.model_copy(update={"blend": blend})
    trained = plait.train(asked)
    told = trained.record.details["blend"]
    assert told["method"].split(",")[0] == methods[0]
    value = objective(asked, prepared, stages=_stages())
    assert value == pytest.approx(told["metric"][told["method"]], abs=1e-9)
    measured = trained.evaluation.row("blend", "valid").metrics["ndcg@10"]
    assert value < measured - 1e-3


def test_ease_is_measured_by_what_was_drawn(config: Config, tmp_path: Path, prepared: Prepared) -> None:
    found = tune(config, EASE, tmp_path / "s.db", trials=4, signal="ease")
    split, entities = prepared.split, item_entities(prepared.catalogue.graph)
    held = HeldOut.of(split, "valid")
    assert config.ease is not None
    for trial in found.complete:
        l2 = trial.values["ease.l2"]
        assert isinstance(l2, float)
        # The choice among the other settings is training's own.
        both = [
            Ease.fit(split.positives().matrix(), entities, l2=l2, entity_weight=weight, dropout=dropout)
            for weight in config.ease.entity_weight
            for dropout in config.ease.dropout
        ]
        assert trial.value == pytest.approx(max(held.ndcg(m.score(held.audience()), 10) for m in both), abs=1e-6)
    assert len({trial.value for trial in found.complete}) > 1
    assert found.count("complete") == 4
    assert found.metric == "NDCG@10 of ease on validation"


def test_test_data_changes_nothing(config: Config, prepared: Prepared) -> None:
    rng = np.random.default_rng(0)
    test = prepared.split.test
    other = replace(prepared.split, test=replace(test, item=rng.permutation(test.item)))
    assert not np.array_equal(other.test.item, test.item)
    blind = Prepared(config, other, prepared.catalogue, HeldOut.of(other, "valid"), _stages())
    assert objective(config, blind, stages=_stages()) == objective(config, prepared, stages=_stages())


def test_what_did_not_change_is_not_fitted_again(config: Config, prepared: Prepared) -> None:
    names: list[str] = []

    class Listening(SilentProgress):
        @contextmanager
        def stage(self, name: str, total: int | None = None) -> Iterator[plait.kg.Stage]:
            names.append(name)
            with super().stage(name, total) as stage:
                yield stage

    for step in (0.5, 0.25, 1.0):
        objective(with_values(config, {"blend.step": step, "ease.l2": 33}), prepared, stages=Stages(Listening()))
    assert names.count("fit ease") == 1
    assert names.count("weigh signals") == 3
    assert objective(with_values(config, {"ease.l2": 33}), prepared, signal="ease", stages=_stages()) != objective(
        with_values(config, {"ease.l2": 1}), prepared, signal="ease", stages=_stages()
    )


def test_trials_are_compared_by_the_net_alone(config: Config, prepared: Prepared) -> None:
    # EASE, fitted on a grid, would report as the first looks of the net, and hide one that is hopeless.
    told: list[tuple[str, int]] = []
    reports = Reports(
        compared=lambda look, _: told.append(("net", look)), others=lambda look, _: told.append(("other", look))
    )
    asked = with_values(config, {"gnn.learning_rate": 0.003})
    ease = asked.ease
    assert ease is not None
    asked = asked.model_copy(update={"ease": ease.model_copy(update={"l2": (1.0, 30.0)})})
    objective(asked, prepared, reports, stages=_stages())
    looks = asked.gnn.epochs // asked.gnn.evaluate_every
    assert told == [("net", look + 1) for look in range(looks)] + [("other", 1), ("other", 2)]


def test_a_training_that_is_behind_is_ended(config: Config, tmp_path: Path) -> None:
    slow = config.model_copy(update={"gnn": config.gnn.model_copy(update={"epochs": 10, "patience": 20})})
    found = tune(slow, NET, tmp_path / "s.db", trials=14, signal="gnn")
    assert found.count("pruned") >= 1
    assert found.count("pruned") + found.count("complete") == 14
    complete, pruned = (
        np.median([t.seconds for t in found.trials if t.state == state]) for state in ("complete", "pruned")
    )
    assert pruned < complete


class _Pressing(SilentProgress):
    """Presses Ctrl-C at the n-th news that a word stands in."""

    def __init__(self, word: str, at: int) -> None:
        self.word, self.left = word, at

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[_Pressing]:  # type: ignore[override]
        yield self

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        self.left -= self.word in note
        if self.left == 0:
            self.left = -1
            raise KeyboardInterrupt

    def result(self, text: str) -> None:
        pass


def test_ctrl_c_keeps_what_was_found_and_the_same_again_goes_on(config: Config, tmp_path: Path) -> None:
    first = tune(config, EASE, tmp_path / "s.db", trials=5, signal="ease", progress=_Pressing("trial 2", 2))
    assert first.ended == "interrupted"
    assert [(t.state, t.reason) for t in first.trials] == [
        ("complete", ""),
        ("complete", ""),
        ("failed", "interrupted"),
    ]
    again = tune(config, EASE, tmp_path / "s.db", trials=5, signal="ease")
    assert [t.state for t in again.trials] == ["complete", "complete", "failed", "complete", "complete", "complete"]
    assert again.trials[:3] == first.trials
    assert again.baseline == first.baseline
    assert tune(config, EASE, tmp_path / "s.db", trials=5, signal="ease").trials == again.trials


def test_ctrl_c_in_the_training_of_a_net_ends_the_search(config: Config, tmp_path: Path) -> None:
    found = tune(config, NET, tmp_path / "s.db", trials=5, signal="gnn", progress=_Pressing("trial 1", 4))
    assert (found.ended, [t.state for t in found.trials]) == ("interrupted", ["complete", "failed"])


def test_ctrl_c_before_the_first_measurement(config: Config, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tune(config, EASE, tmp_path / "s.db", signal="ease", progress=_Pressing("as it stands", 1))


def test_a_killed_search_is_gone_on_with(bare: Path, config: Config, tmp_path: Path) -> None:
    study = tmp_path / "s.db"
    code = (
        "import sys\nfrom pathlib import Path\nfrom plait.fusion import read_config\nfrom plait.fusion.tuning import *\n"
        "config = read_config(sys.argv[1])\n"
        "tune(config, {'ease.l2': Range(low=1, high=1000, log=True)}, Path(sys.argv[2]), trials=10000, signal='ease')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(bare), str(study)], stderr=subprocess.PIPE, text=True)
    try:
        _until(lambda: _finished(study) >= 2 or process.poll() is not None, 400)
    finally:
        process.send_signal(signals.SIGKILL)
        _, error = process.communicate()
    before = _finished(study)
    assert before >= 2, error
    found = tune(config, EASE, study, trials=before + 2, signal="ease")
    assert found.count("complete") == before + 2
    assert found.count("failed") <= 1


def _until(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)


def _finished(study: Path) -> int:
    if not study.is_file():
        return 0
    try:
        with sqlite3.connect(f"file:{study}?mode=ro", uri=True) as database:
            return int(database.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0])
    except sqlite3.OperationalError:  # no tables yet
        return 0


def test_when_the_time_is_up_nothing_more_is_begun(config: Config, tmp_path: Path) -> None:
    found = tune(config, EASE, tmp_path / "s.db", trials=50, minutes=0, signal="ease")
    assert (found.ended, found.trials, found.best) == ("the time was up", (), None)
    assert found.baseline > 0


def test_trials_that_all_fail_are_told_of(config: Config, tmp_path: Path) -> None:
    space = {"device": ("nonsense",)}  # past the check of keys: what a trial raises is its own
    with pytest.raises(ConfigError, match="device cannot be tuned"):
        tune(config, space, tmp_path / "s.db", trials=3, signal="ease")
    full = {"ease.max_items": (5,)}
    with pytest.raises(ConfigError, match="5 trials failed one after another, the last one so: EASE needs a matrix"):
        tune(config, full, tmp_path / "t.db", trials=9, signal="ease")


def test_a_signal_there_is_not(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no signal 'eas'; known are blend, popularity"):
        tune(config, EASE, tmp_path / "s.db", signal="eas")
    with pytest.raises(ConfigError, match="there is no text signal"):
        tune(config, EASE, tmp_path / "s.db", signal="text")
    assert "ease.l2" in default_space(config, "ease")
