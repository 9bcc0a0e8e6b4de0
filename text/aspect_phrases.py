"""Phrases of one or two words that stand where English puts a noun, found in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .aspect_words import CLOSERS, GENERIC, OPENERS, STOP

__all__ = ["Phrases", "phrases_of"]

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NOUN_SHARE = 0.3
"""A phrase is noun-like where it stands between an opener and a closer at least so often, of all the times it is said."""


@dataclass(frozen=True, eq=False)
class Phrases:
    """Noun-like phrases of clauses.

    Attributes:
        names: the phrases in lower case, large_string.
        phrase: which phrase each occurrence is, shape (m,).
        clause: which clause each occurrence stands in, ascending, shape (m,); a clause says a phrase once.
        n_clauses: number of clauses.
    """

    names: pa.Array
    phrase: Numbers
    clause: Numbers
    n_clauses: int


def phrases_of(clauses: pa.Array) -> Phrases:
    """Words and pairs of words that often enough stand where a noun does, and are no stop words.

    That is between an opener (a determiner, a preposition, a word of praise or blame, the beginning) and a closer (a form of
    "be", a preposition, a conjunction, a comma, the end). Once such a phrase is known, it is found wherever it is said.

    Args:
        clauses: large_string.
    """
    lower = pc.replace_substring_regex(pc.utf8_lower(clauses), r"[’']", "")
    # A comma is a word of its own, so that no phrase reaches over it.
    commas = pc.replace_substring_regex(lower, r"[,:()\"“”/]+", " , ")
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(commas, r"[^\pL\pN,-]+", " "))
    parts = pc.split_pattern(plain, " ")
    clause = np.asarray(pc.list_parent_indices(parts), dtype=np.int64)
    encoded = pc.list_flatten(parts).dictionary_encode()
    words = encoded.dictionary
    word = np.asarray(encoded.indices, dtype=np.int64)
    opener, closer, content = (_marked(words, names) for names in (OPENERS, CLOSERS, STOP | GENERIC))
    content = ~content & np.asarray(pc.match_substring_regex(words, r"^\pL[\pL\pN-]+$"), dtype=bool)
    comma = _marked(words, frozenset(","))
    singles = _occurrences(word, clause, content, opener, closer, comma, 1)
    pairs = _occurrences(word, clause, content, opener, closer, comma, 2)
    codes = np.concatenate([singles[0], pairs[0]])
    where, nounlike = np.concatenate([singles[1], pairs[1]]), np.concatenate([singles[2], pairs[2]])
    known, at = np.unique(codes, return_inverse=True)
    share = np.bincount(at, nounlike, minlength=len(known)) / np.maximum(np.bincount(at, minlength=len(known)), 1)
    good = share >= NOUN_SHARE
    number = np.cumsum(good) - 1
    kept = good[at]
    cells = np.unique(where[kept] * max(int(good.sum()), 1) + number[at[kept]])
    clause_of, phrase = np.divmod(cells, max(int(good.sum()), 1))
    return Phrases(_names(known[good], words), phrase, clause_of, len(clauses))


def _occurrences(
    word: Numbers, clause: Numbers, content: Mask, opener: Mask, closer: Mask, comma: Mask, length: int
) -> tuple[Numbers, Numbers, Mask]:
    """Each run of `length` content words: its code, its clause, and whether it stands like a noun."""
    n = len(word)
    first = np.arange(max(n - length + 1, 0))
    last = first + length - 1
    inside = (clause[first] == clause[last]) & content[word[first]] & content[word[last]]
    first, last = first[inside], last[inside]
    before, after = np.maximum(first - 1, 0), np.minimum(last + 1, max(n - 1, 0))
    begins = (first == 0) | (clause[before] != clause[first])
    ends = (last == n - 1) | (clause[after] != clause[last])
    nounlike = (begins | opener[word[before]]) & (ends | closer[word[after]])
    # One word alone ("Perfect", "zipper broke, shame") tells nothing of what it is.
    nounlike &= ~((begins | comma[word[before]]) & (ends | comma[word[after]]) & (length == 1))
    code = word[first] if length == 1 else (word[first] + 1) * len(content) + word[last]
    return code, clause[first], nounlike


def _marked(words: pa.Array, names: frozenset[str]) -> Mask:
    return np.asarray(pc.is_in(words, value_set=pa.array(sorted(names), pa.large_string())), dtype=bool)


def _names(codes: Numbers, words: pa.Array) -> pa.Array:
    """The words of a code; the first of a pair is counted from 1, so that single words have 0 there."""
    if len(codes) == 0:
        return pa.array([], pa.large_string())
    first, last = np.divmod(codes, len(words))
    one = words.take(pa.array(last))
    before = words.take(pa.array(np.maximum(first - 1, 0)))
    both = pc.binary_join_element_wise(before, one, pa.scalar(" ", pa.large_string()))
    return pc.if_else(pa.array(first > 0), both, one)
