"""Tuning a text encoder so that the texts of what users liked together come closer: adapters on a frozen model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..kg import ConfigError, Interactions, Update
from .config import Prompts
from .encoder import Pooling
from .lora_backbone import Backbone
from .lora_checkpoint import Check
from .lora_config import LoraConfig
from .lora_run import Run, Tuned, Validate
from .pairs import PairSampler

__all__ = ["Check", "Tuned", "Validate", "tune"]


def tune(
    folder: str | Path,
    texts: Sequence[str],
    present: npt.NDArray[np.bool_],
    interactions: Interactions,
    groups: npt.NDArray[np.integer],
    config: LoraConfig,
    *,
    validate: Validate | None = None,
    seed: int,
    device: str = "cpu",
    pooling: Pooling | None = None,
    prompts: Prompts | None = None,
    checkpoint: Path | None = None,
    on_progress: Update | None = None,
) -> Tuned:
    """Tune adapters for an encoder.

    Ctrl-C ends the tuning and keeps the best so far. With a checkpoint, a run that was killed goes on from its last
    look at the validation metric, and ends with what it would have ended with: on one thread of a CPU, bit for bit.

    Args:
        folder: of the frozen encoder, as for `HuggingFaceEncoder`; nothing in it is changed.
        texts: text of each item, shape (items,).
        present: which items have a text, shape (items,).
        interactions: the positives to learn from; held-out ones must not be among them.
        groups: group of each item (its category, say), -1 where unknown, shape (items,); of use for hard negatives.
        config: adapters and training.
        validate: gives the metric to choose by from vectors of all items, zero where there is no text.
        seed: the same seed on the same machine gives the same adapters.
        device: where to train.
        pooling: as for `HuggingFaceEncoder`.
        prompts: as for `HuggingFaceEncoder`.
        checkpoint: a file to write to at each look, and to go on from where it is there; of a run that has ended it gives the
            result at once.
        on_progress: told about every step.

    Raises:
        DataError: if the encoder cannot be used.
        ConfigError: if peft is missing, the adapters would be more than 2 % of the parameters, or nobody liked two items.
        ModelError: if the checkpoint is not of this run.
    """
    backbone = Backbone.of(folder, texts, present, config, device=device, pooling=pooling, prompts=prompts)
    # A text may be there and have no token that the encoder knows as one.
    readable = np.array([len(ids) > 0 for ids in backbone.tokens], dtype=np.bool_)
    sampler = _sampler(interactions, readable, groups, config, seed)
    name = _run_name(backbone.fingerprint, texts, present, interactions, groups, config, seed)
    with _own_randomness(backbone.device):
        torch.manual_seed(seed)
        return Run(backbone, sampler, config, seed, name, validate, checkpoint, on_progress).to_the_end()


def _sampler(
    interactions: Interactions,
    present: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.integer],
    config: LoraConfig,
    seed: int,
) -> PairSampler:
    try:
        return PairSampler(
            interactions,
            present,
            groups,
            users=config.users,
            items_per_user=config.items_per_user,
            hard_negatives=config.hard_negatives,
            max_history=config.max_history,
            popularity_power=config.popularity_power,
            seed=seed,
        )
    except ValueError as error:
        raise ConfigError(f"the text encoder cannot be tuned: {error}") from error


def _run_name(
    fingerprint: str,
    texts: Sequence[str],
    present: npt.NDArray[np.bool_],
    interactions: Interactions,
    groups: npt.NDArray[np.integer],
    config: LoraConfig,
    seed: int,
) -> str:
    """Names all that the result depends on but the time there is for it."""
    settings = config.model_dump_json(exclude={"minutes", "max_states_mib"})
    content = hashlib.sha256(f"1 {fingerprint} {settings} {seed} {len(texts)}\n".encode())
    for text in texts:
        content.update(hashlib.sha256(text.encode("utf-8", errors="replace")).digest())
    for column in (present, interactions.user, interactions.item, np.asarray(groups, dtype=np.int64)):
        content.update(np.ascontiguousarray(column).tobytes())
    return content.hexdigest()


@contextmanager
def _own_randomness(device: torch.device) -> Iterator[None]:
    """Nothing within touches the global generators."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
