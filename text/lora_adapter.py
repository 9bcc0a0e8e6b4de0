"""Low-rank adapters: where they go in a model, their files in peft's layout, and adding them to the weights."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import nn

from ..kg import DataError, ModelError, whole_directory

__all__ = [
    "Adapter",
    "merge_adapter",
    "read_adapter",
    "target_names",
    "transformer_layers",
    "write_adapter",
    "write_files",
]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."

_QUERY_VALUE = {"query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "q", "v", "Wqkv", "qkv", "qkv_proj", "in_proj"}
_KEY_OUT = {"key", "k_proj", "k_lin", "k", "o_proj", "out_proj", "out_lin", "o", "Wo"}


@dataclass(frozen=True, eq=False)
class Adapter:
    """Adapters of some linear maps: each weight W becomes W + scale * B A.

    Attributes:
        tensors: A and B by the names peft gives them, float32, shapes (rank, in) and (out, rank).
        scale: what the products are multiplied by.
        rank: rank of each product.
    """

    tensors: Mapping[str, npt.NDArray[np.float32]]
    scale: float
    rank: int

    @property
    def digest(self) -> str:
        """sha256 over names, shapes, values and scale, as 64 hexadecimal digits."""
        content = hashlib.sha256(f"{self.scale!r}\n".encode())
        for name, tensor in sorted(self.tensors.items()):
            content.update(f"{name} {tensor.shape}\n".encode())
            content.update(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
        return content.hexdigest()

    def pairs(self) -> dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        """A and B of each linear map, by its name in the model.

        Raises:
            ValueError: if a tensor is neither, or lacks its other half.
        """
        found: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
        for name, tensor in self.tensors.items():
            module, _, half = name.removeprefix(_PREFIX).rpartition(".lora_")
            if not name.startswith(_PREFIX) or half not in {"A.weight", "B.weight"}:
                raise ValueError(f"{name!r} is no tensor of a plain LoRA adapter")
            found.setdefault(module, {})[half[0]] = tensor
        if half_known := sorted(module for module, halves in found.items() if len(halves) < 2):
            raise ValueError(f"{half_known[0]!r} has one half of its adapter only")
        return {module: (halves["A"], halves["B"]) for module, halves in found.items()}


def transformer_layers(model: nn.Module) -> tuple[str, nn.ModuleList]:
    """The list of the model's layers, and its name: the longest list of modules of one class.

    Raises:
        ValueError: if there is none.
    """
    lists = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(layer) for layer in module}) == 1
    ]
    if not lists:
        raise ValueError(f"{type(model).__name__} has no list of layers")
    return max(lists, key=lambda entry: len(entry[1]))


def target_names(model: nn.Module, targets: str, layers: int | None) -> list[str]:
    """Names of the linear maps that get an adapter, in the last `layers` layers (None: all).

    Args:
        model: a transformer.
        targets: "query_value", "attention" or "linear".
        layers: how many layers.

    Raises:
        ValueError: if there is none of that name.
    """
    name, stack = transformer_layers(model)
    first = 0 if layers is None else max(0, len(stack) - layers)
    wanted = _QUERY_VALUE if targets == "query_value" else _QUERY_VALUE | _KEY_OUT
    found = [
        f"{name}.{number}.{inner}"
        for number, layer in enumerate(stack)
        if number >= first
        for inner, module in layer.named_modules()
        if isinstance(module, nn.Linear) and (targets == "linear" or _is_attention(inner, wanted))
    ]
    if not found:
        raise ValueError(f"{type(model).__name__} has no linear map that plait knows as part of an attention")
    return found


def _is_attention(name: str, wanted: set[str]) -> bool:
    *above, last = name.split(".")
    # The attention's last map may have the name of one of the feed-forward net's: attention.output.dense, attn.Wo.
    within = any("att" in part.lower() for part in above)
    return (last in wanted and (within or last not in _SHARED)) or (last == "dense" and "o_proj" in wanted and within)


_SHARED = {"Wo", "o", "q", "k", "v"}
"""Names that mean an attention's map within an attention alone."""


def write_adapter(adapter: Adapter, folder: str | Path) -> None:
    """Write a folder in peft's layout, whole or not at all; `PeftModel.from_pretrained` reads it too."""
    with whole_directory(folder) as target:
        write_files(adapter, target)


def write_files(adapter: Adapter, folder: Path) -> None:
    """Write the two files of an adapter in peft's layout into a folder beside what it holds."""
    config = {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": None,
        "r": adapter.rank,
        "lora_alpha": adapter.scale * adapter.rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": sorted(adapter.pairs()),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    save_file({name: np.ascontiguousarray(t) for name, t in adapter.tensors.items()}, folder / WEIGHTS)


def read_adapter(folder: str | Path) -> Adapter:
    """Read a folder in peft's layout. Nothing in it is run: pickled weights are not looked at.

    Raises:
        ModelError: if the folder or one of its two files is missing, damaged, or asks for more than plain LoRA.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise ModelError(f"no adapter: it has no {CONFIG}", path=folder)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"the adapter has no {WEIGHTS}, and pickled weights can run code, so plait does not read them; save it again"
            " with peft's save_pretrained(..., safe_serialization=True)",
            path=folder,
        )
    rank, scale = _read_scale(folder / CONFIG)
    try:
        tensors = load_file(folder / WEIGHTS)
        adapter = Adapter({name: tensor.astype(np.float32) for name, tensor in tensors.items()}, scale, rank)
        adapter.pairs()
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ModelError(f"cannot be read as an adapter: {error}", path=folder / WEIGHTS) from error
    return adapter


def _read_scale(file: Path) -> tuple[int, float]:
    """Rank and scale from a config of peft, where it describes plain LoRA."""
    try:
        config: Any = json.loads(file.read_text(encoding="utf-8"))
        rank, alpha = int(config["r"]), float(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"not the configuration of a LoRA adapter: {error!r}", path=file) from error
    # Whatever else is set changes what the adapter means: better refused than merged wrongly.
    plain = {"peft_type": "LORA", "bias": "none", "base_model_name_or_path": None, "task_type": None, "revision": None}
    changed = [key for key in config if key.startswith("use_") or key in _OTHER_KINDS]
    extra = sorted(key for key in changed if config[key] and key != "use_rslora")
    if config.get("peft_type") != plain["peft_type"] or config.get("bias", "none") != "none" or extra:
        what = extra[0] if extra else "bias" if config.get("peft_type") == "LORA" else str(config.get("peft_type"))
        raise ModelError(f"plait reads plain LoRA adapters, and this one has {what}", path=file)
    if rank < 1 or not math.isfinite(alpha):
        raise ModelError(f"rank {rank} and alpha {alpha} make no adapter", path=file)
    return rank, alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


_OTHER_KINDS = {
    "alora_invocation_tokens",
    "alpha_pattern",
    "fan_in_fan_out",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
}
"""Settings of peft that make an adapter more than one A and one B of the same rank for each map."""


@torch.no_grad()
def merge_adapter(model: nn.Module, adapter: Adapter) -> None:
    """Add the adapter's products to the model's weights, in place.

    Raises:
        DataError: if it was made for another model.
    """
    modules = dict(model.named_modules())
    for name, (down, up) in adapter.pairs().items():
        module = modules.get(name)
        if not isinstance(module, nn.Linear):
            raise DataError(f"the adapter is for another model: this one has no linear map {name!r}")
        shapes = ((adapter.rank, module.in_features), (module.out_features, adapter.rank))
        if (down.shape, up.shape) != shapes:
            raise DataError(f"the adapter is for another model: {name!r} has {tuple(module.weight.shape)} weights")
        if not (np.isfinite(down).all() and np.isfinite(up).all()):
            raise DataError(f"the adapter of {name!r} holds values that are not finite")
        product = torch.from_numpy(up) @ torch.from_numpy(down)
        module.weight += (adapter.scale * product).to(module.weight)
