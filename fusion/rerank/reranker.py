"""From ranked candidates to the list that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ..ranking import Ranked
from .caps import Caps
from .config import MmrConfig, RelevanceConfig, RerankConfig
from .dpp import Dpp
from .exposure import Exposure
from .greedy import Gain, Relevance, choose
from .groups import exposure_groups
from .item_knowledge import ItemKnowledge
from .mmr import Mmr
from .pool import Pool
from .spaces import Space

__all__ = ["GreedyReranker", "Reranker", "best_reranked", "reranker_of"]

NUMBERS = 2**25
"""Most numbers of candidates kept at once: 128 MiB of float32."""
WIDER = 4
"""How much wider the pool of a list becomes that its caps leave short."""


class Reranker(Protocol):
    """Puts candidates in another order, and leaves some out.

    Attributes:
        pool: how many candidates it wants to see of each list.
        capped: whether it may leave a list shorter than the candidates would let it be.
        together: whether a list depends on the others of the call.
    """

    @property
    def pool(self) -> int: ...  # noqa: D102

    @property
    def capped(self) -> bool: ...  # noqa: D102

    @property
    def together(self) -> bool: ...  # noqa: D102

    def rerank(self, candidates: Ranked, k: int) -> Ranked:
        """The k items of each list in their new order, with the scores they had.

        Args:
            candidates: best first, -1 for none, shape (batch, M).
            k: length of the lists, at least 1; may exceed M.
        """


@dataclass(frozen=True, eq=False)
class GreedyReranker:
    """The re-ranker of a configuration.

    Attributes:
        config: method and trade-off.
        space: tells how like items are; None where the method does not ask.
        caps: for each cap, which values items have, shape (items, values), and the most of one value.
        exposure: groups, shape (items, groups), and their shares; None where none is due.
    """

    config: RerankConfig
    space: Space | None
    caps: tuple[tuple[sp.csr_array, int], ...]
    exposure: tuple[sp.csr_array, npt.NDArray[np.float64]] | None

    @property
    def pool(self) -> int:
        """How many candidates it wants to see of each list."""
        return self.config.pool

    @property
    def capped(self) -> bool:
        """Whether caps may leave a list short."""
        return bool(self.caps)

    @property
    def together(self) -> bool:
        """Whether a list depends on the others of the call."""
        return self.config.exposure is not None and not self.config.exposure.each_list

    def rerank(self, candidates: Ranked, k: int) -> Ranked:
        """The k items of each list in their new order, with the scores they had; -1 and NaN where a list ends."""
        batch, width = candidates.items.shape
        kept = width * (1 + (0 if self.space is None else self.space.width + 2 * min(k, width)))
        kept += 0 if self.exposure is None else width * self.exposure[0].shape[1]
        # What exposure lists give together holds for any parts of a batch too, since it holds in each part.
        step = max(NUMBERS // max(kept, 1), 1)
        chosen = [self._chosen(candidates, k, slice(first, first + step)) for first in range(0, batch, step)]
        places = np.concatenate(chosen) if chosen else np.empty((0, k), dtype=np.int64)
        ended = places < 0
        items = np.where(ended, -1, np.take_along_axis(candidates.items, places.clip(0), axis=1))
        scores = np.where(ended, np.float32(np.nan), np.take_along_axis(candidates.scores, places.clip(0), axis=1))
        return Ranked(items, scores)

    def _chosen(self, candidates: Ranked, k: int, rows: slice) -> npt.NDArray[np.int64]:
        pool = Pool(candidates.items[rows], candidates.scores[rows])
        exposure = None
        if self.exposure is not None and self.config.exposure is not None:
            exposure = Exposure(pool, *self.exposure, each_list=self.config.exposure.each_list)
        return choose(pool, k, self._gain(pool, k), Caps(pool, self.caps) if self.caps else None, exposure)

    def _gain(self, pool: Pool, k: int) -> Gain:
        # At no diversity cosines have no say, and need not be computed.
        if isinstance(self.config, RelevanceConfig) or self.space is None or self.config.diversity == 0:
            return Relevance(pool)
        if isinstance(self.config, MmrConfig):
            return Mmr(pool, self.space, self.config.diversity)
        return Dpp(pool, self.space, self.config.diversity, k)


def reranker_of(config: RerankConfig, known: ItemKnowledge) -> Reranker:
    """The re-ranker of a configuration.

    Raises:
        ConfigError: if the model lacks the space, a relation or a group that it names.
        DataError: if a table of groups cannot be used.
    """
    space = None if isinstance(config, RelevanceConfig) else known.space(config.space)
    caps = tuple((known.values(relation), most) for relation, most in config.cap.items())
    due = config.exposure
    return GreedyReranker(config, space, caps, None if due is None else exposure_groups(due, known))


def best_reranked(
    reranker: Reranker, best: Callable[[npt.NDArray[np.int64], int], Ranked], batch: int, k: int
) -> Ranked:
    """Re-ranked lists, from a pool that is widened for lists that caps leave short while there are more candidates.

    Args:
        reranker: chooses.
        best: gives the n best items of some rows, best first.
        batch: number of rows.
        k: length of the lists.
    """
    n, rows = max(reranker.pool, k), np.arange(batch)
    pool = best(rows, n)
    found = reranker.rerank(pool, k)
    short = _cut(found, pool)
    while reranker.capped and short.any():
        # Lists that owe exposure together are all chosen anew: alone the short ones would not know what the others gave.
        rows, n = rows if reranker.together else rows[short], n * WIDER
        pool = best(rows, n)
        again = reranker.rerank(pool, k)
        found.items[rows], found.scores[rows] = again.items, again.scores
        short = _cut(again, pool)
    return found


def _cut(found: Ranked, pool: Ranked) -> npt.NDArray[np.bool_]:
    """Which lists are short although there may be more candidates than the pool has, shape (batch,)."""
    return np.asarray((found.items[:, -1] < 0) & (pool.items[:, -1] >= 0))
