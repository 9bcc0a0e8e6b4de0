"""Users whose hits follow one signal where they have a long history, and another where they have a short one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp

from plait.fusion.blending.pool import ItemFacts, Pool
from plait.fusion.blending.standard import standardised
from plait.fusion.evaluation.held_out import HeldOut
from plait.fusion.signals.signal import Audience, Scores

N_ITEMS, N_NODES = 19, 24


@dataclass
class Planted:
    """A validation part of which it is known what tells the hits."""

    parts: dict[str, Scores]
    held_out: HeldOut
    facts: ItemFacts

    @property
    def audience(self) -> Audience:
        return self.held_out.audience()

    def pool(self, depth: int = 6) -> Pool:
        return Pool.of(self.parts, self.audience, self.held_out.seen, self.facts, depth)

    def hits(self, pool: Pool) -> npt.NDArray[np.bool_]:
        return pool.relevant(self.held_out.relevant)


def planted(n_users: int, seed: int = 0, noise: float = 0.3, relation: str = "brand") -> Planted:
    """Every second user has 8 items of history and follows "near", the others have 1 and follow "far"."""
    rng = np.random.default_rng(seed)
    long = np.arange(n_users) % 2 == 0
    order = rng.permuted(np.tile(np.arange(N_ITEMS), (n_users, 1)), axis=1)
    steps = np.zeros((n_users, N_ITEMS), dtype=np.float32)
    for user in range(n_users):
        met = order[user, : 8 if long[user] else 1]
        steps[user, met] = np.arange(1, len(met) + 1)
    seen = sp.csr_array((steps > 0).astype(np.float32))
    raw = {name: rng.normal(size=steps.shape).astype(np.float32) for name in ("near", "far", "noise")}
    told = np.where(long[:, None], raw["near"], raw["far"]) + noise * rng.normal(size=steps.shape)
    told[steps > 0] = -np.inf
    relevant = np.zeros_like(steps)
    relevant[np.arange(n_users), told.argmax(axis=1)] = 1
    parts = {name: standardised(scores, seen) for name, scores in raw.items()}
    history = sp.csr_array(steps)
    held_out = HeldOut(np.arange(n_users), history, seen, sp.csr_array(relevant), 0)
    links = sp.csr_array((rng.random((N_ITEMS, N_NODES)) < 0.15).astype(np.float32))
    counts = rng.integers(0, 6, N_ITEMS).astype(np.float32)
    return Planted(parts, held_out, ItemFacts(counts, {relation: links}))


@pytest.fixture(scope="session")
def world() -> Planted:
    """300 users; look, do not touch."""
    return planted(300)
