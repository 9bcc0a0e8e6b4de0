"""Slices: who is in which group, figures by hand, and that the parts make up the whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from plait.fusion.evaluation import (
    EvaluationConfig,
    Facts,
    Groups,
    HeldOut,
    SliceConfig,
    evaluate,
    largest_gap,
)
from plait.fusion.evaluation.attributes import user_groups
from plait.fusion.evaluation.beyond import listed
from plait.fusion.evaluation.categories import categories
from plait.fusion.evaluation.groups import by_length, by_popularity
from plait.fusion.evaluation.slices import Slice, item_slices, user_slices
from plait.fusion.signals.signal import Audience, Scores
from plait.kg import ConfigError, DataError, IdMap, Interactions, ItemGraph
from plait.loaders import Split

Build = Callable[..., ItemGraph]


def members(groups: Groups) -> dict[str, list[int]]:
    dense = groups.member.toarray()
    return {name: np.flatnonzero(dense[:, at]).tolist() for at, name in enumerate(groups.names)}


def test_hot_items_have_half_of_all_interactions() -> None:
    # 20 in all: 3 with 8 and 1 with 5 have 13, and 3 alone has less than half.
    found = members(by_popularity(np.array([2, 5, 0, 8, 3, 0, 2])))
    assert found == {"hot": [1, 3], "warm": [0, 4, 6], "cold": [2, 5]}
    assert members(by_popularity(np.zeros(3, dtype=int)))["cold"] == [0, 1, 2]


def test_spans_of_lengths() -> None:
    found = members(by_length(np.array([0, 1, 2, 3, 5, 6, 10, 11, 50, 51, 900])))
    assert found == {
        "1": [1],
        "2": [2],
        "3 to 5": [3, 4],
        "6 to 10": [5, 6],
        "11 to 20": [7],
        "21 to 50": [8],
        "51 or more": [9, 10],
    }


def test_the_largest_groups_come_first_and_empty_ones_not_at_all() -> None:
    groups = Groups.of(["a", "b", "c", "d"], np.array([2, 2, 0, -1, 2, 0, 1])).largest(3)
    assert members(groups) == {"c": [0, 1, 4], "a": [2, 5], "b": [6]}
    assert Groups.of(["a", "b"], np.array([1, 1])).largest(9).names == ("b",)


def test_user_slices_by_hand() -> None:
    groups = Groups.of(["x", "y", "z"], np.array([0, 1, 0, 0, -1]))
    found = {one.name: one for one in user_slices("kind", groups, {"ndcg@3": np.array([0.2, 0.5, 0.4, np.nan, 9])})}
    assert set(found) == {"x", "y"}
    assert (found["x"].users, found["x"].metrics["ndcg@3"]) == (2, pytest.approx(0.3))
    assert found["x"].errors["ndcg@3"] == pytest.approx(np.std([0.2, 0.4], ddof=1) / np.sqrt(2))
    assert found["y"].errors == {}
    assert largest_gap(tuple(found.values()), "kind", "ndcg@3") == pytest.approx(0.2)
    assert np.isnan(largest_gap([found["x"]], "kind", "ndcg@3"))


def test_item_slices_by_hand() -> None:
    groups = Groups.of(["a", "b", "c"], np.array([0, 0, 1, 1, 2]))
    lists = listed(np.array([[0, 2], [2, 4], [1, 3]]), 5, 2)
    relevant = sp.csr_array(np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 0], [1, 0, 0, 0, 0]], dtype=np.float32))
    hits = listed(np.array([[0, 2], [2, -1], [-1, -1]]), 5, 2)
    found = {one.name: one for one in item_slices("kind", groups, lists, hits, relevant, 2)}
    # a: user 0 finds 1 of 2, user 2 none of 1. b: user 0 all of 1, user 1 1 of 2. c: relevant to nobody.
    assert found["a"].metrics["recall@2"] == pytest.approx((1 / 2 + 0) / 2)
    assert found["b"].metrics["recall@2"] == pytest.approx((1 + 1 / 2) / 2)
    assert (found["c"].users, "recall@2" in found["c"].metrics) == (0, False)
    shares = {
        name: [one.metrics[key] for key in ("exposure@2", "catalogue", "relevance")] for name, one in found.items()
    }
    assert shares["a"] == pytest.approx([2 / 6, 2 / 5, 3 / 6])
    assert shares["b"] == pytest.approx([3 / 6, 2 / 5, 3 / 6])
    assert shares["c"] == pytest.approx([1 / 6, 1 / 5, 0])


def test_a_category_is_the_commonest_relation_of_few_values(item_graph: Build) -> None:
    rare = [(item, "colour", 8 + item % 2) for item in range(3)]
    kind = [(10 + item % 3, "holds", item) for item in range(8)]  # The entity is the head here.
    each = [(item, "serial", 13 + item) for item in range(8)] * 2  # As many values as items: none is a category.
    names = ["red", "blue", "X", "Y", "Z", *(f"s{n}" for n in range(8))]
    graph = item_graph(8, names, [*rare, *kind, *each])
    assert members(categories(graph)) == {"X": [0, 3, 6], "Y": [1, 4, 7], "Z": [2, 5]}  # type: ignore[arg-type]
    assert members(categories(graph, "colour")) == {"red": [0, 2], "blue": [1]}  # type: ignore[arg-type]
    # The fixture's entities are of a type each.
    assert members(categories(graph, "blue")) == {"blue": [1]}  # type: ignore[arg-type]
    assert categories(graph, "") is None
    assert categories(item_graph(8, names, each)) is None
    with pytest.raises(ConfigError, match=r"'size'; relations are colour, holds, serial"):
        categories(graph, "size")


def table(folder: Path, text: str, **more: str) -> SliceConfig:
    (folder / "users.csv").write_text(text, encoding="utf-8")
    return SliceConfig(users=folder / "users.csv", attribute="region", **more)


def test_an_attribute_of_the_users(tmp_path: Path) -> None:
    users = IdMap(["7", "007", "é", "x"])
    config = table(tmp_path, "region,user_id\nnorth,007\nsouth,7\n,é\nnorth,stranger\n")
    assert members(user_groups(config, users)) == {"north": [1], "south": [0]}  # type: ignore[arg-type]
    assert user_groups(SliceConfig(), users) is None


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("region,name\nnorth,u0\n", {}, "no column of user ids; name it as evaluation.slices.user"),
        ("area,user_id\nnorth,u0\n", {}, "no column 'region'"),
        ("region,user_id\nnorth,9\n", {}, "knows none of the users: the log's are called such as 'u0', here '9'"),
        ("region,user_id\nnorth,u1\nnorth,u0\nsouth,u0\n", {}, "names user 'u0' twice in 'user_id'"),
        ("region,user_id\nnorth,u0\n", {"user": "uid"}, "no column 'uid'"),
    ],
)
def test_a_table_of_users_that_cannot_be(tmp_path: Path, text: str, more: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        user_groups(table(tmp_path, text, **more), IdMap(["u0", "u1"]))


def test_rows_without_a_user_or_a_value_say_nothing_and_lists_are_refused(tmp_path: Path) -> None:
    users = IdMap(["a", "b", "c"])
    path = tmp_path / "users.parquet"

    def groups(values: pa.Array, ids: list[str | None]) -> Groups | None:
        pq.write_table(pa.table({"user_id": pa.array(ids, pa.string()), "age": values}), path)
        return user_groups(SliceConfig(users=path, attribute="age"), users)

    found = groups(pa.array([30.0, float("nan"), 41.0, 7.0]), ["a", "b", None, None])
    assert members(found) == {"30": [0]}  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"users\.parquet: the attribute column holds list<"):
        groups(pa.array([[1], [2]]), ["a", "b"])


def test_a_table_and_its_column_go_together() -> None:
    with pytest.raises(ValueError, match="go together"):
        SliceConfig(attribute="region")


@pytest.fixture
def split() -> Split:
    """60 users, 23 items; some users come after the training, some items too."""
    rng = np.random.default_rng(3)
    users, items = IdMap([f"u{n}" for n in range(60)]), IdMap([f"i{n}" for n in range(23)])
    cells = [(u, int(i), at) for u in range(60) for at, i in enumerate(rng.permutation(23)[: 4 + u % 7])]

    def part(wanted: Callable[[int, int, int], bool]) -> Interactions:
        user, item, _ = np.array([cell for cell in cells if wanted(*cell)]).T
        return Interactions.sorted(users, items, user, item)

    first = part(lambda u, i, at: u < 40 and at < 2 and i < 20)
    return Split(first, part(lambda u, _, at: u < 50 and at == 2), part(lambda _, __, at: at == 3))


def by_popularity_of(split: Split) -> Callable[[Audience, sp.csr_array], Scores]:
    counts = np.bincount(split.train.item, minlength=23).astype(np.float32)
    return lambda audience, _: np.tile(counts, (len(audience), 1))


def test_an_evaluation_has_slices_and_its_users_fall_into_them(split: Split, item_graph: Build) -> None:
    graph = item_graph(23, ["A", "B", "C"], [(item, "kind", 23 + item % 3) for item in range(23)])
    config = EvaluationConfig(ks=(5, 3))
    facts = Facts.of(split, config, graph, np.eye(23, 4, dtype=np.float32))
    row = evaluate({"popular": by_popularity_of(split)}, split, config, ["test"], facts).row("popular", "test")
    slices = {(one.by, one.name): one for one in row.slices}
    held = HeldOut.of(split, "test")
    hot = int((np.bincount(split.train.user, minlength=60)[held.users] > 0).sum())
    assert slices["users", "hot"].users == hot
    assert slices["users", "warm"].users == len(held.users) - hot
    assert slices["users", "cold"].users == held.cold > 0
    for by in ("users", "history length"):
        groups = [one for (kind, name), one in slices.items() if kind == by and name != "cold"]
        whole = sum(one.users * one.metrics["ndcg@5"] for one in groups) / len(held.users)
        assert whole == pytest.approx(row.metrics["ndcg@5"])
    for by in ("items", "category"):
        groups = [one for (kind, _), one in slices.items() if kind == by]
        for share in ("exposure@5", "catalogue", "relevance"):
            assert sum(one.metrics[share] for one in groups) == pytest.approx(1)
    # What is popular is hot, and what is cold is never recommended here.
    assert slices["items", "cold"].metrics["recall@5"] == 0
    assert slices["items", "hot"].metrics["exposure@5"] > slices["items", "hot"].metrics["catalogue"]
    assert row.metrics["popularity_lift@5"] > 0
    assert {"gini@3", "novelty@3", "diversity_entities@3", "diversity_text@3", "calibration@3"} <= set(row.metrics)
    assert Slice.from_record(vars(slices["items", "hot"])) == slices["items", "hot"]


def test_without_a_graph_nothing_is_said_of_it(split: Split) -> None:
    row = evaluate({"p": by_popularity_of(split)}, split, EvaluationConfig(ks=(3,)), ["test"]).row("p", "test")
    assert {one.by for one in row.slices} == {"users", "history length", "items"}
    assert {"novelty@3", "gini@3"} <= set(row.metrics)
    assert not {"calibration@3", "diversity_entities@3", "diversity_text@3"} & set(row.metrics)


def test_an_attribute_gives_slices_with_a_gap(split: Split) -> None:
    facts = Facts(
        np.bincount(split.train.item, minlength=23),
        np.bincount(split.train.user, minlength=60),
        attribute=Groups.of(["even", "odd"], np.arange(60) % 2),
    )
    # A scorer that knows the answers of even users alone.
    answers = split.relevant("test").toarray()
    answers[1::2] *= -1
    row = evaluate({"x": lambda a, _: answers[a.numbers]}, split, EvaluationConfig(ks=(3,)), ["test"], facts).row(
        "x", "test"
    )
    found = {one.name: one for one in row.slices if one.by == "user attribute"}
    assert found["even"].metrics["ndcg@3"] == 1
    assert largest_gap(row.slices, "user attribute", "ndcg@3") == pytest.approx(1 - found["odd"].metrics["ndcg@3"])
    assert found["odd"].metrics["ndcg@3"] < 0.5
