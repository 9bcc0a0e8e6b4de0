"""A dense layer behind the pooling, as sentence-transformers saves one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..kg import DataError
from .content import read_json

__all__ = ["Dense", "read_dense"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Identity": lambda x: x,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
    "Sigmoid": torch.sigmoid,
    "SiLU": torch.nn.functional.silu,
}


@dataclass(frozen=True)
class Dense:
    """A linear layer and an activation.

    Attributes:
        folder: holds config.json and model.safetensors.
        inputs: length of the vector that goes in.
        outputs: length of the one that comes out.
        activation: name of a torch activation.
    """

    folder: Path
    inputs: int
    outputs: int
    activation: str

    def describe(self) -> str:
        """Shape and activation, for a fingerprint; the weights are a file."""
        return f"{self.inputs} {self.outputs} {self.activation}"

    def load(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """The layer, ready to run in float32.

        Raises:
            DataError: if the weights cannot be read, or are not as the config says.
        """
        file = self.folder / "model.safetensors"
        try:
            found = {name: value.float().to(device) for name, value in load_file(file).items()}
        except (OSError, SafetensorError) as error:
            raise DataError(f"the dense layer cannot be read: {error}", path=file) from error
        weight, bias = found.get("linear.weight"), found.get("linear.bias")
        if weight is None or tuple(weight.shape) != (self.outputs, self.inputs):
            raise DataError(f"there is no linear.weight of shape ({self.outputs}, {self.inputs})", path=file)
        activation = _ACTIVATIONS[self.activation]
        return lambda vectors: activation(torch.nn.functional.linear(vectors, weight, bias))


def read_dense(folder: Path) -> Dense:
    """The dense layer in a folder; its weights are left for later.

    Raises:
        DataError: if there is no config, no safetensors file, or an activation that plait does not know.
    """
    config: dict[str, Any] = read_json(folder / "config.json", default={})
    if not {"in_features", "out_features"} <= config.keys():
        raise DataError("a dense layer needs in_features and out_features", path=folder / "config.json")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS:
        raise DataError(f"plait has no activation {activation}: {', '.join(_ACTIVATIONS)}", path=folder / "config.json")
    if config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
        raise DataError("plait knows dense layers behind the pooling only", path=folder / "config.json")
    if not (folder / "model.safetensors").is_file():
        raise DataError("the dense layer has no model.safetensors, and plait reads no pickled weights", path=folder)
    return Dense(folder, int(config["in_features"]), int(config["out_features"]), activation)
