"""Tokens of a text guessed without the model's tokenizer: for batches, pace and cost."""

from __future__ import annotations

__all__ = ["estimated_tokens", "shortened"]

_LETTERS_A_TOKEN = 4
"""Of English in the tokenizers of such models; other alphabets take about a token for each letter, or less."""


def estimated_tokens(text: str) -> int:
    """One token for every four ASCII characters begun, and one for every other character."""
    plain = len(text.encode("ascii", errors="ignore"))
    return -(-plain // _LETTERS_A_TOKEN) + len(text) - plain


def shortened(text: str, most: int) -> str:
    """The longest beginning of at most so many estimated tokens."""
    # No text has more tokens than letters.
    if len(text) <= most or estimated_tokens(text) <= most:
        return text
    low, high = most, min(len(text), most * _LETTERS_A_TOKEN)
    while low < high:
        middle = (low + high + 1) // 2
        if estimated_tokens(text[:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low]
