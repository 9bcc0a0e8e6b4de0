"""Texts in clauses, in columns: where a sentence turns ("but"), so may what it thinks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .encoder import OnProgress, TextEncoder
from .features import TextFeatures, text_features

__all__ = ["Clauses", "clauses_of", "encoded_clauses", "mean_by_text"]

_BREAK = "\x1f"
_ENDS = r"[!?;…。！？；\r\n]+|\.(?:\s|$)|\.{2,}"
_TURNS = r"(?i),?\s+(?:(?:but|however|although|though|whereas|yet)[\s,]+)+"
_LONGEST = 32
"""Clauses read of one text: what follows in a longer one says little more."""


@dataclass(frozen=True, eq=False)
class Clauses:
    """Clauses of n texts, equal ones kept once.

    Attributes:
        distinct: the clauses, large_string.
        clause: which of them each mention is, in reading order, shape (m,).
        text: which text each mention stands in, ascending, shape (m,).
        n_texts: n.
    """

    distinct: pa.Array
    clause: npt.NDArray[np.int64]
    text: npt.NDArray[np.int64]
    n_texts: int


def clauses_of(texts: pa.Array) -> Clauses:
    """The clauses of some texts: cut at ends of sentences and at words such as "but"; at most 32 of a text.

    Args:
        texts: large_string; null and blank ones have no clause.
    """
    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    marked = pc.replace_substring_regex(pc.replace_substring_regex(texts, _ENDS, _BREAK), _TURNS, _BREAK)
    parts = pc.split_pattern(marked, _BREAK)
    text = np.asarray(pc.list_parent_indices(parts), dtype=np.int64)
    words = pc.utf8_trim_whitespace(pc.list_flatten(parts))
    kept = np.asarray(pc.match_substring_regex(words, r"\pL"), dtype=bool)
    text, words = text[kept], words.filter(pa.array(kept))
    place = np.arange(len(text)) - np.searchsorted(text, text)
    text, words = text[place < _LONGEST], words.filter(pa.array(place < _LONGEST))
    encoded = words.dictionary_encode()
    return Clauses(encoded.dictionary, np.asarray(encoded.indices, dtype=np.int64), text, len(texts))


def encoded_clauses(clauses: Clauses, encoder: TextEncoder, on_progress: OnProgress | None = None) -> TextFeatures:
    """Vectors of the distinct clauses, of length 1 where they are present."""
    features = text_features(encoder, clauses.distinct.to_pylist(), on_progress=on_progress)
    return TextFeatures(_of_length_one(features.vectors), features.present)


def mean_by_text(clauses: Clauses, features: TextFeatures) -> TextFeatures:
    """Mean over each text's clauses; a text of which no clause has a vector is missing."""
    used = features.present[clauses.clause]
    text, clause = clauses.text[used], clauses.clause[used]
    counts = np.bincount(text, minlength=clauses.n_texts)
    sums = np.zeros((clauses.n_texts, features.dimension), dtype=np.float32)
    starts = np.flatnonzero(np.diff(text, prepend=-1))
    for first, last in _blocks(starts, len(text)):
        rows = starts[(starts >= first) & (starts < last)]
        if len(rows):
            sums[text[rows]] = np.add.reduceat(features.vectors[clause[first:last]], rows - first, axis=0)
    present = counts > 0
    sums[present] /= counts[present, None]
    return TextFeatures(sums, present)


def _blocks(starts: npt.NDArray[np.int64], n: int, most: int = 65_536) -> list[tuple[int, int]]:
    """Ranges of rows that cut no text in two, of about `most` rows, so that the vectors gathered at once are bounded."""
    cuts = np.unique(np.searchsorted(starts, np.arange(0, n, most)))
    edges = [*starts[cuts[cuts < len(starts)]].tolist(), n]
    return list(pairwise(edges))


def _of_length_one(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
