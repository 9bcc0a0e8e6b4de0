"""Names as they compare: without case, accents, punctuation, articles, years in brackets and ways to write numbers."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["bracketed_year", "name_parts", "normalised", "without_article"]

ARTICLES = "the|a|an|le|la|les|l|il|lo|el|los|las|der|die|das|un|une|o"
NUMBERS = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "first": "1st", "second": "2nd", "third": "3rd",
    "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th",
}  # fmt: skip
Strings = Any
"""A `pa.Array` of large_string; pyarrow ships no types."""

_NUMBER_WORD = re.compile(r"\b(" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + r")\b")
# What encyclopaedias put in brackets to tell namesakes apart says nothing about the name: "(film)", "(1995 novel)".
_QUALIFIER = r"\s*\((?:[^()]*\s)?(?:\d{4}|(?i:film|movie|book|novel|album|song|band|series|game|company|brand))\)\s*$"


def normalised(names: Strings) -> Strings:
    """Names in lower case, letters and digits in single spaces, "&" as "and", small numbers as digits; null stays."""
    text = pc.utf8_normalize(names.cast(pa.large_string()), form="NFKD")
    # The French and Italian article before its apostrophe is a word: "L'Enfer" is "Enfer, L'".
    text = pc.replace_substring_regex(pc.utf8_lower(text), r"\b([ld])['’]", r"\1 ")
    text = pc.replace_substring_regex(text, r"[\p{M}'’`]", "")
    for old, new in (("ß", "ss"), ("ø", "o"), ("æ", "ae"), ("&", " and "), ("+", " and ")):
        text = pc.replace_substring(text, old, new)
    text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[^\p{L}\p{N}]+", " "))
    # Arrow replaces a pattern by one text, not by a table: only the names that hold a number word are visited.
    has = pc.fill_null(pc.match_substring_regex(text, _NUMBER_WORD.pattern), False)
    if not pc.any(has).as_py():
        return text
    numbered = [_NUMBER_WORD.sub(lambda word: NUMBERS[word[1]], name) for name in text.filter(has).to_pylist()]
    return pc.replace_with_mask(text, has, pa.array(numbered, type=pa.large_string()))


def without_article(names: Strings, articles: str = ARTICLES) -> Strings:
    """Normalised names without a leading article, unless nothing else would be left."""
    return pc.replace_substring_regex(names, rf"^(?:{articles}) (.)", r"\1")


def bracketed_year(names: Strings) -> Strings:
    """The year that a name holds in brackets, "(1995)" or "(1995 film)", int64; null where there is none."""
    found = pc.extract_regex(names.cast(pa.large_string()), r"\((?P<year>1[5-9]\d\d|20\d\d)(?:\)|\s)")
    return pc.struct_field(found, "year").cast(pa.int64())


def name_parts(names: Strings, articles: str = ARTICLES) -> tuple[list[Strings], list[Strings]]:
    """Other ways to say each name, normalised, null where there is none.

    Args:
        names: large_string.
        articles: leading articles to leave out, with bars between them.

    Returns:
        Names of the whole thing (as it stands, without brackets, what stands in brackets, "Killer, The" turned round),
        and names of a part of it (before and after a colon).
    """
    plain = names.cast(pa.large_string())
    for _ in range(2):
        plain = pc.replace_substring_regex(plain, _QUALIFIER, "")
    outer = pc.replace_substring_regex(plain, r"\s*\([^()]*\)", "")
    inner = pc.struct_field(pc.extract_regex(plain, r"\((?P<inner>[^()]+)\)"), "inner")
    wholes = [_comparable(_turned(name), articles) for name in (plain, outer, inner)]
    colon = pc.extract_regex(outer, r"^(?P<before>[^:]+):\s*(?P<after>.+)$")
    return wholes, [_comparable(_turned(pc.struct_field(colon, side)), articles) for side in ("before", "after")]


def _turned(names: Strings) -> Strings:
    """The same with "Matrix, The" as "The Matrix"."""
    return pc.replace_substring_regex(names, rf"(?i)^(.+),\s*({ARTICLES})['’]?\s*$", r"\2 \1")


def _comparable(names: Strings, articles: str) -> Strings:
    text = without_article(normalised(names), articles)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
