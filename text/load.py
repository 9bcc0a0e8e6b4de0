"""From a configuration to the encoder it describes, with its cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .config import TextConfig
from .encoder import TextEncoder

if TYPE_CHECKING:
    from .lora_adapter import Adapter

__all__ = ["load_encoder"]


def load_encoder(config: TextConfig, *, device: str = "cpu", adapter: Adapter | Path | None = None) -> TextEncoder:
    """The encoder that `config` describes, with its cache if it has one.

    Args:
        config: which, and how.
        device: a torch device.
        adapter: what tuning has added to it, or the folder of that, if it has been tuned.

    Raises:
        DataError: if the model's package or folder is missing, or cannot be used; the message says which and what to do.
        ConfigError: if the settings do not go with the encoder or the device.
    """
    # Imported here since they need torch and transformers, seconds that reading a config should not cost.
    from .cache import CachedEncoder

    encoder: TextEncoder
    if config.endpoint is not None:
        from .endpoint import EndpointEncoder

        encoder = EndpointEncoder(config.endpoint)
    else:
        from .local import local_encoder

        encoder = local_encoder(config, device, adapter)
    return encoder if config.cache is None else CachedEncoder(encoder, config.cache.expanduser())
