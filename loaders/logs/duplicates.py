"""Pairs of user and item met more than once, made one row each."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...kg import Interactions
from ...kg.order import packed_rows, stable_order

__all__ = ["DuplicateRule", "deduplicated"]

DuplicateRule = Literal["last", "first", "sum", "max"]
Rows = npt.NDArray[np.int64]


def deduplicated(log: Interactions, rule: DuplicateRule) -> Interactions:
    """One row a user-item pair: the last, the first, the first with summed weight, or the last of the heaviest."""
    pair = log.user.astype(np.int64) * len(log.items) + log.item
    order, sorted_pair = _grouped(pair)
    first = np.ones(len(pair), dtype=bool)
    first[1:] = sorted_pair[1:] != sorted_pair[:-1]
    if first.all():
        return log
    if rule == "sum":
        weight = np.zeros(len(log), dtype=np.float32)
        starts = np.flatnonzero(first)
        weight[order[starts]] = np.add.reduceat(log.weight[order].astype(np.float64), starts)
        log = replace(log, weight=weight)
    if rule == "max":
        chosen = order[_heaviest(log.weight[order], np.flatnonzero(first))]
    else:
        chosen = order[np.append(first[1:], True) if rule == "last" else first]
    kept = np.zeros(len(log), dtype=bool)
    kept[chosen] = True
    return log.select(kept)


def _heaviest(weight: npt.NDArray[np.float32], starts: Rows) -> Rows:
    """Position of the last of the largest weights of each group, where groups begin at `starts`."""
    lengths = np.diff(np.append(starts, len(weight)))
    heaviest = np.repeat(np.maximum.reduceat(weight, starts), lengths) == weight
    return np.maximum.reduceat(np.where(heaviest, np.arange(len(weight)), -1), starts)


def _grouped(pair: Rows) -> tuple[Rows, Rows]:
    """Rows by pair, of one pair in their order; and the pairs in that order."""
    packed = packed_rows(pair)
    if packed is None:
        order = stable_order(pair)
        return order, pair[order]
    keys, bits = packed
    order = keys & ((1 << bits) - 1)
    keys >>= bits
    return order, keys
