"""The variants of an ablation: the whole recommender, and the same less one of its sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...kg import ConfigError, ItemGraph
from ..config import Config
from ..stages import Stages
from ..text_stage import EncodedTexts
from ..tuning.fitted import SIGNALS, Given
from ..tuning.prepared import Prepared

__all__ = [
    "TRAINED",
    "WHOLE",
    "WITHOUT",
    "Lacking",
    "checked_variants",
    "evidence",
    "known_variants",
    "needless",
    "told",
]

WHOLE = "whole"
WITHOUT = "without-"
"""Begins the name of the variants that leave one signal out of the blend."""

TRAINED = {
    WHOLE: "as configured",
    "shuffled-graph": "each relation's tails permuted: the same degrees, another meaning; texts as they are",
    "no-text": "no text vectors: neither as a signal nor in the net",
    "no-graph": "no entities and no edges; texts of the items tell no neighbours",
}
"""The variants that are trained, and what each is; those that read the same texts follow one another."""


@dataclass(frozen=True)
class Lacking:
    """A variant that would be the same as the whole, and why."""

    variant: str
    reason: str


def known_variants() -> list[str]:
    """All names there are."""
    return [*TRAINED, *(WITHOUT + name for name in SIGNALS)]


def checked_variants(wanted: Sequence[str]) -> list[str]:
    """What is asked for, in order of the table, the whole always among it; all if nothing is.

    Raises:
        ConfigError: if there is no such variant.
    """
    for name in wanted:
        if name not in known_variants():
            raise ConfigError(f"there is no variant {name!r}; known are {', '.join(known_variants())}")
    return [name for name in known_variants() if not wanted or name == WHOLE or name in wanted]


def told(variant: str) -> str:
    """What a variant is, in a few words."""
    return TRAINED.get(variant, f"{variant.removeprefix(WITHOUT)} left out of the blend, the rest weighed anew")


def needless(variant: str, config: Config) -> Lacking | None:
    """Whether the configuration alone says that a variant would be the whole."""
    if variant in ("no-graph", "shuffled-graph") and config.data.graph is None:
        return Lacking(variant, "the configuration has no graph")
    if variant == "no-text" and config.text is None:
        return Lacking(variant, "the configuration has no text")
    return None


def evidence(variant: str, config: Config, prepared: Prepared, stages: Stages) -> Given | Lacking:
    """What a trained variant is fitted on; the seed of the configuration shuffles. Texts may be encoded for it."""
    graph = prepared.catalogue.graph
    if variant in ("no-graph", "shuffled-graph") and len(graph.head) == 0:
        return Lacking(variant, "there is no graph around the items")
    if variant == "no-graph":
        return Given(
            ItemGraph.without_graph(prepared.split.items), _of_items(prepared, config, stages), variant, lacks=True
        )
    text = prepared.texts(config, stages)
    if variant == "no-text":
        return Lacking(variant, "there are no texts") if text is None else Given(graph, None, variant, lacks=True)
    if variant == "shuffled-graph":
        return Given(graph.shuffled(np.random.default_rng(config.seed)), text, variant)
    return Given(graph, text, variant)


def _of_items(prepared: Prepared, config: Config, stages: Stages) -> EncodedTexts | None:
    """Texts of the items alone, which tell nothing of the graph's edges."""
    quiet = config.verbalise.model_copy(update={"neighbours": 0, "inverse_neighbours": 0})
    text = prepared.texts(config.model_copy(update={"verbalise": quiet}), stages)
    return None if text is None else replace(text, nodes=text.items)
