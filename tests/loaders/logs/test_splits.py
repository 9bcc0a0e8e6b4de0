"""Splits: nothing held out is known beforehand, nothing is lost, and each strategy does what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plait.kg import ConfigError, IdMap, Interactions
from plait.loaders import DataConfig, Split, SplitConfig, assembled, read_split, split_interactions

USERS, ITEMS = IdMap([f"u{n}" for n in range(5)]), IdMap([f"i{n}" for n in range(9)])
Pair = tuple[int, int]
Row = tuple[int, int, float, float]
STRATEGIES = ["temporal", "temporal_per_user", "leave_last_out", "random"]


def log(rows: list[Row], *, timed: bool = True) -> Interactions:
    user, item, weight, time = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Interactions.sorted(
        USERS, ITEMS, user.astype(np.int64), item.astype(np.int64), weight.astype(np.float32), time if timed else None
    )


def split(part: Interactions, seed: int = 0, min_weight: float | None = None, **config: Any) -> Split:
    return split_interactions(part, SplitConfig(**config), min_weight=min_weight, rng=np.random.default_rng(seed))


def parts(made: Split) -> tuple[Interactions, Interactions, Interactions]:
    return made.train, made.valid, made.test


def pairs(of: Interactions | sp.csr_array) -> list[Pair]:
    rows, columns = (of.user, of.item) if isinstance(of, Interactions) else of.nonzero()
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def listed(part: Interactions) -> list[Row]:
    time = np.zeros(len(part)) if part.time is None else part.time
    return list(zip(*(c.tolist() for c in (part.user, part.item, part.weight, time)), strict=True))


# Logs as they come out of reading: each pair once. Times are few, so that there are ties.
unique_rows = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 8)),
    st.tuples(st.sampled_from([1.0, 2.0, 5.0]), st.integers(0, 12).map(float)),
    min_size=12,
).map(lambda found: [(*pair, *rest) for pair, rest in found.items()])
repeated_rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.just(1.0), st.integers(0, 12).map(float)),
    min_size=12,
    max_size=40,
)
shares = st.sampled_from([0.1, 0.2, 0.34, 0.49])


def attempt(make: Callable[[], Split]) -> Split | None:
    """The split, or none where a part of it would be empty."""
    try:
        return make()
    except ConfigError as error:
        assert "has no positive interaction" in str(error)
        return None


@given(unique_rows, st.sampled_from(STRATEGIES), shares, shares, st.sampled_from([None, 2.0]))
@settings(max_examples=150)
def test_laws_of_every_split(rows: list[Row], strategy: str, valid: float, test: float, least: float | None) -> None:
    whole = log(rows)
    made = attempt(lambda: split(whole, strategy=strategy, valid=valid, test=test, min_weight=least))
    if made is None:
        return
    # Together the parts are the log, each row once, over the same id maps.
    assert Counter(listed(made.train) + listed(made.valid) + listed(made.test)) == Counter(rows)
    assert all(part.users is USERS and part.items is ITEMS for part in parts(made))
    assert made.overlap == 0
    for part in parts(made):
        assert part.time is not None
        assert (np.diff(part.time) >= 0).all()
    holds_its_promises(made, least)


@given(repeated_rows, st.sampled_from(STRATEGIES), shares, shares)
def test_a_pair_met_again_is_never_both_known_and_asked_for(
    rows: list[Row], strategy: str, valid: float, test: float
) -> None:
    made = attempt(lambda: split(log(rows), strategy=strategy, valid=valid, test=test))
    if made is None:
        return
    holds_its_promises(made, None)
    assert made.overlap == len(rows) - sum(map(len, parts(made)))
    assert {p for part in parts(made) for p in pairs(part)} == {row[:2] for row in rows}


def holds_its_promises(made: Split, least: float | None) -> None:
    """Nothing held out is trained on, known as history or left out as seen before its time."""
    train, valid, test = (set(pairs(part)) for part in parts(made))
    assert not (train & valid or train & test or valid & test)
    liked = [{row[:2] for row in listed(part) if least is None or row[2] >= least} for part in parts(made)]
    assert set(pairs(made.positives())) == liked[0]
    assert set(pairs(made.history("valid"))) == liked[0]
    assert set(pairs(made.history("test"))) == liked[0] | liked[1]
    assert set(pairs(made.seen("valid"))) == train
    assert set(pairs(made.seen("test"))) == train | valid
    assert set(pairs(made.relevant("valid"))) == liked[1]
    assert set(pairs(made.relevant("test"))) == liked[2]
    assert all(liked)


@given(unique_rows, shares, shares)
def test_temporal_is_one_point_in_time_for_all(rows: list[Row], valid: float, test: float) -> None:
    made = attempt(lambda: split(log(rows), valid=valid, test=test))
    if made is None:
        return
    times = [part.time for part in parts(made)]
    assert times[0].max() <= times[1].min() and times[1].max() <= times[2].min()  # type: ignore[union-attr]
    n = len(rows)
    assert [len(part) for part in parts(made)][1:] == [round(n * valid), round(n * test)]


def last_rows(rows: list[Row], user: int) -> list[Row]:
    return [row for row in rows if row[0] == user]


@given(unique_rows, shares, shares)
def test_temporal_per_user_holds_out_the_end_of_each_history(rows: list[Row], valid: float, test: float) -> None:
    made = attempt(lambda: split(log(rows), strategy="temporal_per_user", valid=valid, test=test))
    if made is None:
        return
    for user in {row[0] for row in rows}:
        own = [last_rows(listed(part), user) for part in parts(made)]
        assert [row for part in own for row in part] == last_rows(listed(log(rows)), user)
        n = sum(map(len, own))
        assert len(own[2]) == round(n * test)
        assert len(own[1]) == min(round(n * valid), n - 1 - len(own[2]))
        assert own[0]  # something is left to know the user by


@given(unique_rows, st.booleans())
def test_leave_last_out_takes_one_and_one_of_three_or_more(rows: list[Row], timed: bool) -> None:
    whole = log(rows, timed=timed)
    made = attempt(lambda: split(whole, strategy="leave_last_out"))
    if made is None:
        return
    for user in range(len(USERS)):
        own = last_rows(listed(whole), user)
        kept, valid, test = (last_rows(listed(part), user) for part in parts(made))
        wanted = (own[:-2], own[-2:-1], own[-1:]) if len(own) >= 3 else (own, [], [])
        assert (kept, valid, test) == wanted


def test_leave_last_out_of_an_untimed_log_goes_by_its_order() -> None:
    rows = [(0, 8, 1, 0), (1, 2, 1, 0), (0, 3, 1, 0), (1, 1, 1, 0), (0, 5, 1, 0), (0, 4, 1, 0)]
    made = split(log(rows, timed=False), strategy="leave_last_out")  # type: ignore[arg-type]
    assert [pairs(part) for part in parts(made)] == [[(0, 8), (1, 2), (0, 3), (1, 1)], [(0, 5)], [(0, 4)]]


MANY: list[Row] = [(u, i, float(i % 3), float(u + 5 * i)) for u in range(5) for i in range(9)]


def test_random_is_the_same_by_seed_and_another_by_another() -> None:
    first, again, other = (split(log(MANY), seed, strategy="random") for seed in (3, 3, 4))
    assert [listed(p) for p in parts(first)] == [listed(p) for p in parts(again)]
    assert set(pairs(first.test)) != set(pairs(other.test))
    assert [len(p) for p in parts(first)] == [45 - 4 - 4, 4, 4]
    assert listed(first.test) != listed(split(log(MANY)).test)


def test_the_seed_matters_to_random_alone() -> None:
    for strategy in STRATEGIES[:3]:
        one, two = (split(log(MANY), seed, strategy=strategy) for seed in (1, 2))
        assert [listed(p) for p in parts(one)] == [listed(p) for p in parts(two)]


def test_disliked_rows_are_seen_and_no_positives() -> None:
    train = log([(0, 0, 5, 1), (0, 1, 2, 1), (1, 0, 3, 1)])
    valid = log([(0, 2, 5, 2), (0, 3, 1, 2), (1, 1, 2, 2)])
    test = log([(0, 4, 2, 3), (1, 2, 3, 3)])
    made = assembled(train, valid, test, min_weight=3)
    assert pairs(made.positives()) == pairs(made.history("valid")) == [(0, 0), (1, 0)]  # 3 is enough
    assert pairs(made.seen("valid")) == [(0, 0), (0, 1), (1, 0)]
    assert pairs(made.relevant("valid")) == [(0, 2)]
    assert pairs(made.history("test")) == [(0, 0), (0, 2), (1, 0)]
    assert pairs(made.seen("test")) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert pairs(made.relevant("test")) == [(1, 2)]


def test_of_a_given_split_rows_that_an_earlier_part_knows_are_dropped() -> None:
    train = log([(0, 0, 1, 0), (1, 1, 1, 0)])
    valid = log([(0, 0, 1, 0), (0, 2, 1, 0), (1, 3, 1, 0)])
    test = log([(0, 2, 1, 0), (1, 1, 1, 0), (2, 4, 1, 0), (0, 5, 1, 0)])
    made = assembled(train, valid, test)
    assert [pairs(part) for part in parts(made)] == [[(0, 0), (1, 1)], [(0, 2), (1, 3)], [(2, 4), (0, 5)]]
    assert made.overlap == 3


@pytest.mark.parametrize(("empty", "name"), [(0, "train"), (1, "validation"), (2, "test")])
@pytest.mark.parametrize("way", ["no row", "no positive"])
def test_a_part_without_a_positive_is_refused(empty: int, name: str, way: str) -> None:
    whole = [log([(n, n, 5, n)]) for n in range(3)]
    whole[empty] = log([] if way == "no row" else [(empty, empty, 1, empty)])
    with pytest.raises(ConfigError, match=f"the {name} part of the split has no positive interaction"):
        assembled(*whole, min_weight=2)


def test_a_held_out_part_known_already_is_an_empty_one() -> None:
    same = log([(0, 0, 1, 0)])
    with pytest.raises(ConfigError, match="validation part"):
        assembled(same, same, log([(1, 1, 1, 0)]))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_too_short_a_log_is_refused(strategy: str) -> None:
    for rows in ([], [(0, 0, 1, 0)], [(0, 0, 1, 0), (0, 1, 1, 1)]):
        with pytest.raises(ConfigError, match="has no positive interaction; choose another split"):
            split(log(rows), strategy=strategy)  # type: ignore[arg-type]


def test_one_user_can_be_split() -> None:
    rows: list[Row] = [(0, i, 1, i) for i in range(9)]
    for strategy in STRATEGIES:
        made = split(log(rows), strategy=strategy, valid=0.2, test=0.1)
        wanted = [7, 1, 1] if strategy == "leave_last_out" else [6, 2, 1]
        assert [len(part) for part in parts(made)] == wanted


@pytest.mark.parametrize("strategy", ["temporal", "temporal_per_user"])
def test_temporal_splits_want_times(strategy: str) -> None:
    with pytest.raises(ConfigError, match=f"split.strategy {strategy} needs times.*data.interactions.time"):
        split(log(MANY, timed=False), strategy=strategy)


def test_a_larger_catalogue_keeps_every_pair() -> None:
    made = split(log(MANY), min_weight=1)
    larger = made.with_items(IdMap(["new", *reversed(list(ITEMS)), "newer"]))
    for before, after in zip(parts(made), parts(larger), strict=True):
        assert after.items.ids(after.item) == before.items.ids(before.item)
    assert larger.relevant("test").shape == (5, 11)
    assert (larger.min_weight, larger.items.number("newer")) == (1, 10)
    assert (len(larger.users), len(larger.items)) == (5, 11)


@pytest.mark.parametrize(
    "wrong",
    [{"strategy": "given"}, {"strategy": "given", "valid_path": Path("v")}, {"test_path": Path("t")}, {"valid_path": Path("v"), "test_path": Path("t")},
     {"valid": 0}, {"test": 0.5}, {"strategy": "future"}, {"share": 0.1}],
)  # fmt: skip
def test_a_config_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SplitConfig(**wrong)
    given_files = SplitConfig(strategy="given", valid_path=Path("v"), test_path=Path("t"))
    assert (given_files.valid_path, given_files.test_path) == (Path("v"), Path("t"))


@pytest.mark.parametrize("rule", ["last", "first", "sum"])
def test_the_test_period_does_not_reach_into_train(rule: str, tmp_path: Path) -> None:
    """a meets x once early on, and again in the last fifth: train knows one weak meeting, and test holds no repeat."""
    early = [("a", "x", 1, 0), *((f"u{n}", "y", 5, 1 + n) for n in range(8)), ("b", "y", 5, 9), ("b", "z", 5, 10)]
    late = [("a", "x", 5, 20), ("a", "y", 5, 21), ("b", "x", 5, 22), ("b", "x", 5, 23)]
    lines = ["user,item,weight,time", *(",".join(map(str, row)) for row in (*early, *late))]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    data = DataConfig.model_validate(
        {"interactions": {"path": tmp_path / "log.csv", "min_weight": 3, "duplicates": rule}}
    )
    split, dropped = read_split(data, SplitConfig(valid=0.1, test=0.3), np.random.default_rng(0))

    def listed(part: Interactions) -> list[tuple[str, str, float]]:
        ids = zip(part.users.ids(part.user), part.items.ids(part.item), strict=True)
        return [(user, item, float(w)) for (user, item), w in zip(ids, part.weight, strict=True)]

    assert ("a", "x", 1.0) in listed(split.train)
    assert ("a", "x") not in {row[:2] for row in listed(split.positives())}
    assert listed(split.test) == [("a", "y", 5.0), ("b", "x", 10.0 if rule == "sum" else 5.0)]
    assert dropped.duplicates == 2


def test_filters_come_before_the_split_and_are_told(tmp_path: Path) -> None:
    rows = [(u, i, 10 * u + i) for u in range(6) for i in range(6)] + [(7, 0, 90), (0, 9, 91)]
    (tmp_path / "log.csv").write_text("user,item,time\n" + "".join(f"u{u},i{i},{t}\n" for u, i, t in rows))
    data = DataConfig.model_validate(
        {
            "interactions": {"path": tmp_path / "log.csv"},
            "filters": {"min_user_interactions": 2, "min_item_interactions": 3},
        }
    )
    split, report = read_split(data, SplitConfig(strategy="random", valid=0.2, test=0.2), np.random.default_rng(0))
    assert (sorted(split.users), sorted(split.items)) == ([f"u{n}" for n in range(6)], [f"i{n}" for n in range(6)])
    assert sum(map(len, (split.train, split.valid, split.test))) == 36
    assert sum(part.rows for part in report.dropped) == 2
    assert {part.example for part in report.dropped} == {"user u7", "item i9"}
    assert data.files() == [tmp_path / "log.csv"]


def given_by_files(folder: Path, train: str, test: str, seed: int = 0, **options: Any) -> tuple[Split, int]:
    for name, lines in (("train.txt", train), ("test.txt", test)):
        (folder / name).write_text(lines)
    data = DataConfig.model_validate({"interactions": {"path": folder / "train.txt"}})
    config = SplitConfig(strategy="given", test_path=folder / "test.txt", **options)
    split, report = read_split(data, config, np.random.default_rng(seed))
    return split, report.duplicates


def named(part: Interactions) -> set[tuple[str, str]]:
    return set(zip(part.users.ids(part.user), part.items.ids(part.item), strict=True))


def test_a_given_split_without_validation_holds_some_of_train_out(tmp_path: Path) -> None:
    train = "".join(f"{u} {' '.join(str(i) for i in range(u, u + 10))}\n" for u in range(4))
    test = "0 40 41\n3 42\n2\n"
    made, dropped = given_by_files(tmp_path, train, test, valid=0.2)
    assert [len(part) for part in parts(made)] == [32, 8, 3]  # 0.2 of 40; test stays whole
    assert named(made.train) | named(made.valid) == {(str(u), str(i)) for u in range(4) for i in range(u, u + 10)}
    assert named(made.test) == {("0", "40"), ("0", "41"), ("3", "42")}
    assert dropped == 0
    same, _ = given_by_files(tmp_path, train, test, valid=0.2)
    other, _ = given_by_files(tmp_path, train, test, seed=1, valid=0.2)
    assert named(same.valid) == named(made.valid) != named(other.valid)


def test_a_pair_met_again_is_held_out_whole(tmp_path: Path) -> None:
    train = "".join(f"{u} 1 2 3 1 2 3 1\n" for u in range(9))
    made, _ = given_by_files(tmp_path, train, "0 4\n", valid=0.4)
    assert made.overlap == 0
    assert (len(made.train), len(made.valid)) == (27 - 11, 11)  # 0.4 of 27 pairs
    assert not named(made.train) & named(made.valid)


def test_a_share_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="split.valid 0.1 of 2 pairs of train is none; raise it, or give split.valid"):
        given_by_files(tmp_path, "0 1 2\n", "0 3\n")
