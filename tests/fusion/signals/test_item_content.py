"""Entities and text as components: what they keep of how alike items are."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from plait.fusion.signals.item_content import item_content
from plait.text import TextFeatures

ENTITIES = sp.csr_array(
    np.array(
        [
            [1, 0, 1, 0],  # item 0: brand a, category
            [1, 0, 1, 0],  # as item 0
            [0, 1, 1, 0],  # brand b, category
            [0, 1, 0, 0],
            [0, 0, 0, 1],  # an entity of its own: joins nothing
            [0, 0, 0, 0],
        ],
        dtype=np.float32,
    )
)


def products(entities: sp.csr_array) -> np.ndarray:
    """Inner products of weighted entity rows of length 1, by hand."""
    linked = entities.toarray().sum(axis=0)
    rows = entities.toarray() * np.where(linked >= 2, np.log1p(len(entities.toarray()) / linked), 0)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return np.asarray(rows @ rows.T)


def test_likeness_of_items_is_kept() -> None:
    # Three columns join items, of which the sparse decomposition gives the largest two.
    content = item_content(ENTITIES, None, 9)
    assert content.shape == (6, 2) and content.dtype == np.float32
    values, vectors = np.linalg.eigh(products(ENTITIES))
    closest = (vectors[:, -2:] * values[-2:]) @ vectors[:, -2:].T
    assert content @ content.T == pytest.approx(closest, abs=1e-5)
    assert not content[4].any() and not content[5].any()


def test_text_stands_beside_entities() -> None:
    vectors = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)  # items, then two entities
    vectors[3] = 0
    text = TextFeatures(vectors, np.arange(8) != 3)
    moved = vectors[:6] - vectors[[0, 1, 2, 4, 5]].mean(axis=0)
    moved[3] = 0
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    both, alone = item_content(ENTITIES, text, 20), item_content(ENTITIES, None, 20)
    assert both @ both.T == pytest.approx(alone @ alone.T + moved @ moved.T, abs=1e-5)
    assert item_content(ENTITIES, text, 3).shape == (6, 3)
    assert item_content(ENTITIES, text, 3) == pytest.approx(both[:, :3], abs=1e-5)  # the largest come first


def test_nothing_known_has_no_components() -> None:
    assert item_content(sp.csr_array((6, 4), dtype=np.float32), None, 3).shape == (6, 0)
    absent = TextFeatures(np.zeros((6, 5), dtype=np.float32), np.zeros(6, dtype=bool))
    assert item_content(sp.csr_array((6, 0), dtype=np.float32), absent, 3).shape == (6, 0)


def test_the_same_every_time() -> None:
    entities = sp.csr_array((np.random.default_rng(1).random((40, 30)) < 0.2).astype(np.float32))
    assert (item_content(entities, None, 7) == item_content(entities, None, 7)).all()
