"""Which of several node types an entity goes by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["UNIVERSAL_TYPES", "type_ranks"]

UNIVERSAL_TYPES = frozenset(
    {
        "http://www.w3.org/2002/07/owl#Thing",
        "http://www.w3.org/2002/07/owl#NamedIndividual",
        "http://www.w3.org/2000/01/rdf-schema#Resource",
    }
)
"""Classes that hold for everything, and so say nothing about a node."""


def type_ranks(names: Sequence[str], counts: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """The rank of each type, 0 for the one that goes before all others, shape (types,).

    Those that hold for everything come last; before them the commoner goes first, of equals the first by the alphabet.

    Args:
        names: full names of the types.
        counts: how many entities have each, shape (types,).
    """
    order = sorted(range(len(names)), key=lambda n: (names[n] in UNIVERSAL_TYPES, -int(counts[n]), names[n]))
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[order] = np.arange(len(names))
    return ranks
