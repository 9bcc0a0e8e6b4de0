"""A closer look at the lists of one scorer: what they are like, and how they do for some users and items apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .beyond import calibration, diversity, gini_of_exposure, listed, novelty, popularity_lift
from .facts import Facts
from .groups import Groups, by_length, by_popularity
from .held_out import HeldOut
from .metrics import Metrics, coverage, hits_of
from .slices import Slice, item_slices, user_slices

__all__ = ["Lists", "described", "sliced"]


@dataclass(frozen=True, eq=False)
class Lists:
    """The first k places of every user's list.

    Attributes:
        ranked: item numbers, best first, -1 for none, shape (users, K).
        held: whose they are.
        k: the cut-off.
        items: the places as a binary matrix, shape (users, items).
    """

    ranked: npt.NDArray[np.int64]
    held: HeldOut
    k: int
    items: sp.csr_array

    @classmethod
    def of(cls, ranked: npt.NDArray[np.int64], held: HeldOut, k: int) -> Lists:
        """The first k places of some lists."""
        return cls(ranked, held, k, listed(ranked, held.relevant.shape[1], k))


def described(lists: Lists, facts: Facts) -> tuple[dict[str, float], dict[str, float]]:
    """What the lists are like: means by metric, and standard errors of those that are means over users.

    Only what is known: without a graph there is no diversity by entities, without categories no calibration.
    """
    items, history = lists.items, lists.held.history
    values = {
        "coverage": coverage(lists.ranked, items.shape[1], lists.k),
        "gini": gini_of_exposure(items),
        "popularity_lift": popularity_lift(items, history, facts.liked),
    }
    each = {"novelty": novelty(items, facts.liked, int((facts.trained > 0).sum()))}
    if facts.entities is not None:
        each["diversity_entities"] = diversity(items, facts.entities)
    if facts.vectors is not None:
        each["diversity_text"] = diversity(items, facts.vectors)
    if facts.category is not None:
        each["calibration"] = calibration(items, history, facts.category)
    errors = {}
    for name, of_users in each.items():
        known = of_users[~np.isnan(of_users)]
        if len(known):
            values[name] = float(known.mean())
        if len(known) > 1:
            errors[name] = float(known.std(ddof=1) / np.sqrt(len(known)))
    # Coverage of nothing is told all the same; the others are left out where they are not known.
    return {name: value for name, value in values.items() if name == "coverage" or not np.isnan(value)}, errors


def sliced(lists: Lists, measured: Metrics, facts: Facts, *, cold: bool = False) -> Iterator[Slice]:
    """Figures at one cut-off by kind of user, length of history, attribute, and by popularity and category of items.

    Args:
        lists: the lists.
        measured: their metrics.
        facts: what is known of users and items.
        cold: the users have no history: one slice of them all, and nothing of items.
    """
    held, k = lists.held, lists.k
    values = {f"{name}@{k}": measured.values[name, k] for name in ("recall", "ndcg", "mrr")}
    if cold:
        yield from user_slices("users", Groups.of(["cold"], np.zeros(len(held.users), dtype=np.int64)), values)
        return
    warmth = Groups.of(["hot", "warm"], np.where(facts.trained[held.users] > 0, 0, 1))
    yield from user_slices("users", warmth, values)
    yield from user_slices("history length", by_length(np.diff(held.history.indptr)), values)
    if facts.attribute is not None:
        largest = facts.attribute.rows(held.users).largest(facts.shown)
        yield from user_slices("user attribute", largest, values)
    hit = hits_of(lists.ranked[:, :k], held.relevant)
    hits = listed(np.where(hit, lists.ranked[:, :k], -1), held.relevant.shape[1], k)
    yield from item_slices("items", by_popularity(facts.liked), lists.items, hits, held.relevant, k)
    if facts.category is not None:
        yield from item_slices("category", facts.category.largest(facts.shown), lists.items, hits, held.relevant, k)
