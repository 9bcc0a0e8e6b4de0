"""Reviews of the train part: what was held out of it never comes in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.kg import DataError
from plait.loaders import DataConfig, InteractionsConfig, SplitConfig, read_split
from plait.loaders.reviews import Reviews, read_reviews

LOG = """user_id,item_id,timestamp,review
u1,i1,1,first of u1
u2,i1,2,first of u2
u1,i2,3,
u2,i3,4,"quoted, and ""so"" on"
u1,i3,5,SECRET valid of u1
u2,i2,6,SECRET valid of u2
u1,i4,7,SECRET test of u1
u2,i4,8,SECRET test of u2
u1,i1,9,SECRET again of u1
"""


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def read(path: Path, strategy: str = "temporal", **options: Any) -> tuple[Reviews, dict[tuple[str, str], str]]:
    """The reviews of a log's train part, and each by user and item."""
    config = InteractionsConfig(path=path, **options)
    split_config = SplitConfig(strategy=strategy, valid=0.22, test=0.33)  # type: ignore[arg-type]
    split, _ = read_split(DataConfig(interactions=config), split_config, np.random.default_rng(3))
    reviews = read_reviews(config, split.train)
    assert (split.train.user[reviews.row] == reviews.user).all()
    assert (split.train.item[reviews.row] == reviews.item).all()
    users, items = split.users.ids(reviews.user), split.items.ids(reviews.item)
    return reviews, dict(zip(zip(users, items, strict=True), reviews.text.to_pylist(), strict=True))


def test_only_reviews_of_train_are_read(tmp_path: Path) -> None:
    reviews, by_pair = read(written(tmp_path, LOG))
    assert by_pair == {
        ("u1", "i1"): "first of u1",  # and not what u1 wrote again in the test period
        ("u2", "i1"): "first of u2",
        ("u2", "i3"): 'quoted, and "so" on',
    }
    assert not any("SECRET" in text for text in by_pair.values())
    assert (reviews.held_out, reviews.blank, reviews.ambiguous) == (5, 1, 0)
    assert reviews.time is not None and reviews.time.tolist() == [1, 2, 4]
    assert len(reviews) == 3


@pytest.mark.parametrize(
    ("strategy", "timed"),
    [
        *((s, True) for s in ("temporal", "temporal_per_user", "leave_last_out", "random")),
        ("leave_last_out", False),
        ("random", False),
    ],
)
def test_no_held_out_text_by_any_split(tmp_path: Path, strategy: str, timed: bool) -> None:
    # Each text names its own row: one of a row that train does not hold would show. Odd rows are of pairs met again.
    rows = [(f"u{n % 3}", f"i{n % 8}" if n % 2 else f"n{n}", n) for n in range(60)]
    head = "user,item,time,text\n" if timed else "user,item,text\n"
    lines = "".join(f"{u},{i},{t},row {t}\n" if timed else f"{u},{i},row {t}\n" for u, i, t in rows)
    config = InteractionsConfig(path=written(tmp_path, head + lines))
    split_config = SplitConfig(strategy=strategy)  # type: ignore[arg-type]
    split, _ = read_split(DataConfig(interactions=config), split_config, np.random.default_rng(0))
    reviews = read_reviews(config, split.train)
    if timed:
        assert split.train.time is not None
        assert len(reviews) == len(split.train)
        assert reviews.text.to_pylist() == [f"row {t:.0f}" for t in split.train.time[reviews.row]]
        return
    # Which text of a pair met twice is train's cannot be told: only those of pairs met once are read.
    counts = Counter((user, item) for user, item, _ in rows)
    pairs = zip(split.users.ids(split.train.user), split.items.ids(split.train.item), strict=True)
    once = {pair for pair in pairs if counts[pair] == 1}
    assert set(reviews.text.to_pylist()) == {f"row {n}" for user, item, n in rows if (user, item) in once}
    assert reviews.ambiguous > 0


def test_given_split_reads_train_file_alone(tmp_path: Path) -> None:
    config = InteractionsConfig(path=written(tmp_path, "user,item,text\nu1,i1,mine\nu1,i2,too\nu2,i2,three\nu2,i1,4\n"))
    held = written(tmp_path, "user,item,text\nu1,i3,SECRET\nu2,i3,SECRET\n", "test.csv")
    split_config = SplitConfig(strategy="given", test_path=held, valid=0.25)
    split, _ = read_split(DataConfig(interactions=config), split_config, np.random.default_rng(0))
    reviews = read_reviews(config, split.train)
    assert len(reviews) == len(split.train) == 3  # one of the train file's is validation
    assert reviews.held_out == 1


@pytest.mark.parametrize(
    ("head", "options", "text", "columns"),
    [
        ("user,item,reviewText,summary", {}, "Good. It works", ("summary", "reviewText")),
        ("user,item,comment,other", {}, "It works", ("comment",)),
        ("user,item,other,text", {"review": "other"}, "It works", ("other",)),
        ("user,item,other,summary", {}, "Good", ("summary",)),
    ],
)
def test_columns(tmp_path: Path, head: str, options: dict[str, str], text: str, columns: tuple[str, ...]) -> None:
    rows = "".join(f"u{n % 2},i{n},It works,Good\n" for n in range(8))
    reviews, _ = read(written(tmp_path, f"{head}\n{rows}"), "leave_last_out", **options)
    assert set(reviews.text.to_pylist()) == {text}
    assert reviews.columns == columns


def test_equal_texts_of_one_pair_are_one_review(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 2},i{n},same\n" for n in range(8))
    reviews, _ = read(written(tmp_path, "user,item,text\n" + rows + rows), "random")
    assert reviews.ambiguous == 0
    assert 0 < len(reviews) == len(set(reviews.row.tolist()))


def test_rows_of_other_events_are_no_reviews(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 2},i{n},{n},buy,bought\nu{n % 2},i{n},{n},view,seen\nu1,,{n},search,hm\n" for n in range(8))
    reviews, _ = read(written(tmp_path, "user,item,time,event,text\n" + rows), events={"buy": 1.0})
    assert set(reviews.text.to_pylist()) == {"bought"}


def test_without_a_column_of_reviews(tmp_path: Path) -> None:
    rows = "".join(f"u{n % 2},i{n},{n}\n" for n in range(8))
    with pytest.raises(
        DataError, match=r"no column looks like a review among user, item, time; .*interactions\.review"
    ):
        read(written(tmp_path, "user,item,time\n" + rows))
    with pytest.raises(DataError, match="no column 'tim' for the review; .* did you mean 'time'"):
        read(written(tmp_path, "user,item,time\n" + rows), review="tim")
    (tmp_path / "log.json").write_text('{"u1": ["i1", "i2", "i3"], "u2": ["i1", "i2", "i3"]}')
    with pytest.raises(DataError, match=r"histories, which have no reviews; remove data\.reviews"):
        read(tmp_path / "log.json", "leave_last_out")
