"""The language model that reads a query: the one that read the items, got again when first asked."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..kg import ModelError, PlaitError
from ..text import TextConfig, TextEncoder, load_encoder

if TYPE_CHECKING:
    from ..text.lora_adapter import Adapter

__all__ = ["QueryEncoder"]

REMEMBERED = 256
"""Queries whose vectors are kept."""


@dataclass(frozen=True, eq=False)
class QueryEncoder:
    """How the encoder of a model is got again.

    Attributes:
        config: says which it is.
        fingerprint: names what the items' vectors depend on; another encoder's mean something else.
        dimension: length of the vectors.
        adapter: what tuning has added to it, or the folder of that; None if it has not been tuned.
        device: where queries are read; one at a time, so that a processor serves.
        loaded: the encoder, where it is at hand already; None loads it at the first query.
        sends: whether queries, and a key, may be sent to the server that `config` names. A model from a folder must not
            choose by itself where a key of this machine goes.
    """

    config: TextConfig
    fingerprint: str
    dimension: int
    adapter: Adapter | Path | None = None
    device: str = "cpu"
    loaded: TextEncoder | None = None
    sends: bool = True
    _known: OrderedDict[str, npt.NDArray[np.float32]] = field(default_factory=OrderedDict, repr=False)

    def at(self, encoder: str) -> QueryEncoder:
        """The same model in another place, or at the server it is on, by its URL, which then may be asked."""
        endpoint = self.config.endpoint
        if endpoint is not None and encoder.rstrip("/").removesuffix("/embeddings") == endpoint.url.removesuffix(
            "/embeddings"
        ):
            return replace(self, sends=True, _known=OrderedDict())
        moved = self.config.model_copy(update={"encoder": encoder, "endpoint": None})
        return replace(self, config=moved, loaded=None, _known=OrderedDict())

    def encode(self, query: str) -> npt.NDArray[np.float32] | None:
        """The vector of a query, shape (d,); None where the encoder finds nothing in it to read.

        Raises:
            ModelError: if the encoder is missing, or is not the one that read the items.
        """
        if query not in self._known:
            self._known[query] = self._encoder.encode([query], role="query")[0]
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(query)
        vector = self._known[query]
        return vector if vector.any() else None

    @cached_property
    def _encoder(self) -> TextEncoder:
        encoder, name = self.loaded or self._load(), self.config.name
        if encoder.fingerprint != self.fingerprint:
            raise ModelError(
                f"the encoder {name!r} is not the one that read the items, so its vectors mean something else; "
                "search with the one of the training, or train anew"
            )
        return encoder

    def _load(self) -> TextEncoder:
        endpoint = self.config.endpoint
        if endpoint is not None and not self.sends:
            key = f" and the key in {endpoint.key_env}" if endpoint.key_env else ""
            raise ModelError(
                f"this model reads queries by sending them{key} to {endpoint.url}; if you trust that, allow it by "
                f"at({endpoint.url!r}), on the command line --encoder {endpoint.url}"
            )
        try:
            # What people type is not kept on the disk.
            config = self.config.model_copy(update={"cache": None})
            return load_encoder(config, device=self.device, adapter=self.adapter)
        except PlaitError as error:
            raise ModelError(
                f"a search needs the encoder that read the items, {self.config.name!r}, and it cannot be loaded "
                f"({error}); put it there, or say where it is with at(encoder), on the command line --encoder"
            ) from error
