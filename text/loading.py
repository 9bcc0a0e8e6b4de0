"""Models and tokenizers of transformers, loaded from a local folder without a word and without running code of theirs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from ..kg import DataError

__all__ = ["check_weights", "load_model", "load_tokenizer", "positions", "read_model_config", "reads_left_to_right"]

_log = logging.getLogger(__name__)


def check_weights(folder: Path) -> None:
    """Refuse a folder without config or without safetensors weights."""
    if not (folder / "config.json").is_file():
        raise DataError("not a Hugging Face model: it has no config.json", path=folder)
    if not any(folder.glob("model*.safetensors")):
        raise DataError(
            "the model has no model.safetensors, and pickled weights can run code, so plait does not read them;"
            " convert them with transformers' save_pretrained",
            path=folder,
        )


def read_model_config(folder: Path) -> Any:
    """The config of a model that gives states of one text: an encoder, or a decoder by itself.

    Raises:
        DataError: if it cannot be read, or is of an encoder and a decoder in one.
    """
    from transformers import AutoConfig

    with _loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.is_encoder_decoder:
        raise DataError(f"plait reads encoders; a {config.model_type} is encoder and decoder in one", path=folder)
    return config


def reads_left_to_right(config: Any) -> bool:
    """Whether a model is a language model whose tokens see only those before them (which no masked one is)."""
    from transformers.models.auto import modeling_auto

    names: Any = modeling_auto
    kind = config.get_text_config().model_type
    return kind in names.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in names.MODEL_FOR_MASKED_LM_MAPPING_NAMES


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder.

    Raises:
        DataError: if there is none, or it cannot be read.
    """
    from transformers import AutoTokenizer

    with _loading(folder):
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_model(folder: Path) -> Any:
    """The transformer in a folder, in float32, without the head of its task, ready to be used.

    Raises:
        DataError: if the weights cannot be read, or lack some of the model's tensors.
    """
    from transformers import AutoModel

    _log.info("loading the text encoder %s", folder)
    with _loading(folder):
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
    # A decoder would keep keys and values of every layer for a text that never goes on.
    model.config.use_cache = False
    return model.eval()


def positions(model: Any) -> int:
    """Longest text that a model has positions for, in tokens."""
    known = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 2**31
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin count positions from padding_idx + 1, so the first ones are never used.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            known = min(known, module.num_embeddings - unused)
    return int(known)


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
