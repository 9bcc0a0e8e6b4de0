"""What is kept of each user comes back, and models are compared only where it means something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.fusion.evaluation import Evaluation, PerUser, digest_of_test, read_per_user, write_per_user
from plait.fusion.evaluation import compare as module
from plait.fusion.evaluation.compare import compare, compare_seeds
from plait.fusion.storage import Record
from plait.kg import ConfigError, IdMap, Interactions, ModelError
from plait.loaders import Split

Make = Callable[..., Path]
CONFIG: dict[str, Any] = {
    "data": {"interactions": {"path": "/log.csv", "min_weight": None}, "filters": None},
    "split": {"strategy": "leave_last_out", "test_path": None},
    "evaluation": {"ks": [5, 3]},
    "seed": 0,
}


def figures(users: list[str], **scorers: list[float]) -> PerUser:
    values = {
        name: {"ndcg@5": np.array(v, np.float32), "recall@5": np.array(v, np.float32) / 2}
        for name, v in scorers.items()
    }
    return PerUser(pa.array(users, pa.large_string()), values)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Folders with what a comparison reads: figures of users in Parquet, and a record."""
    records: dict[Path, Record] = {}

    def make(name: str, kept: PerUser | None, digest: str = "a", **config: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        if kept is not None:
            write_per_user(kept, folder)
        settings = json.loads(json.dumps({**CONFIG, **config}))
        details = {"data": {"/log.csv": digest, "/graph.nt": name}, "held_out": digest}
        records[folder] = Record(settings, Evaluation((), {}, {}), details if digest else {})
        return folder

    # A whole model is compared in tests/commands; here only what a folder tells of itself stands in for it.
    monkeypatch.setattr(module, "read_record", lambda folder: records[folder])
    return make


def test_the_figures_of_users_come_back(tmp_path: Path) -> None:
    kept = figures(["7", "007", 'é "x"'], blend=[0.5, 0.25, np.nan], ease=[0, 1, 0.125])
    write_per_user(kept, tmp_path)
    again = read_per_user(tmp_path)
    assert again is not None
    assert again.users.equals(kept.users)
    assert again.scorers == ("blend", "ease")
    for scorer, metrics in kept.values.items():
        for metric, column in metrics.items():
            np.testing.assert_array_equal(again.values[scorer][metric], column)
    users = IdMap(['é "x"', "nobody", "007"])
    np.testing.assert_array_equal(again.of(users, "ease", "recall@5"), [0.0625, np.nan, 0.5])


def test_no_figures_and_damaged_ones(tmp_path: Path) -> None:
    assert read_per_user(tmp_path) is None
    write_per_user(PerUser(pa.array([], pa.large_string()), {"a": {"ndcg@5": np.zeros(0, np.float32)}}), tmp_path)
    assert len(read_per_user(tmp_path).users) == 0  # type: ignore[union-attr]
    (tmp_path / "per_user.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ModelError, match="damaged"):
        read_per_user(tmp_path)
    rows = {"user": ["a", "b", "a", "b"], "scorer": ["x", "y", "x", "y"], "ndcg@5": [0.0, 1, 2, 3]}
    pq.write_table(pa.table(rows), tmp_path / "per_user.parquet")
    with pytest.raises(ModelError, match="do not follow one another"):
        read_per_user(tmp_path)


def test_users_are_paired_by_id_whatever_their_order(model: Make) -> None:
    a = model("a", figures(["x", "y", "z"], blend=[0.1, 0.5, 0.9]))
    b = model("b", figures(["z", "w", "x"], blend=[0.3, 0.7, 0.2]))
    found = compare([a, b])
    assert (found.metric, found.users, found.left_out) == ("ndcg@5", 2, 2)
    assert [(one.name, one.runs) for one in found.contenders] == [("a", 1), ("b", 1)]
    assert [one.mean for one in found.contenders] == pytest.approx([(0.1 + 0.9) / 2, (0.2 + 0.3) / 2])
    first, second, pair = found.pairs[0]
    assert (first, second, pair.better, pair.worse) == ("a", "b", 1, 1)
    assert pair.difference == pytest.approx(0.5 - 0.25)


def test_every_two_are_tested_and_corrected_together(model: Make) -> None:
    rng = np.random.default_rng(0)
    base, users = rng.random(60), [f"u{n}" for n in range(60)]
    folders = [
        model(f"m{n}", figures(users, blend=(base + n * 0.02 + 0.1 * rng.random(60)).tolist())) for n in range(3)
    ]
    found = compare(folders, metric="recall@5")
    assert [(a, b) for a, b, _ in found.pairs] == [("m0", "m1"), ("m0", "m2"), ("m1", "m2")]
    smallest = min(pair.p for *_, pair in found.pairs)
    assert min(pair.adjusted for *_, pair in found.pairs) == pytest.approx(3 * smallest)
    json.dumps(found.as_record())


def test_scorers_of_one_model(model: Make) -> None:
    a = model("a", figures(["x", "y"], blend=[0.5, 0.5], ease=[0.25, 0.5]))
    found = compare([a], scorers=["blend", "ease"])
    assert [one.name for one in found.contenders] == ["a blend", "a ease"]
    assert found.pairs[0][2].difference == pytest.approx(0.125)


def test_seeds_are_averaged_for_each_user(model: Make) -> None:
    users = ["x", "y", "z"]
    first = [
        model(f"a/{n}", figures(users, blend=row), seed=n) for n, row in enumerate([[0.1, 0.2, 0.6], [0.3, 0.2, 0.4]])
    ]
    second = [
        model(f"b/{n}", figures(users, blend=row), seed=n) for n, row in enumerate([[0.1] * 3, [0.3] * 3, [0.2] * 3])
    ]
    found = compare_seeds(first, second)
    assert [(one.runs, one.mean, one.spread) for one in found.contenders] == [
        (2, pytest.approx(0.3), pytest.approx(0, abs=1e-7)),
        (3, pytest.approx(0.2), pytest.approx(np.std([0.1, 0.3, 0.2], ddof=1))),
    ]
    pair = found.pairs[0][2]
    # By user 0.2, 0.2, 0.5 against 0.2 each: nobody but z tells them apart.
    assert (pair.difference, pair.better, pair.worse) == (pytest.approx(0.1), 1, 0)


def test_seeds_of_two_configurations_may_be_called_alike(model: Make) -> None:
    first, second = (
        [model(f"{side}/seed-{n}", figures(["x", "y"], blend=[0.1, value]), seed=n) for n in range(2)]
        for side, value in (("a", 0.3), ("b", 0.2))
    )
    found = compare_seeds(first, second)
    assert [one.name for one in found.contenders] == ["a/seed-0, a/seed-1", "b/seed-0, b/seed-1"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({}, r"b: has other test interactions than .*a \(the log itself was another\), so its users"),
        ({"split": {"strategy": "temporal", "test_path": None}}, r"\(by split\)"),
        ({"data": {**CONFIG["data"], "filters": {"min_user": 3}}}, r"\(by data\.filters\)"),
        ({"split": {"strategy": "random"}, "seed": 7}, r"\(by split, the seed of a random split\)"),
    ],
)
def test_models_that_hold_out_other_things_are_not_compared(model: Make, other: dict[str, Any], message: str) -> None:
    a, b = model("a", figures(["x"], blend=[0.1])), model("b", figures(["x"], blend=[0.2]), "b", **other)
    with pytest.raises(ConfigError, match=message):
        compare([a, b])
    with pytest.raises(ConfigError, match=message):
        compare_seeds([a], [b])


def test_what_was_held_out_counts_and_not_how_it_came_about(model: Make) -> None:
    split = {"strategy": "given", "test_path": "/copy/of/test.csv"}
    a, b = model("a", figures(["x"], blend=[0.1])), model("b", figures(["x"], blend=[0.1]), split=split, seed=3)
    assert compare([a, b]).users == 1
    with pytest.raises(ModelError, match="c: does not say what it was measured on"):
        compare([a, model("c", figures(["x"], blend=[0.1]), "")])


def test_the_digest_is_of_ids_whatever_their_numbers() -> None:
    def split(users: list[str], items: list[str], pairs: list[tuple[str, str]]) -> Split:
        ids = IdMap(users), IdMap(items)
        none = Interactions.sorted(*ids, np.zeros(0, np.int64), np.zeros(0, np.int64))
        test = Interactions.sorted(*ids, *np.array([(ids[0].number(u), ids[1].number(i)) for u, i in pairs]).T)
        return Split(none, none, test)

    pairs = [("u1", "a"), ("u1", "b"), ("u22", "a")]
    one = digest_of_test(split(["u1", "u22"], ["a", "b"], pairs))
    assert one == digest_of_test(split(["u22", "x", "u1"], ["b", "q", "a"], pairs[::-1]))
    others = [pairs[:2], [("u1", "a"), ("u1", "b"), ("u22", "b")], [("u12", "a"), ("u1", "b"), ("u2", "a")]]
    found = {digest_of_test(split(["u1", "u22", "u12", "u2"], ["a", "b"], other)) for other in others}
    assert len(found | {one}) == 4


def test_what_cannot_be_compared_is_told(model: Make) -> None:
    a = model("a", figures(["x"], blend=[0.1]))
    with pytest.raises(ConfigError, match="one side alone"):
        compare([a])
    with pytest.raises(ConfigError, match="named twice"):
        compare([a, a])
    with pytest.raises(ConfigError, match="no test user in common"):
        compare([a, model("b", figures(["y"], blend=[0.1]))])
    with pytest.raises(ConfigError, match="no scorer 'gnn'; there is blend"):
        compare([a], scorers=["gnn", "blend"])
    with pytest.raises(ConfigError, match="'map@5' was not kept for each user; there is ndcg@5, recall@5"):
        compare([a], scorers=["blend", "blend "], metric="map@5")
    with pytest.raises(ModelError, match="keeps no figures"):
        compare([a, model("old", None)])
    with pytest.raises(ConfigError, match="name the models"):
        compare([])
