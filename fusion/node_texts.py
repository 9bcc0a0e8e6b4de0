"""The texts of items and entities, as an encoder is to read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..loaders import Catalogue
from ..text import CleaningReport, TokenBudget, Verbaliser, clean_texts
from .config import Config

__all__ = ["NodeTexts", "node_texts", "verbaliser_of"]


@dataclass(frozen=True)
class NodeTexts:
    """Texts in node order, and what was wrong with them.

    Attributes:
        items: of the items; "" where there is none.
        entities: of the entities around them.
        cleaning: what was taken out.
    """

    items: list[str]
    entities: list[str]
    cleaning: CleaningReport

    @property
    def nodes(self) -> list[str]:
        """Those of the items, then those of the entities."""
        return self.items + self.entities


def verbaliser_of(config: Config, catalogue: Catalogue, budget: TokenBudget | None) -> Verbaliser | None:
    """What tells the graph's nodes in words, within an encoder's budget; None where there is no graph."""
    knowledge, schema = catalogue.knowledge, catalogue.schema
    if knowledge is None or schema is None:
        return None
    limit, count = (None, None) if budget is None else (budget.max_tokens, budget.count_tokens)
    return Verbaliser(knowledge, schema, catalogue.labels, config.verbalise, limit, count)


def node_texts(config: Config, catalogue: Catalogue, budget: TokenBudget | None = None) -> NodeTexts:
    """Texts of items, then of entities: from the graph where it says anything of the node, else from the item table."""
    items, told, report = [""] * len(catalogue.items), list[str](), CleaningReport()
    verbaliser, knowledge = verbaliser_of(config, catalogue, budget), catalogue.knowledge
    if verbaliser is not None and knowledge is not None:
        linked = np.flatnonzero(catalogue.item_entity >= 0)
        around = knowledge.entities.numbers(catalogue.graph.entities.to_arrow())
        told, _, report = verbaliser.texts_of(np.concatenate([catalogue.item_entity[linked], around]))
        for item, text in zip(linked.tolist(), told, strict=False):
            items[item] = text
        told = told[len(linked) :]
    rest = [item for item, text in enumerate(items) if not text]
    cleaned, found = clean_texts([catalogue.table.texts[item] for item in rest])
    for item, text in zip(rest, cleaned, strict=True):
        items[item] = text
    return NodeTexts(items, told, CleaningReport.joined([report, found]))
