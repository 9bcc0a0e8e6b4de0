"""Sentences that many nodes share: they tell of the shop, not of the thing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clean_report import CleaningReport

__all__ = ["SHARED_BY", "SHARED_PART", "without_boilerplate"]

SHARED_BY, SHARED_PART = 50, 0.01
"""A sentence is boilerplate if more nodes than this, and more than this part of the nodes of a type, have it."""

_SHORTEST = 20
"""Characters of the shortest sentence looked at: "Hardcover." is shared by many and says something."""

Numbers = npt.NDArray[np.integer]


def without_boilerplate(
    values: pa.Array, node: Numbers, kind: Numbers, kind_sizes: Numbers
) -> tuple[pa.Array, CleaningReport]:
    """Texts less the sentences that more than max(50, 1 %) of the nodes of their type have.

    Args:
        values: cleaned texts, null where missing.
        node: the node that each is about, shape (n,).
        kind: number of its type, shape (n,).
        kind_sizes: how many nodes each type has.

    Returns:
        The texts, null where nothing else was in one, and how many sentences were dropped.
    """
    bound = np.maximum(SHARED_BY, kind_sizes * SHARED_PART)
    if len(values) == 0 or len(values) <= SHARED_BY:
        return values, CleaningReport()
    # After cleaning no text holds a line break, so one can stand for the end of a sentence.
    marked = pc.replace_substring_regex(values, r"([.!?。！？…]['\")\]”’]?) ", "\\1\n")
    lists = pc.split_pattern(marked, "\n")
    sentences, row = pc.list_flatten(lists), np.asarray(pc.list_parent_indices(lists))
    long = np.asarray(pc.greater_equal(pc.utf8_length(sentences), _SHORTEST), dtype=bool)
    coded = sentences.dictionary_encode()
    code = np.asarray(coded.indices, dtype=np.int64)
    shared = _shared(code, node[row], kind[row], bound, len(coded.dictionary)) & long
    if not shared.any():
        return values, CleaningReport()
    kept = _rejoined(sentences, row, ~shared, len(values))
    affected = np.zeros(len(values), dtype=bool)
    affected[row[shared]] = True
    commonest = int(np.bincount(code[shared]).argmax())
    report = CleaningReport().with_finding("boilerplate", int(shared.sum()), coded.dictionary[commonest].as_py())
    return pc.if_else(pa.array(affected), kept, values), report


def _shared(
    code: Numbers, node: Numbers, kind: Numbers, bound: npt.NDArray[np.floating], n_codes: int
) -> npt.NDArray[np.bool_]:
    """Which sentences more nodes of their type have than the bound, shape (sentences,); a node counts once."""
    shared = np.zeros(len(code), dtype=bool)
    # Few sentences occur often enough at all; only these are looked at by type.
    often = np.flatnonzero(np.bincount(code, minlength=n_codes)[code] > bound.min())
    if len(often) == 0:
        return shared
    _, place = np.unique(kind[often].astype(np.int64) * n_codes + code[often], return_inverse=True)
    n = int(node.max()) + 1
    nodes = np.bincount(np.unique(place * n + node[often]) // n)
    shared[often] = nodes[place] > bound[kind[often]]
    return shared


def _rejoined(sentences: pa.Array, row: Numbers, keep: npt.NDArray[np.bool_], n: int) -> pa.Array:
    """The kept sentences of each row as one text, null where none is."""
    counts = np.bincount(row[keep], minlength=n)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), sentences.filter(pa.array(keep)))
    joined = pc.binary_join(lists, pa.scalar(" ", pa.large_string()))
    return pc.if_else(pa.array(counts == 0), pa.scalar(None, pa.large_string()), joined)
