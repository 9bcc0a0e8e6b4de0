"""Fitting: each signal with its choices made on validation, then how recent items count, then the blend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..gnn import Embeddings, NodeFeatures
from ..kg import ConfigError, ItemGraph, short_names
from ..loaders import Catalogue, Split
from .blending.blend import Blend, search_weights, standardised
from .config import Config
from .evaluation import VALIDATION_USERS, HeldOut
from .signals.ease import Ease
from .signals.graph_signal import GraphSignal
from .signals.item_entities import item_entities
from .signals.popularity import Popularity
from .signals.recency import Recency
from .signals.signal import Signal
from .signals.text_signal import TextSignal
from .stages import Stages
from .text_stage import EncodedTexts

__all__ = ["device_of", "fit_blend", "fit_ease", "fit_net", "fit_recency", "fit_text"]


def device_of(config: Config) -> Any:
    """The torch device of a configuration.

    Raises:
        ConfigError: if there is no such device here.
    """
    from ..gnn.training import choose_device

    try:
        return choose_device(config.device)
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"device: {error}") from error


def fit_ease(
    config: Config, split: Split, catalogue: Catalogue, held_out: HeldOut, stages: Stages
) -> tuple[Ease, Ease, dict[str, Any]]:
    """EASE on interactions alone and with entities, each with the penalty that validates best."""
    if len(split.items) > config.ease.max_items:
        raise ConfigError(
            f"EASE needs a matrix of {len(split.items):,} x {len(split.items):,} items "
            f"({len(split.items) ** 2 * 4 / 2**30:.1f} GiB); raise ease.max_items if there is memory for six of it"
        )
    history = split.positives().matrix()
    entities = item_entities(catalogue.graph)
    weights = [w for w in config.ease.entity_weight if w > 0] if entities.nnz else []
    grid = [(l2, weight) for weight in (0.0, *weights) for l2 in config.ease.l2]
    k = config.evaluation.ks[0]
    best: dict[bool, tuple[float, Ease, dict[str, float]]] = {}
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))
    with stages.stage("fit EASE", len(grid)) as stage:
        for done, (l2, weight) in enumerate(grid, start=1):
            try:
                model = Ease.fit(history, entities, l2=l2, entity_weight=weight)
            except ValueError as error:
                raise ConfigError(f"ease: {error}") from error
            value = watched.ndcg(model.score(watched.audience()), k)
            for with_graph in {False, True} if weight == 0 else {True}:
                if with_graph not in best or value > best[with_graph][0]:
                    best[with_graph] = (value, model, {"l2": l2, "entity_weight": weight, "valid_ndcg": value})
            stage.update(done, note=f"NDCG@{k} {max(entry[0] for entry in best.values()):.4f}")
        chosen = best[True][2]
        stage.result(f"l2 {chosen['l2']:g}, entity weight {chosen['entity_weight']:g}: NDCG@{k} {best[True][0]:.4f}")
    return best[False][1], best[True][1], {"with_graph": best[True][2], "without_graph": best[False][2]}


def fit_net(
    config: Config,
    split: Split,
    graph: ItemGraph,
    text: NodeFeatures | None,
    held_out: HeldOut,
    stages: Stages,
    name: str,
) -> tuple[GraphSignal, dict[str, Any]]:
    """Train a graph net, stopped early by validation NDCG."""
    from ..gnn.training import Epoch, train_net

    k = config.evaluation.ks[0]
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))

    def validate(embeddings: Embeddings) -> float:
        return watched.ndcg(GraphSignal(embeddings).score(watched.audience()), k)

    with stages.stage(f"train {name}", config.gnn.epochs) as stage:

        def tell(epoch: Epoch) -> None:
            best = f", best NDCG@{k} {epoch.best:.4f}" if np.isfinite(epoch.best) else ""
            stage.update(epoch.number, note=f"loss {epoch.loss:.3f}{best}")

        result = train_net(
            split.positives(),
            graph,
            text,
            config.gnn,
            validate=validate,
            seed=config.seed,
            device=device_of(config),
            on_epoch=tell,
        )
        stopped = "interrupted" if result.interrupted else f"{result.epochs} epochs"
        stage.result(f"{stopped}, best {result.best_epoch}: NDCG@{k} {result.best_metric:.4f}")
    names = ("user-item", *short_names(graph.relations))
    weights = dict(zip((*names, *(f"inverse {n}" for n in names)), result.relation_weights.tolist(), strict=True))
    details = {
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "best_metric": result.best_metric,
        "interrupted": result.interrupted,
        "relation_weights": weights,
    }
    return GraphSignal(result.embeddings), details


def fit_text(text: EncodedTexts, stages: Stages) -> TextSignal | None:
    """The similarity of texts as a signal; None where there are too few texts to compare."""
    with stages.stage("compare texts") as stage:
        signal = TextSignal.fit(text.items, text.users, text.reduction)
        if signal is None:
            stage.result("fewer than two items have a text: no text signal")
        else:
            size = signal.vectors.nbytes / 2**20
            missing = int((~signal.present).sum())
            without = f", {missing:,} items without a text" if missing else ""
            own = (
                f", {int(signal.user_present.sum()):,} users with a text of their own" if text.users is not None else ""
            )
            stage.result(
                f"{signal.vectors.shape[1]} dimensions in {signal.vectors.dtype}, {size:.1f} MiB{without}{own}"
            )
    return signal


def fit_recency(
    config: Config, signals: Mapping[str, Signal], held_out: HeldOut, stages: Stages, rng: np.random.Generator
) -> dict[str, Recency]:
    """How much recent items count for each signal, by validation; popularity looks at no history."""
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    choices = config.recency.choices()
    chosen: dict[str, Recency] = {}
    named = {name: signal for name, signal in signals.items() if not isinstance(signal, Popularity)}
    with stages.stage("weigh recent items", len(named) * len(choices)) as stage:
        for number, (name, signal) in enumerate(named.items()):
            best = -np.inf
            for tried, recency in enumerate(choices, start=1):
                value = sample.ndcg(signal.score(sample.audience().recent(recency)), k)
                if value > best:
                    chosen[name], best = recency, value
                stage.update(number * len(choices) + tried, note=name)
        stage.result("last item +" + ", ".join(f"{r.boost:g} ({name})" for name, r in chosen.items()))
    return chosen


def fit_blend(
    config: Config,
    signals: Mapping[str, Signal],
    recency: Mapping[str, Recency],
    held_out: HeldOut,
    stages: Stages,
    rng: np.random.Generator,
) -> Blend:
    """The blend of signals whose weights validate best."""
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    with stages.stage("weigh signals") as stage:
        parts = {
            name: standardised(signal.score(sample.audience().recent(recency.get(name, Recency()))), sample.seen)
            for name, signal in signals.items()
        }
        weights, value = search_weights(parts, lambda scores: sample.ndcg(scores, k), config.blend.step)
        shown = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items())
        stage.result(f"{shown}: NDCG@{k} {value:.4f}")
    return Blend(signals, weights, {name: recency[name] for name in signals if name in recency})
