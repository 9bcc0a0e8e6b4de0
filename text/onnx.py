"""Transformers exported to ONNX, run by onnxruntime, pooled by the same code as all others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..kg import DataError
from .config import Prompts
from .content import content_hash, read_json
from .encoder import OnProgress, Pooling, Role, TextVectors
from .encoding_stats import EncodingStats
from .folder import read_recipe
from .loading import load_tokenizer
from .passes import run_batches
from .pooling import pool
from .tokens import TokenReader

__all__ = ["OnnxEncoder", "is_onnx"]

_STATES = ("last_hidden_state", "token_embeddings")
_VECTORS = "sentence_embedding"
_TOKENIZER = ("tokenizer*", "vocab*", "*token*.json", "*.model", "merges.txt")


class OnnxEncoder:
    """Vectors of texts by an ONNX file in a folder with its tokenizer.

    The file is model.onnx, in the folder or its subfolder onnx/, or the only one there; the path of a file chooses
    among several. What it gives out is pooled, put through dense layers and scaled as the folder's sentence-transformers
    files say, else by mean and to length 1; an output called sentence_embedding is taken as it is.

    Args:
        folder: the folder, or an ONNX file in it.
        max_tokens: longest text in tokens, special ones included; the tokenizer's own limit where that is lower.
        tokens_per_batch: tokens in one pass, padding included.
        device: "cuda" where onnxruntime has it, else the CPU computes.
        pooling: in place of what the folder says.
        prompts: in place of what the folder says.

    Attributes:
        dimension: length of each vector.
        fingerprint: sha256 over ONNX file, tokenizer, pooling and `max_tokens`.
        stats: counts of all calls so far.

    Raises:
        DataError: if onnxruntime or a file is missing, or the graph has other inputs and outputs than a text encoder's.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        max_tokens: int,
        tokens_per_batch: int,
        device: str = "cpu",
        pooling: Pooling | None = None,
        prompts: Prompts | None = None,
    ) -> None:
        self._folder, self._file = _find(Path(folder))
        self._device = device
        self.max_tokens = max_tokens
        self.tokens_per_batch = tokens_per_batch
        recipe = read_recipe(self._folder).override(pooling, prompts)
        self._recipe = replace(recipe, poolings=recipe.poolings or ("mean",))
        self.stats = EncodingStats()
        # Of a graph only running it tells the dimension for sure; any ids will do.
        self.dimension = self._forward(*(torch.ones(1, 2, dtype=torch.int64),) * 2, skip=0).shape[1]
        # Weights above 2 GB lie in files beside the graph.
        weights = [file for file in self._file.parent.glob("*") if file.suffix in (".onnx_data", ".data")]
        files = [self._file, *weights, *(f for p in _TOKENIZER for f in self._recipe.weights.glob(p) if f.is_file())]
        self.fingerprint = content_hash(f"onnx 1 {self._recipe.describe()} {max_tokens}", files)

    def prompt(self, role: Role) -> str:
        """What goes before a text of that role."""
        return self._recipe.prompts[role]

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Raises:
            DataError: at the first text, if the tokenizer cannot be loaded.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        reader, start = self._reader, time.perf_counter()
        read = reader.read(texts, self.prompt(role))
        tokenising = time.perf_counter() - start
        skip = 0 if self._recipe.counts_prompt else read.prompt
        vectors, stats = run_batches(
            read,
            lambda ids, mask: self._forward(ids, mask, skip=skip),
            dimension=self.dimension,
            padding=reader.padding,
            tokens_per_batch=self.tokens_per_batch,
            on_progress=on_progress,
        )
        self.stats += replace(stats, seconds=stats.seconds + tokenising)
        return vectors

    def _forward(self, ids: Tensor, mask: Tensor, *, skip: int) -> Tensor:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
        given["position_ids"] = torch.arange(ids.shape[1]).expand_as(ids)
        wanted = {put.name: given[put.name].numpy() for put in self._session.get_inputs()}
        try:
            (output,) = self._session.run([self._output], wanted)
        except Exception as error:  # as at loading
            shape = " x ".join(map(str, ids.shape))
            raise DataError(f"the graph fails on {shape} tokens (texts x tokens): {error}", path=self._file) from error
        result = torch.from_numpy(np.asarray(output, dtype=np.float32))
        if result.ndim == 2:
            return result
        vectors = pool(result, mask, self._recipe.poolings, skip=skip)
        for dense in self._dense:
            vectors = torch.nn.functional.normalize(vectors, dim=1) if dense is None else dense(vectors)
        return vectors

    @cached_property
    def _dense(self) -> list[Callable[[Tensor], Tensor] | None]:
        cpu = torch.device("cpu")
        return [None if dense is None else dense.load(cpu) for dense in self._recipe.head]

    @cached_property
    def _reader(self) -> TokenReader:
        tokenizer = load_tokenizer(self._recipe.weights)
        config = read_json(self._recipe.weights / "config.json", default={})
        positions = config.get("max_position_embeddings") or self.max_tokens
        limit = min(self.max_tokens, positions, int(tokenizer.model_max_length))
        return TokenReader(tokenizer, limit, lowercase=self._recipe.lowercase)

    @cached_property
    def _output(self) -> str:
        names = [put.name for put in self._session.get_outputs()]
        for name in (_VECTORS, *_STATES):
            if name in names:
                return name
        raise DataError(
            f"the graph gives {', '.join(names)}, none of {_VECTORS}, {', '.join(_STATES)}", path=self._file
        )

    @cached_property
    def _session(self) -> Any:
        runtime = _runtime()
        available = set(runtime.get_available_providers())
        wanted = ["CUDAExecutionProvider"] if self._device.startswith("cuda") else []
        providers = [name for name in wanted if name in available] + ["CPUExecutionProvider"]
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            session = runtime.InferenceSession(str(self._file), options, providers=providers)
        except Exception as error:  # onnxruntime has a class for each of its status codes, and no common base
            raise DataError(f"onnxruntime cannot load this graph: {error}", path=self._file) from error
        known = {"input_ids", "attention_mask", "token_type_ids", "position_ids"}
        if strange := [put.name for put in session.get_inputs() if put.name not in known]:
            raise DataError(f"the graph wants an input that plait does not know: {strange[0]}", path=self._file)
        return session


def is_onnx(folder: Path) -> bool:
    """Whether a path is an ONNX file, or a folder with one and without safetensors weights of a transformer."""
    if folder.suffix == ".onnx":
        return True
    return not any(folder.glob("**/model*.safetensors")) and bool(_files(folder))


def _files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])


def _find(path: Path) -> tuple[Path, Path]:
    """The folder with tokenizer and description, and the ONNX file."""
    if path.suffix == ".onnx":
        if not path.is_file():
            raise DataError("no such file", path=path)
        return (path.parent.parent if path.parent.name == "onnx" else path.parent), path
    found = _files(path)
    preferred = [file for file in found if file.name == "model.onnx"] or found
    if not found:
        raise DataError("no ONNX file in this folder or its subfolder onnx", path=path)
    if len(preferred) > 1:
        names = ", ".join(str(file.relative_to(path)) for file in preferred)
        raise DataError(f"several ONNX files ({names}): name one of them in text.encoder", path=path)
    return path, preferred[0]


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise DataError("an ONNX model needs onnxruntime: pip install 'plait[onnx]'") from error
    return onnxruntime
