"""Putting adapters into a model with peft."""

from __future__ import annotations

from importlib.util import find_spec

from torch import nn

from ..kg import ConfigError
from .lora_adapter import target_names
from .lora_config import LoraConfig

__all__ = ["attach"]


def attach(model: nn.Module, config: LoraConfig) -> tuple[dict[str, nn.Parameter], float]:
    """Put adapters into a model, in place, and freeze all else.

    Returns:
        What is to be trained, by the names it has in peft's files; and its share of all parameters.

    Raises:
        ConfigError: if peft is not installed, or the model has nothing to put adapters on.
    """
    # Looked for, not tried: an ImportError from within peft is another matter, and should be seen.
    if find_spec("peft") is None:
        raise ConfigError("tuning the text encoder needs peft: pip install 'plait[tune]'")
    import peft

    try:
        targets = target_names(model, config.targets, config.layers)
    except ValueError as error:
        raise ConfigError(f"the text encoder cannot be tuned: {error}") from error
    model.requires_grad_(False)
    model.eval()
    lora = peft.LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules=targets, bias="none"
    )
    peft.inject_adapter_in_model(lora, model)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    total = sum(p.numel() for p in model.parameters())
    named = {f"base_model.model.{name.replace('.default.', '.')}": p for name, p in trained.items()}
    return named, sum(p.numel() for p in trained.values()) / total
