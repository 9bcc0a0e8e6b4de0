"""What re-rankers know of the items: how like they are, and which values of a relation they have."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ConfigError, ItemGraph, local_name
from ...text.reduce_storage import unstored
from ..signals.item_entities import item_entities, relation_links
from ..signals.signal import Signal
from ..signals.text_signal import TextSignal
from .spaces import Dense, Space, SpaceName, Sparse

__all__ = ["ItemKnowledge"]


@dataclass(frozen=True, eq=False)
class ItemKnowledge:
    """Spaces and values of the items, each made when it is first asked for and kept.

    Attributes:
        graph: the graph around the items.
        embeddings: embeddings of the items, shape (items, d); None where there are none.
        text: the text signal; None where the model knows no texts.
    """

    graph: ItemGraph
    embeddings: npt.NDArray[np.float32] | None
    text: Signal | None
    _spaces: dict[str, Space] = field(default_factory=dict)
    _values: dict[int, sp.csr_array] = field(default_factory=dict)

    def space(self, name: SpaceName) -> Space:
        """What tells how like items are.

        Raises:
            ConfigError: if the model knows nothing of the kind.
        """
        if name not in self._spaces:
            self._spaces[name] = self._made(name)
        return self._spaces[name]

    def _made(self, name: SpaceName) -> Space:
        if name == "embeddings" and self.embeddings is not None:
            return Dense(self.embeddings)
        if name == "text" and isinstance(self.text, TextSignal):
            return Dense(unstored(self.text.vectors, self.text.scale))
        if name == "entities" and len(self.graph.head):
            return Sparse.rare_first(item_entities(self.graph))
        has = {"embeddings": self.embeddings is not None, "text": self.text is not None}
        known = ", ".join([*(kind for kind, there in has.items() if there), *["entities"] * bool(len(self.graph.head))])
        raise ConfigError(f"the model has no {name} to tell how like items are; space can be {known or 'none'}")

    def values(self, relation: str) -> sp.csr_array:
        """Which nodes each item is joined to by a relation, whichever way it points, binary, shape (items, nodes).

        Args:
            relation: its name in the graph, or the last part of its IRI where only one relation ends so.

        Raises:
            ConfigError: if the graph has no such relation.
        """
        number = self._relation(relation)
        if number not in self._values:
            self._values[number] = relation_links(self.graph, number)
        return self._values[number]

    def _relation(self, name: str) -> int:
        relations = self.graph.relations
        if name in relations:
            return relations.index(name)
        alike = [number for number, known in enumerate(relations) if local_name(known) == name]
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise ConfigError(f"{len(alike)} relations end in {name!r}: give the whole of {relations[alike[0]]!r}")
        names = [local_name(known) for known in relations]
        near = get_close_matches(name, names, 1) or names[:5]
        raise ConfigError(f"the graph has no relation {name!r}; it has {', '.join(near) or 'none at all'}")
