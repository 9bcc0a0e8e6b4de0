"""Users' own string ids and the dense integers inside: two kinds of id, one frozen map between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal, NewType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .errors import UnknownIdError

__all__ = ["ExternalId", "IdMap", "InternalId", "Numbers"]

ExternalId = str
"""An id as the user writes it. Every boundary of plait speaks these."""

InternalId = NewType("InternalId", int)
"""A row number, 0 to n-1. Never leaves a package."""

Numbers = npt.NDArray[np.int64]
"""Internal ids, shape (n,)."""


class IdMap:
    """A frozen two-way map between n external ids and the numbers 0 to n-1.

    Args:
        ids: distinct strings; the position of each is its number.

    Raises:
        ValueError: if an id is null or occurs twice; the message names it.
    """

    __slots__ = ("__dict__", "_ids")

    def __init__(self, ids: Iterable[str] | pa.Array) -> None:
        array = ids if isinstance(ids, pa.Array) else pa.array(list(ids), type=pa.large_string())
        if array.type != pa.large_string():
            array = array.cast(pa.large_string())
        if array.null_count:
            raise ValueError(f"an id is null, at position {pc.index(pc.is_null(array), True).as_py()}")
        if len(array) and pc.count_distinct(array).as_py() != len(array):
            counts = pc.value_counts(array)
            twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
            raise ValueError(f"the id {twice[0].as_py()!r} occurs more than once")
        self._ids = array

    @classmethod
    def of_distinct(cls, ids: pa.Array) -> IdMap:
        """Make a map of a large_string array that is known to hold neither nulls nor repeats: nothing is checked."""
        made = cls([])
        made._ids = ids
        return made

    @classmethod
    def numbering(cls, *columns: pa.Array | pa.ChunkedArray) -> IdMap:
        """Number the distinct values of the columns, in order of first appearance."""
        chunks = [c for column in columns for c in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])]
        strings = [c.cast(pa.large_string()) for c in chunks]
        return cls(pa.chunked_array(strings, type=pa.large_string()).unique())

    def numbers(
        self, ids: Sequence[str] | pa.Array | pa.ChunkedArray, *, missing: Literal["raise", "negative"] = "raise"
    ) -> Numbers:
        """Numbers of external ids, shape (len(ids),).

        Args:
            ids: external ids, repeats allowed.
            missing: what an unknown id gives: an error that names it, or -1.

        Raises:
            UnknownIdError: if an id is unknown and `missing` is "raise".
        """
        if isinstance(ids, (pa.Array, pa.ChunkedArray)) or len(ids) > 64:
            column = ids if isinstance(ids, (pa.Array, pa.ChunkedArray)) else pa.array(ids, type=pa.large_string())
            found = pc.index_in(column.cast(pa.large_string()), value_set=self._ids)
            numbers = np.asarray(pc.fill_null(found, -1), dtype=np.int64)
        else:
            numbers = np.fromiter((self._lookup.get(i, -1) for i in ids), dtype=np.int64, count=len(ids))
        if missing == "raise" and (numbers < 0).any():
            at = int(np.flatnonzero(numbers < 0)[0])
            value = ids[at]
            raise UnknownIdError(f"unknown id {value.as_py() if isinstance(value, pa.Scalar) else value!r}")
        return numbers

    def ids(self, numbers: npt.ArrayLike) -> list[str]:
        """External ids of numbers, in their order."""
        taken: list[str] = self._ids.take(pa.array(np.asarray(numbers, dtype=np.int64))).to_pylist()
        return taken

    def number(self, external: str) -> InternalId | None:
        """Number of one id, or None if it is unknown."""
        found = self._lookup.get(external)
        return None if found is None else InternalId(found)

    def id(self, number: int) -> str:
        """External id of one number."""
        return str(self._ids[number].as_py())

    def to_arrow(self) -> pa.Array:
        """All external ids in the order of their numbers, as a large_string array."""
        return self._ids

    @cached_property
    def _lookup(self) -> dict[str, int]:
        return {external: number for number, external in enumerate(self._ids.to_pylist())}

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids.to_pylist())

    def __contains__(self, external: object) -> bool:
        return external in self._lookup

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and bool(self._ids.equals(other._ids))

    def __hash__(self) -> int:
        return hash((len(self), self._ids[0].as_py() if len(self) else None))

    def __repr__(self) -> str:
        return f"IdMap({len(self):,} ids)"
