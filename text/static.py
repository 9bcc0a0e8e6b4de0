"""Static embeddings (model2vec): a vector for each token, averaged. No transformer runs, so it is hundreds of times faster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from ..kg import DataError
from .config import Prompts
from .content import content_hash, read_json
from .encoder import OnProgress, Role, TextVectors
from .encoding_stats import EncodingStats, unread_texts
from .tokens import clean

__all__ = ["StaticEncoder", "is_static"]

_TEXTS_AT_ONCE = 1024
_TABLES = ("embeddings", "embedding.weight")
"""Names of the table of vectors: model2vec's, and that of sentence-transformers' StaticEmbedding."""


class StaticEncoder:
    """Vectors of texts as the mean of their tokens' static vectors, in float32.

    Reads what model2vec and sentence-transformers (StaticEmbedding) save: model.safetensors with a table of vectors, perhaps
    weights and a mapping of tokens to rows, tokenizer.json, config.json. Unknown tokens do not count, as in model2vec. A
    text of which no token is known gets the zero vector.

    Args:
        folder: the model's folder.
        max_tokens: longest text in tokens; the model's own limit where that is lower.
        prompts: what goes before each text; nothing unless stated.

    Attributes:
        fingerprint: sha256 over table, tokenizer, config and `max_tokens`.
        stats: counts of all calls so far.

    Raises:
        DataError: if the folder lacks a file, or the table does not go with the tokenizer.
    """

    def __init__(self, folder: str | Path, *, max_tokens: int, prompts: Prompts | None = None) -> None:
        self._files = _find(Path(folder))
        self._prompts = (prompts or Prompts()).stated()
        config = read_json(self._files.config, default={})
        self._limit = min(max_tokens, config.get("max_length") or max_tokens)
        modules = read_json(Path(folder) / "modules.json", default=[])
        self._normalise = bool(config.get("normalize")) or any(str(m["type"]).endswith("Normalize") for m in modules)
        self.dimension = self._files.shape[1]
        files = [self._files.table, self._files.tokenizer]
        self.fingerprint = content_hash(f"static 1 {self._limit} {self._normalise}", files)
        self.stats = EncodingStats()

    def prompt(self, role: Role) -> str:
        """What goes before a text of that role."""
        return self._prompts.get(role, "")

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Raises:
            DataError: at the first text, if table or tokenizer cannot be read.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = [clean(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            vectors[start : start + len(part)] = self._mean(part, self.prompt(role))
            if on_progress is not None:
                on_progress(start + len(part), len(texts))
        return vectors

    def _mean(self, texts: list[str], prompt: str) -> TextVectors:
        started = time.perf_counter()
        table, unknown = self._table, self._unknown
        encoded = self._tokenizer.encode_batch_fast(
            [prompt + text if text else "" for text in texts], add_special_tokens=False
        )
        lengths = np.fromiter((len(own) for own in encoded), dtype=np.int64, count=len(texts))
        flat = np.fromiter(chain.from_iterable(own.ids for own in encoded), dtype=np.int64, count=int(lengths.sum()))
        of = np.repeat(np.arange(len(texts)), lengths)
        known = flat != unknown
        vectors = _segment_sums(table.rows(flat[known]), of[known], len(texts))
        counts = np.bincount(of[known], minlength=len(texts))
        vectors /= np.maximum(counts, 1)[:, None]
        if self._normalise:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-32)
        self._count(texts, lengths, counts, [bool(own.overflowing) for own in encoded], started)
        return vectors

    def _count(
        self,
        texts: list[str],
        lengths: npt.NDArray[np.int64],
        known: npt.NDArray[np.int64],
        cut: list[bool],
        started: float,
    ) -> None:
        unread, scripts, examples = unread_texts(texts, lengths, lengths - known, np.zeros_like(lengths))
        self.stats += EncodingStats(
            texts=len(texts),
            missing=int(np.count_nonzero(lengths == 0)),
            tokens=int(lengths.sum()),
            cut=sum(cut),
            unknown=int((lengths - known).sum()),
            unread=unread,
            seconds=time.perf_counter() - started,
            scripts=scripts,
            examples=examples,
        )

    @cached_property
    def _table(self) -> _Table:
        table = _read_table(self._files.table)
        if table.mapping is None and len(table.vectors) != self._tokenizer.get_vocab_size():
            message = f"{len(table.vectors)} vectors, but the tokenizer has {self._tokenizer.get_vocab_size()} tokens"
            raise DataError(message, path=self._files.table)
        return table

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            tokenizer: Any = Tokenizer.from_file(str(self._files.tokenizer))
        except Exception as error:  # tokenizers raises nothing more precise
            raise DataError(f"not a tokenizer: {error}", path=self._files.tokenizer) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._limit)
        return tokenizer

    @cached_property
    def _unknown(self) -> int:
        """The id of unknown tokens, -1 if there is none."""
        model = read_json(self._files.tokenizer, default={}).get("model", {})
        token = model.get("unk_token")
        number = model.get("unk_id") if token is None else self._tokenizer.token_to_id(token)
        return -1 if number is None else int(number)


@dataclass(frozen=True)
class _Table:
    """Vectors of tokens; `weights` and `mapping` (token to row) are there in models with a reduced vocabulary."""

    vectors: npt.NDArray[Any]
    weights: npt.NDArray[np.float32] | None
    mapping: npt.NDArray[np.int64] | None

    def rows(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        rows = self.vectors[tokens if self.mapping is None else self.mapping[tokens]].astype(np.float32)
        return rows if self.weights is None else rows * self.weights[tokens, None]


def _segment_sums(rows: npt.NDArray[np.float32], of: npt.NDArray[np.int64], segments: int) -> npt.NDArray[np.float32]:
    """Sum of the rows of each segment, shape (segments, dimension); `of` is ascending."""
    sums = np.zeros((segments, rows.shape[1]), dtype=np.float32)
    if len(of):
        starts = np.flatnonzero(np.diff(of, prepend=-1))
        sums[of[starts]] = np.add.reduceat(rows, starts, axis=0)
    return sums


@dataclass(frozen=True)
class _Files:
    table: Path
    tokenizer: Path
    config: Path
    shape: tuple[int, int]


def is_static(folder: Path) -> bool:
    """Whether a folder holds a table of token vectors.

    Raises:
        DataError: if its weights are no safetensors file.
    """
    return any(_table_shape(place / "model.safetensors") is not None for place in _places(folder))


def _places(folder: Path) -> list[Path]:
    return [place for place in (folder, folder / "0_StaticEmbedding") if (place / "tokenizer.json").is_file()]


def _find(folder: Path) -> _Files:
    for place in _places(folder):
        shape = _table_shape(place / "model.safetensors")
        if shape is not None:
            return _Files(place / "model.safetensors", place / "tokenizer.json", folder / "config.json", shape)
    raise DataError(
        "no static embeddings: there is no tokenizer.json beside a model.safetensors with vectors", path=folder
    )


def _table_shape(file: Path) -> tuple[int, int] | None:
    """Shape of the table in a safetensors file; None if it holds none."""
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="numpy") as tensors:
            names = set(tensors.keys())
            for name in _TABLES:
                # The name alone does not tell: a transformer may have an "embedding.weight" among its many tensors.
                if name in names and names <= {name, "weights", "mapping"}:
                    rows, columns = tensors.get_slice(name).get_shape()
                    return int(rows), int(columns)
    except (OSError, SafetensorError):
        return None
    return None


def _read_table(file: Path) -> _Table:
    try:
        with safe_open(file, framework="numpy") as tensors:
            names = set(tensors.keys())
            vectors = tensors.get_tensor(next(name for name in _TABLES if name in names))
            weights = tensors.get_tensor("weights").astype(np.float32) if "weights" in names else None
            mapping = tensors.get_tensor("mapping").astype(np.int64) if "mapping" in names else None
    except (OSError, SafetensorError) as error:
        raise DataError(f"the vectors cannot be read: {error}", path=file) from error
    if mapping is not None and len(mapping) and not 0 <= mapping.min() <= mapping.max() < len(vectors):
        raise DataError("the mapping names vectors that are not there", path=file)
    return _Table(vectors, weights, mapping)
