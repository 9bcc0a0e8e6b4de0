"""Fair exposure: each group of items gets at least its share of the attention that lists give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .pool import Pool

__all__ = ["Exposure", "attention"]

NEARLY = 1e-9
Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def attention(k: int) -> npt.NDArray[np.float64]:
    """What each rank r from 1 to k is worth, `1 / log2(r + 1)`, as in DCG, shape (k,)."""
    return np.asarray(1 / np.log2(np.arange(2, k + 2)))


class Exposure:
    r"""Chooses the candidates of a place so that no group falls far behind its share.

    The exposure of a group g after t places is the sum of :math:`v_r = 1 / \log_2(r + 1)` over the ranks r up to t that
    an item of g holds (Singh and Joachims, "Fairness of exposure in rankings", KDD 2018), here summed over all lists of
    a batch (amortised: Biega, Gummadi and Weikum, "Equity of attention", SIGIR 2018), or in each list for itself. With
    shares :math:`p_g` and the whole exposure :math:`V_t` given up to t, at each place

    .. math:: n_g = \lfloor (p_g V_t - E_g) / v_t \rfloor

    places are due to g. Where the most relevant candidates are too few of g, those lists change over that lose the
    least, as long as the group they leave keeps what is due to it: the constrained greedy ranking of Geyik,
    Ambler and Kenthapadi (KDD 2019), with exposure in the place of counts. As far as candidates allow and one item is of one
    group, one of two groups is behind by less than a first place at every t, :math:`E_g > p_g V_t - v_1`, and one of n by
    less than n - 1 of them: a place that was not due yet is worth more than those that make up for it, and several groups
    can be due the same.

    Args:
        pool: the candidates.
        groups: which groups each item is of, shape (items, groups).
        shares: what share of the exposure each group is to get at least, of sum 1 at most, shape (groups,).
        each_list: whether each list for itself must give the shares, rather than all of the batch together.
    """

    def __init__(self, pool: Pool, groups: sp.csr_array, shares: npt.NDArray[np.float64], *, each_list: bool) -> None:
        dense = np.vstack([groups.toarray() != 0, np.zeros((1, groups.shape[1]), dtype=bool)])
        # Item -1, "none", is the last row: of no group.
        self._member = dense[pool.items]
        self._shares, self._each_list = shares, each_list
        self._given = np.zeros((len(pool.items), len(shares)))
        self._whole = np.zeros(len(pool.items))

    def pick(self, gains: Matrix, place: int) -> Places:
        """The place in the pool that each list takes, any where all gains are -inf, shape (batch,).

        Args:
            gains: of the candidates, -inf where one may not be taken, shape (batch, M).
            place: of the new list, from 0.
        """
        worth = 1 / np.log2(place + 2)
        rows = np.flatnonzero(np.isfinite(gains).any(axis=1))
        best: Places = gains.argmax(axis=1)
        self._whole[rows] += worth
        if self._each_list:
            self._force(best, rows, gains, worth)
        else:
            self._change_over(best, rows, gains, worth)
        self._given[rows] += worth * self._member[rows, best[rows]]
        return best

    def _force(self, best: Places, rows: Places, gains: Matrix, worth: float) -> None:
        """In each list, the group furthest behind by a place or more gets this one."""
        behind = self._shares * self._whole[rows, None] - self._given[rows]
        member = self._member[rows] & np.isfinite(gains[rows])[:, :, None]
        behind[~member.any(axis=1)] = -np.inf
        group = behind.argmax(axis=1)
        short = behind.max(axis=1, initial=-np.inf) >= worth - NEARLY
        mine = member[np.arange(len(rows)), :, group]
        forced = np.where(mine, gains[rows], -np.inf).argmax(axis=1)
        best[rows[short]] = forced[short]

    def _change_over(self, best: Places, rows: Places, gains: Matrix, worth: float) -> None:
        """Lists change their candidate until each group has the places due to it over the batch."""
        behind = self._shares * self._whole.sum() - self._given.sum(axis=0)
        due = np.floor(behind / worth + NEARLY).clip(0).astype(np.int64)
        have = self._member[rows, best[rows]].sum(axis=0)
        for group in np.argsort(have - due, kind="stable"):
            want = int(due[group] - have[group])
            if want > 0:
                self._hand_over(best, rows, gains, int(group), want, have - due)
                have = self._member[rows, best[rows]].sum(axis=0)

    def _hand_over(
        self, best: Places, rows: Places, gains: Matrix, group: int, want: int, spare: npt.NDArray[np.int64]
    ) -> None:
        """Up to `want` lists, those that lose the least, take their best candidate of a group.

        Args:
            best: changed in place.
            rows: the lists that can take any candidate.
            gains: of the candidates.
            group: which gains.
            want: how many lists at most.
            spare: by how many places each group has more than is due to it.
        """
        mine = np.where(self._member[rows, :, group], gains[rows], -np.inf)
        other = mine.argmax(axis=1)
        now = self._member[rows, best[rows]]
        able = np.isfinite(mine.max(axis=1)) & ~now[:, group]
        loss = gains[rows, best[rows]] - mine.max(axis=1)
        # Of the groups of the item that is given up the one with the least to spare decides; none has no bound.
        limits = np.where(now, spare, len(rows))
        leaves = np.where(now.any(axis=1), limits.argmin(axis=1), len(spare))
        room = np.append(spare, len(rows)).clip(0)[leaves]
        order = np.flatnonzero(able)
        order = order[np.lexsort((loss[order], leaves[order]))]
        _, first = np.unique(leaves[order], return_index=True)
        starts = np.repeat(first, np.diff(np.append(first, len(order))))
        order = order[np.arange(len(order)) - starts < room[order]]
        order = order[np.argsort(loss[order], kind="stable")][:want]
        best[rows[order]] = other[order]
