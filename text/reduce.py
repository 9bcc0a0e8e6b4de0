"""Fewer dimensions and smaller numbers for text vectors, chosen by what is lost: neighbours that are no longer found."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt

from ..kg import ConfigError, DataError
from .encoder import TextVectors
from .features import TextFeatures
from .reduce_config import ReduceConfig
from .reduce_loss import NeighbourSample, ReductionLoss, principal_directions, variance_kept
from .reduce_storage import Storage, int8_scale, stored, unstored

__all__ = ["Reduction", "projected", "reduced"]

_log = logging.getLogger(__name__)

_WIDE = 64
_STEP = 8
"""Of long vectors, dimensions tried are multiples of this: what comes between differs by less than it is measured."""


@dataclass(frozen=True)
class Reduction:
    """How vectors were reduced, to do the same to others, and what that lost.

    Attributes:
        features: the reduced vectors as they come back from storage, float32 of shape (texts, k).
        components: what vectors are multiplied by, float32 of shape (d, k).
        storage: type in which vectors are stored.
        scale: of int8, one for each dimension, float32 of shape (k,); ones otherwise.
        rescaled: whether each vector keeps the length it had.
        loss: what was lost.
    """

    features: TextFeatures
    components: npt.NDArray[np.float32]
    storage: Storage
    scale: npt.NDArray[np.float32]
    rescaled: bool
    loss: ReductionLoss

    def apply(self, vectors: TextVectors) -> TextVectors:
        """Other vectors reduced the same way, such as those of queries: float32 of shape (n, k), rounded as stored ones."""
        return unstored(self.codes(vectors), self.scale)

    def codes(self, vectors: TextVectors) -> npt.NDArray[Any]:
        """Other vectors as they are stored, shape (n, k); int8 beyond the scale of those fitted on is cut."""
        return stored(projected(vectors, self.components, self.rescaled), self.storage, self.scale)

    @cached_property
    def size(self) -> int:
        """Bytes of the stored vectors."""
        return len(self.features) * len(self.scale) * np.dtype(self.storage).itemsize

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it as arrays, to be saved without pickle; the vectors in the type they are stored in."""
        # Numbers that come out of storage go back into it unchanged.
        codes = stored(self.features.vectors, self.storage, self.scale)
        return {
            "codes": codes,
            "present": self.features.present,
            "components": self.components,
            "scale": self.scale,
            "rescaled": np.array([self.rescaled]),
            "loss": self.loss.as_array(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            DataError: if it is something else.
        """
        try:
            codes, components, scale = arrays["codes"], arrays["components"], arrays["scale"]
            if codes.dtype.name not in ("float32", "float16", "int8"):
                raise ValueError(f"vectors of {codes.dtype.name}")
            if components.ndim != 2 or scale.shape != components.shape[1:] or codes.shape[1:] != scale.shape:
                raise ValueError(f"shapes {codes.shape}, {components.shape} and {scale.shape}")
            features = TextFeatures(unstored(codes, scale), arrays["present"])
            loss = ReductionLoss.from_array(arrays["loss"])
            return cls(
                features, components, cast(Storage, codes.dtype.name), scale, bool(arrays["rescaled"].item()), loss
            )
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise DataError(f"these arrays are no reduction of text vectors ({error}); make it again") from error


def reduced(features: TextFeatures, config: ReduceConfig, *, rng: np.random.Generator) -> Reduction:
    """Vectors with fewer dimensions and smaller numbers, and what that loses.

    Principal directions are those about the origin, not about the mean: so that cosines and inner products stay what
    they were, and all directions together change nothing. A vector that loses dimensions keeps its length.

    Args:
        features: the vectors; those of missing texts are not looked at, and stay 0.
        config: how.
        rng: draws the texts that directions (100,000 at most) and neighbours (1,000 among 20,000) are looked for with.

    Raises:
        ConfigError: if more dimensions are wanted than there are.
    """
    full = features.dimension
    if config.dimension != "auto" and config.dimension > full:
        raise ConfigError(
            f"`dimension: {config.dimension}` is more than the {full} that the vectors have; make it smaller"
        )
    rows = np.flatnonzero(features.present)
    basis = (
        principal_directions(features.vectors, rows, rng) if config.method == "pca" else np.eye(full, dtype=np.float32)
    )
    sample = NeighbourSample.drawn(features.vectors, rows, rng)
    if config.method == "none":
        return _made(features, rows, basis, config, sample)
    if config.dimension != "auto":
        return _made(features, rows, basis[:, : config.dimension], config, sample)
    k = _fewest(basis, config, sample)
    return _made(features, rows, basis[:, :k], config, sample)


def _fewest(basis: npt.NDArray[np.float32], config: ReduceConfig, sample: NeighbourSample) -> int:
    """Fewest dimensions with which the bound holds, by halving; all where none does.

    More dimensions find more neighbours but for chance, and halving needs ten measurements for a thousand dimensions.
    """
    full = basis.shape[1]
    choices = [*range(_STEP, full, _STEP), full] if full >= _WIDE else list(range(1, full + 1))
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high) // 2
        if _overlap(basis[:, : choices[middle]], config.storage, sample) >= config.min_overlap:
            high = middle
        else:
            low = middle + 1
    return choices[low]


def _overlap(components: npt.NDArray[np.float32], storage: Storage, sample: NeighbourSample) -> float:
    """Share of neighbours still found in the sample, as it would be stored."""
    short = projected(sample.vectors, components, rescaled=True)
    scale = int8_scale(short) if storage == "int8" else np.ones(components.shape[1], dtype=np.float32)
    return sample.overlap(unstored(stored(short, storage, scale), scale))


def _made(
    features: TextFeatures,
    rows: npt.NDArray[np.int64],
    components: npt.NDArray[np.float32],
    config: ReduceConfig,
    sample: NeighbourSample,
) -> Reduction:
    full, k = components.shape
    components = np.ascontiguousarray(components)
    rescaled = k < full
    short = projected(features.vectors, components, rescaled) if config.method != "none" else features.vectors
    ones = np.ones(k, dtype=np.float32)
    scale = int8_scale(short) if config.storage == "int8" else ones
    vectors = unstored(stored(short, config.storage, scale), scale)
    loss = ReductionLoss(
        full,
        k,
        variance_kept(features.vectors, rows, components),
        sample.overlap(vectors[sample.rows]),
        len(sample.rows),
    )
    if config.dimension == "auto" and loss.neighbour_overlap < config.min_overlap:
        _log.warning(
            "text vectors: %.3f of the neighbours are found with all %d dimensions as %s, and `min_overlap` is %g; "
            "another `storage` loses less",
            loss.neighbour_overlap,
            full,
            config.storage,
            config.min_overlap,
        )
    return Reduction(TextFeatures(vectors, features.present), components, config.storage, scale, rescaled, loss)


def projected(vectors: TextVectors, components: npt.NDArray[np.float32], rescaled: bool) -> TextVectors:
    """Vectors times components, shape (n, k), each with the length it had if it is to keep it."""
    if vectors.ndim != 2 or vectors.shape[1] != components.shape[0]:
        raise ValueError(
            f"vectors of shape {vectors.shape} are not of the {components.shape[0]} dimensions reduced here"
        )
    short: TextVectors = np.asarray(vectors @ components, dtype=np.float32)
    if rescaled:
        before, after = np.linalg.norm(vectors, axis=1, keepdims=True), np.linalg.norm(short, axis=1, keepdims=True)
        np.multiply(short, np.divide(before, after, out=np.zeros_like(before), where=after > 0), out=short)
    return short
