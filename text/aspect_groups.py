"""Phrases of nearly one meaning made one: "battery" and "battery life"."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .encoder import TextEncoder

__all__ = ["grouped"]

NEAR = 0.72
"""Cosine from which phrases are one: in the packaged English model, "sound" and "audio" have 0.77, "price" and "cost" 0.74,
"screen" and "battery" under 0.4."""

NEAR_WITHIN = 0.6
"""The same where one phrase is the other and a further word."""

Numbers = npt.NDArray[np.int64]


def grouped(names: pa.Array, kept: Numbers, counts: Numbers, encoder: TextEncoder) -> tuple[Numbers, Numbers]:
    """Each phrase joins the most said one that it nearly equals and that joined no other itself.

    Args:
        names: all phrases.
        kept: which of them are grouped, distinct; a few thousand at most.
        counts: how often each of all is said.
        encoder: whose vectors tell what is near.

    Returns:
        Group of each of all phrases, -1 for those not kept; and of each group the phrase it is called by.
    """
    order = kept[np.argsort(-counts[kept], kind="stable")]
    group = np.full(len(names), -1, dtype=np.int64)
    if len(order) == 0:
        return group, order
    texts = names.take(pa.array(order)).to_pylist()
    vectors = encoder.encode(texts)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).eps)
    words = [set(text.split()) for text in texts]
    leaders: list[int] = []
    for at in range(len(order)):
        cosine = vectors[leaders] @ vectors[at]
        wanted = np.array(
            [NEAR_WITHIN if words[at] < words[other] or words[other] < words[at] else NEAR for other in leaders]
        )
        near = np.flatnonzero(cosine >= wanted)
        if len(near):
            group[order[at]] = int(near[np.argmax(cosine[near])])
        else:
            group[order[at]] = len(leaders)
            leaders.append(at)
    return group, order[leaders]
