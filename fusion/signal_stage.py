"""All signals of a configuration: fitted, their ablations, and the last fit on train and validation."""

from __future__ import annotations

from dataclasses import replace

from ..kg import ItemGraph
from ..loaders import Split
from .blending.blend import Blend
from .blending.pool import ItemFacts
from .config import Config
from .evaluation import HeldOut
from .fitting import Fitted, Look, fit_net, fit_signal, fit_text, refit_net
from .signals.material import Material
from .signals.popularity import Popularity
from .signals.registry import ORDER, RECIPES
from .signals.signal import Signal
from .stages import Stages
from .text_stage import EncodedTexts

__all__ = ["fit_ablations", "fit_named", "fit_signals", "refitted"]


def fit_signals(
    config: Config, material: Material, text: EncodedTexts | None, held_out: HeldOut, stages: Stages
) -> dict[str, Fitted]:
    """Every signal that the configuration names, in the order of tables.

    Raises:
        ConfigError: if one cannot be fitted.
    """
    # The net before the texts: that is the order in which a run is told.
    names = ("popularity", *RECIPES, "gnn", "text")
    fits = {name: fit_named(name, config, material, text, held_out, stages) for name in names}
    return {name: fitted for name in ORDER if (fitted := fits[name]) is not None}


def fit_named(
    name: str,
    config: Config,
    material: Material,
    text: EncodedTexts | None,
    held_out: HeldOut,
    stages: Stages,
    look: Look | None = None,
) -> Fitted | None:
    """One signal by its name; None where the configuration leaves it out or there is nothing to fit it on.

    Raises:
        ConfigError: if it cannot be fitted.
    """
    if name == "popularity":
        return Fitted(Popularity.fit(material.positives), {}, {})
    if name == "text":
        by_text = None if text is None else fit_text(text, stages)
        return None if by_text is None else Fitted(by_text, {}, {})
    if name == "gnn":
        nodes = None if text is None else text.nodes
        return fit_net(config, material, material.graph, nodes, held_out, stages, "graph net", look)
    recipe = getattr(config, name)
    return None if recipe is None else fit_signal(name, recipe, material, config, held_out, stages, look)


def fit_ablations(
    config: Config, material: Material, text: EncodedTexts | None, held_out: HeldOut, stages: Stages
) -> dict[str, Signal]:
    """The linear signal and the net once more, each without a source of what it knows; none where they are not wanted.

    Raises:
        ConfigError: if one cannot be fitted.
    """
    ablations: dict[str, Signal] = {}
    if not config.evaluation.ablations:
        return ablations
    if config.ease is not None:
        plain = config.ease.without_graph()
        ablations["ease, no graph"] = fit_signal("ease without graph", plain, material, config, held_out, stages).signal
    bare = ItemGraph.without_graph(material.graph.items)
    without = fit_net(config, material, bare, None, held_out, stages, "graph net without graph")
    ablations["gnn, no graph"] = without.signal
    if text is not None:
        without = fit_net(config, material, material.graph, None, held_out, stages, "graph net without text")
        ablations["gnn, no text"] = without.signal
    return ablations


def refitted(
    config: Config,
    blend: Blend,
    fits: dict[str, Fitted],
    material: Material,
    split: Split,
    text: EncodedTexts | None,
    stages: Stages,
) -> Blend:
    """The blend with every signal fitted once more, on train and validation, by what was chosen on validation.

    Weights, judge and recency stay: there is nothing left to choose them on.

    Raises:
        KeyboardInterrupt: if the training of the net is interrupted.
    """
    everything = split.known("test").at_least(split.min_weight)
    whole = replace(material, positives=everything)
    signals: dict[str, Signal] = {}
    for name, fitted in fits.items():
        if name == "popularity":
            signals[name] = Popularity.fit(everything)
        elif name == "gnn":
            nodes = None if text is None else text.nodes
            signals[name] = refit_net(config, whole, nodes, fitted.setting, stages)
        elif name in RECIPES:
            with stages.stage(f"fit {name.replace('_', ' ')} on all") as stage:
                signals[name] = getattr(config, name).fit(whole, fitted.setting)
                stage.result(f"{len(everything):,} interactions")
        else:
            signals[name] = fitted.signal
    facts = None if blend.facts is None else ItemFacts(Popularity.fit(everything).counts, blend.facts.links)
    return replace(blend, signals=signals, facts=facts)
