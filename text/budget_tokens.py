"""The tokenizer of an encoder, as a budget wants it: counts without loading any weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .budget_cut import CountTokens
from .encoder import TextEncoder

__all__ = ["TokenBudget", "token_budget"]

_AT_ONCE = 8192
"""Texts in one call of the tokenizer, whose own result takes some 4 kB a text."""


@dataclass(frozen=True)
class TokenBudget:
    """What a `Verbaliser` needs to know of an encoder.

    Attributes:
        max_tokens: most tokens of a text, without special ones and the prompt.
        count_tokens: counts them; None where the encoder has no tokenizer to ask.
    """

    max_tokens: int
    count_tokens: CountTokens | None = None


def token_budget(encoder: TextEncoder, max_tokens: int) -> TokenBudget:
    """The room that an encoder has for a text, and its tokenizer if it has one.

    An encoder may offer `count_tokens(texts)`, without special tokens and uncut; of a Hugging Face model the tokenizer alone is
    loaded. What wraps an encoder (a cache) is looked through.

    Args:
        encoder: the encoder.
        max_tokens: longest text that it is to read, special tokens and prompt included.

    Raises:
        DataError: if the tokenizer cannot be loaded.
    """
    inner: Any = encoder
    while inner is not None:
        if callable(offered := getattr(inner, "count_tokens", None)):
            return TokenBudget(max(max_tokens - 2, 1), offered)
        if (recipe := getattr(inner, "_recipe", None)) is not None and hasattr(recipe, "weights"):
            return _of_folder(recipe, encoder.prompt("passage"), max_tokens)
        inner = getattr(inner, "_encoder", None)
    return TokenBudget(max(max_tokens - 2, 1))


def _of_folder(recipe: Any, prompt: str, max_tokens: int) -> TokenBudget:
    from .loading import load_tokenizer

    tokenizer = load_tokenizer(recipe.weights)

    def count(texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for start in range(0, len(texts), _AT_ONCE):
            part = [text.lower() if recipe.lowercase else text for text in texts[start : start + _AT_ONCE]]
            # Without "verbose" it warns of each text longer than the model: these are the ones to be cut.
            found = tokenizer(
                part, add_special_tokens=False, return_attention_mask=False, return_token_type_ids=False, verbose=False
            )
            counts += map(len, found["input_ids"])
        return counts

    limit = min(max_tokens, int(tokenizer.model_max_length))
    taken = int(tokenizer.num_special_tokens_to_add()) + (count([prompt])[0] if prompt else 0)
    return TokenBudget(max(limit - taken, 1), count)
