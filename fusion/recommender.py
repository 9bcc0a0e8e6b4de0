"""The Recommender: what training saves and everything else loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from ..gnn import Embeddings
from ..gnn.embeddings import unit
from ..kg import IdMap, ItemGraph, UnknownIdError
from ..loaders import ExportFormat, export_embeddings
from ..loaders.neo4j.places import Neo4jPlaces
from .answers import Recommendation, SimilarItem, Warmth
from .blending.blend import Blend
from .candidates import Allowed, Candidates
from .explain import Explainer, Explanation
from .histories import news_of, with_news
from .item_prices import ItemPrices
from .neo4j_paths import Neo4jPaths
from .query_encoder import QueryEncoder
from .query_intent import Intent
from .rerank import ItemKnowledge, RerankConfig, Reranker, best_reranked, reranker_of
from .search import Searcher, SearchHit, personal, searchable
from .shared_entities import shared_entities
from .signals.graph_signal import GraphSignal
from .signals.recency import Recency
from .signals.signal import Audience, Scores

__all__ = ["Recommendation", "Recommender", "SimilarItem", "Warmth"]

BATCH = 1024


@dataclass(frozen=True, eq=False)
class Recommender:
    """Answers by the users' own ids: recommend, similar items, explain; holds all embeddings.

    Attributes:
        users: ids of the users known.
        titles: display name of each item, large_string.
        graph: the graph around the items.
        blend: signals and weights.
        liked: positives of each user (train and validation), by how many steps ago (1 the last), shape (users, items).
        seen: all interactions known, liked or not, shape (users, items).
        trained: whether each user was known to the training, shape (users,).
        places: where a Neo4j database has the graph and the interactions; None where none is known to.
        encoder: reads queries as it read the items; None where the model knows no texts.
        prices: what items cost; None where nothing is known of it.
    """

    users: IdMap
    titles: pa.Array
    graph: ItemGraph
    blend: Blend
    liked: sp.csr_array
    seen: sp.csr_array
    trained: npt.NDArray[np.bool_]
    places: Neo4jPlaces | None = None
    encoder: QueryEncoder | None = None
    prices: ItemPrices | None = None

    @property
    def items(self) -> IdMap:
        """Ids of the catalogue."""
        return self.graph.items

    @property
    def embeddings(self) -> Embeddings:
        """The graph net's embeddings."""
        signal = self.blend.signals["gnn"]
        assert isinstance(signal, GraphSignal)
        return signal.embeddings

    def recommend(
        self,
        users: Sequence[str],
        k: int = 10,
        *,
        history: Mapping[str, Sequence[str]] | None = None,
        explain: bool = False,
        candidates: Candidates | Iterable[str] | None = None,
        rerank: RerankConfig | None = None,
    ) -> list[Recommendation]:
        """The k best items for each user, seen ones left out; one list, user after user in the order asked.

        A user without any history (unknown, or known for nothing liked) gets what is popular, with warmth "cold".

        Args:
            users: user ids, known or not.
            k: items per user.
            history: item ids by user id, oldest first, taken as liked after all that is known: a new user, or news of
                an old one.
            explain: give paths.
            candidates: ids of the items that may be recommended, or who tells them; all by default.
            rerank: makes the lists more diverse, capped or fair. Ranks are then those of the new lists, and scores
                still the blend's; caps may leave a list short.

        Raises:
            TypeError: if `users` is one string rather than a list of ids, or an id is no string.
            UnknownIdError: if an item of a history is unknown.
            ValueError: if k is below 1.
        """
        if isinstance(users, str):
            raise TypeError(f"users is a list of ids: recommend([{users!r}])")
        for user in users:
            if not isinstance(user, str):
                raise TypeError(f"ids are strings, and {user!r} is {type(user).__name__}: recommend([str(id)])")
        if k < 1:
            raise ValueError(f"k is {k}, expected at least 1")
        allowed = Allowed.of(candidates, self.items)
        reranker = None if rerank is None else reranker_of(rerank, self.item_knowledge)
        found: list[Recommendation] = []
        for first in range(0, len(users), BATCH):
            batch = users[first : first + BATCH]
            found.extend(self._recommend_batch(batch, k, history or {}, explain, allowed, reranker))
        return found

    def explain(self, user: str, item: str, *, n: int = 3, history: Sequence[str] = ()) -> list[Explanation]:
        """Paths from a user's history to an item, most telling first.

        Raises:
            UnknownIdError: if the item is unknown.
        """
        audience, _ = self._audience([user], {user: history} if history else {})
        return self._explainer.explain(user, audience.steps.indices.astype(np.int64), self._item(item), n=n)

    def similar_items(
        self, item: str, k: int = 10, *, candidates: Candidates | Iterable[str] | None = None
    ) -> list[SimilarItem]:
        """The k items nearest to one by cosine of their embeddings, of the candidates if any are given.

        Raises:
            UnknownIdError: if the item is unknown.
        """
        number = self._item(item)
        cosines = (self._unit_items @ self._unit_items[number]).astype(np.float32)[None, :]
        itself = sp.csr_array(([1.0], ([0], [number])), shape=cosines.shape)
        ranked = Allowed.of(candidates, self.items).best(cosines, k, exclude=itself)
        return [
            SimilarItem(self.items.id(n), rank, float(score), self._title(n), shared_entities(self.graph, number, n))
            for rank, (n, score) in enumerate(ranked.listed(0), start=1)
        ]

    def search(
        self,
        query: str,
        user: str | None = None,
        k: int = 10,
        *,
        history: Sequence[str] = (),
        candidates: Candidates | Iterable[str] | None = None,
        exclude_seen: bool = False,
        explain: bool = False,
    ) -> list[SearchHit]:
        """The k items that suit a query best, by what it means, names and costs and, with a user, by the user's taste.

        Args:
            query: free text; what is read of it, and how, `intent` tells.
            user: whose taste counts too; without one the answer depends on the query alone.
            k: how many items.
            history: item ids, oldest first, taken as liked after all that is known of the user.
            candidates: ids of the items that may be found, or who tells them; all by default.
            exclude_seen: leave out what the user has seen.
            explain: give the paths from the user's history to each item.

        Raises:
            ValueError: if there is no word in the query, or k is below 1.
            ModelError: if the model knows no texts, or the encoder that read them is missing.
            UnknownIdError: if an item of the history is unknown.
        """
        if user is not None and not isinstance(user, str):
            raise TypeError(f"ids are strings, and {user!r} is {type(user).__name__}: user={str(user)!r}")
        found = self._searcher.find(query)
        parts, warmth = dict(found.parts), None
        numbers = np.array([-1]) if user is None else self.users.numbers([user], missing="negative")
        audience, seen = with_news(numbers, news_of([history], self._item, len(self.items)), self.liked, self.seen)
        if user is not None or history:
            parts["user"] = personal(self.blend.score(audience, seen), seen)
            warmth = "warm" if user is None else self.warmth(user, history)
        scores = np.stack(list(parts.values())).sum(axis=0, dtype=np.float32, keepdims=True)
        best = list(Allowed.of(candidates, self.items).best(scores, k, seen if exclude_seen else None).listed(0))
        items, liked = [item for item, _ in best], audience.steps.indices.astype(np.int64)
        why = self._explainer.explain_all(user or "you", liked, items) if explain else [[] for _ in items]
        return [
            SearchHit(
                self.items.id(item),
                rank,
                score,
                title := self._title(item),
                {signal: float(part[item]) for signal, part in parts.items()},
                warmth,
                tuple(paths),
                self._searcher.matches(found, item, title),
            )
            for rank, ((item, score), paths) in enumerate(zip(best, why, strict=True), start=1)
        ]

    def intent(self, query: str) -> Intent:
        """What a query asks for: brands, categories and other entities it names, a price, and the rest.

        Raises:
            ValueError: if there is no word in the query.
            ModelError: if the model knows no texts.
        """
        return self._searcher.intent(query)

    def embedding_tables(self) -> dict[str, tuple[IdMap, npt.NDArray[np.float32]]]:
        """Ids and embeddings, shape (n, d), of "items", "users" and "entities"; cosines between them have meaning."""
        embeddings = self.embeddings
        return {
            "items": (self.items, embeddings.items),
            "users": (self.users, embeddings.users(self._everybody().history)),
            "entities": (self.graph.entities, embeddings.entities),
        }

    def export(self, folder: str | Path, *, kind: ExportFormat = "parquet") -> list[Path]:
        """Write the embeddings of items, users and entities with their ids; gives the files written."""
        return export_embeddings(folder, self.embedding_tables(), kind)

    def warmth(self, user: str, history: Sequence[str] = ()) -> Warmth:
        """How well a user is known."""
        number = self.users.number(user)
        if number is not None and self.trained[number]:
            return "hot"
        known = number is not None and self.liked.indptr[number] < self.liked.indptr[number + 1]
        return "warm" if known or history else "cold"

    def audience(self, numbers: npt.NDArray[np.int64]) -> Audience:
        """Known users with the history they are known for."""
        return Audience(numbers, self.liked[numbers])

    def _recommend_batch(
        self,
        users: Sequence[str],
        k: int,
        history: Mapping[str, Sequence[str]],
        explain: bool,
        allowed: Allowed,
        reranker: Reranker | None,
    ) -> Iterator[Recommendation]:
        audience, seen = self._audience(users, history)
        parts = self.blend.parts(audience, seen)
        scores: Scores = np.sum(list(parts.values()), axis=0, dtype=np.float32)
        if reranker is None:
            ranked = allowed.best(scores, k, exclude=seen)
        else:
            ranked = best_reranked(reranker, lambda rows, n: allowed.best(scores[rows], n, seen[rows]), len(users), k)
        for row, user in enumerate(users):
            warmth = self.warmth(user, history.get(user, ()))
            liked = audience.steps.indices[audience.steps.indptr[row] : audience.steps.indptr[row + 1]]
            best = list(ranked.listed(row))
            items = [item for item, _ in best]
            why = self._explainer.explain_all(user, liked.astype(np.int64), items) if explain else [[] for _ in items]
            for rank, ((item, score), paths) in enumerate(zip(best, why, strict=True), start=1):
                signals = {name: float(part[row, item]) for name, part in parts.items()}
                title = self._title(item)
                yield Recommendation(user, self.items.id(item), rank, score, title, signals, warmth, tuple(paths))

    def _everybody(self) -> Audience:
        """All users, with the recency of the graph net."""
        everybody = self.audience(np.arange(len(self.users)))
        return everybody.recent(self.blend.recency.get("gnn", Recency()))

    def _audience(self, users: Sequence[str], history: Mapping[str, Sequence[str]]) -> tuple[Audience, sp.csr_array]:
        """Histories of users known or not, and what they have seen."""
        news = news_of([history.get(user, ()) for user in users], self._item, len(self.items))
        return with_news(self.users.numbers(users, missing="negative"), news, self.liked, self.seen)

    def _item(self, item: str) -> int:
        number = self.items.number(item)
        if number is None:
            raise UnknownIdError(f"unknown item {item!r}: it is neither in the interactions nor linked to the graph")
        return int(number)

    def _title(self, item: int) -> str:
        return self.titles[item].as_py() or self.items.id(item)

    @cached_property
    def _explainer(self) -> Explainer:
        neo4j = None if self.places is None else Neo4jPaths(self.graph, self.places, self.users, self.seen)
        return Explainer(self.graph, self._title, self.seen, self._affinity, neo4j)

    @cached_property
    def _searcher(self) -> Searcher:
        text, encoder = searchable(self.blend.signals.get("text"), self.encoder)
        return Searcher(self.graph, self.titles, text, encoder, self.prices)

    @cached_property
    def item_knowledge(self) -> ItemKnowledge:
        """What re-rankers know of the items."""
        embeddings = self._unit_items if "gnn" in self.blend.signals else None
        return ItemKnowledge(self.graph, embeddings, self.blend.signals.get("text"))

    @cached_property
    def _unit_items(self) -> npt.NDArray[np.float32]:
        return unit(self.embeddings.items)

    def _affinity(self, history: npt.NDArray[np.int64], item: int) -> npt.NDArray[np.float64]:
        cosines = self._unit_items[history] @ self._unit_items[item]
        return np.asarray(np.maximum(cosines, 0), dtype=np.float64)
