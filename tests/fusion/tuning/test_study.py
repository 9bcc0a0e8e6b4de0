"""The study: what it refuses to go on with, and that a second start does not draw the first trials again."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import Config
from plait.fusion.tuning import Range, with_values
from plait.fusion.tuning.study import distributions, identity, importance, open_study, rounded, trials_of
from plait.kg import ConfigError

SPACE = {
    "gnn.dropout": Range(low=0, high=0.5),
    "gnn.layers": (1, 2, 3),
    "gnn.dimension": Range(low=4, high=9, whole=True),
}
SAME = {"configuration": "a", "data": "b"}


def _draw(path: Path, n: int) -> list[dict[str, object]]:
    with open_study(path, SAME, seed=5) as study:
        before = len(study.trials)
        for _ in range(n):
            trial = study.ask(distributions(SPACE))
            study.tell(trial, float(trial.params["gnn.dropout"]))
        return [dict(trial.values) for trial in trials_of(study)[before:]]


def test_a_second_start_draws_others(tmp_path: Path) -> None:
    first, second = _draw(tmp_path / "s.db", 3), _draw(tmp_path / "s.db", 3)
    assert [trial["gnn.dropout"] for trial in first] != [trial["gnn.dropout"] for trial in second]
    # A study of its own with the same seed draws the same.
    assert _draw(tmp_path / "other.db", 3) == first


def test_values_are_of_the_kind_of_their_range(tmp_path: Path) -> None:
    for values in _draw(tmp_path / "what? is & this#.db", 6):
        assert isinstance(values["gnn.dimension"], int)
        assert 4 <= values["gnn.dimension"] <= 9
        assert values["gnn.layers"] in (1, 2, 3)
        assert isinstance(values["gnn.dropout"], float)
    assert [path.name for path in tmp_path.glob("*.db")] == ["what? is & this#.db"]


def test_a_study_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    _draw(tmp_path / "s.db", 1)
    with (
        pytest.raises(ConfigError, match=r"s\.db: this study is of another data;"),
        open_study(tmp_path / "s.db", {**SAME, "data": "c"}, seed=5),
    ):
        pass


def test_what_tells_studies_apart(config: Config) -> None:
    known = identity(config, SPACE, "ease")
    assert identity(config.model_copy(update={"threads": 2}), SPACE, "ease") == known
    changed = [
        identity(with_values(config, {"gnn.dropout": 0.1}), SPACE, "ease"),
        identity(config, {**SPACE, "gnn.layers": (1, 2)}, "ease"),
        identity(config, SPACE, "gnn"),
    ]
    differing = [{name for name in known if other[name] != known[name]} for other in changed]
    assert differing == [{"configuration"}, {"space"}, {"signal"}]


def test_two_processes_do_not_share_a_study(tmp_path: Path) -> None:
    with (
        open_study(tmp_path / "s.db", SAME, seed=0),
        pytest.raises(ConfigError, match="another process is tuning"),
        open_study(tmp_path / "s.db", SAME, seed=0),
    ):
        pass


def test_a_file_that_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("my diary " * 500)
    with (
        pytest.raises(ConfigError, match="no study that can be gone on with"),
        open_study(tmp_path / "s.db", SAME, seed=0),
    ):
        pass
    assert (tmp_path / "s.db").read_text() == "my diary " * 500


def test_a_trial_that_ran_when_its_process_died_is_failed(tmp_path: Path) -> None:
    with open_study(tmp_path / "s.db", SAME, seed=0) as study:
        study.ask(distributions(SPACE))
        assert trials_of(study) == ()
    with open_study(tmp_path / "s.db", SAME, seed=0) as study:
        assert [trial.state for trial in trials_of(study)] == ["failed"]


def test_importance_finds_the_key_that_matters(tmp_path: Path) -> None:
    with open_study(tmp_path / "s.db", SAME, seed=0) as study:
        assert importance(study) == {}
        for _ in range(25):
            trial = study.ask(distributions(SPACE))
            study.tell(trial, -((float(trial.params["gnn.dropout"]) - 0.3) ** 2))
        shares = importance(study)
    assert max(shares, key=lambda key: shares[key]) == "gnn.dropout"
    assert sum(shares.values()) == pytest.approx(1)


def test_what_is_tried_has_five_digits() -> None:
    assert rounded({"a": 0.123456789, "b": 3, "c": "x", "d": 12345.678}) == {
        "a": 0.12346,
        "b": 3,
        "c": "x",
        "d": 12346.0,
    }
