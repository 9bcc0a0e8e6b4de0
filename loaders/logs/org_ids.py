"""KGAT's lists beside its histories: from the numbers of the published files back to the ids of the data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from ..files.streams import MARK, not_text
from .id_columns import IdColumn

__all__ = ["org_ids_beside"]


def org_ids_beside(path: Path, name: str, column: IdColumn, what: str) -> IdColumn:
    """The column with the ids that a list beside a file gives for its numbers; unchanged where there is no list.

    Args:
        path: file of histories.
        name: name of the list, in the same folder: a header that names org_id and remap_id, then a line an id.
        column: the numbers.
        what: user or item, for messages.

    Raises:
        DataError: if the list has another form, names an id or a number twice, or lacks a number.
    """
    place = path.parent / name
    if not place.is_file():
        return column
    org, remap = _columns(place)
    at = pc.index_in(column.values, value_set=remap)
    used = np.zeros(len(column.values), dtype=bool)
    used[column.codes] = True
    lacking = np.flatnonzero(used & np.asarray(pc.is_null(at)))
    if len(lacking):
        raise DataError(f"the {what} {column.values[int(lacking[0])].as_py()!r} is not in {name} beside it", path=path)
    # A number that no interaction has may stay as it is.
    return IdColumn(column.codes, pc.coalesce(org.take(at), column.values))


def _columns(place: Path) -> tuple[Any, Any]:
    """The columns org_id and remap_id."""
    try:
        text = place.read_bytes().removeprefix(MARK)
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole = pa.array([text], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise not_text(place) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=place) from error
    lines = pc.ascii_trim_whitespace(pc.split_pattern(whole, "\n").flatten())
    header = lines[0].as_py().split()
    if not {"org_id", "remap_id"} <= set(header):
        raise DataError("a list of ids begins with a header that names org_id and remap_id; rename the file, "
                        "if it is no such list", path=place)  # fmt: skip
    number = pa.array(np.arange(1, len(lines) + 1))
    rows = pc.not_equal(lines, "")
    words, number = pc.ascii_split_whitespace(lines.filter(rows)).slice(1), number.filter(rows).slice(1)
    # Columns behind the two may be empty, and are not read.
    least = max(header.index("org_id"), header.index("remap_id")) + 1
    short = np.flatnonzero(np.asarray(pc.list_value_length(words)) < least)
    long = np.flatnonzero(np.asarray(pc.list_value_length(words)) > len(header))
    for bad in (*short[:1], *long[:1]):
        raise DataError(
            f"{len(header)} words a line are wanted, as in the header", path=place, line=number[int(bad)].as_py()
        )
    org, remap = (pc.list_element(words, header.index(name)) for name in ("org_id", "remap_id"))
    for column in (org, remap):
        counts = pc.value_counts(column)
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        if len(twice):
            raise DataError(f"the id {twice[0].as_py()!r} stands there more than once", path=place)
    return org, remap
