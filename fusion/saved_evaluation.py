"""A saved model measured again on the data it was held back from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ..kg import ModelError, Progress, SilentProgress
from .config import Config
from .evaluation import Evaluation, evaluate
from .stages import Stages
from .storage import load, read_record, sha256_of
from .training import read_data, scorers

__all__ = ["evaluate_saved"]


def evaluate_saved(folder: str | Path, *, progress: Progress | None = None) -> Evaluation:
    """Read the data again, split it as in training, and measure the saved signals and their blend.

    Raises:
        ModelError: if the model cannot be used, or its data is gone or has changed since.
    """
    recommender, record = load(folder), read_record(folder)
    try:
        config = Config.model_validate(record.config)
    except ValidationError as error:
        raise ModelError("its configuration is of another version of plait; train anew", path=folder) from error
    for name, digest in record.details["data"].items():
        path = Path(name)
        if not path.is_file():
            raise ModelError(
                f"its data {name} is gone; `plait evaluate --stored` shows the figures of the training", path=folder
            )
        if sha256_of(path) != digest:
            raise ModelError(
                f"its data {name} has changed since the training, so the split would be another; train anew, or see "
                "the figures of the training with `plait evaluate --stored`",
                path=folder,
            )
    blend = recommender.blend
    split, _ = read_data(config, Stages(progress or SilentProgress()), np.random.default_rng(config.seed))
    if split.users != recommender.users or split.items != recommender.items:
        raise ModelError("the data gives other users or items than the model knows; train anew", path=folder)
    return evaluate(scorers(blend.signals, {}, blend, blend.recency), split, config.evaluation)
