"""What reduced vectors have lost: variance, and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from .encoder import TextVectors

__all__ = ["NeighbourSample", "ReductionLoss", "principal_directions", "variance_kept"]

_NEIGHBOURS = 10
_QUERIES = 1_000
_CANDIDATES = 20_000
_FITTED = 100_000
_AT_ONCE = 250
"""Queries whose similarities to all candidates are in memory at one time: 20 MB."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ReductionLoss:
    """What a reduction lost.

    Attributes:
        full_dimension: of the vectors before.
        dimension: of the vectors now.
        variance_kept: share of the variance about the mean that the dimensions kept hold, before rounding; NaN where
            there is none.
        neighbour_overlap: share of the ten nearest neighbours by cosine that are still among the ten nearest, as
            stored, averaged over the texts looked at; NaN with fewer than two texts.
        candidates: texts among which neighbours were looked for.
    """

    full_dimension: int
    dimension: int
    variance_kept: float
    neighbour_overlap: float
    candidates: int

    def as_record(self) -> dict[str, float | int | None]:
        """For a report: what is unknown is None."""
        shares = {"variance_kept": self.variance_kept, "neighbour_overlap": self.neighbour_overlap}
        known = {name: None if np.isnan(share) else share for name, share in shares.items()}
        sizes = {"full_dimension": self.full_dimension, "dimension": self.dimension}
        return {**sizes, **known, "candidates": self.candidates}

    def as_array(self) -> npt.NDArray[np.float64]:
        """Its numbers in their order, shape (5,)."""
        numbers = (self.full_dimension, self.dimension, self.variance_kept, self.neighbour_overlap, self.candidates)
        return np.array(numbers, dtype=np.float64)

    @classmethod
    def from_array(cls, array: npt.NDArray[np.float64]) -> Self:
        """What `as_array` gave."""
        full, dimension, variance, overlap, candidates = (float(number) for number in array)
        return cls(int(full), int(dimension), variance, overlap, int(candidates))


@dataclass(frozen=True)
class NeighbourSample:
    """Texts, and which of them are the nearest to some of them in the full vectors.

    Attributes:
        rows: of the sample among all texts, shape (candidates,); the first ones are also the queries.
        vectors: of the sample, full.
        nearest: positions in the sample of the nearest of each query, shape (queries, up to 10).
    """

    rows: Rows
    vectors: TextVectors
    nearest: Rows

    @classmethod
    def drawn(cls, vectors: TextVectors, rows: Rows, rng: np.random.Generator) -> Self:
        """A sample of the texts in `rows`."""
        chosen = rng.permutation(rows)[:_CANDIDATES]
        sample = vectors[chosen]
        return cls(chosen, sample, _nearest(sample))

    def overlap(self, vectors: TextVectors) -> float:
        """Share of neighbours that are neighbours still by other vectors of the sample; NaN if there is none."""
        if not self.nearest.size:
            return float("nan")
        found = _nearest(vectors)
        # Neighbours of a query are different ones, so each pair of equal positions is one that was found again.
        return float((found[:, :, None] == self.nearest[:, None, :]).sum() / self.nearest.size)


def principal_directions(vectors: TextVectors, rows: Rows, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Directions in which most of the squared length lies, most first: orthonormal columns, shape (d, d).

    They are the eigenvectors of the mean of x x' over 100,000 texts at most; the largest coordinate of each is positive.
    """
    chosen = np.sort(rng.permutation(rows)[:_FITTED])
    _, directions = np.linalg.eigh(_second_moment(vectors, chosen))
    directions = directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    return np.ascontiguousarray(directions * np.where(largest < 0, -1, 1), dtype=np.float32)


def variance_kept(vectors: TextVectors, rows: Rows, components: npt.NDArray[np.float32]) -> float:
    """Share of the variance about the mean along orthonormal columns: tr(P' C P) / tr(C); NaN where there is none."""
    if not len(rows):
        return float("nan")
    rows = rows[:: max(1, len(rows) // _FITTED)]
    mean = vectors[rows].mean(axis=0, dtype=np.float64)
    covariance = _second_moment(vectors, rows) - np.outer(mean, mean)
    whole = float(np.trace(covariance))
    # What is left of a constant after rounding is no variance.
    if whole <= 1e-9 * (float(mean @ mean) + whole):
        return float("nan")
    wide = components.astype(np.float64)
    return float(np.einsum("dk,de,ek->", wide, covariance, wide, optimize=True)) / whole


def _second_moment(vectors: TextVectors, rows: Rows) -> npt.NDArray[np.float64]:
    """Mean of x x', in parts whose sums float32 holds well enough, added in float64."""
    total = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(rows), 4096):
        part = vectors[rows[start : start + 4096]]
        total += part.T @ part
    return total / max(len(rows), 1)


def _nearest(vectors: TextVectors) -> Rows:
    """The nearest others of the first rows by cosine, shape (queries, up to 10)."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    count = min(_NEIGHBOURS, len(unit) - 1)
    if count < 1:
        return np.zeros((0, 0), dtype=np.int64)
    parts = []
    for start in range(0, min(_QUERIES, len(unit)), _AT_ONCE):
        queries = unit[start : min(start + _AT_ONCE, _QUERIES)]
        similar = queries @ unit.T
        similar[np.arange(len(queries)), start + np.arange(len(queries))] = -np.inf
        parts.append(np.argpartition(-similar, count - 1, axis=1)[:, :count])
    return np.concatenate(parts).astype(np.int64)
