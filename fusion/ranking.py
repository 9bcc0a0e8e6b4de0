"""From scores to ranked lists: the one place where scores are filtered, ordered and cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["Ranked", "top_k"]

FloatMatrix = npt.NDArray[np.float32]
ItemMatrix = npt.NDArray[np.int64]
TORCH_FROM = 64


@dataclass(frozen=True, eq=False)
class Ranked:
    """Ranked lists, best item first; a list shorter than k is padded at its end.

    Attributes:
        items: item numbers, -1 where the list has ended, shape (batch, k).
        scores: their scores, NaN where the list has ended, shape (batch, k).
    """

    items: ItemMatrix
    scores: FloatMatrix

    def listed(self, row: int) -> Iterator[tuple[int, float]]:
        """Items and scores of one list, without the padding."""
        for item, score in zip(self.items[row].tolist(), self.scores[row].tolist(), strict=True):
            if item >= 0:
                yield item, score


def top_k(scores: FloatMatrix, k: int, *, exclude: sp.csr_array | None = None) -> Ranked:
    """The k items of the highest score in each row, by score from high to low.

    Of equal scores the lower item number comes first, both in the order of the list and in who gets its last place;
    so the answer depends on the scores alone, not on thread count, batch or library. A score of -inf means "never":
    such an item is left out even where the list stays short.

    Args:
        scores: left as they are, shape (batch, items).
        k: length of the lists, at least 1; may exceed the number of items.
        exclude: items to leave out, such as those already seen: every stored entry counts, whatever its value,
            shape (batch, items).

    Raises:
        TypeError: if the scores are not float32: a silent cast could make ties.
        ValueError: if a shape or k does not fit, or a score is NaN, excluded or not.
    """
    _check(scores, k, exclude)
    allowed = _without(scores, exclude)
    width = min(k, scores.shape[1])
    items, cut_in_tie = _best(allowed, width)
    if cut_in_tie.any():
        items[cut_in_tie] = _best_with_ties(allowed[cut_in_tie], items[cut_in_tie])
    # Lower numbers first, then a stable sort by score: so ties stay in the order of their numbers.
    items.sort(axis=1)
    values = np.take_along_axis(allowed, items, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return _padded(np.take_along_axis(items, order, axis=1), np.take_along_axis(values, order, axis=1), k)


def _check(scores: FloatMatrix, k: int, exclude: sp.csr_array | None) -> None:
    if scores.dtype != np.float32:
        raise TypeError(f"scores are {scores.dtype}, expected float32")
    if scores.ndim != 2:
        raise ValueError(f"scores have shape {scores.shape}, expected (batch, items)")
    if k < 1:
        raise ValueError(f"k is {k}, expected at least 1")
    if exclude is not None and exclude.shape != scores.shape:
        raise ValueError(f"exclude has shape {exclude.shape}, the scores have {scores.shape}: expected the same")
    # The maximum of a row is NaN where any of it is: half the time of looking at each score for itself.
    broken = np.isnan(scores.max(axis=1, initial=-np.inf))
    if broken.any():
        row = int(broken.argmax())
        item = int(np.isnan(scores[row]).argmax())
        raise ValueError(
            f"scores are NaN in {broken.sum()} of {len(scores)} rows, first at row {row}, item {item}: "
            "a number is needed for every pair, -inf where the item must not be recommended"
        )


def _without(scores: FloatMatrix, exclude: sp.csr_array | None) -> FloatMatrix:
    """The scores with -inf at what is excluded; a copy wherever something is written."""
    if exclude is None or exclude.nnz == 0:
        # torch takes no read-only or reversed arrays.
        return np.require(scores, requirements=["C", "W"])
    allowed = scores.copy(order="C")
    allowed[np.repeat(np.arange(len(scores)), np.diff(exclude.indptr)), exclude.indices] = -np.inf
    return allowed


def _best(scores: FloatMatrix, width: int) -> tuple[ItemMatrix, npt.NDArray[np.bool_]]:
    """Some `width` best items of each row, and in which rows the last of them ties with one left out.

    torch.topk, because for (1024, 20000) and 20 it took 35 ms on one thread and 20 on two, np.argpartition 62 on
    either. A few rows go through numpy all the same: importing torch takes seconds, and an answer for one user
    should not. Which of equal scores either returns is not defined; one place more tells where that matters.
    """
    if len(scores) < TORCH_FROM:
        return _best_by_partition(scores, width)
    import torch

    values, items = torch.topk(torch.from_numpy(scores), min(width + 1, scores.shape[1]), dim=1)
    best = values.numpy()
    cut_in_tie = np.zeros(len(scores), dtype=bool)
    if best.shape[1] > width > 0:
        cut_in_tie = (best[:, width - 1] == best[:, width]) & (best[:, width] > -np.inf)
    return items.numpy()[:, :width].copy(), cut_in_tie


def _best_by_partition(scores: FloatMatrix, width: int) -> tuple[ItemMatrix, npt.NDArray[np.bool_]]:
    n = scores.shape[1]
    if n <= width or width == 0:
        return np.tile(np.arange(n)[:width], (len(scores), 1)), np.zeros(len(scores), dtype=bool)
    near = np.argpartition(scores, n - width - 1, axis=1)[:, n - width - 1 :]
    # The first of these is the best one left out: it stands at the pivot.
    left_out = np.take_along_axis(scores, near[:, :1], axis=1)[:, 0]
    items = near[:, 1:]
    last = np.take_along_axis(scores, items, axis=1).min(axis=1)
    return items.copy(), (last == left_out) & (last > -np.inf)


def _best_with_ties(scores: FloatMatrix, items: ItemMatrix) -> ItemMatrix:
    """The best items of each row, the last places given to the lowest numbers among equal scores.

    Args:
        scores: shape (rows, items).
        items: the best items of each row, whichever of equals, shape (rows, width).
    """
    last = np.take_along_axis(scores, items, axis=1).min(axis=1, keepdims=True)
    above = scores > last
    level = scores == last
    places = items.shape[1] - above.sum(axis=1, keepdims=True)
    chosen = above | (level & (np.cumsum(level, axis=1, dtype=np.int32) <= places))
    return np.nonzero(chosen)[1].reshape(items.shape)


def _padded(items: ItemMatrix, scores: FloatMatrix, k: int) -> Ranked:
    """Lists of length k, ended where the scores turn -inf."""
    padding = ((0, 0), (0, k - items.shape[1]))
    ended = np.pad(scores == -np.inf, padding, constant_values=True)
    return Ranked(
        np.where(ended, -1, np.pad(items, padding)),
        np.where(ended, np.float32(np.nan), np.pad(scores, padding)),
    )
