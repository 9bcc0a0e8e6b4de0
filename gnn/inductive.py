"""A trained GraphSAGE apart from the graph it was trained on: it answers for items that came later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..kg import Interactions, ItemGraph, ModelError, whole_file
from .config import GnnConfig
from .embeddings import Embeddings
from .features import NodeFeatures
from .nets import NodeText, SageNet
from .propagation import Propagation
from .readout import embeddings_of, users_of
from .unified import UnifiedGraph

__all__ = ["InductiveNet"]


@dataclass(frozen=True, eq=False)
class InductiveNet:
    """What a `sage` net learned, for any graph with the relations and the encoder of its training.

    Attributes:
        state: its tensors by name.
        config: by which it was trained.
    """

    state: Mapping[str, Tensor]
    config: GnnConfig

    @torch.no_grad()
    def embeddings(self, interactions: Interactions, graph: ItemGraph, text: NodeFeatures | None) -> Embeddings:
        """Embeddings for a graph that has grown, on the CPU; nothing is trained.

        An item that nobody met is known by its text and its edges, and its bias is what those of the others say of an
        item without users.

        Args:
            interactions: the histories; users may be any. The items are those of the training in their order, new ones
                after them.
            graph: the graph around these items; entities may be any, the relations are those of the training.
            text: texts of its items and entities by the same encoder; given if the training had texts.

        Raises:
            ValueError: if items or relations are missing, or the texts.
        """
        unified = UnifiedGraph.build(interactions, graph)
        net = SageNet.learned(unified, self.config, NodeText.of(text), self.state)
        counts = users_of(interactions.matrix())
        return embeddings_of(net, Propagation.on(unified, torch.device("cpu")), counts, self.config)

    def save(self, path: str | Path) -> None:
        """Write one safetensors file with the configuration as JSON in its head; it appears whole or not at all."""
        with whole_file(path) as temporary:
            save_file(dict(self.state), temporary, metadata={"sage": self.config.model_dump_json()})

    @classmethod
    def load(cls, path: str | Path) -> InductiveNet:
        """The net of a file.

        Raises:
            ModelError: if the file is none of such a net, or of another version.
        """
        try:
            with safe_open(path, framework="pt") as file:
                config = GnnConfig.model_validate_json((file.metadata() or {})["sage"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, ValidationError, OSError) as error:
            raise ModelError("this is no inductive net that this version of plait saved", path=Path(path)) from error
        return cls(state, config)
