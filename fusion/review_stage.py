"""The stage that reads reviews: what those of the train part think, and what that changes in split and graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..kg import ConfigError, KnowledgeGraph
from ..loaders import InteractionsConfig, InteractionsReport, Split
from ..loaders.links import LinksConfig, read_links
from ..loaders.reviews import Reviews, ReviewsConfig, read_reviews
from ..text import StoredVectors, TextEncoder, load_encoder
from ..text.aspect_graph import with_aspects
from ..text.aspects import Aspects, AspectsConfig, aspects_of
from ..text.encoder import OnProgress
from ..text.sentiment import NEUTRAL, Opinions, opinions_of, weights_by_polarity
from .config import Config
from .fitting import device_of
from .stages import Stages

__all__ = ["ReadReviews", "read_opinions", "read_reviews_of"]


@dataclass(frozen=True, eq=False)
class ReadReviews:
    """What the reviews of the train part say.

    Attributes:
        config: what is made of them.
        reviews: the reviews, held-out ones not among them.
        opinions: what they think.
        encoder: what read them.
    """

    config: ReviewsConfig
    reviews: Reviews
    opinions: Opinions
    encoder: TextEncoder

    def weighed(self, split: Split) -> Split:
        """The split with train weighed by polarity, if asked for: a negative review makes no positive.

        Without a `min_weight` of the log's, what a polarity below -0.2 speaks against is none: (1 - 0.2) / 2 = 0.4. Weights
        of validation and test are left as they are, since their reviews are not known.
        """
        if self.config.polarity == "none":
            return split
        polarity = np.full(len(split.train), np.nan, dtype=np.float32)
        polarity[self.reviews.row] = self.opinions.polarity
        train = replace(split.train, weight=weights_by_polarity(split.train.weight, polarity))
        least = (1 - NEUTRAL) / 2 if split.min_weight is None else split.min_weight
        return replace(split, train=train, min_weight=least)

    def aspects(self, item_type: np.ndarray | None = None) -> Aspects:
        """What they speak of; see `aspects_of`."""
        kept = AspectsConfig(
            min_reviews=self.config.min_reviews, min_items=self.config.min_items, most=self.config.most
        )
        return aspects_of(self.opinions, self.reviews.item, self.encoder, kept, item_type)

    def then_aspects(
        self, before: Callable[[KnowledgeGraph], KnowledgeGraph], split: Split, links: LinksConfig | None
    ) -> Callable[[KnowledgeGraph], KnowledgeGraph]:
        """What is done to a graph before it is shaped, and then aspects added to it, if they are asked for."""
        if not self.config.aspects:
            return before

        def added(graph: KnowledgeGraph) -> KnowledgeGraph:
            graph = before(graph)
            by_map = links if links is not None and links.path is not None else None
            items, linked = read_links(by_map, split.items, graph)
            entity = linked[items.numbers(split.items.to_arrow())]
            known = entity >= 0
            kinds = np.full(len(entity), -1, dtype=np.int64)
            kinds[known] = graph.type_of[entity[known]]
            return with_aspects(graph, self.aspects(kinds), entity)

        return added

    def __str__(self) -> str:
        read, head = self.reviews, self.opinions.head
        told = f"{len(read):,} reviews of the train part, polarity learnt from {head.learnt_from}" + (
            "" if np.isnan(head.agreement) else f" (right on {head.agreement:.0%} of reviews not learnt from)"
        )
        if head.learnt_from == "described":
            told = told.replace("learnt from described", "by described poles")
        told += f"; {read.held_out:,} of rows outside it passed over"
        return told + (f"; {read.ambiguous:,} ambiguous ones left out" if read.ambiguous else "")


def read_opinions(
    config: ReviewsConfig,
    log: InteractionsConfig,
    split: Split,
    report: InteractionsReport,
    encoder: TextEncoder,
    on_progress: OnProgress | None = None,
) -> ReadReviews:
    """Read the reviews of the train part and judge them, by the log's ratings where it has some.

    Args:
        config: what is to be made of them.
        log: the log, in a file.
        split: its split, before any weighing.
        report: what was read of the log: whether it has ratings.
        encoder: reads the texts.
        on_progress: called with the clauses done so far, and all.

    Raises:
        ConfigError: if polarity is to weigh what has weights or event types already.
        DataError: if there is no column of reviews.
    """
    rated = report.columns.get("weight") is not None and log.events is None
    if config.polarity == "weight" and (log.events is not None or report.columns.get("weight") is not None):
        raise ConfigError(
            "data.reviews.polarity: weight is for a log without ratings or events, and this one has them, which weigh its "
            "interactions already; say polarity: none"
        )
    reviews = read_reviews(log, split.train)
    ratings = split.train.weight[reviews.row] if rated else None
    opinions = opinions_of(reviews.text, encoder, ratings=ratings, users=reviews.user, on_progress=on_progress)
    return ReadReviews(config, reviews, opinions, encoder)


def read_reviews_of(
    config: Config, wanted: ReviewsConfig, split: Split, report: InteractionsReport, stages: Stages
) -> ReadReviews:
    """The reviews of a configuration's log, read by its text encoder.

    Raises:
        ConfigError: if there is no encoder to read them.
        DataError: if there is no column of reviews.
    """
    if config.text is None or isinstance(config.text.encoder, StoredVectors):
        raise ConfigError(
            "data.reviews need an encoder to read them: name one under text.encoder, or leave reviews out"
        )
    assert isinstance(config.data.interactions, InteractionsConfig)  # DataConfig refuses others
    with stages.stage("read reviews") as stage:
        encoder = load_encoder(config.text, device=str(device_of(config)))
        opinions = read_opinions(wanted, config.data.interactions, split, report, encoder, stage.update)
        stage.result(str(opinions))
    return opinions
