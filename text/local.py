"""From a configuration to the encoder on this machine that it describes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..kg import ConfigError
from .config import StoredVectors, TextConfig
from .encoder import TextEncoder

if TYPE_CHECKING:
    from .lora_adapter import Adapter

__all__ = ["folder_of", "kind_of_folder", "local_encoder"]

_TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 32_768}


def local_encoder(config: TextConfig, device: str, adapter: Adapter | Path | None = None) -> TextEncoder:
    """The encoder, without a cache; with what tuning has added, if it has been tuned.

    Raises:
        DataError: if the model's package or folder is missing, or cannot be used.
        ConfigError: if the settings do not go with the encoder or the device.
    """
    if isinstance(config.encoder, StoredVectors):
        raise ConfigError("text.encoder: stored vectors are looked up by id; they cannot read a text")
    if config.encoder == "multilingual":
        return _multilingual(config)
    folder = folder_of(config.encoder)
    if config.encoder == "minilm":
        return _transformer(folder, config, device, adapter)
    kind = kind_of_folder(folder) if config.kind == "auto" else config.kind
    if adapter is not None and kind != "transformer":
        raise ConfigError(f"text.tune: only a transformer can be tuned, and {folder} is {kind}; leave it out")
    match kind:
        case "static":
            return _static(folder, config)
        case "onnx":
            return _onnx(folder, config, device)
    return _transformer(folder, config, device, adapter)


def folder_of(encoder: str) -> Path:
    """The folder of an encoder: that of the packaged model, or the one it names.

    Raises:
        DataError: if the package is missing.
    """
    from .packaged import minilm_folder

    return minilm_folder() if encoder == "minilm" else Path(encoder).expanduser()


def kind_of_folder(folder: Path) -> str:
    """What a folder holds: "static", "onnx" or "transformer"; the last also where there is nothing.

    Raises:
        DataError: if its modules.json or its weights cannot be read.
    """
    from .onnx import is_onnx
    from .static import is_static

    if is_static(folder):
        return "static"
    return "onnx" if is_onnx(folder) else "transformer"


def _transformer(folder: Path, config: TextConfig, device: str, adapter: Adapter | Path | None) -> TextEncoder:
    from .huggingface import HuggingFaceEncoder

    make: Callable[..., TextEncoder] = HuggingFaceEncoder
    if adapter is not None:
        from .lora_encoder import TunedEncoder

        make = partial(TunedEncoder, adapter=adapter)
    return make(
        folder,
        max_tokens=config.max_tokens,
        tokens_per_batch=_tokens_per_batch(config, device),
        device=device,
        dtype=config.dtype,
        pooling=config.pooling,
        prompts=config.prompts,
    )


def _onnx(folder: Path, config: TextConfig, device: str) -> TextEncoder:
    from .onnx import OnnxEncoder

    _refuse_dtype(config, "an ONNX file computes in what it was exported in")
    return OnnxEncoder(
        folder,
        max_tokens=config.max_tokens,
        tokens_per_batch=_tokens_per_batch(config, device),
        device=device,
        pooling=config.pooling,
        prompts=config.prompts,
    )


def _static(folder: Path, config: TextConfig) -> TextEncoder:
    from .static import StaticEncoder

    _refuse_dtype(config, "static vectors are looked up, not computed")
    _refuse_pooling(config, "static vectors are averaged")
    return StaticEncoder(folder, max_tokens=config.max_tokens, prompts=config.prompts)


def _multilingual(config: TextConfig) -> TextEncoder:
    from .multilingual import MultilingualEncoder

    _refuse_dtype(config, "the multilingual model computes in float32")
    _refuse_pooling(config, "the multilingual model has its own")
    return MultilingualEncoder(max_tokens=config.max_tokens, prompts=config.prompts)


def _tokens_per_batch(config: TextConfig, device: str) -> int:
    return config.tokens_per_batch or _TOKENS_PER_BATCH.get(device.split(":")[0], 32_768)


def _refuse_dtype(config: TextConfig, why: str) -> None:
    if config.dtype not in ("auto", "float32"):
        raise ConfigError(f"text.dtype: {why}, so {config.dtype} cannot be asked for; leave it out")


def _refuse_pooling(config: TextConfig, why: str) -> None:
    if config.pooling is not None:
        raise ConfigError(f"text.pooling: {why}, so {config.pooling} cannot be asked for; leave it out")
