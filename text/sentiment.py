"""Polarity of texts: how good or bad what they say is, by a line through the space of their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .clauses import Clauses, clauses_of, encoded_clauses, mean_by_text
from .encoder import OnProgress, TextEncoder
from .features import TextFeatures
from .poles import NEGATIVE, POSITIVE
from .ridge import ridge_fit

__all__ = [
    "NEUTRAL",
    "Opinions",
    "PolarityHead",
    "described_head",
    "opinions_of",
    "rating_targets",
    "weights_by_polarity",
]

NEUTRAL = 0.2
"""A polarity nearer to 0 than this is neither good nor bad."""

HABIT = 5.0
"""So many ratings of a user count as much as what all users do, when it is judged what the user's usual rating is."""

FEWEST = 20
"""Ratings on either side of the middle without which no line is fitted to them."""

Polarity = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PolarityHead:
    """Polarity as `clip(vectors @ direction + offset, -1, 1)`.

    Attributes:
        direction: float32, shape (d,).
        offset: a number.
        learnt_from: "described" where sentences that describe the two poles alone gave the line; "ratings" where it is the
            mean of that one and one learnt from ratings that came with reviews of this log.
        agreement: on which share of the reviews with a rating off the middle its sign is the rating's (mean over good and
            bad ratings); a review is judged without having been learnt from. NaN where there are no ratings.
    """

    direction: npt.NDArray[np.float32]
    offset: float
    learnt_from: Literal["ratings", "described"]
    agreement: float = float("nan")

    def polarity(self, features: TextFeatures) -> Polarity:
        """Polarity of each text in [-1, 1], NaN for those that are missing, shape (n,)."""
        found = np.clip(features.vectors @ self.direction + np.float32(self.offset), -1, 1)
        return np.where(features.present, found, np.nan).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Opinions:
    """What texts think, as wholes and clause by clause.

    Attributes:
        polarity: of each text in [-1, 1], NaN where it has no words, shape (n,).
        clauses: the clauses of the texts.
        of_clause: polarity of each distinct clause, NaN where it has none.
        head: what judged them.
    """

    polarity: Polarity
    clauses: Clauses
    of_clause: Polarity
    head: PolarityHead


def opinions_of(
    texts: pa.Array,
    encoder: TextEncoder,
    *,
    ratings: npt.NDArray[np.floating] | None = None,
    users: npt.NDArray[np.integer] | None = None,
    on_progress: OnProgress | None = None,
) -> Opinions:
    """Judge texts: by described poles, and by what their own ratings teach where there are enough.

    With ratings, the mean of both lines is taken, or the described one alone where that agrees with more ratings, each
    review judged by a line that has not seen it.

    A line through vectors sees what a text is about more than how words act on each other: negation ("not as good as they
    say") and irony are where it fails; see bench/reviews.py.

    Args:
        texts: large_string, shape (n,); of reviews that may be learnt from, so of the train part alone.
        encoder: gives the vectors.
        ratings: of each text, any scale, higher is better; None where there are none.
        users: who wrote each, shape (n,); wanted with ratings.
        on_progress: called with the clauses done so far, and all.
    """
    clauses = clauses_of(texts)
    features = encoded_clauses(clauses, encoder, on_progress)
    whole = mean_by_text(clauses, features)
    head = described_head(encoder)
    if ratings is not None and users is not None:
        head = _better(head, whole, rating_targets(ratings, users))
    return Opinions(head.polarity(whole), clauses, head.polarity(features), head)


def described_head(encoder: TextEncoder) -> PolarityHead:
    """Without any rating: from sentences of bad to sentences of good reviews about the same things.

    The direction is the difference of the mean vectors of both poles, so that a text's value is the difference of its mean
    cosines with them. It is scaled so that the poles lie at -1 and 1 on average.
    """
    n = len(POSITIVE)
    every = encoder.encode([*POSITIVE, *NEGATIVE])
    every = every / np.maximum(np.linalg.norm(every, axis=1, keepdims=True), np.finfo(np.float32).eps)
    good, bad = every[:n].mean(axis=0), every[n:].mean(axis=0)
    apart = max(float((good - bad) @ (good - bad)), float(np.finfo(np.float32).eps))
    direction = (good - bad) * (2 / apart)
    return PolarityHead(direction.astype(np.float32), float(-direction @ (good + bad) / 2), "described")


def rating_targets(ratings: npt.NDArray[np.floating], users: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    r"""Ratings as polarity in [-1, 1], users' habits taken out, shape (n,).

    With \mu the mean of all ratings, of which user u gave n_u, and m and h middle and half width of the scale:
    `habit_u = sum_i (r_ui - mu) / (n_u + 5)` and `y_ui = clip((r_ui - habit_u - m) / h, -1, 1)`. One who gives every item
    the best rating thereby says little more than the mean does.
    """
    ratings = np.asarray(ratings, dtype=np.float64)
    if len(ratings) == 0 or ratings.max() == ratings.min():
        return np.zeros(len(ratings))
    _, user = np.unique(users, return_inverse=True)
    habit = np.bincount(user, ratings - ratings.mean()) / (np.bincount(user) + HABIT)
    middle, half = (ratings.max() + ratings.min()) / 2, (ratings.max() - ratings.min()) / 2
    return np.asarray(np.clip((ratings - habit[user] - middle) / half, -1, 1), dtype=np.float64)


def weights_by_polarity(weights: npt.NDArray[np.floating], polarity: npt.NDArray[np.floating]) -> Polarity:
    """Weights of interactions without ratings: `w * (1 + polarity) / 2`; unchanged where polarity is NaN (no review).

    With `min_weight` at `w * (1 - NEUTRAL) / 2`, what a review clearly speaks against is no positive. Ratings want no such
    thing: they say it themselves.
    """
    factor = np.where(np.isnan(polarity), 1, (1 + polarity) / 2)
    return np.asarray(weights * factor, dtype=np.float32)


def _better(described: PolarityHead, whole: TextFeatures, target: npt.NDArray[np.float64]) -> PolarityHead:
    """The described head, or its mean with one learnt from ratings, whichever agrees with more of the ratings.

    The mean, since a line learnt from few words misjudges others, which the described one may know, and the reverse.
    """
    rows = np.flatnonzero(whole.present)
    vectors, target = whole.vectors[rows], target[rows]
    good, bad = target > 0, target < 0
    if min(good.sum(), bad.sum()) < FEWEST:
        return described
    # Most ratings are good: both sides count alike, or the line would call everything good.
    weight = np.ones(len(target))
    weight[good], weight[bad] = (good | bad).sum() / 2 / good.sum(), (good | bad).sum() / 2 / bad.sum()
    learnt, offset, unseen, used = ridge_fit(vectors, target, weight)
    by_poles = vectors @ described.direction + described.offset
    alone = _agreement(by_poles, target)
    both = _agreement((unseen + by_poles[used]) / 2, target[used])
    if both < alone:
        return PolarityHead(described.direction, described.offset, "described", alone)
    direction = (learnt + described.direction) / 2
    return PolarityHead(direction.astype(np.float32), (offset + described.offset) / 2, "ratings", both)


def _agreement(judged: npt.NDArray[np.floating], target: npt.NDArray[np.float64]) -> float:
    """Share of signs that are right, mean over good and bad targets."""
    good, bad = target > 0, target < 0
    return float(((judged[good] > 0).mean() + (judged[bad] < 0).mean()) / 2)
