"""Texts of users from a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from plait.kg import DataError, IdMap
from plait.loaders.users import UsersConfig, read_users

USERS = IdMap(["7", "007", "zoë", "empty", "absent"])
TABLE = """user_id,about,likes
zoë,quiet tools,"wood, steel"
007,,films
empty,  ,
7,a profile,
stranger,x,y
007,later,
"""


def test_texts_of_each_user_in_the_order_of_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(TABLE, encoding="utf-8")
    table = read_users(UsersConfig(path=path, texts=("likes", "about")), USERS)
    assert table.texts == ["a profile", "films. later", "wood, steel. quiet tools", "", ""]
    assert table.unknown == 1
    assert read_users(UsersConfig(path=path, user="user_id", texts=("likes",)), USERS).texts == [
        "", "films", "wood, steel", "", "",
    ]  # fmt: skip


def test_without_a_table_no_user_has_a_text() -> None:
    assert read_users(None, USERS).texts == [""] * 5


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(TABLE, encoding="utf-8")
    with pytest.raises(DataError, match="abuot"):
        read_users(UsersConfig(path=path, texts=("abuot",)), USERS)
    with pytest.raises(DataError, match=r"gone\.csv"):
        read_users(UsersConfig(path=tmp_path / "gone.csv", texts=("about",)), USERS)
    with pytest.raises(ValidationError, match="texts"):
        UsersConfig(path=path, texts=())
