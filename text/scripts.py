"""The script a text is written in, as a hint at its language."""

from __future__ import annotations

import unicodedata
from collections import Counter

__all__ = ["script_of"]

_LOOKED_AT = 200
"""Characters of a text that are looked at."""

_NAMES = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}


def script_of(text: str) -> str:
    """The script most letters at the start of a text belong to, such as "Latin", "Arabic" or "Chinese"; "" without letters.

    Chinese characters beside kana count as Japanese. A script is only a hint at the language: Persian is Arabic here.
    """
    counts = Counter(_script(character) for character in text[:_LOOKED_AT] if character.isalpha())
    if not counts:
        return ""
    if counts["Japanese"]:
        counts["Japanese"] += counts.pop("Chinese", 0)
    return counts.most_common(1)[0][0]


def _script(letter: str) -> str:
    # Unicode names a letter after its script: "ARABIC LETTER BEH", "CJK UNIFIED IDEOGRAPH-65E0".
    word = unicodedata.name(letter, "OTHER").split()[0].split("-")[0]
    return _NAMES.get(word, word.capitalize())
