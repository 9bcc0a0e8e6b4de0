"""Signals and their blend by a configuration, on data that was read before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...kg import ConfigError, ItemGraph
from ..blending.blend import Blend
from ..blending.pool import ItemFacts
from ..config import Config
from ..fitting import Look, device_of, fit_blend, fit_recency
from ..signal_stage import fit_named
from ..signals.material import Material
from ..signals.popularity import Popularity
from ..signals.recency import Recency
from ..signals.recipe import NothingToFitOnError
from ..signals.registry import ORDER, RECIPES
from ..signals.signal import Signal
from ..stages import Stages
from ..text_stage import EncodedTexts
from .prepared import Prepared, sections

__all__ = ["SIGNALS", "Given", "Reports", "fit_one", "fit_signals", "recency_of", "weighed"]

SIGNALS = ORDER
"""The signals there may be, in the order of tables."""
NET = "gnn"
"""The one whose training takes longest."""

_DEPENDS = {
    "popularity": (),
    "gnn": ("gnn", "text", "verbalise"),
    "text": ("text", "verbalise"),
    **{name: (name,) for name in RECIPES},
    **{name: (name, "text", "verbalise") for name in ("bilinear", "factors", "sequence")},
}
"""The sections of the configuration that a signal depends on."""


@dataclass(frozen=True, eq=False)
class Reports:
    """Who is told of a trial's looks at validation; what either raises ends the trial.

    Attributes:
        compared: told of one signal's looks, the n-th of which is compared with the n-th of other trials: the net's where
            all are fitted.
        others: told of the looks at the other signals, which number and mean something else.
    """

    compared: Look
    others: Look


@dataclass(frozen=True, eq=False)
class Given:
    """What signals are fitted on besides the interactions.

    Attributes:
        graph: the graph around the items.
        text: vectors of texts, or None for none.
        name: tells apart what was fitted on other graphs or texts; fitted signals are kept by it.
        lacks: whether something was taken away: a signal that has nothing left to be fitted on is then left out.
    """

    graph: ItemGraph
    text: EncodedTexts | None
    name: str = "as is"
    lacks: bool = False


def fit_signals(
    config: Config, prepared: Prepared, given: Given, stages: Stages, reports: Reports | None = None
) -> dict[str, Signal]:
    """All signals there is evidence for, in the order of `SIGNALS`; those whose sections did not change are not refitted."""
    fitted: dict[str, Signal | None] = {}
    # The net first: it is what a trial is ended by, and then nothing was spent on the others.
    for name in sorted(SIGNALS, key=NET.__ne__):
        look = None if reports is None else reports.compared if name == NET else reports.others
        fitted[name] = fit_one(name, config, prepared, given, stages, look)
    return {name: signal for name in SIGNALS if (signal := fitted[name]) is not None}


def fit_one(
    name: str, config: Config, prepared: Prepared, given: Given, stages: Stages, report: Look | None = None
) -> Signal | None:
    """One signal; None where there is nothing to fit it on.

    Raises:
        ConfigError: if it cannot be fitted by the configuration.
    """
    key = f"{given.name} {config.seed} {sections(config, _DEPENDS[name])}"

    def fit() -> Signal | None:
        text = None if given.text is None else given.text.items
        material = Material(prepared.split.positives(), given.graph, text, config.seed, str(device_of(config)))
        try:
            fitted = fit_named(name, config, material, given.text, prepared.held_out, stages, report)
        except NothingToFitOnError:
            if not given.lacks:
                raise
            return None
        # A half-trained net is no result here, as it is in `plait train`.
        if fitted is not None and fitted.details.get("interrupted"):
            raise KeyboardInterrupt
        return None if fitted is None else fitted.signal

    return prepared.once(f"signal {name}", key, fit)


def recency_of(config: Config, signals: dict[str, Signal], prepared: Prepared, stages: Stages) -> dict[str, Recency]:
    """How much recent items count for each signal, on the same validation users for the same configuration."""
    return fit_recency(config, signals, prepared.held_out, stages, np.random.default_rng(prepared.config.seed))


def weighed(
    config: Config,
    signals: dict[str, Signal],
    recency: dict[str, Recency],
    prepared: Prepared,
    given: Given,
    stages: Stages,
) -> tuple[Blend, float]:
    """The blend of these signals, and the validation metric that it was chosen by.

    Raises:
        ConfigError: if there is no signal.
    """
    if not signals:
        raise ConfigError("no signal is left to blend")
    rng = np.random.default_rng(prepared.config.seed)
    counts = Popularity.fit(prepared.split.positives()).counts
    facts = ItemFacts.of(counts, given.graph)
    blend, told = fit_blend(config, signals, recency, facts, prepared.held_out, stages, rng)
    return blend, float(told["metric"][told["method"]])
