"""A tuned encoder: the frozen one with adapters added to its weights. It needs no peft."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from .huggingface import HuggingFaceEncoder
from .lora_adapter import Adapter, merge_adapter, read_adapter

__all__ = ["TunedEncoder"]


class TunedEncoder(HuggingFaceEncoder):
    """Vectors of texts by a transformer in a local folder, with adapters added to its weights; as fast as without.

    Args:
        folder: as for `HuggingFaceEncoder`.
        adapter: adapters made for that model, or their folder in peft's layout.
        options: as for `HuggingFaceEncoder`.

    Attributes:
        fingerprint: of the frozen encoder and the adapters, so that a cache tells one from the other.

    Raises:
        DataError: as `HuggingFaceEncoder`; at the first text, if the adapters were made for another model.
        ModelError: if the adapters' folder cannot be read.
    """

    def __init__(self, folder: str | Path, adapter: Adapter | str | Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.adapter = adapter if isinstance(adapter, Adapter) else read_adapter(adapter)
        self.fingerprint = hashlib.sha256(f"{self.fingerprint} {self.adapter.digest}".encode()).hexdigest()

    def _weights(self) -> Any:
        model = super()._weights()
        merge_adapter(model, self.adapter)
        return model
