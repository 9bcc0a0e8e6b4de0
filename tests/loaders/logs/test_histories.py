"""Histories: a line a user, as text and as JSON; which file is one; and the published ones."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.kg import DataError, Interactions
from plait.loaders import InteractionsConfig, read_interactions
from plait.loaders.logs.dropped import Dropped
from plait.loaders.logs.histories import is_of_histories

Pair = tuple[str, str]
KGAT = "0 2 0 1\n1 1\n3\n2 2 3\n"
PAIRS = [("0", "2"), ("0", "0"), ("0", "1"), ("1", "1"), ("2", "2"), ("2", "3")]


def written(folder: Path, data: str | bytes, name: str = "train.txt") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def pairs(log: Interactions) -> list[Pair]:
    return list(zip(log.users.ids(log.user), log.items.ids(log.item), strict=True))


def read(path: Path, **options: Any) -> tuple[list[Pair], tuple[Dropped, ...]]:
    (log,), report = read_interactions(InteractionsConfig(path=path, **options))
    assert log.time is None
    assert set(log.weight.tolist()) <= {1.0}
    assert report.columns == {"user": None, "item": None, "weight": None, "time": None}
    return pairs(log), report.dropped


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("train.txt", KGAT),
        ("train.txt", KGAT.replace("\n", " \r\n")),
        ("train.txt", "\ufeff\n\n" + KGAT.rstrip()),
        ("train.txt.gz", gzip.compress(KGAT.encode())),
        ("train.txt.zst", pa.Codec("zstd").compress(KGAT.encode(), asbytes=True)),
        ("a.json", '{"0": [2, 0, 1], "1": [1], "3": [], "2": [2, 3]}'),
        ("a.json", '{\n  "0": [\n "2", "0", "1"],\n "1": ["1"], "3": [], "2": ["2", "3"]\n}\n'),
        ("a.json.gz", gzip.compress(b'{"0": [2, 0], "1": [1], "0": [1], "3": [], "2": [2, 3]}')),
    ],
)
def test_every_form_gives_the_same_pairs(tmp_path: Path, name: str, data: str | bytes) -> None:
    path = written(tmp_path, data, name)
    assert is_of_histories(path)
    found, dropped = read(path)
    # Of a user who stands there twice nothing is lost; the rows stay in the order of the file.
    again = [("0", "2"), ("0", "0"), ("1", "1"), ("0", "1"), ("2", "2"), ("2", "3")]
    assert found == (again if name == "a.json.gz" else PAIRS)
    assert dropped == (Dropped("history without an item", 0, users=1, example="3"),)
    assert read(path, layout="histories")[0] == found


def test_any_words_are_ids_where_histories_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "é\t007 7\n7 'a' \"b\"\n", "log.tsv")
    assert read(path, layout="histories")[0] == [("é", "007"), ("é", "7"), ("7", "'a'"), ("7", '"b"')]


ids = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=5).filter(str.strip)


@given(st.dictionaries(ids, st.lists(st.one_of(ids, st.integers(0, 10**20)), max_size=4), min_size=1, max_size=5))
def test_json_is_read_as_python_does(
    tmp_path_factory: pytest.TempPathFactory, histories: dict[str, list[str | int]]
) -> None:
    wanted = list(dict.fromkeys((user, str(item)) for user, items in histories.items() for item in items))
    path = written(tmp_path_factory.getbasetemp(), json.dumps(histories), "histories.json")
    if not wanted:
        with pytest.raises(DataError, match="there is no interaction in the file"):
            read(path, duplicates="first")
    else:
        assert read(path, duplicates="first")[0] == wanted


@pytest.mark.parametrize(
    ("name", "data", "histories"),
    [
        ("a.txt", "0 1 2\n", True),
        ("a.txt", "17\n0 1\n", True),  # the first user has nothing
        ("a.txt", "user\titem\n0\t1\n", False),
        ("a.txt", "0\t1\n", False),
        ("a.txt", "user item\n", False),
        ("a.txt", "", False),
        ("a.csv", "0 1 2\n", False),
        ("a.json", '{"u": ["i"]}\n', True),
        ("a.json", '{"a \\" b": [', True),
        ("a.json", '{"image": ["x"], "asin": "1"}\n{"asin": "2"}\n', False),  # JSON lines, the first value a list
        ("a.json", '{"asin": "1"}\n', False),
        ("a.json", '[["u", "i"]]', False),
    ],
)
def test_histories_are_known_by_how_they_begin(tmp_path: Path, name: str, data: str, histories: bool) -> None:
    assert is_of_histories(written(tmp_path, data, name)) is histories
    assert not is_of_histories(tmp_path / "absent.txt")


def test_a_table_is_one_where_that_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "12\n7\n", "a.txt")
    with pytest.raises(DataError, match="no column looks like the user's id among 12"):
        read(path, layout="table")


@pytest.mark.parametrize("what", ["user", "item", "weight", "time", "event", "session", "session_gap"])
def test_histories_have_no_columns(tmp_path: Path, what: str) -> None:
    option: dict[str, Any] = {what: 30 if what == "session_gap" else "x"}
    if what == "event":
        option["events"] = {"buy": 1}
    with pytest.raises(DataError, match=f"holds histories, which have no columns; remove data.interactions.{what}"):
        read(written(tmp_path, KGAT), **option)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", "", "the file is empty; lines of a user and the user's items are wanted"),
        ("a.txt", " \n\r\n", "the file is empty"),
        ("a.txt", "1\n2\n", "there is no interaction in the file"),
        ("a.txt", b"1 \xff\n", "not UTF-8"),
        ("a.txt.gz", b"1 2\n", "cannot be read"),
        ("a.json", b'{"\xff": ["1"]}', "not UTF-8"),
        ("a.json", '{"u": ["i"]', "no JSON"),
        ("a.json", '["u"]', "JSON of another form"),
        ("a.json", '{"u": {"i": 1}}', "JSON of another form"),
        ("a.json", '{"u": [["i"]]}', "an item is neither a string nor a whole number"),
        ("a.json", '{"u": [1.5]}', "an item is neither a string nor a whole number"),
        ("a.json", '{"u": [true]}', "an item is neither a string nor a whole number"),
        ("a.json", '{"u": ["i"], "v": [null]}', "the item's id is empty in the history of 'v'"),
        ("a.json", '{"u": [" "]}', "the item's id is empty in the history of 'u'"),
        ("a.json", '{"": ["i"]}', "the user's id is empty"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str, data: str | bytes, message: str) -> None:
    path = written(tmp_path, data, name)
    with pytest.raises(DataError) as caught:
        read(path, layout="histories")
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


ITEM_LIST = "org_id remap_id freebase_id\nB002 2 m.2\nB000 0\n\nB001 1 m.1\nB003 3 m.3\nB009 9 m.9\n"


def test_the_ids_of_lists_beside_it_are_taken(tmp_path: Path) -> None:
    path = written(tmp_path, KGAT)
    written(tmp_path, ITEM_LIST, "item_list.txt")
    wanted = [(user, f"B00{item}") for user, item in PAIRS]
    assert read(path)[0] == wanted
    written(tmp_path, "remap_id org_id\r\n0 007\r\n1 7\r\n2 2\r\n3 0\r\n", "user_list.txt")
    found, dropped = read(path)
    assert found == [({"0": "007", "1": "7", "2": "2"}[user], item) for user, item in wanted]
    assert dropped[0].example == "0"  # the user of the empty row, 3, by the name in the list


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("id,number\n", "item_list.txt: a list of ids begins with a header that names org_id and remap_id"),
        ("", "item_list.txt: a list of ids begins with"),
        (ITEM_LIST.replace("B003 3", "B003 4"), "train.txt: the item '3' is not in item_list.txt beside it"),
        (ITEM_LIST.replace("B003", "B001"), "item_list.txt: the id 'B001' stands there more than once"),
        (ITEM_LIST.replace("B003 3", "B003 2"), "item_list.txt: the id '2' stands there more than once"),
        (ITEM_LIST.replace("B001 1 m.1", "B001"), "item_list.txt:5: 3 words a line are wanted"),
        (ITEM_LIST.replace("B001 1 m.1", "The B 001 1"), "item_list.txt:5: 3 words a line are wanted"),
        (b"\xff", "item_list.txt:1: the file is not UTF-8"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, data: str | bytes, message: str) -> None:
    path = written(tmp_path, KGAT)
    written(tmp_path, data, "item_list.txt")
    with pytest.raises(DataError) as caught:
        read(path)
    assert message in str(caught.value)


def test_train_and_test_share_the_numbers(tmp_path: Path) -> None:
    train, test = written(tmp_path, KGAT), written(tmp_path, "1 9 2\n0\n5 1\n", "test.txt")
    logs, report = read_interactions(InteractionsConfig(path=train), more=[test])
    assert [pairs(log) for log in logs] == [PAIRS, [("1", "9"), ("1", "2"), ("5", "1")]]
    assert list(logs[0].users) == ["0", "1", "2", "5"]
    assert report.dropped == (Dropped("history without an item", 0, users=2, example="3"),)


@pytest.mark.data
@pytest.mark.parametrize(
    ("train", "test", "counts", "first"),
    [
        ("kgat-amazon-book/train.txt", "kgat-amazon-book/test.txt", (70_679, 24_915, 652_514, 193_920), ("A3RTKL9KB8KLID", "0553092626")),
        ("amazon-beauty/train.txt", "amazon-beauty/test.txt", (22_363, 12_101, 149_844, 48_658), ("0", "535")),
        ("amazon-scientific/Scientific.inter.json", None, (8_317, 4_344, 58_492), ("0", "0")),
        ("ml-100k/ml-100k.inter", None, (943, 1_682, 100_000), ("196", "242")),
    ],
)  # fmt: skip
def test_published_logs_have_their_published_sizes(
    train: str, test: str | None, counts: tuple[int, ...], first: Pair
) -> None:
    folder = Path(os.environ["PLAIT_DATA"])
    config = InteractionsConfig(path=folder / train)
    logs, report = read_interactions(config, more=[folder / test] if test else [])
    assert (len(logs[0].users), len(logs[0].items), *map(len, logs)) == counts
    assert report.rows == sum(counts[2:])
    assert (next(iter(logs[0].users)), next(iter(logs[0].items))) == first
    if train.startswith("kgat"):
        assert report.dropped[0].users == 88
