"""The stage that reads: texts of items and entities, and the vectors of these texts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow.compute as pc

from ..kg import ConfigError, DataError
from ..loaders import Catalogue, Split
from ..loaders.users import read_users
from ..text import (
    ReduceConfig,
    Reduction,
    StoredVectors,
    TextEncoder,
    TextFeatures,
    clean_texts,
    load_encoder,
    read_vectors,
    reduced,
    text_features,
    token_budget,
)
from ..text.clean_report import CleaningKind
from .config import Config
from .evaluation import HeldOut
from .node_texts import NodeTexts, node_texts
from .query_encoder import QueryEncoder
from .stages import Stages
from .tune_stage import tune_encoder

__all__ = ["EncodedTexts", "encode_nodes"]


@dataclass(frozen=True, eq=False)
class EncodedTexts:
    """Texts as vectors, and what read them.

    Attributes:
        nodes: of items, then entities around them, in node order.
        n_items: how many of them are items.
        encoder: how the encoder is got again, to read queries with; None where the vectors were computed elsewhere.
        users: of the users' own texts; None where there are none.
        reduction: how the vectors were made smaller; None if they were not.
        details: for the record: what was cleaned, what the tuning and the reduction did. JSON-ready.
    """

    nodes: TextFeatures
    n_items: int
    encoder: QueryEncoder | None
    users: TextFeatures | None = None
    reduction: Reduction | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def items(self) -> TextFeatures:
        """Those of the items."""
        return TextFeatures(self.nodes.vectors[: self.n_items], self.nodes.present[: self.n_items])


def encode_nodes(
    config: Config,
    catalogue: Catalogue,
    stages: Stages,
    device: str,
    *,
    split: Split | None = None,
    held_out: HeldOut | None = None,
) -> EncodedTexts | None:
    """Vectors of the texts of items and entities; None if text is off, or there is no text at all.

    Args:
        config: which encoder, tuned and reduced how.
        catalogue: items and graph.
        stages: told about each.
        device: a torch device.
        split: whose training positives the encoder is tuned on, and whose users may have texts of their own.
        held_out: the validation users that the tuning is chosen by.
    """
    read_by_us = config.text is not None and not isinstance(config.text.encoder, StoredVectors)
    if config.data.users is not None and split is not None and not read_by_us:
        raise ConfigError(
            "data.users need an encoder to read their texts: name one under text.encoder, or leave users out"
        )
    if config.text is None:
        return None
    if isinstance(config.text.encoder, StoredVectors):
        return _reduced(_looked_up(config.text.encoder, catalogue, stages), config, stages)
    if catalogue.knowledge is None and not any(catalogue.table.texts):
        return None
    encoder = load_encoder(config.text, device=device)
    with stages.stage("put texts together") as stage:
        texts = node_texts(config, catalogue, token_budget(encoder, config.text.max_tokens))
        stage.result(_put_together(texts))
    if not any(texts.nodes):
        return None
    details: dict[str, Any] = {"cleaning": texts.cleaning.as_records()}
    adapter = None
    if config.text.tune is not None and split is not None and held_out is not None:
        k = config.evaluation.ks[0]
        tuned = tune_encoder(
            config.text,
            texts.items,
            catalogue.graph,
            split,
            held_out,
            stages,
            fingerprint=encoder.fingerprint,
            k=k,
            seed=config.seed,
            device=device,
        )
        # Adapters of step 0 add nothing: the encoder as it was has its vectors in the cache.
        if tuned.best_step > 0:
            adapter = tuned.adapter
            encoder = load_encoder(config.text, device=device, adapter=adapter)
        details["tuning"] = {
            "frozen": tuned.frozen,
            "tuned": tuned.best,
            "steps": tuned.steps,
            "share": tuned.share,
            "interrupted": tuned.interrupted,
        }
    nodes = _encoded(encoder, texts.nodes, "texts of items and entities", stages)
    users = None if split is None else _of_users(config, encoder, split, stages)
    query = QueryEncoder(config.text, encoder.fingerprint, encoder.dimension, adapter=adapter)
    return _reduced(EncodedTexts(nodes, len(catalogue.items), query, users, None, details), config, stages)


def _encoded(encoder: TextEncoder, texts: list[str], what: str, stages: Stages) -> TextFeatures:
    with stages.stage(f"encode {what}", len(texts)) as stage, _overheard() as warnings:
        began = time.perf_counter()
        features = text_features(encoder, texts, on_progress=stage.update)
        seconds = time.perf_counter() - began
        known = int(getattr(encoder, "reused", 0))
        stage.result(_told(features, known, seconds, [*_complaints(encoder), *warnings]))
    return features


def _of_users(config: Config, encoder: TextEncoder, split: Split, stages: Stages) -> TextFeatures | None:
    """Vectors of the users' own texts; None where there are none."""
    if config.data.users is None:
        return None
    with stages.stage("read texts of users") as stage:
        table = read_users(config.data.users, split.users)
        texts, _ = clean_texts(table.texts)
        others = f"; {table.unknown:,} rows of users that the log does not have" if table.unknown else ""
        stage.result(f"{sum(map(bool, texts)):,} of {len(texts):,} users have a text{others}")
    return _encoded(encoder, texts, "texts of users", stages) if any(texts) else None


def _reduced(text: EncodedTexts, config: Config, stages: Stages) -> EncodedTexts:
    """The vectors made smaller, if that is asked for; what it loses is told."""
    if config.text is None or (wanted := config.text.reduce) == ReduceConfig():
        return text
    with stages.stage("reduce text vectors") as stage:
        reduction = reduced(text.nodes, wanted, rng=np.random.default_rng(config.seed))
        loss = reduction.loss
        stage.result(
            f"{loss.full_dimension} to {loss.dimension} dimensions as {wanted.storage}, {reduction.size / 2**20:,.1f} MiB: "
            f"{loss.neighbour_overlap:.1%} of the ten nearest neighbours are still found"
        )
    users = text.users
    if users is not None:
        users = TextFeatures(reduction.apply(users.vectors) * users.present[:, None], users.present)
    details = {**text.details, "reduction": loss.as_record()}
    return replace(text, nodes=reduction.features, users=users, reduction=reduction, details=details)


def _looked_up(stored: StoredVectors, catalogue: Catalogue, stages: Stages) -> EncodedTexts:
    """Vectors computed elsewhere, by the ids of items and entities; an item may have its entity's."""
    graph = catalogue.graph
    with stages.stage("look up text vectors", graph.n_nodes) as stage:
        known = read_vectors(stored)
        entity_ids = pc.coalesce(graph.item_entity, graph.items.to_arrow()).to_pylist()
        own, other = known.features(list(graph.items)), known.features(entity_ids)
        around = known.features(list(graph.entities))
        items = np.where(own.present[:, None], own.vectors, other.vectors)
        present = np.concatenate([own.present | other.present, around.present])
        nodes = TextFeatures(np.concatenate([items, around.vectors]), present)
        if not present.any():
            raise DataError(
                f"no item or entity has a vector: items are called such as {graph.items.id(0)!r}, vectors such as "
                f"{known.ids[0].as_py()!r}; see that the ids are the log's or the graph's",
                path=known.path,
            )
        stage.result(f"{len(nodes):,} items and entities; {nodes.n_missing:,} without a vector")
    return EncodedTexts(nodes, len(graph.items), None)


def _put_together(texts: NodeTexts) -> str:
    """How many texts there are, and the findings that change what is read; examples of all are in the record."""
    told = f"{sum(map(bool, texts.nodes)):,} texts of items and entities"
    worded: tuple[tuple[CleaningKind, str], ...] = (
        ("no-text", "{:,} without"),
        ("cut", "{:,} cut to what the encoder reads"),
        ("boilerplate", "{:,} repeated sentences dropped"),
    )
    return "; ".join([told, *(words.format(n) for kind, words in worded if (n := texts.cleaning.count(kind)))])


def _complaints(encoder: TextEncoder) -> list[str]:
    """What an encoder says of texts it cannot read."""
    stats = getattr(encoder, "stats", None)
    return [] if stats is None else list(stats.warnings())


def _told(features: TextFeatures, known: int, seconds: float, warnings: list[str]) -> str:
    """What the stage has to say: how many, how fast, what is missing, what the encoder warned of."""
    read = len(features) - known
    told = f"{len(features):,} texts, {known:,} of them known from before"
    if read:
        told += f", {read / max(seconds, 1e-9):,.0f} texts/s"
    if features.n_missing:
        told += f"; {features.n_missing:,} without a text"
    return told + "".join(f"; {warning}" for warning in warnings)


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the text packages log as a warning meanwhile, each sentence once."""
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if (said := record.getMessage()) not in heard:
                heard.append(said)

    log, listener = logging.getLogger(TextEncoder.__module__.rpartition(".")[0]), Listener(logging.WARNING)
    log.addHandler(listener)
    try:
        yield heard
    finally:
        log.removeHandler(listener)
