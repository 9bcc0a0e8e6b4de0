"""Fitting: each signal with its choices made on validation, then how recent items count, then the blend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..gnn import Embeddings, NodeFeatures
from ..gnn.embeddings import joined
from ..kg import ConfigError, ItemGraph, short_names
from .blending.blend import Blend
from .blending.choice import choose
from .blending.pool import ItemFacts
from .blending.standard import standardised
from .config import Config
from .evaluation import VALIDATION_USERS, HeldOut
from .signals.graph_signal import GraphSignal
from .signals.material import Material
from .signals.recency import Recency
from .signals.recipe import Recipe, Setting, TrainedRecipe
from .signals.registry import WITHOUT_RECENCY
from .signals.signal import Signal
from .signals.text_signal import TextSignal
from .stages import Stages
from .text_stage import EncodedTexts

__all__ = ["Fitted", "Look", "device_of", "fit_blend", "fit_net", "fit_recency", "fit_signal", "fit_text", "refit_net"]

APART = 1_000_003
"""Between the seeds of nets that are averaged: far enough that nobody's next seed is one of them."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A signal, and what was chosen for it.

    Attributes:
        signal: the signal.
        setting: what it was made by: enough to make it again on more data.
        details: what else is worth telling, JSON-ready; the setting and `valid_ndcg` among it.
    """

    signal: Signal
    setting: Setting
    details: Mapping[str, Any]


Look = Callable[[int, float], None]
"""Told the validation metric at each look during a training, looks counted from 1; may end the training by raising."""


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


def fit_signal(
    name: str,
    recipe: Recipe | TrainedRecipe,
    material: Material,
    config: Config,
    held_out: HeldOut,
    stages: Stages,
    look: Look | None = None,
) -> Fitted:
    """A signal by the setting that validates best, or trained until validation stops it.

    Raises:
        ConfigError: if it cannot be fitted.
    """
    k = config.evaluation.ks[0]
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))
    looks = 0

    def watch(signal: Signal) -> float:
        nonlocal looks
        value = watched.ndcg(signal.score(watched.audience()), k)
        looks += 1
        if look is not None:
            look(looks, value)
        return value

    title = name.replace("_", " ")
    if hasattr(recipe, "train"):
        trained = cast(TrainedRecipe, recipe)
        with stages.stage(f"train {title}") as stage:
            signal, setting, interrupted = trained.train(material, watch, stage.update)
            value = watched.ndcg(signal.score(watched.audience()), k)
            stage.result(f"{'interrupted, ' if interrupted else ''}{_told(setting)}: NDCG@{k} {value:.4f}")
        return Fitted(signal, setting, {**setting, "valid_ndcg": value, "interrupted": interrupted})
    choices = recipe.choices()
    best: Fitted | None = None
    with stages.stage(f"fit {title}", len(choices)) as stage:
        for done, setting in enumerate(choices, start=1):
            signal = recipe.fit(material, setting)
            value = watch(signal)
            if best is None or value > best.details["valid_ndcg"]:
                best = Fitted(signal, setting, {**setting, "valid_ndcg": value})
            del signal
            stage.update(done, note=f"NDCG@{k} {best.details['valid_ndcg']:.4f}")
        if best is None:
            raise ConfigError(f"{name} lists nothing to choose from")
        chosen = {key: value for key, value in best.setting.items() if any(other[key] != value for other in choices)}
        stage.result(f"{_told(chosen) or 'as configured'}: NDCG@{k} {best.details['valid_ndcg']:.4f}")
    return best


def fit_net(
    config: Config,
    material: Material,
    graph: ItemGraph,
    text: NodeFeatures | None,
    held_out: HeldOut,
    stages: Stages,
    name: str,
    look: Look | None = None,
) -> Fitted:
    """Train the graph net, stopped early by validation NDCG; several where `gnn.copies` says so.

    Raises:
        ModelError: if a checkpoint there is of another training.
    """
    from ..gnn.training import Epoch, TrainingResult, train_net

    k = config.evaluation.ks[0]
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(config.seed))
    looks = 0

    def validate(embeddings: Embeddings) -> float:
        nonlocal looks
        value = watched.ndcg(GraphSignal(embeddings).score(watched.audience()), k)
        looks += 1
        if look is not None:
            look(looks, value)
        return value

    copies = config.gnn.copies
    results: list[TrainingResult] = []
    with stages.stage(f"train {name}", config.gnn.epochs * copies) as stage:
        for copy in range(copies):
            before = copy * config.gnn.epochs
            which = f"net {copy + 1} of {copies}, " if copies > 1 else ""

            def tell(epoch: Epoch, before: int = before, which: str = which) -> None:
                best = f", best NDCG@{k} {epoch.best:.4f}" if np.isfinite(epoch.best) else ""
                stage.update(before + epoch.number, note=f"{which}loss {epoch.loss:.3f}{best}")

            result = train_net(
                material.positives,
                graph,
                text,
                config.gnn,
                validate=validate,
                seed=config.seed + APART * copy,
                device=device_of(config),
                on_epoch=tell,
                checkpoint=_checkpoint(material.checkpoints, name, copy),
            )
            results.append(result)
            if result.interrupted:
                break
        signal = GraphSignal(joined([result.embeddings for result in results]))
        interrupted = results[-1].interrupted
        value = results[0].best_metric
        if len(results) > 1:
            value = watched.ndcg(signal.score(watched.audience()), k)
        stopped = "interrupted" if interrupted else f"{sum(result.epochs for result in results)} epochs"
        best_epochs = [result.best_epoch for result in results]
        stage.result(f"{stopped}, best {', '.join(map(str, best_epochs))}: NDCG@{k} {value:.4f}")
    names = ("user-item", *short_names(graph.relations))
    every = (*names, *(f"inverse {n}" for n in names))
    details = {
        "epochs": sum(result.epochs for result in results),
        "best_epoch": best_epochs[0] if copies == 1 else best_epochs,
        "best_metric": value,
        "interrupted": interrupted,
        "relation_weights": dict(zip(every, results[0].relation_weights.tolist(), strict=True)),
    }
    return Fitted(signal, {"epochs": [max(1, epoch) for epoch in best_epochs]}, details)


def refit_net(
    config: Config, material: Material, text: NodeFeatures | None, setting: Setting, stages: Stages
) -> GraphSignal:
    """The graph net trained once more for the epochs that were best, without a look at any validation.

    Raises:
        ModelError: if a checkpoint there is of another training.
        KeyboardInterrupt: at Ctrl-C.
    """
    from ..gnn.training import Epoch, train_net

    total, nets = sum(setting["epochs"]), []
    with stages.stage("train graph net on all", total) as stage:
        for copy, epochs in enumerate(setting["epochs"]):
            before = sum(setting["epochs"][:copy])

            def tell(epoch: Epoch, before: int = before) -> None:
                stage.update(before + epoch.number, note=f"loss {epoch.loss:.3f}")

            result = train_net(
                material.positives,
                material.graph,
                text,
                config.gnn,
                validate=None,
                seed=config.seed + APART * copy,
                device=device_of(config),
                on_epoch=tell,
                epochs=epochs,
                checkpoint=_checkpoint(material.checkpoints, "graph net on all", copy),
            )
            if result.interrupted:
                # Half a refit is worth less than the fit there is.
                raise KeyboardInterrupt
            nets.append(result.embeddings)
        stage.result(f"{total} epochs")
    return GraphSignal(joined(nets))


def _checkpoint(folder: Path | None, name: str, copy: int) -> Path | None:
    """The file of one net's training."""
    return None if folder is None else folder / f"{name.replace(' ', '-')}-{copy + 1}.safetensors"


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
    """How much recent items count for each signal, by validation."""
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    choices = config.recency.choices()
    chosen: dict[str, Recency] = {}
    named = {name: signal for name, signal in signals.items() if not isinstance(signal, WITHOUT_RECENCY)}
    with stages.stage("weigh recent items", len(named) * len(choices)) as stage:
        for number, (name, signal) in enumerate(named.items()):
            best = -np.inf
            for tried, recency in enumerate(choices, start=1):
                # With one choice there is none: what it would be worth, nobody asks.
                value = sample.ndcg(signal.score(sample.audience().recent(recency)), k) if len(choices) > 1 else 0.0
                if value > best:
                    chosen[name], best = recency, value
                stage.update(number * len(choices) + tried, note=name)
        stage.result("last item +" + ", ".join(f"{r.boost:g} ({name})" for name, r in chosen.items()))
    return chosen


def fit_blend(
    config: Config,
    signals: Mapping[str, Signal],
    recency: Mapping[str, Recency],
    facts: ItemFacts,
    held_out: HeldOut,
    stages: Stages,
    rng: np.random.Generator,
) -> tuple[Blend, dict[str, Any]]:
    """The blend of signals that validates best, and what each signal is worth to it."""
    k = config.evaluation.ks[0]
    sample = held_out.sample(config.blend.max_users, rng)
    known = {name: recency[name] for name in signals if name in recency}
    with stages.stage("weigh signals") as stage:
        parts = {
            name: standardised(signal.score(sample.audience().recent(known.get(name, Recency()))), sample.seen)
            for name, signal in signals.items()
        }
        choice = choose(parts, sample.audience(), sample, facts, config.blend, k, config.seed)
        shown = ", ".join(f"{name} {weight:.2f}" for name, weight in choice.weights.items() if weight)
        by = f"{choice.method} over {len(parts)} signals" if choice.judge is not None else shown
        stage.result(f"{by}: NDCG@{k} {choice.metric[choice.method]:.4f}")
    blend = Blend(signals, choice.weights, known)
    if choice.judge is not None:
        blend = replace(blend, judge=choice.judge, facts=facts, depth=config.blend.depth)
    details = {"method": choice.method, "metric": dict(choice.metric), "without": dict(choice.without)}
    return blend, details


def _told(setting: Setting) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in setting.items()
    )
