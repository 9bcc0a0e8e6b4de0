"""The Recommender: what training saves and everything else loads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from ..gnn import Embeddings
from ..gnn.embeddings import unit
from ..kg import IdMap, ItemGraph, UnknownIdError
from ..loaders import ExportFormat, export_embeddings
from .blend import Blend
from .explain import Explainer, Explanation
from .graph_signal import GraphSignal
from .ranking import top_k
from .recency import Recency
from .signal import Audience

__all__ = ["Recommendation", "Recommender", "SimilarItem", "Warmth"]

Warmth = Literal["hot", "warm", "cold"]
"""hot: known to the training; warm: folded in from a history; cold: no history, so the answer is what is popular."""

BATCH = 1024


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        user_id: whom for.
        item_id: what.
        rank: from 1.
        score: blended score; comparable within one user's list alone.
        title: the item's display name.
        signals: what each signal adds to the score.
        warmth: how well the user is known.
        paths: why, if asked for.
    """

    user_id: str
    item_id: str
    rank: int
    score: float
    title: str
    signals: Mapping[str, float]
    warmth: Warmth
    paths: tuple[Explanation, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)


@dataclass(frozen=True)
class SimilarItem:
    """An item like another.

    Attributes:
        item_id: the like one.
        rank: from 1.
        score: cosine of the two items' embeddings.
        title: its display name.
        shared: labels of entities both are linked to, rarest first, as (relation, label).
    """

    item_id: str
    rank: int
    score: float
    title: str
    shared: tuple[tuple[str, str], ...]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record."""
        return asdict(self)


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
    """

    users: IdMap
    titles: pa.Array
    graph: ItemGraph
    blend: Blend
    liked: sp.csr_array
    seen: sp.csr_array
    trained: npt.NDArray[np.bool_]

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
    ) -> list[Recommendation]:
        """The k best items for each user, seen ones left out; one list, user after user in the order asked.

        A user without any history (unknown, or known for nothing liked) gets what is popular, with warmth "cold".

        Args:
            users: user ids, known or not.
            k: items per user.
            history: item ids by user id, oldest first, taken as liked after all that is known: a new user, or news of
                an old one.
            explain: give paths.

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
        found: list[Recommendation] = []
        for first in range(0, len(users), BATCH):
            found.extend(self._recommend_batch(users[first : first + BATCH], k, history or {}, explain))
        return found

    def explain(self, user: str, item: str, *, n: int = 3, history: Sequence[str] = ()) -> list[Explanation]:
        """Paths from a user's history to an item, most telling first.

        Raises:
            UnknownIdError: if the item is unknown.
        """
        audience, _ = self._audience([user], {user: history} if history else {})
        return self._explainer.explain(user, audience.steps.indices.astype(np.int64), self._item(item), n=n)

    def similar_items(self, item: str, k: int = 10) -> list[SimilarItem]:
        """The k items nearest to one by cosine of their embeddings.

        Raises:
            UnknownIdError: if the item is unknown.
        """
        number = self._item(item)
        cosines = (self._unit_items @ self._unit_items[number]).astype(np.float32)[None, :]
        itself = sp.csr_array(([1.0], ([0], [number])), shape=cosines.shape)
        ranked = top_k(cosines, k, exclude=itself)
        return [
            SimilarItem(self.items.id(n), rank, float(score), self._title(n), self._shared(number, n))
            for rank, (n, score) in enumerate(_listed(ranked.items[0], ranked.scores[0]), start=1)
        ]

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
        self, users: Sequence[str], k: int, history: Mapping[str, Sequence[str]], explain: bool
    ) -> Iterator[Recommendation]:
        audience, seen = self._audience(users, history)
        parts = self.blend.parts(audience, seen)
        ranked = top_k(np.sum(list(parts.values()), axis=0, dtype=np.float32), k, exclude=seen)
        for row, user in enumerate(users):
            warmth = self.warmth(user, history.get(user, ()))
            liked = audience.steps.indices[audience.steps.indptr[row] : audience.steps.indptr[row + 1]]
            best = list(_listed(ranked.items[row], ranked.scores[row]))
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
        numbers = self.users.numbers(users, missing="negative")
        news = self._news([history.get(user, ()) for user in users])
        known = _taken(self.liked, numbers)
        # What is known lies further back by the length of the news, and news of an old item replaces what was known.
        known.data += np.repeat(news.max(axis=1).toarray().ravel(), np.diff(known.indptr))
        steps = sp.csr_array(known - known.multiply(news > 0) + news)
        steps.eliminate_zeros()
        return Audience(numbers, steps), sp.csr_array(_taken(self.seen, numbers).maximum(news > 0))

    def _news(self, histories: Sequence[Sequence[str]]) -> sp.csr_array:
        """Histories given by the caller, oldest first, as steps ago; of a repeated item the last counts."""
        rows: list[int] = []
        columns: list[int] = []
        steps: list[int] = []
        for row, history in enumerate(histories):
            latest = dict.fromkeys(self._item(item) for item in reversed(history))
            rows += [row] * len(latest)
            columns += list(latest)
            steps += range(1, len(latest) + 1)
        shape = (len(histories), len(self.items))
        return sp.csr_array((np.array(steps, dtype=np.float32), (rows, columns)), shape=shape)

    def _item(self, item: str) -> int:
        number = self.items.number(item)
        if number is None:
            raise UnknownIdError(f"unknown item {item!r}: it is neither in the interactions nor linked to the graph")
        return int(number)

    def _title(self, item: int) -> str:
        return self.titles[item].as_py() or self.items.id(item)

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.graph, self._title, self.seen, self._affinity)

    @cached_property
    def _unit_items(self) -> npt.NDArray[np.float32]:
        return unit(self.embeddings.items)

    def _affinity(self, history: npt.NDArray[np.int64], item: int) -> npt.NDArray[np.float64]:
        cosines = self._unit_items[history] @ self._unit_items[item]
        return np.asarray(np.maximum(cosines, 0), dtype=np.float64)

    def _shared(self, one: int, other: int) -> tuple[tuple[str, str], ...]:
        """Entities next to both items, rarest first, three at most."""
        edges = self.graph.adjacency.neighbours(np.array([one, other]))
        both = np.intersect1d(edges.node[edges.row == 0], edges.node[edges.row == 1])
        both = both[both >= self.graph.n_items]
        both = both[np.argsort(self.graph.adjacency.degree(both), kind="stable")][:3]
        relation = {int(n): int(r) for n, r in zip(edges.node, edges.relation, strict=True)}
        return tuple((self.graph.relations[relation[int(n)]], self.graph.node_label(int(n))) for n in both)


def _taken(matrix: sp.csr_array, numbers: npt.NDArray[np.int64]) -> sp.csr_array:
    """Rows of a matrix, an empty one where the number is -1."""
    known = np.flatnonzero(numbers >= 0)
    # A product with a 0-1 matrix picks rows and leaves the others empty.
    ones = np.ones(len(known), dtype=np.float32)
    pick = sp.csr_array((ones, (known, numbers[known])), shape=(len(numbers), matrix.shape[0]))
    return sp.csr_array(pick @ matrix)


def _listed(items: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> Iterator[tuple[int, float]]:
    for item, score in zip(items.tolist(), scores.tolist(), strict=True):
        if item >= 0:
            yield item, score
