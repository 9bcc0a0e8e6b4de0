"""The users a held-out part is measured on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from ...loaders import Part, Split
from ..ranking import top_k
from ..signals.signal import Audience, Scores
from .metrics import ranking_metrics

__all__ = ["VALIDATION_USERS", "HeldOut", "digest_of_test"]

VALIDATION_USERS = 4000
"""Most users that early stopping and the choice of penalties look at."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The users of a held-out part that can be evaluated: those with something to hit and a history to go by.

    Attributes:
        users: their numbers, shape (n,).
        history: what they are known to like, by how many steps ago, shape (n, items).
        seen: what is left out of their rankings, shape (n, items).
        relevant: what counts as a hit, shape (n, items).
        cold: how many users have something to hit and no history; they are not in the figures.
    """

    users: npt.NDArray[np.int64]
    history: sp.csr_array
    seen: sp.csr_array
    relevant: sp.csr_array
    cold: int

    @classmethod
    def of(cls, split: Split, part: Part) -> HeldOut:
        """The evaluable users of a part."""
        history, relevant = split.history(part), split.relevant(part)
        to_hit = np.diff(relevant.indptr) > 0
        known = np.diff(history.indptr) > 0
        users = np.flatnonzero(to_hit & known)
        return cls(users, history[users], split.seen(part)[users], relevant[users], int((to_hit & ~known).sum()))

    @classmethod
    def strangers(cls, split: Split, part: Part, most: int) -> HeldOut:
        """The users with something to hit and no history, at most so many of them, evenly spread over their numbers."""
        history, relevant = split.history(part), split.relevant(part)
        users = np.flatnonzero((np.diff(relevant.indptr) > 0) & (np.diff(history.indptr) == 0))
        users = users[np.unique(np.linspace(0, len(users) - 1, min(most, len(users))).astype(np.int64))]
        return cls(users, history[users], split.seen(part)[users], relevant[users], 0)

    def known_by_train(self, split: Split) -> HeldOut:
        """The same users, known by what they did in train alone; what is left out of their rankings stays."""
        return replace(self, history=split.history("valid")[self.users])

    def sample(self, n: int, rng: np.random.Generator) -> HeldOut:
        """At most n of these users, drawn at random."""
        if len(self.users) <= n:
            return self
        rows = np.sort(rng.choice(len(self.users), n, replace=False))
        return HeldOut(self.users[rows], self.history[rows], self.seen[rows], self.relevant[rows], self.cold)

    def audience(self) -> Audience:
        """All of them."""
        return Audience(self.users, self.history)

    def ndcg(self, scores: Scores, k: int) -> float:
        """Mean NDCG@k of scores of these users, shape (n, items)."""
        return float(self.ndcg_of_each(scores, k).mean())

    def ndcg_of_each(self, scores: Scores, k: int) -> npt.NDArray[np.float64]:
        """NDCG@k of each of these users by scores of shape (n, items), shape (n,)."""
        ranked = top_k(scores, k, exclude=self.seen).items
        return ranking_metrics(ranked, self.relevant, [k]).values["ndcg", k]


def digest_of_test(split: Split) -> str:
    """SHA-256 of who is to like what in the test part, by ids: the same however users and items are numbered."""
    liked = split.relevant("test").tocoo()
    users, items = (
        ids.to_arrow().take(pa.array(at)) for ids, at in ((split.users, liked.row), (split.items, liked.col))
    )
    pairs = pa.table({"user": users, "item": items}).sort_by([("user", "ascending"), ("item", "ascending")])
    digest = hashlib.sha256()
    for name in ("user", "item"):
        # Lengths too: of the names alone nobody could tell where one ends.
        column = pairs.column(name)
        digest.update(pc.binary_length(column).to_numpy().astype(np.int64).tobytes())
        digest.update("".join(column.to_pylist()).encode())
    return digest.hexdigest()
