"""Texts made fit to be read: HTML, stray characters, blanks; and what says nothing is missing, not text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .boilerplate import without_boilerplate
from .clean_html import HTML, words_of_html
from .clean_report import CleaningKind, CleaningReport

__all__ = ["LONGEST", "clean_texts", "cleaned"]

LONGEST = 20_000
"""Characters of a value that are read: far more than any encoder takes, and a bound on the time that cleaning takes."""

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{84}\x{86}-\x{9f}]"
# Soft hyphens, zero-width spaces and marks of direction; joiners stay, since emoji and Persian are written with them.
_INVISIBLE = r"[\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{feff}]"
_BLANK = r"[\s\p{Z}\x{85}]"
_PLACEHOLDERS = (
    "n/a", "n.a.", "n.a", "#n/a", "na", "none", "null", "nil", "nan", "undefined", "unknown", "tbd", "tba", "t.b.d.",
    "to be determined", "to be announced", "not available", "not applicable", "not specified", "not provided",
    "unspecified", "no description", "no description available", "description not available", "no title",
    "no information available", "no text", "no value", "coming soon", "lorem ipsum", "keine angabe",
    "keine beschreibung", "keine beschreibung verfügbar", "k.a.", "k. a.",
)  # fmt: skip
# There are films of these names.
_NAMES_TOO = frozenset(("unknown", "coming soon", "na", "tba", "tbd"))
_NAME_DIGITS = 4
"""Digits that a name may be made of: "300" and "1984" are titles, what is longer is a number of something."""


def cleaned(values: pa.Array, *, names: bool = False) -> tuple[pa.Array, CleaningReport]:
    """Values without HTML, control characters and superfluous blanks, in NFC; null where that leaves nothing to read.

    Nothing to read is: nothing; punctuation alone; digits alone; a word for "there is none".

    Args:
        values: large_string, nulls allowed; each distinct one is cleaned once.
        names: whether these are names: of four digits or fewer one is a name ("1984"), and "Unknown" may be a film.

    Returns:
        As many values, and what was found; counts are of values, equal ones counted each.
    """
    coded = values.dictionary_encode()
    codes = np.asarray(coded.indices.fill_null(-1), dtype=np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(coded.dictionary))
    distinct, report = _cleaned(coded.dictionary.cast(pa.large_string()), counts, names)
    return distinct.take(coded.indices), report


def clean_texts(texts: Sequence[str]) -> tuple[list[str], CleaningReport]:
    """Texts from tables, cleaned as those of a graph are, boilerplate included; "" where nothing is left.

    Args:
        texts: one a node; all of one kind, so that sentences they share can be told.
    """
    column = pa.array([text or None for text in texts], type=pa.large_string())
    clean, found = cleaned(column)
    rows = np.arange(len(texts))
    clean, repeated = without_boilerplate(clean, rows, np.zeros(len(texts), dtype=np.int64), np.array([len(texts)]))
    left = [text or "" for text in clean.to_pylist()]
    # An example that says something, if there is one: most texts that are missing were empty from the start.
    empty = [texts[number] for number, text in enumerate(left) if not text]
    missing = CleaningReport().with_finding("no-text", len(empty), max(empty, key=len, default=""))
    return left, CleaningReport.joined([found, repeated, missing])


def _cleaned(values: pa.Array, counts: npt.NDArray[np.int64], names: bool) -> tuple[pa.Array, CleaningReport]:
    """Distinct values cleaned; `counts` says how often each occurs."""
    report = CleaningReport()

    def found(kind: CleaningKind, mask: pa.Array) -> bool:
        nonlocal report
        rows = np.flatnonzero(_mask(mask))
        if len(rows):
            report = report.with_finding(kind, int(counts[rows].sum()), values[int(rows[0])].as_py())
        return len(rows) > 0

    if found("too-long", mask := pc.greater(pc.utf8_length(values), LONGEST)):
        values = pc.if_else(mask, pc.utf8_slice_codeunits(values, 0, LONGEST), values)
    if found("html", mask := pc.match_substring_regex(values, HTML)):
        words = [words_of_html(text) for text in values.filter(mask).to_pylist()]
        values = pc.replace_with_mask(values, mask, pa.array(words, pa.large_string()))
    if found("invisible-characters", mask := pc.match_substring_regex(values, f"{_CONTROL}|{_INVISIBLE}")):
        values = _replaced(_replaced(values, mask, _INVISIBLE, ""), mask, _CONTROL, " ")
    composed = pc.utf8_normalize(values, "NFC")
    if found("not-nfc", pc.not_equal(values, composed)):
        values = composed
    if found("blanks", mask := pc.match_substring_regex(values, rf"{_BLANK}{{2}}|[^\S ]|[^\P{{Z}} ]|\x{{85}}|^ | $")):
        values = pc.utf8_trim(_replaced(values, mask, f"{_BLANK}+", " "), " ")
    missing = pc.equal(values, "")
    for kind, mask in _without_content(values, names).items():
        found(kind, mask)
        missing = pc.or_(missing, mask)
    return pc.if_else(missing, pa.scalar(None, pa.large_string()), values), report


def _without_content(values: pa.Array, names: bool) -> dict[CleaningKind, pa.Array]:
    """Which values say nothing, each for one reason."""
    words = [word for word in _PLACEHOLDERS if not (names and word in _NAMES_TOO)]
    bare = pc.utf8_trim(pc.utf8_lower(values), " .!()[]<>-*")
    placeholder = pc.is_in(bare, pa.array([w.strip(" .!()[]<>-*") for w in words], pa.large_string()))
    punctuation = pc.and_(pc.not_equal(values, ""), pc.match_substring_regex(values, r"^[^\p{L}\p{N}\p{So}]+$"))
    digits = pc.match_substring_regex(values, r"^[\P{L}]*\p{N}[\P{L}]*$")
    if names:
        digits = pc.and_(digits, pc.greater(pc.utf8_length(values), _NAME_DIGITS))
    return {"placeholder": pc.and_not(placeholder, punctuation), "only-punctuation": punctuation, "only-digits": digits}


def _replaced(values: pa.Array, mask: pa.Array, pattern: str, by: str) -> pa.Array:
    return pc.replace_with_mask(values, mask, pc.replace_substring_regex(values.filter(mask), pattern, by))


def _mask(mask: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(mask.fill_null(False), dtype=bool)
