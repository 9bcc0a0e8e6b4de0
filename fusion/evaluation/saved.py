"""A saved model measured again on the data it was held back from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ...kg import ModelError, Progress, SilentProgress
from ...loaders import Catalogue, Split
from ..config import Config
from ..recommender import Recommender
from ..signals.text_signal import text_vectors
from ..stages import Stages
from ..storage import Record, load, read_record, sha256_of
from ..threads import set_threads
from ..training import fingerprint, read_data, scorers
from . import Evaluation, Facts, evaluate

__all__ = ["blend_of", "check_data", "evaluate_saved", "read_again"]


def evaluate_saved(folder: str | Path, *, progress: Progress | None = None) -> Evaluation:
    """Read the data again, split it as in training, and measure the saved signals and their blend.

    Raises:
        ModelError: if the model cannot be used, or its data is gone or has changed since.
    """
    recommender, record = load(folder), read_record(folder)
    config, split, catalogue = read_again(folder, recommender, record, Stages(progress or SilentProgress()))
    blend = recommender.blend
    facts = Facts.of(split, config.evaluation, catalogue.graph, text_vectors(blend.signals.get("text")))
    measured = scorers(blend.signals, {}, blend, blend.recency)
    if not record.details["refit"]:
        return evaluate(measured, split, config.evaluation, facts=facts)
    # A last fit has learned from validation: what it does there, or with a history without it, says nothing.
    named = {f"{name}, refit": scorer for name, scorer in measured.items()}
    wanted = config.evaluation.model_copy(update={"train_history": False})
    return evaluate(named, split, wanted, ("test",), facts)


def read_again(
    folder: str | Path, recommender: Recommender, record: Record, stages: Stages
) -> tuple[Config, Split, Catalogue]:
    """The configuration of a saved model, and its data as it was read and split in training; threads are set by it.

    Raises:
        ModelError: if the data is gone or has changed since, or the model is of another version.
    """
    try:
        config = Config.model_validate(record.config)
    except ValidationError as error:
        raise ModelError("its configuration is of another version of plait; train anew", path=folder) from error
    check_data(config, record.details["data"], Path(folder))
    set_threads(config.threads)
    split, catalogue = read_data(config, stages, np.random.default_rng(config.seed))
    if split.users != recommender.users or split.items != recommender.items:
        raise ModelError("the data gives other users or items than the model knows; train anew", path=folder)
    return config, split, catalogue


def check_data(config: Config, known: dict[str, str], folder: Path) -> None:
    """See that every file the model was trained on is there and is the same, and that there is no other."""
    see = "see the figures of the training with `plait evaluate --stored`"
    for name, digest in known.items():
        if not Path(name).is_file():
            raise ModelError(f"its data {name} is gone; {see}", path=folder)
        if sha256_of(Path(name)) != digest:
            raise ModelError(
                f"its data {name} has changed since the training, so the split would be another; train anew, or {see}",
                path=folder,
            )
    if more := sorted(set(fingerprint(config)) - set(known)):
        raise ModelError(f"{more[0]} has joined its data since the training; train anew, or {see}", path=folder)


def blend_of(folder: str | Path, record: Record) -> dict[str, Any]:
    """What a report tells of a saved model's blend.

    Returns:
        `weights` by signal, none of a judge's, which does not look at them; `whole`, the cross-validated metric of the blend
        (None where the training does not tell it); `worth`, by signal how much less it is without that one.
    """
    told = record.details.get("blend", {})
    manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    weights = {name: float(signal["weight"]) for name, signal in manifest["signals"].items()}
    method = told.get("method", "weights")
    whole = told.get("metric", {}).get(method)
    worth = {} if whole is None else {name: whole - less for name, less in told.get("without", {}).items()}
    return {"weights": weights if method == "weights" else {}, "whole": whole, "worth": worth}
