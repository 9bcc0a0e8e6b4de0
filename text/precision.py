"""What a transformer computes in: float32, half precision where the machine does it natively, or 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..kg import ConfigError
from .encoder import Precision

__all__ = ["has_bfloat16", "in_precision", "resolve_precision"]


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 numbers natively; a CPU that does not is several times slower than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Asked of torch, not of /proc/cpuinfo, which only Linux has. A version that cannot tell counts as "no".
    ask: Any = torch.cpu
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(ask, name)()) for name in names if hasattr(ask, name))


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """What is computed in, with "auto" decided.

    Raises:
        ConfigError: if the device cannot do it, or only by emulating it.
    """
    native = has_bfloat16(device)
    if precision == "auto":
        return "bfloat16" if native else "float32"
    if precision == "bfloat16" and not native:
        raise ConfigError(
            f"text.dtype: this {device.type} has no bfloat16 of its own, and emulating it is several times slower than "
            "float32; take auto, float32 or int8"
        )
    if precision == "float16" and device.type == "cpu":
        raise ConfigError("text.dtype: float16 is for GPUs; on a CPU take auto, float32, bfloat16 or int8")
    if precision == "int8" and device.type != "cpu":
        raise ConfigError(f"text.dtype: int8 is for CPUs; on {device.type} take auto, bfloat16 or float16")
    return precision


def in_precision(model: nn.Module, precision: Precision, device: torch.device) -> nn.Module:
    """The model on the device, changed in place to compute in a (resolved) precision."""
    match precision, device.type:
        case "bfloat16", "cpu":
            return _with_linear(model, HalfLinear)
        case "int8", _:
            return _with_linear(model, ByteLinear)
        case (("bfloat16" | "float16"), _):
            return model.to(device, getattr(torch, precision))
    return model.to(device)


def _with_linear(model: nn.Module, make: Callable[[nn.Linear], nn.Module]) -> nn.Module:
    for name, child in list(model.named_children()):
        # Exactly `Linear`: what derives from it computes something else.
        setattr(model, name, make(child) if type(child) is nn.Linear else _with_linear(child, make))
    return model


class HalfLinear(nn.Module):
    """A linear layer in bfloat16, the rest of the model staying in float32: nearly all the speed, a third of the error."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self._bias = None if layer.bias is None else layer.bias.detach().bfloat16()
        self._weight = layer.weight.detach().bfloat16()

    def forward(self, states: Tensor) -> Tensor:
        """As the layer, in float32 from float32."""
        return nn.functional.linear(states.bfloat16(), self._weight, self._bias).to(states.dtype)


class ByteLinear(nn.Module):
    """A linear layer in 8-bit integers, with a scale for each output and, unlike torch's own dynamic quantisation, for each token.

    y = (round(x / s) . round(w / r)) * s * r + b with s = max|x| / 127 of the token and r = max|w| / 127 of the output. Few
    coordinates of some tokens are far larger than all others; one scale for a whole batch loses the rest of it.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        self._scale = weight.abs().amax(dim=1).clamp_min(1e-12) / 127
        self._weight = (weight / self._scale[:, None]).round().to(torch.int8).t().contiguous()
        self._bias = torch.zeros(1) if layer.bias is None else layer.bias.detach().float()

    def forward(self, states: Tensor) -> Tensor:
        """As the layer, in float32."""
        rows = states.reshape(-1, states.shape[-1]).float()
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
        product = torch._int_mm((rows / scale).round_().to(torch.int8), self._weight)
        return torch.addcmul(self._bias, product * self._scale, scale).view(*states.shape[:-1], -1).to(states.dtype)
