"""Texts a second of plait's encoder against sentence-transformers' `encode` with its defaults, same model, same process.

On a CPU: turn about, three rounds, and the median of the ratios of neighbouring runs, since other work on the machine slows
both. On a GPU: tokens a second against what the model's multiplications alone would take at the speed of one large
multiplication in the same precision.

Run: python bench/text.py [--texts 512] [--model FOLDER] [--device cuda] [--max-tokens 128]
Needs: pip install --no-deps sentence-transformers, and scikit-learn
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from plait.text.encoder import Precision, TextVectors
from plait.text.encoding_stats import EncodingStats
from plait.text.huggingface import HuggingFaceEncoder
from plait.text.packaged import minilm_folder
from plait.text.precision import has_bfloat16

_WORDS = "light hair face cream body oil lemon glass rose travel set brush gentle night organic bottle new for with the"
_TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 131_072}
_ROUNDS = 3

Encode = Callable[[list[str]], TextVectors]


def product_texts(count: int, rng: np.random.Generator) -> list[str]:
    """Texts as a shop has them, about 40 tokens each: 10 to 100 words, log-normal, median 35."""
    words = np.array(_WORDS.split())
    lengths = np.clip(rng.lognormal(np.log(35), 0.4, size=count), 10, 100).astype(int)
    return [" ".join(rng.choice(words, size=length)) for length in lengths]


def sentence_transformers(folder: Path, device: str) -> Encode:
    """`encode` of sentence-transformers as it comes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer

    model: Any = SentenceTransformer(str(folder), device=device)
    return lambda texts: model.encode(texts, show_progress_bar=False)


def plait(folder: Path, device: str, dtype: Precision, max_tokens: int) -> HuggingFaceEncoder:
    """Our encoder of the same folder."""
    batch = _TOKENS_PER_BATCH[device.split(":")[0]]
    return HuggingFaceEncoder(folder, max_tokens=max_tokens, tokens_per_batch=batch, device=device, dtype=dtype)


def timed(encode: Encode, texts: list[str]) -> tuple[float, TextVectors]:
    """Texts a second, and the vectors."""
    start = time.perf_counter()
    vectors = encode(texts)
    return len(texts) / (time.perf_counter() - start), vectors


def cosines(one: TextVectors, other: TextVectors) -> TextVectors:
    """Cosine of each pair of rows."""
    return (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def compare(texts: list[str], folder: Path, device: str, max_tokens: int) -> Table:
    """Each precision against sentence-transformers, one after the other in each round."""
    theirs = sentence_transformers(folder, device)
    wanted: list[Precision] = ["float32", *(["bfloat16"] if has_bfloat16(torch.device(device)) else [])]  # type: ignore[list-item]
    wanted += ["int8"] if device == "cpu" else []
    ours = {dtype: plait(folder, device, dtype, max_tokens) for dtype in wanted}
    for encode in (theirs, *(encoder.encode for encoder in ours.values())):
        encode(texts[:64])
    table = Table("", "texts/s", "ratio", "least cosine", "padding", title=f"{len(texts):,} texts on {device}")
    baseline = []
    for dtype, encoder in ours.items():
        encoder.stats = EncodingStats()
        rounds = [(timed(theirs, texts), timed(encoder.encode, texts)) for _ in range(_ROUNDS)]
        ratio = np.median([own / their for (their, _), (own, _) in rounds])
        baseline += [their for (their, _), _ in rounds]
        speed = np.median([own for _, (own, _) in rounds])
        least = cosines(rounds[0][0][1], rounds[0][1][1]).min()
        table.add_row(
            f"plait, {dtype}", f"{speed:,.0f}", f"{ratio:.2f}", f"{least:.5f}", f"{encoder.stats.padding_share:.1%}"
        )
    table.add_row("sentence-transformers", f"{np.median(baseline):,.0f}", "1.00", "", "")
    return table


def floor(texts: list[str], encoder: HuggingFaceEncoder) -> str:
    """Tokens a second on a GPU, and which share that is of what the multiplications alone would allow."""
    encoder.encode(texts)
    tokens = sum(map(len, encoder.tokenise(texts)))
    encoder.stats = EncodingStats()
    encoder.encode(texts)
    whole, tokenising = encoder.stats.seconds, seconds(lambda: encoder.tokenise(texts))
    with FlopCounterMode(display=False) as counter:
        encoder.encode(texts[:1024])
    work = counter.get_total_flops() / sum(map(len, encoder.tokenise(texts[:1024])))
    peak = multiplications(encoder.device)
    bound = peak / work
    return (
        f"{encoder.precision}: {tokens / whole:,.0f} tokens/s, without the tokenizer {tokens / (whole - tokenising):,.0f}; "
        f"{work / 1e6:,.1f} MFLOP a token at {peak / 1e12:,.0f} TFLOP/s (one large multiplication, measured) would be "
        f"{bound:,.0f}: {tokens / whole / bound:.1%} and {tokens / (whole - tokenising) / bound:.1%} of that"
    )


def seconds(run: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def multiplications(device: torch.device, size: int = 8192) -> float:
    """Floating-point operations a second of one large bfloat16 multiplication."""
    one = torch.randn(size, size, device=device, dtype=torch.bfloat16)

    def run() -> None:
        for _ in range(10):
            one @ one
        torch.cuda.synchronize(device)

    run()
    return 10 * 2 * size**3 / min(seconds(run) for _ in range(3))


def main() -> None:
    """Print the comparison, and on a GPU the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--max-tokens", type=int, default=256)
    given = parser.parse_args()
    folder = given.model or minilm_folder()
    texts = product_texts(given.texts, np.random.default_rng(0))
    console = Console()
    if given.device == "cpu":
        mean = np.mean([len(ids) for ids in plait(folder, "cpu", "float32", given.max_tokens).tokenise(texts)])
        console.print(f"{mean:.1f} tokens a text, {torch.get_num_threads()} threads")
    console.print(compare(texts, folder, given.device, given.max_tokens))
    if given.device != "cpu":
        console.print(floor(texts, plait(folder, given.device, "bfloat16", given.max_tokens)))


if __name__ == "__main__":
    main()
