"""Signals and their blend by a configuration, on data that was read before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...kg import ConfigError, ItemGraph
from ..blending.blend import Blend
from ..config import Config
from ..fitting import device_of, fit_blend, fit_ease, fit_recency, fit_text
from ..signals.graph_signal import GraphSignal
from ..signals.popularity import Popularity
from ..signals.recency import Recency
from ..signals.signal import Signal
from ..stages import Stages
from ..text_stage import EncodedTexts
from .prepared import Prepared, sections

__all__ = ["SIGNALS", "Given", "Report", "fit_one", "fit_signals", "recency_of", "weighed"]

Report = Callable[[int, float], None]
"""Told the validation metric at each look during a training, looks counted from 1; may end the training by raising."""

SIGNALS = ("popularity", "ease", "gnn", "text")
"""The signals there are, cheapest first but for text, whose vectors the net reads too."""

_DEPENDS = {"popularity": (), "ease": ("ease",), "gnn": ("gnn", "text", "verbalise"), "text": ("text", "verbalise")}
"""The sections of the configuration that a signal depends on."""


@dataclass(frozen=True, eq=False)
class Given:
    """What signals are fitted on besides the interactions.

    Attributes:
        graph: the graph around the items.
        text: vectors of texts, or None for none.
        name: tells apart what was fitted on other graphs or texts; fitted signals are kept by it.
    """

    graph: ItemGraph
    text: EncodedTexts | None
    name: str = "as is"


def fit_signals(
    config: Config, prepared: Prepared, given: Given, stages: Stages, report: Report | None = None
) -> dict[str, Signal]:
    """All signals there is evidence for, in the order of `SIGNALS`; those whose sections did not change are not refitted."""
    fitted = {name: fit_one(name, config, prepared, given, stages, report) for name in SIGNALS}
    return {name: signal for name, signal in fitted.items() if signal is not None}


def fit_one(
    name: str, config: Config, prepared: Prepared, given: Given, stages: Stages, report: Report | None = None
) -> Signal | None:
    """One signal; None where there is nothing to fit it on.

    Raises:
        ConfigError: if it cannot be fitted by the configuration.
    """
    key = f"{given.name} {config.seed} {sections(config, _DEPENDS[name])}"

    def fit() -> Signal | None:
        if name == "popularity":
            return Popularity.fit(prepared.split.positives())
        if name == "ease":
            catalogue = replace(prepared.catalogue, graph=given.graph)
            return fit_ease(config, prepared.split, catalogue, prepared.held_out, stages)[1]
        if name == "text":
            return None if given.text is None else fit_text(given.text, stages)
        return _net(config, prepared, given, stages, report)

    return prepared.once(f"signal {name}", key, fit)


def _net(config: Config, prepared: Prepared, given: Given, stages: Stages, report: Report | None) -> Signal:
    """The graph net; unlike `fit_net` it tells every look at validation, and does not hold Ctrl-C back."""
    from ...gnn import Embeddings
    from ...gnn.training import Epoch, train_net

    k, looks = config.evaluation.ks[0], 0

    def validate(embeddings: Embeddings) -> float:
        nonlocal looks
        value = prepared.watched.ndcg(GraphSignal(embeddings).score(prepared.watched.audience()), k)
        looks += 1
        if report is not None:
            report(looks, value)
        return value

    def tell(epoch: Epoch) -> None:
        stage.update(epoch.number, note=f"NDCG@{k} {epoch.best:.4f}" if np.isfinite(epoch.best) else "")

    text = None if given.text is None else given.text.nodes
    with stages.stage("train graph net", config.gnn.epochs) as stage:
        positives, device = prepared.split.positives(), device_of(config)
        result = train_net(
            positives, given.graph, text, config.gnn, validate=validate, seed=config.seed, device=device, on_epoch=tell
        )
        # A half-trained net is no result here, as it is in `plait train`.
        if result.interrupted:
            raise KeyboardInterrupt
        stage.result(f"best epoch {result.best_epoch}: NDCG@{k} {result.best_metric:.4f}")
    return GraphSignal(result.embeddings)


def recency_of(config: Config, signals: dict[str, Signal], prepared: Prepared, stages: Stages) -> dict[str, Recency]:
    """How much recent items count for each signal, on the same validation users for the same configuration."""
    return fit_recency(config, signals, prepared.held_out, stages, np.random.default_rng(prepared.config.seed))


def weighed(
    config: Config, signals: dict[str, Signal], recency: dict[str, Recency], prepared: Prepared, stages: Stages
) -> Blend:
    """The blend of these signals.

    Raises:
        ConfigError: if there is no signal.
    """
    if not signals:
        raise ConfigError("no signal is left to blend")
    rng = np.random.default_rng(prepared.config.seed)
    return fit_blend(config, signals, recency, prepared.held_out, stages, rng)
