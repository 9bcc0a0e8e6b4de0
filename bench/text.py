"""Texts a second: plait's encoder against the usual loop (batches of 32 in input order), same model, same process.

Run: python bench/text.py [number of texts]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModel, AutoTokenizer

from plait.text.encoder import TextConfig, TextVectors
from plait.text.huggingface import HuggingFaceEncoder, minilm_folder, token_batches

_WORDS = "light hair face cream body oil lemon glass rose travel set brush gentle night organic bottle new for with the"
_CONFIG = TextConfig()

Rows = npt.NDArray[np.int64]


def product_texts(count: int, rng: np.random.Generator) -> list[str]:
    """Texts as a shop has them: many titles, some paragraphs (5 to 300 words, log-normal, median 25)."""
    words = np.array(_WORDS.split())
    lengths = np.clip(rng.lognormal(np.log(25), 0.9, size=count), 5, 300).astype(int)
    return [" ".join(rng.choice(words, size=length)) for length in lengths]


@cache
def loaded() -> tuple[Any, Any]:
    """Tokenizer and model, loaded once."""
    return AutoTokenizer.from_pretrained(minilm_folder()), AutoModel.from_pretrained(minilm_folder())


def naive(texts: list[str]) -> TextVectors:
    """Vectors by the usual loop."""
    tokenizer, model = loaded()
    vectors = []
    for rows in in_input_order(len(texts)):
        batch = [texts[row] for row in rows]
        inputs = tokenizer(batch, padding=True, truncation=True, max_length=_CONFIG.max_tokens, return_tensors="pt")
        mask = inputs["attention_mask"].unsqueeze(-1)
        with torch.inference_mode():
            mean = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
        vectors.append(torch.nn.functional.normalize(mean).numpy())
    return np.concatenate(vectors)


def in_input_order(count: int, batch: int = 32) -> list[Rows]:
    """Rows of each batch of the usual loop."""
    return np.split(np.arange(count), range(batch, count, batch))


def padding(lengths: Rows, batches: Iterable[Rows]) -> str:
    """Share of the tokens run that are padding."""
    return f"{1 - lengths.sum() / sum(len(rows) * lengths[rows].max() for rows in batches):.1%}"


def timed(encode: Callable[[list[str]], TextVectors], texts: list[str]) -> tuple[float, TextVectors]:
    """Texts a second, and the vectors."""
    start = time.perf_counter()
    vectors = encode(texts)
    return len(texts) / (time.perf_counter() - start), vectors


def main() -> None:
    """Print the comparison: three rounds, turn about, the best of each, since other work only ever slows one down."""
    texts = product_texts(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, np.random.default_rng(0))
    limit = _CONFIG.tokens_per_batch
    encoder = HuggingFaceEncoder(minilm_folder(), max_tokens=_CONFIG.max_tokens, tokens_per_batch=limit)
    loaded()
    encoder.encode(["warm up"])
    rounds = [(timed(naive, texts), timed(encoder.encode, texts)) for _ in range(3)]
    slow, fast = max(theirs for (theirs, _), _ in rounds), max(own for _, (own, _) in rounds)
    (_, expected), (_, vectors) = rounds[0]
    lengths = np.array([len(ids) for ids in encoder.tokenise(texts)])
    table = Table("", "texts/s", "ratio", "padding", title=f"{len(texts):,} texts, {torch.get_num_threads()} threads")
    table.add_row("32 in input order", f"{slow:.0f}", "1.00", padding(lengths, in_input_order(len(texts))))
    row = (
        f"plait, {limit:,} tokens",
        f"{fast:.0f}",
        f"{fast / slow:.2f}",
        padding(lengths, token_batches(lengths, limit)),
    )
    table.add_row(*row)
    Console().print(table, f"largest difference of a coordinate: {np.abs(vectors - expected).max():.1e}")


if __name__ == "__main__":
    main()
