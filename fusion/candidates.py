"""Which items may be recommended, as somebody else says who is asked: a list of ids, or a database as it is now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from ..kg import DataError, IdMap
from .ranking import Ranked, top_k

__all__ = ["Allowed", "Candidates", "ThroughEntities"]

FETCH = 4
"""How many times k of the best items are asked about at first, where not all can be known at once."""
AT_LEAST = 64


@runtime_checkable
class Candidates(Protocol):
    """Tells which items may be recommended: all of them at once, or of any ids those that may."""

    def whole(self) -> Iterable[str] | None:
        """Ids of all items that may be recommended; None where it can only be asked about ids."""
        ...

    def among(self, ids: Sequence[str]) -> Collection[str]:
        """Those of some ids that may be recommended."""
        ...


class ThroughEntities:
    """Candidates by the ids of the items' entities in the graph, as candidates by the items' own.

    Args:
        candidates: who knows of entities.
        items: ids of the catalogue.
        entity: id of each item's entity, null where it has none, one an item; items without one are never allowed.
    """

    def __init__(self, candidates: Candidates, items: IdMap, entity: pa.Array) -> None:
        self._candidates, self._items, self._entity = candidates, items, entity

    def whole(self) -> pa.Array | None:
        """Ids of all items whose entity is allowed; None where it can only be asked about ids."""
        whole = self._candidates.whole()
        if whole is None:
            return None
        rows = pc.is_in(self._entity, value_set=_column(whole).cast(self._entity.type), skip_nulls=True)
        return self._items.to_arrow().filter(rows)

    def among(self, ids: Sequence[str]) -> Collection[str]:
        """Those of some ids whose entity is allowed."""
        numbers = pa.array(self._items.numbers(ids))
        entities = self._entity.take(numbers).to_pylist()
        passed = set(self._candidates.among([*{entity: None for entity in entities if entity is not None}]))
        return {name for name, entity in zip(ids, entities, strict=True) if entity in passed}


class Allowed:
    """The items of a catalogue that may be recommended, as far as that is known; asks for the rest as it is needed.

    Args:
        items: ids of the catalogue.
        whole: ids of all items allowed, if they are known; those that are no items of the catalogue count for nothing.
        asker: who can be asked, if they are not.

    Raises:
        DataError: if there are ids, and none of them is an item of the catalogue.
    """

    def __init__(self, items: IdMap, whole: Iterable[str] | None, asker: Candidates | None = None) -> None:
        self._items, self._asker = items, asker
        self._allowed = np.zeros(len(items), dtype=bool)
        self._known = np.full(len(items), whole is not None)
        if whole is not None:
            self._allowed[_numbers(whole, items)] = True

    @classmethod
    def of(cls, candidates: Candidates | Iterable[str] | None, items: IdMap) -> Allowed:
        """What candidates allow of a catalogue: ids, somebody who tells them, or None for everything.

        Raises:
            TypeError: if the candidates are one string rather than ids.
            DataError: if there are ids, and none of them is an item of the catalogue.
        """
        if isinstance(candidates, str):
            raise TypeError(f"candidates are ids: candidates=[{candidates!r}]")
        if isinstance(candidates, Candidates):
            return cls(items, candidates.whole(), candidates)
        made = cls(items, () if candidates is None else candidates)
        if candidates is None:
            made._allowed[:] = True
        return made

    def best(self, scores: npt.NDArray[np.float32], k: int, exclude: sp.csr_array | None = None) -> Ranked:
        """As `top_k` over the allowed items alone, whatever is known of them.

        Where not all is known, the best of each row are asked about, then twice as many, until k of them are allowed or
        there are no more: at most log2(items) rounds, and the answer is what asking about every item would give.
        """
        n, rows = max(FETCH * k, AT_LEAST), np.arange(len(scores))
        while len(rows) and not self._known.all():
            best = top_k(scores[rows], n, exclude=None if exclude is None else exclude[rows]).items
            there = best >= 0
            # What stands behind the k-th allowed item of a row need not be known.
            allowed = there & self._allowed[best]
            before = there & (allowed.cumsum(axis=1) - allowed < k)
            self._ask(np.unique(best[before & ~self._known[best]]))
            enough = (there & self._allowed[best]).sum(axis=1) >= k
            rows = rows[~enough & there.all(axis=1)]
            n *= 2
        # Most calls allow everything, and need no copy.
        mine = scores if self._allowed.all() else np.where(self._allowed, scores, np.float32(-np.inf))
        return top_k(mine, k, exclude=exclude)

    def _ask(self, numbers: npt.NDArray[np.int64]) -> None:
        if len(numbers) == 0 or self._asker is None:
            return
        ids = self._items.ids(numbers)
        passed = set(self._asker.among(ids))
        self._allowed[numbers] = [name in passed for name in ids]
        self._known[numbers] = True


def _column(ids: Iterable[str]) -> pa.Array | pa.ChunkedArray:
    return ids if isinstance(ids, (pa.Array, pa.ChunkedArray)) else pa.array(list(ids), pa.large_string())


def _numbers(ids: Iterable[str], items: IdMap) -> npt.NDArray[np.int64]:
    column = _column(ids)
    numbers = items.numbers(column, missing="negative")
    if len(numbers) and (numbers < 0).all() and len(items):
        raise DataError(
            f"none of the {len(column):,} candidates is an item of the model: {column[0].as_py()!r} is one of them, and items "
            f"are called as {items.id(0)!r} is"
        )
    return numbers[numbers >= 0]
