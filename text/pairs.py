"""What a text encoder is tuned on: items that one user liked, drawn so that popular items do not crowd out the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..kg import Interactions

__all__ = ["PairBatch", "PairSampler"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairBatch:
    """One step's questions: which of these items goes with those?

    Attributes:
        items: distinct item numbers, the candidates of every anchor, shape (c,).
        context: positions among `items` of what makes up each anchor, -1 for none, shape (anchors, m - 1).
        positive: position of the right answer of each anchor, shape (anchors,).
        allowed: which candidates an anchor chooses from: its positive, and what its user did not like, shape (anchors, c).
        expected: how many times each item is expected among those drawn in a step, shape (c,), float32.
    """

    items: Integers
    context: Integers
    positive: Integers
    allowed: npt.NDArray[np.bool_]
    expected: npt.NDArray[np.float32]


class PairSampler:
    r"""Draws batches; the one of step s depends on seed and s alone, so a resumed run sees what it would have seen.

    An interaction with item i is drawn in proportion to :math:`c_i^{-\beta}`, where c is the number of users the item is
    drawn from, and so an item in proportion to :math:`c_i^{1 - \beta}`. Further items of the same user follow, in proportion to
    the same weight and without repetition. Each of them in turn is the positive of an anchor made of the others.

    Args:
        interactions: what may be learned from: positives of the training part.
        present: which items have a text, shape (items,); others are never drawn.
        groups: group of each item, -1 where unknown, shape (items,): hard negatives come from the positive's group.
        users: users for a step.
        items_per_user: most items of each.
        hard_negatives: drawn for each user, from the group of the first item; none where that is unknown.
        max_history: a user's latest items that are drawn from.
        popularity_power: beta.
        seed: names the sequence of batches.

    Attributes:
        items: items that can be drawn, ascending, shape (n,).

    Raises:
        ValueError: if the shapes do not fit, or nobody liked two items that have a text.
    """

    def __init__(
        self,
        interactions: Interactions,
        present: npt.NDArray[np.bool_],
        groups: npt.NDArray[np.integer],
        *,
        users: int,
        items_per_user: int,
        hard_negatives: int,
        max_history: int,
        popularity_power: float,
        seed: int,
    ) -> None:
        n = len(interactions.items)
        if present.shape != (n,) or groups.shape != (n,):
            raise ValueError(f"{n} items, but present has shape {present.shape} and groups {groups.shape}")
        self._users, self._per_user, self._hard, self._seed = users, items_per_user, hard_negatives, seed
        self._liked = interactions.matrix()
        self._histories = _histories(interactions, present, max_history)
        if self._histories.nnz == 0:
            raise ValueError("nobody liked two items that have a text: there is nothing to tune on")
        self._user_of = np.repeat(np.arange(self._histories.shape[0]), np.diff(self._histories.indptr))
        drawn = self._histories.indices.astype(np.int64)
        counts = np.bincount(drawn, minlength=n)
        self.items = np.flatnonzero(counts)
        self._weight = counts[drawn] ** -float(popularity_power)
        self._cumulative = np.cumsum(self._weight)
        self._by_group, self._group_start, self._group = _grouped(self.items, groups)
        self._expected = self._expected_numbers(drawn, n)

    def _expected_numbers(self, drawn: Integers, n: int) -> npt.NDArray[np.float32]:
        """How often each item is expected in a step, shape (items,).

        Exact for users all of whose items are drawn; for others to first order, as if drawn with repetition.
        """
        sizes = np.diff(self._histories.indptr)[self._user_of]
        of_user = np.bincount(self._user_of, weights=self._weight)[self._user_of]
        within = np.minimum(self._per_user * self._weight / of_user, 1.0)
        included = np.where(sizes <= self._per_user, 1.0, within)
        total = self._cumulative[-1]
        expected = self._users * np.bincount(drawn, weights=included * of_user / total, minlength=n)
        share = self._weight / total
        if self._hard:
            group = self._group[drawn]
            known = group >= 0
            of_group = np.bincount(group[known], weights=share[known], minlength=len(self._group_start) - 1)
            each = self._users * self._hard * of_group / np.diff(self._group_start)
            mine = self._group[self.items]
            expected[self.items] += np.where(mine >= 0, each[mine] if len(each) else 0.0, 0.0)
        return expected.astype(np.float32)

    def batch(self, step: int) -> PairBatch:
        """The batch of a step, counted from 1."""
        rng = np.random.default_rng([self._seed, step])
        sets, user = self._sets(rng)
        wrong = self._hard_negatives(sets[:, 0], rng)
        items, position = np.unique(np.concatenate([sets[sets >= 0], wrong]), return_inverse=True)
        places = np.full(sets.shape, -1, dtype=np.int64)
        places[sets >= 0] = position[: np.count_nonzero(sets >= 0)]
        row, column = np.nonzero(places >= 0)
        # Every other column of the row, for each place in turn.
        others = np.array([[j for j in range(sets.shape[1]) if j != i] for i in range(sets.shape[1])], dtype=np.int64)
        context = places[row[:, None], others[column]]
        positive = places[row, column]
        allowed = self._liked[user[row]][:, items].toarray() == 0
        allowed[np.arange(len(row)), positive] = True
        return PairBatch(items, context, positive, allowed, self._expected[items])

    def _sets(self, rng: np.random.Generator) -> tuple[Integers, Integers]:
        """Items drawn of each user, the first one first, -1 where there are no more, shape (users, m); and the users."""
        total = self._cumulative[-1]
        row = np.searchsorted(self._cumulative, rng.random(self._users) * total, side="right")
        row = np.minimum(row, len(self._cumulative) - 1)
        user = self._user_of[row]
        start, length = self._histories.indptr[user].astype(np.int64), np.diff(self._histories.indptr)[user]
        slot = np.repeat(np.arange(len(user)), length)
        first_of_slot = np.cumsum(length) - length
        rows = np.arange(len(slot)) - first_of_slot[slot] + start[slot]
        # A user comes in proportion to the sum of their weights; then the largest of log w + Gumbel noise are a draw without
        # repetition in proportion to w, so the first is any interaction in proportion to its weight.
        key = np.log(self._weight[rows]) + rng.gumbel(size=len(rows))
        order = np.lexsort((-key, slot))
        rank = np.arange(len(order)) - first_of_slot[slot]
        taken = rank < self._per_user
        sets = np.full((len(user), self._per_user), -1, dtype=np.int64)
        sets[slot[taken], rank[taken]] = self._histories.indices[rows[order[taken]]]
        return sets, user

    def _hard_negatives(self, items: Integers, rng: np.random.Generator) -> Integers:
        group = self._group[items]
        group = np.repeat(group[group >= 0], self._hard)
        start, end = self._group_start[group], self._group_start[group + 1]
        return self._by_group[start + np.floor(rng.random(len(group)) * (end - start)).astype(np.int64)]


def _histories(interactions: Interactions, present: npt.NDArray[np.bool_], max_history: int) -> sp.csr_array:
    """Each user's latest items that have a text, of the users with two or more, shape (users, items)."""
    steps = interactions.steps().tocoo()
    here = present[steps.col]
    user, item, ago = steps.row[here], steps.col[here], steps.data[here]
    order = np.lexsort((ago, user))
    user, item = user[order], item[order]
    size = np.bincount(user, minlength=steps.shape[0])
    rank = np.arange(len(user)) - (np.cumsum(size) - size)[user]
    kept = (rank < max_history) & (size[user] >= 2)
    ones = np.ones(int(kept.sum()), dtype=np.float32)
    return sp.csr_array((ones, (user[kept], item[kept])), shape=steps.shape)


def _grouped(items: Integers, groups: npt.NDArray[np.integer]) -> tuple[Integers, Integers, Integers]:
    """The items by group, where each group starts among them, and the group of every item, renumbered from 0."""
    of_items = groups[items]
    known = of_items >= 0
    names, number = np.unique(of_items[known], return_inverse=True)
    group = np.full(len(groups), -1, dtype=np.int64)
    group[items[known]] = number
    order = np.argsort(number, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=len(names)))]).astype(np.int64)
    return items[known][order], start, group
