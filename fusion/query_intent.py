"""What a free-text query asks for: entities of the graph it names, a price, and the rest of its words."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..kg import ItemGraph, local_name, short_names
from .query_price import Price, leaning_of, price_of
from .words import Phrase, PhraseIndex, words_of

__all__ = ["MAX_CHARACTERS", "MAX_WORDS", "Intent", "IntentReader", "Read", "Recognised", "Role"]

MAX_CHARACTERS = 2000
"""What is read of a query; the rest is left unread, and the intent says so."""
MAX_WORDS = 256

MOST_ALIKE = 16
"""Entities of one name that are looked at."""

Role = Literal["brand", "category", "attribute"]

BRANDS = frozenset({"brand", "manufacturer", "maker", "label", "publisher"})
CATEGORIES = frozenset(
    {"category", "categories", "genre", "subject", "subclassof", "broader", "narrower", "department", "producttype", "concept"}
)  # fmt: skip
"""Local names of relations and types, in lower case without underscores, that make an entity one or the other."""


@dataclass(frozen=True)
class Recognised:
    """An entity that a query names.

    Attributes:
        words: how the query names it, without case and accents.
        role: what it is to items.
        relation: short name of the relation by which items have it most often; its type where none has it directly.
        entity_id: its id.
        label: its display name.
        items: how many items have it, directly.
    """

    words: str
    role: Role
    relation: str
    entity_id: str
    label: str
    items: int


@dataclass(frozen=True)
class Intent:
    """What was understood of a query. Entities of the same words are all those called so: which is meant is not guessed.

    Attributes:
        brand, category, attributes: entities by their role, in the order of the query.
        price: what it says of the price.
        rest: its other words, which text alone is held against.
        unread: how many characters were too many, and not looked at.
    """

    brand: tuple[Recognised, ...] = ()
    category: tuple[Recognised, ...] = ()
    attributes: tuple[Recognised, ...] = ()
    price: Price | None = None
    rest: str = ""
    unread: int = 0

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Read:
    """A query as it is ranked by.

    Attributes:
        intent: what was understood.
        text: the query less its amounts, as typed: what the language model reads.
        words: its folded words less its amounts and price words, recognised ones included.
        phrases: the names among them.
    """

    intent: Intent
    text: str
    words: tuple[str, ...]
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, eq=False)
class IntentReader:
    """Reads queries against the names of a graph's entities.

    Attributes:
        graph: the graph around the items.
        priced: whether items have prices, so that a bare amount can be one.
    """

    graph: ItemGraph
    priced: bool

    def read(self, query: str) -> Read:
        """What a query asks for; the price first, then names, longest first, then the rest."""
        # Half of a surrogate pair, as broken JSON yields it, is no Unicode text.
        shown = " ".join(query[:MAX_CHARACTERS].encode("utf-8", errors="replace").decode("utf-8").split())
        found = price_of(shown, bare=self.priced)
        price, (start, stop) = found if found is not None else (None, (len(shown), len(shown)))
        before, after = words_of(shown[:start], shown[stop:])
        # No name reaches over an amount that was taken out: the empty word is in none.
        words = [*before, *([""] if before and after else []), *after][:MAX_WORDS]
        phrases = [replace(phrase, nodes=self._best_known(phrase.nodes)) for phrase in self.index.find(words)]
        free = np.ones(len(words), dtype=bool)
        for phrase in phrases:
            free[phrase.start : phrase.stop] = False
        if price is None and self.priced:
            price = self._leaning(words, free)
        rest = " ".join(word for word, alone in zip(words, free.tolist(), strict=True) if alone and word)
        named: dict[Role, list[Recognised]] = {"brand": [], "category": [], "attribute": []}
        for phrase in phrases:
            for node in phrase.nodes.tolist():
                entity = self.recognised(phrase.words, node)
                named[entity.role].append(entity)
        intent = Intent(
            tuple(named["brand"]),
            tuple(named["category"]),
            tuple(named["attribute"]),
            price,
            rest,
            max(len(query) - MAX_CHARACTERS, 0),
        )
        text = " ".join(f"{shown[:start]} {shown[stop:]}".split())
        told = set(price.words.split()) if price is not None and not price.value else set()
        return Read(intent, text, tuple(word for word in words if word and word not in told), tuple(phrases))

    def _best_known(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Of very many entities of one name those with the most edges."""
        order = np.argsort(-self.graph.adjacency.degree(nodes), kind="stable")
        return nodes[np.sort(order[:MOST_ALIKE])]

    def _leaning(self, words: list[str], free: npt.NDArray[np.bool_]) -> Price | None:
        """The first price word without an amount; it is no longer free then."""
        for at, word in enumerate(words):
            if free[at] and (op := leaning_of(word)) is not None:
                free[at] = False
                return Price(op, (), None, word)
        return None

    def recognised(self, words: str, node: int) -> Recognised:
        """An entity as a query names it."""
        relation, items, role = self._kind(node)
        graph = self.graph
        return Recognised(words, role, relation, graph.node_id(node), graph.node_label(node), items)

    def _kind(self, node: int) -> tuple[str, int, Role]:
        """By which relation items have an entity most often, how many items, and what that makes it."""
        edges = self.graph.adjacency.neighbours(np.array([node]))
        to_items = edges.node < self.graph.n_items
        near = to_items if to_items.any() else np.ones(len(edges), dtype=bool)
        counts = Counter(edges.relation[near].tolist()).most_common(1)
        kind = str(self.graph.type_name[node - self.graph.n_items])
        relation = self._names[counts[0][0]] if to_items.any() and counts else local_name(kind)
        told = {_plain(name) for name in (relation, local_name(kind), *(self._names[r] for r, _ in counts))}
        role: Role = "brand" if told & BRANDS else "category" if told & CATEGORIES else "attribute"
        return relation, len(np.unique(edges.node[to_items])), role

    @cached_property
    def index(self) -> PhraseIndex:
        """The entities by their names."""
        return PhraseIndex.build(self.graph.label, self.graph.n_items)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return short_names(self.graph.relations)


def _plain(name: str) -> str:
    return local_name(name).lower().replace("_", "")
