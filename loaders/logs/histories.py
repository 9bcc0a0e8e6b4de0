"""Histories: one line a user, `user item item ...` (KGAT, LightGCN), or JSON `{"user": [item, ...]}`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from ..files.streams import JSON, MARK, check_file, not_text, open_stream, suffix_of
from .dropped import Dropped
from .id_columns import IdColumn
from .org_ids import org_ids_beside

__all__ = ["Layout", "is_of_histories", "read_histories"]

Layout = Literal["auto", "table", "histories"]
LARGEST = 512 << 20
"""Bytes of unpacked text that are read: histories are held whole, several times over."""


def is_of_histories(path: Path) -> bool:
    """Whether a file holds histories, as far as it shows.

    A .txt file does if its first line is whole numbers with blanks between. A .json file does if its first value is a
    list, and what begins so is no object of one line with values of other kinds (which would be JSON lines).
    All other kinds do not.
    """
    suffix = suffix_of(path)
    if suffix not in (".txt", *JSON):
        return False
    try:
        check_file(path)
        with open_stream(path) as raw:
            start = raw.read(1 << 16).removeprefix(MARK).lstrip()
    except (DataError, OSError):
        return False  # Whoever reads it says why it cannot be read.
    if suffix == ".txt":
        return re.match(rb"\d+( +\d+)* *$", re.split(rb"[\r\n]", start)[0]) is not None
    if re.match(rb'\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[', start) is None:
        return False
    try:
        values = json.loads(start.split(b"\n")[0]).values()
    except (ValueError, RecursionError):
        return True  # Not whole on one line, or longer than what was read.
    return all(isinstance(value, list) for value in values)


def read_histories(path: Path) -> tuple[IdColumn, IdColumn, list[Dropped]]:
    """Users and items of each interaction, in the order of the file; and the users who have none.

    Where user_list.txt or item_list.txt of KGAT (columns org_id and remap_id) lie beside a text file, the ids are the
    org_ids.

    Raises:
        DataError: if the file is missing, damaged, empty or no UTF-8, or JSON of another form.
    """
    check_file(path)
    try:
        with open_stream(path) as raw:
            content = raw.read(LARGEST + 1)
    except OSError as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0][:200]}", path=path) from error
    if len(content) > LARGEST:
        text = f"more than {LARGEST >> 20} MiB of histories; write them as a table, which is read block by block"
        raise DataError(text, path=path)
    content = content.removeprefix(MARK)
    if b"\0" in content:
        raise not_text(path)  # UTF-16, or no text at all
    of_json = suffix_of(path) in JSON
    users, items, lengths = _of_json(content, path) if of_json else _of_text(content, path)
    encoded = pc.dictionary_encode(items)
    user = IdColumn(np.repeat(np.arange(len(users), dtype=np.int32), lengths), users)
    item = IdColumn(np.asarray(encoded.indices, dtype=np.int32), encoded.dictionary)
    if not of_json:
        user = org_ids_beside(path, "user_list.txt", user, "user")
        item = org_ids_beside(path, "item_list.txt", item, "item")
    empty = np.flatnonzero(lengths == 0)
    if len(empty) == 0:
        return user, item, []
    return user, item, [Dropped("history without an item", 0, len(empty), 0, user.values[int(empty[0])].as_py())]


def _with_line_feeds(text: bytes) -> bytes:
    """The text with every line ended by a line feed alone."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _of_text(content: bytes, path: Path) -> tuple[Any, Any, npt.NDArray[np.int64]]:
    """Users, all items one after the other, and how many each user has."""
    try:
        whole = pa.array([_with_line_feeds(content)], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise not_text(path) from error
    lines = pc.ascii_trim_whitespace(pc.split_pattern(whole, "\n").flatten())
    lines = lines.filter(pc.not_equal(lines, ""))
    if len(lines) == 0:
        raise DataError("the file is empty; lines of a user and the user's items are wanted", path=path)
    words = pc.ascii_split_whitespace(lines)
    counts = np.asarray(pc.list_value_length(words), dtype=np.int64)
    of_user = np.zeros(int(counts.sum()), dtype=bool)
    of_user[np.cumsum(counts) - counts] = True
    flat = words.flatten()
    return flat.filter(pa.array(of_user)), flat.filter(pa.array(~of_user)), counts - 1


def _of_json(content: bytes, path: Path) -> tuple[Any, Any, npt.NDArray[np.int64]]:
    wanted = 'an object of lists is wanted: {"user": ["item", ...], ...}'
    try:
        # Pairs, not a dict: a user who stands there twice keeps both lists. Numbers keep their spelling.
        pairs = json.loads(content.decode("utf-8"), object_pairs_hook=tuple, parse_int=str)
    except UnicodeDecodeError as error:
        raise not_text(path) from error
    except json.JSONDecodeError as error:
        raise DataError(f"no JSON ({error.msg}); {wanted}", path=path, line=error.lineno) from error
    except RecursionError:
        raise DataError(f"JSON nested too deeply; {wanted}", path=path) from None
    if not isinstance(pairs, tuple) or not all(isinstance(items, list) for _, items in pairs):
        raise DataError(f"JSON of another form; {wanted}", path=path)
    lengths = np.array([len(items) for _, items in pairs], dtype=np.int64)
    try:
        items = pa.array([item for _, items in pairs for item in items], pa.large_string())
        users = pa.array([user for user, _ in pairs], pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"an item is neither a string nor a whole number; {wanted}", path=path) from error
    except UnicodeEncodeError as error:
        text = f"an id holds half a character, {error.object[error.start]!r}; correct the \\u escape"
        raise DataError(text, path=path) from error
    for column, what, user_of in ((users, "user", None), (items, "item", np.repeat(np.arange(len(pairs)), lengths))):
        blank = pc.index(pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(True), True).as_py()
        if blank >= 0:
            at = "" if user_of is None else f" in the history of {users[int(user_of[blank])].as_py()!r}"
            raise DataError(f"the {what}'s id is empty{at}; correct or remove it", path=path)
    return users, items, lengths
