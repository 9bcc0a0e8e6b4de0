"""How alike the title of a thing and the names of another are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from .titles import name_parts, normalised, without_article

__all__ = ["LONE_WORD", "likeness_to_names", "with_text"]

LONE_WORD = 8
"""A single word shorter than this occurs by chance."""

SEQUEL = 70.0
"""Likeness of names that differ in a number at their end, at most."""

SMALL_WORDS = frozenset({"the", "a", "an", "of", "and", "in", "on", "to"})
Strings = Any
"""A `pa.Array` of large_string; pyarrow ships no types."""
Numbers = npt.NDArray[np.int64]


def likeness_to_names(titles: Strings, named: Numbers, names: Strings) -> npt.NDArray[np.float64]:
    """How alike each title is to the nearest of its names, 0 to 100, shape (titles,).

    Args:
        titles: large_string, none of them null.
        named: which title each name is to be compared with, shape (names,).
        names: large_string.
    """
    best = np.zeros(len(titles))
    one, other = without_article(normalised(titles)), without_article(normalised(names))
    best[named[with_text(other) & np.asarray(pc.fill_null(pc.equal(one.take(pa.array(named)), other), False))]] = 100
    # Most are equal, and those are done: what follows takes twenty comparisons a name.
    open_rows = np.flatnonzero(best < 100)
    number = np.full(len(titles), -1)
    number[open_rows] = np.arange(len(open_rows))
    asked = np.flatnonzero(number[named] >= 0)
    title_wholes, title_parts = name_parts(titles.take(pa.array(open_rows)))
    name_wholes, name_halves = name_parts(names.take(pa.array(asked)))
    row = number[named[asked]]
    result = best[open_rows]
    for title in title_wholes:
        for name in name_wholes:
            _keep_best(result, row, title, name, 1.0)
        # What stands before a colon is often a series, and so says less than what stands after it.
        for name, worth in zip(name_halves, (0.75, 0.9), strict=True):
            _keep_best(result, row, title, name, worth)
    for title, worth in zip(title_parts, (0.75, 0.9), strict=True):
        for name in name_wholes:
            _keep_best(result, row, title, name, worth)
    best[open_rows] = result
    return best


def _keep_best(best: npt.NDArray[np.float64], row: Numbers, title: Strings, name: Strings, worth: float) -> None:
    """Raise `best` where one way to say the title comes nearer one way to say a name; null is no way."""
    title = title.take(pa.array(row))
    both = np.asarray(pc.and_(pc.is_valid(title), pc.is_valid(name)))
    one, other = (column.filter(pa.array(both)).to_pylist() for column in (title, name))
    if one:
        np.maximum.at(best, row[both], worth * _pairwise(one, other))


def _pairwise(titles: list[str], names: list[str]) -> npt.NDArray[np.float64]:
    """Likeness of each title and the name beside it, both normalised."""
    words = _compared(titles, names, fuzz.token_sort_ratio)
    # "Super Cop" and "Supercop".
    closed = [[text.replace(" ", "") for text in column] for column in (titles, names)]
    score = np.maximum(words, _compared(closed[0], closed[1], fuzz.ratio))
    within = (_compared(titles, names, fuzz.token_set_ratio) >= 100) & (words < 100)
    for at in np.flatnonzero(within).tolist():
        score[at] = _subset(titles[at].split(), names[at].split(), score[at])
    # One is a sequel of the other: "Toy Story 2" and "Toy Story 3".
    last = [tuple(text.rpartition(" ")[2] for text in pair) for pair in zip(titles, names, strict=True)]
    sequel = [a != b and a.isdigit() and b.isdigit() and len(a) < 3 and len(b) < 3 for a, b in last]
    return np.where(sequel, np.minimum(score, SEQUEL), score)


def _compared(titles: list[str], names: list[str], scorer: Any) -> npt.NDArray[np.float64]:
    return np.asarray(process.cpdist(titles, names, scorer=scorer, dtype=np.float64), dtype=np.float64)


def _subset(title: list[str], name: list[str], score: float) -> float:
    """Likeness where all words of one are among the other's."""
    lengths = [sum(len(word) for word in words if word not in SMALL_WORDS) or 1 for words in (title, name)]
    share = min(lengths) / max(lengths)
    if title[-1] != name[-1] and any(words[-1].isdigit() and len(words[-1]) < 3 for words in (title, name)):
        # "Toy Story" and "Toy Story 2". A number further ahead does no harm: "Star Trek (II): The Wrath of Khan".
        return min(score, SEQUEL)
    if len(name) > len(title):
        # A name with more words is another thing: "Ghost" is not "Ghost Dad".
        return 100 * share
    # A title says more than the name ("William Shakespeare's Romeo + Juliet"), unless the name is any word.
    return max(score, 70 + 30 * share) if len(name) > 1 or len(name[0]) >= LONE_WORD else score


def with_text(strings: Strings) -> npt.NDArray[np.bool_]:
    """Which strings hold more than white space, shape (strings,)."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(strings.cast(pa.large_string()), r"\S"), False), dtype=bool)
