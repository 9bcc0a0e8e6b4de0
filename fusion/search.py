"""Free-text search: what a query means, names and costs, held against the catalogue and the user's own taste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from ..kg import ItemGraph, ModelError
from .explain import Explanation, Hop
from .item_prices import ItemPrices
from .query_encoder import QueryEncoder
from .query_intent import Intent, IntentReader, Read
from .search_graph import Reached, reached
from .signals.signal import Scores
from .signals.text_signal import TextSignal
from .words import WordIndex

__all__ = ["WEIGHTS", "Found", "Match", "SearchHit", "Searcher", "personal", "searchable"]

Row = npt.NDArray[np.float32]
"""A number for each item, shape (items,)."""

WEIGHTS: Mapping[str, float] = {
    "text": 1.0,
    "words": 4.0,
    "brand": 3.0,
    "category": 2.0,
    "attribute": 2.0,
    "price": 3.0,
    "user": 0.5,
}
"""What counts how much, against one deviation of the text similarity over the catalogue. `text` and `user` are in
deviations; `words` is 1 for the very title; an entity is 1 where the item has it; a price 1 where it fits, -1 where not."""


@dataclass(frozen=True)
class Match:
    """One reason for a hit.

    Attributes:
        kind: what of the item is matched.
        words: the words of the query.
        what: what they match: an entity's label, the words of the title, the price, a cosine.
        entity_id: the entity, where it is one.
        hops: the triples by which the item has the entity, the item's first.
        text: the reason in one line.
    """

    kind: Literal["brand", "category", "attribute", "title", "price", "text"]
    words: str
    what: str
    text: str
    entity_id: str | None = None
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True)
class SearchHit:
    """One item found.

    Attributes:
        item_id: what.
        rank: from 1.
        score: sum of the signals; comparable within one search alone.
        title: the item's display name.
        signals: what each adds to the score: text, words, graph, price, user.
        warmth: how well the user is known; None without one.
        paths: paths from the user's history to the item, if asked for.
        matched: which words of the query match what of the item.
    """

    item_id: str
    rank: int
    score: float
    title: str
    signals: Mapping[str, float]
    warmth: Literal["hot", "warm", "cold"] | None
    paths: tuple[Explanation, ...]
    matched: tuple[Match, ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return {**asdict(replace(self, paths=())), "paths": [path.as_record() for path in self.paths]}


@dataclass(frozen=True, eq=False)
class Found:
    """A query held against the catalogue.

    Attributes:
        read: the query, understood.
        parts: what each signal adds to each item.
        cosines: of the query's text and each item's; None where the encoder found nothing to read.
        entities: items by recognised entity, in the order of the phrases and their nodes.
    """

    read: Read
    parts: dict[str, Row]
    cosines: Row | None
    entities: tuple[tuple[Reached, ...], ...]


@dataclass(frozen=True, eq=False)
class Searcher:
    """Scores a catalogue for queries; its indices are built at the first one.

    Attributes:
        graph: the graph around the items.
        titles: display name of each item, large_string.
        text: the items' texts.
        encoder: reads queries.
        prices: what items cost; None where nothing is known of it.
    """

    graph: ItemGraph
    titles: pa.Array
    text: TextSignal
    encoder: QueryEncoder
    prices: ItemPrices | None

    def intent(self, query: str) -> Intent:
        """What a query asks for.

        Raises:
            ValueError: if there is no word in it.
        """
        return self._read(query).intent

    def find(self, query: str) -> Found:
        """Scores by text, words, graph and price: a function of the query alone.

        Raises:
            ValueError: if there is no word in the query.
            ModelError: if the encoder is missing or another.
        """
        read = self._read(query)
        parts: dict[str, Row] = {}
        vector = self.encoder.encode(read.text) if read.words else None
        cosines = None if vector is None else self.text.cosines(vector)
        if cosines is not None:
            parts["text"] = _scaled(cosines, self.text.present) * np.float32(WEIGHTS["text"])
        parts["words"] = self._words.likeness(read.words) * np.float32(WEIGHTS["words"])
        entities = tuple(tuple(reached(self.graph, node) for node in p.nodes.tolist()) for p in read.phrases)
        lifted = self._lifted(read, entities)
        parts["graph"] = lifted
        if read.intent.price is not None and self.prices is not None:
            among = lifted > 0 if (lifted > 0).any() else np.ones(len(lifted), dtype=bool)
            parts["price"] = self.prices.fit(read.intent.price, among) * np.float32(WEIGHTS["price"])
        return Found(read, {name: part for name, part in parts.items() if part.any()} or parts, cosines, entities)

    def matches(self, found: Found, item: int, title: str) -> tuple[Match, ...]:
        """Which words of a query match what of an item: entities first, then title, price and text."""
        return (
            *self._entity_matches(found, item, title),
            *self._title_match(found, item, title),
            *self._price_match(found, item),
            *self._text_match(found, item),
        )

    def _read(self, query: str) -> Read:
        read = self._reader.read(query)
        if not read.words and read.intent.price is None:
            raise ValueError(f"there is no word to search for in {query[:40]!r}")
        return read

    def _lifted(self, read: Read, entities: tuple[tuple[Reached, ...], ...]) -> Row:
        """What recognised entities add: of those called alike the one that an item has counts, and not each of them."""
        total = np.zeros(self.graph.n_items, dtype=np.float32)
        for phrase, named in zip(read.phrases, entities, strict=True):
            best = np.zeros_like(total)
            for node, one in zip(phrase.nodes.tolist(), named, strict=True):
                weight = WEIGHTS[self._reader.recognised(phrase.words, node).role]
                np.maximum(best, one.share * np.float32(weight), out=best)
            total += best
        return total

    def _entity_matches(self, found: Found, item: int, title: str) -> list[Match]:
        matches = []
        for phrase, named in zip(found.read.phrases, found.entities, strict=True):
            for node, one in zip(phrase.nodes.tolist(), named, strict=True):
                if (way := one.way(self.graph, item, title)) is not None:
                    entity = self._reader.recognised(phrase.words, node)
                    text = f'"{phrase.words}": {way.text}'
                    matches.append(Match(entity.role, phrase.words, entity.label, text, entity.entity_id, way.hops))
        return matches

    def _title_match(self, found: Found, item: int, title: str) -> list[Match]:
        shared = " ".join(self._words.shared(found.read.words, item))
        return [Match("title", shared, title, f'"{shared}" in the title')] if shared else []

    def _price_match(self, found: Found, item: int) -> list[Match]:
        price, prices = found.read.intent.price, self.prices
        if price is None or prices is None or not found.parts.get("price", np.zeros(item + 1))[item] > 0:
            return []
        shown = f"{prices.amount[item]:g} {prices.currency[item].as_py() or ''}".strip()
        return [Match("price", price.words, shown, f'"{price.words}": {shown}')]

    def _text_match(self, found: Found, item: int) -> list[Match]:
        if found.cosines is None or not self.text.present[item] or found.cosines[item] <= 0:
            return []
        shown = f"{found.cosines[item]:.2f}"
        return [Match("text", found.read.text, shown, f"text alike, cosine {shown}")]

    @cached_property
    def _reader(self) -> IntentReader:
        return IntentReader(self.graph, self.prices is not None)

    @cached_property
    def _words(self) -> WordIndex:
        return WordIndex.build(self.titles)


def personal(blended: Scores, seen: sp.csr_array) -> Row:
    """What the taste of one user adds: the blend (1, items) in deviations over the unseen, 0 for what was seen.

    What somebody has already is not ranked by the blend, and is neither lifted nor lowered here.
    """
    unseen = np.ones(blended.shape[1], dtype=bool)
    unseen[seen.indices] = False
    scaled = _scaled(blended[0], unseen)
    return np.where(unseen, scaled, np.float32(0)) * np.float32(WEIGHTS["user"])


def searchable(text: object, encoder: QueryEncoder | None) -> tuple[TextSignal, QueryEncoder]:
    """What a search needs of a model.

    Raises:
        ModelError: if the model was made without text, or without an encoder.
    """
    if isinstance(text, TextSignal) and encoder is None:
        raise ModelError(
            "the items' text vectors were computed elsewhere, and nothing here reads a query as they were read; train with "
            "a text.encoder to search by words"
        )
    if not isinstance(text, TextSignal) or encoder is None:
        raise ModelError(
            "the model knows no texts, so it cannot be searched by words: it was trained with text: null, on items without "
            "text, or before there was a search; train anew with text"
        )
    return text, encoder


def _scaled(values: Row, among: npt.NDArray[np.bool_]) -> Row:
    """Values in deviations from the mean of some of them; all 0 where these do not differ."""
    chosen = values[among].astype(np.float64)
    mean, deviation = (chosen.mean(), chosen.std()) if len(chosen) else (0.0, 0.0)
    if deviation <= 1e-6 * (abs(mean) + deviation):
        return np.zeros_like(values)
    return np.asarray((values - mean) / deviation, dtype=np.float32)
