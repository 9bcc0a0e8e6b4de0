"""Figures for some users, or some items, apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from .groups import Groups

__all__ = ["Slice", "item_slices", "largest_gap", "user_slices"]

FloatVector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """A scorer's figures for one group of users or of items; what is unknown is not among them.

    Attributes:
        by: by what the groups are told apart.
        name: the group.
        users: how many users the means are over.
        metrics: means by "recall@10" and so on; of items also their shares "exposure@10", "catalogue", "relevance".
        errors: standard errors of the means.
    """

    by: str
    name: str
    users: int
    metrics: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Slice:
        """The slice of a JSON record."""
        return cls(record["by"], record["name"], record["users"], dict(record["metrics"]), dict(record["errors"]))


def user_slices(by: str, groups: Groups, values: Mapping[str, FloatVector]) -> Iterator[Slice]:
    """Means over the users of each group, groups without any left out.

    Args:
        by: by what the users are told apart.
        groups: of the users.
        values: of each user by metric, NaN where it does not count, shape (users,) each.
    """
    members = groups.member.tocsc()
    for at, name in enumerate(groups.names):
        rows = np.sort(members.indices[members.indptr[at] : members.indptr[at + 1]])
        if len(rows):
            yield _slice(by, name, {metric: column[rows] for metric, column in values.items()})


def item_slices(
    by: str, groups: Groups, lists: sp.csr_array, hits: sp.csr_array, relevant: sp.csr_array, k: int
) -> Iterator[Slice]:
    """For each group of items the recall of what is relevant among them, and their share of places and of hits to have.

    A user counts for a group if a relevant item is in it. Shares: `exposure` of the places in all lists, `catalogue`
    of the items, `relevance` of the relevant pairs. Where an item is in several groups they sum to more than 1.

    Args:
        by: by what the items are told apart.
        groups: of the items.
        lists: the first k places, binary, shape (users, items).
        hits: those of them that are relevant, binary, shape (users, items).
        relevant: binary, shape (users, items).
        k: the cut-off.
    """
    wanted, found = (np.asarray((pairs @ groups.member).todense()) for pairs in (relevant, hits))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(wanted > 0, found / wanted, np.nan)
    places, sizes = (np.asarray(rows.sum(axis=0)).ravel() for rows in (lists @ groups.member, groups.member))
    shares = {
        f"exposure@{k}": places / max(lists.nnz, 1),
        "catalogue": sizes / max(groups.member.shape[0], 1),
        "relevance": wanted.sum(axis=0) / max(relevant.nnz, 1),
    }
    for at, name in enumerate(groups.names):
        if sizes[at]:
            found_here = _slice(by, name, {f"recall@{k}": recall[:, at]})
            more = {share: float(values[at]) for share, values in shares.items()}
            yield Slice(by, name, found_here.users, {**found_here.metrics, **more}, found_here.errors)


def largest_gap(slices: Iterable[Slice], by: str, metric: str) -> float:
    """Largest difference of a metric between two groups; NaN with fewer than two."""
    values = [one.metrics[metric] for one in slices if one.by == by and metric in one.metrics]
    return max(values) - min(values) if len(values) > 1 else float("nan")


def _slice(by: str, name: str, values: Mapping[str, FloatVector]) -> Slice:
    metrics, errors, users = {}, {}, 0
    for metric, column in values.items():
        known = column[~np.isnan(column)]
        users = max(users, len(known))
        if len(known):
            metrics[metric] = float(known.mean())
        if len(known) > 1:
            errors[metric] = float(known.std(ddof=1) / np.sqrt(len(known)))
    return Slice(by, name, users, metrics, errors)
