"""Cells and parts: single values to be told, and the phrases made of those that share a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .verbalise_slots import Slot

__all__ = ["Cells", "Parts", "joined_rows", "place_in_group"]

Numbers = npt.NDArray[np.integer]
_LARGE = pa.large_string()


@dataclass(frozen=True, eq=False)
class Cells:
    """Values to be told, each of one node in one slot.

    Attributes:
        row: which of the asked nodes, shape (c,).
        slot: where in its text, shape (c,).
        value: the words, large_string, c long.
        literal: row in the literal table that it comes from, -1 for none, shape (c,).
        node, relation, inverse: the edge that it comes from, -1 for none, shape (c,) each.
    """

    row: Numbers
    slot: Numbers
    value: pa.Array
    literal: Numbers
    node: Numbers
    relation: Numbers
    inverse: npt.NDArray[np.bool_]

    @classmethod
    def of_literals(cls, row: Numbers, slot: Numbers, value: pa.Array, literal: Numbers) -> Cells:
        """Cells that come from literals, or (-1) from none."""
        none = np.full(len(row), -1, dtype=np.int32)
        return cls(row, slot, value, literal, none, none, np.zeros(len(row), dtype=bool))

    def __len__(self) -> int:
        return len(self.row)

    def of_rows(self, chosen: npt.NDArray[np.bool_]) -> Cells:
        """The cells of some rows, which keep their numbers; `chosen` has an entry a row."""
        keep = chosen[self.row]
        return Cells(
            self.row[keep], self.slot[keep], self.value.filter(pa.array(keep)), self.literal[keep], self.node[keep],
            self.relation[keep], self.inverse[keep],
        )  # fmt: skip

    @classmethod
    def sorted(cls, tables: Sequence[Cells], n_slots: int) -> Cells:
        """Several tables as one, by row, then slot; within a slot as they were."""
        row, slot = (np.concatenate(parts) for parts in zip(*((t.row, t.slot) for t in tables), strict=True))
        order = np.argsort(row.astype(np.int64) * n_slots + slot, kind="stable")
        value = pa.chunked_array([table.value for table in tables], _LARGE).take(pa.array(order)).combine_chunks()
        rest = [
            np.concatenate(columns)[order]
            for columns in zip(*((t.literal, t.node, t.relation, t.inverse) for t in tables), strict=True)
        ]
        literal, node, relation, inverse = rest
        return cls(row[order], slot[order], value, literal, node, relation, inverse.astype(bool))


@dataclass(frozen=True, eq=False)
class Parts:
    """The phrases of texts, by row, then in order.

    Attributes:
        row: which of the asked nodes, shape (p,).
        slot: where in its text, shape (p,).
        text: the phrases, large_string, p long; "" for one left out.
        first: the cells of part i are first[i] to first[i + 1], shape (p + 1,).
    """

    row: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]
    text: pa.Array
    first: npt.NDArray[np.int64]

    @classmethod
    def of(cls, cells: Cells, slots: Sequence[Slot]) -> Parts:
        """One phrase a row and slot: "director: John Lasseter, Lee Unkrich"."""
        new = np.ones(len(cells), dtype=bool)
        new[1:] = (np.diff(cells.row) != 0) | (np.diff(cells.slot) != 0)
        first = np.append(np.flatnonzero(new), len(cells)).astype(np.int64)
        slot = cells.slot[first[:-1]].astype(np.int64)
        between = pa.array([" " if one.long else ", " for one in slots], _LARGE).take(pa.array(slot))
        told = pc.binary_join(pa.LargeListArray.from_arrays(pa.array(first), cells.value), between)
        prefix = pa.array([one.prefix for one in slots], _LARGE).take(pa.array(slot))
        text = pc.binary_join_element_wise(prefix, told, pa.scalar("", _LARGE))
        return cls(cells.row[first[:-1]].astype(np.int64), slot, text, first)

    def __len__(self) -> int:
        return len(self.row)

    def texts(self, n_rows: int) -> pa.Array:
        """The text of each asked node, large_string: its phrases as sentences."""
        kept = np.flatnonzero(np.asarray(pc.binary_length(self.text)) > 0)
        row, text = self.row[kept], self.text.take(pa.array(kept))
        last = np.ones(len(row), dtype=bool)
        last[:-1] = np.diff(row) != 0
        ended = np.asarray(pc.match_substring_regex(text, r"[.!?。！？…]['\")\]”’]?$"), dtype=bool)
        kind = np.where(last, 0, np.where(ended, 1, 2))
        between = pa.array(["", " ", ". "], _LARGE).take(pa.array(kind))
        return joined_rows(pc.binary_join_element_wise(text, between, pa.scalar("", _LARGE)), row, n_rows)


def joined_rows(text: pa.Array, row: Numbers, n_rows: int) -> pa.Array:
    """Texts of the same row put together, "" for a row without any; `row` ascends."""
    first = np.searchsorted(row, np.arange(n_rows + 1))
    return pc.binary_join(pa.LargeListArray.from_arrays(pa.array(first), text), pa.scalar("", _LARGE))


def place_in_group(*keys: Numbers) -> npt.NDArray[np.int64]:
    """Position of each row within its run of equal keys, shape (n,); rows of a group lie together."""
    n = len(keys[0])
    new = np.ones(n, dtype=bool)
    if n:
        new[1:] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    at = np.arange(n)
    return at - np.maximum.accumulate(np.where(new, at, 0))
