"""The stage that tunes the text encoder on what users liked together."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..kg import ConfigError, ItemGraph
from ..loaders import Split
from ..text import TextConfig, TextFeatures
from .evaluation import VALIDATION_USERS, HeldOut
from .signals.text_signal import TextSignal
from .stages import Stages

if TYPE_CHECKING:
    from ..text.lora import Tuned

__all__ = ["category_of_items", "tune_encoder"]

LARGEST_SHARE = 0.2
"""Of the items that a group may hold: a wrong answer from among half the catalogue is not a hard one."""


def tune_encoder(
    config: TextConfig,
    texts: list[str],
    graph: ItemGraph,
    split: Split,
    held_out: HeldOut,
    stages: Stages,
    *,
    fingerprint: str,
    k: int,
    seed: int,
    device: str,
) -> Tuned:
    """Adapters for the encoder, learned from the training positives, chosen by NDCG@k of the text signal on validation.

    With a cache the tuning goes on from where a killed run stood, and one that has ended is not done again.

    Raises:
        ConfigError: if the encoder cannot be tuned, or there is nothing to learn from.
        DataError: if it cannot be loaded.
    """
    from ..text.local import folder_of
    from ..text.lora import tune

    if config.tune is None or config.endpoint is not None or not isinstance(config.encoder, str):
        raise ConfigError("text.tune: only a transformer in a local folder can be tuned; leave it out")
    folder = folder_of(config.encoder)
    if config.encoder != "minilm" and (kind := _kind(config, folder)) != "transformer":
        raise ConfigError(f"text.tune: only a transformer can be tuned, and {folder} is {kind}; leave it out")
    positives = split.positives()
    watched = held_out.sample(VALIDATION_USERS, np.random.default_rng(seed))
    present = np.array([bool(text) for text in texts])

    def validate(vectors: npt.NDArray[np.float32]) -> float:
        signal = TextSignal.fit(TextFeatures(vectors, np.asarray(vectors.any(axis=1))))
        return 0.0 if signal is None else watched.ndcg(signal.score(watched.audience()), k)

    groups = category_of_items(graph)
    # All that the result depends on but the time there is for it: another tuning has another file.
    settings = config.model_dump_json(exclude={"cache": True, "reduce": True, "tune": {"minutes", "max_states_mib"}})
    content = hashlib.sha256(f"{settings} {fingerprint} {seed} {k}".encode())
    content.update("\0".join(texts).encode(errors="replace"))
    known = (part for rows in (watched.history, watched.seen, watched.relevant) for part in (rows.indptr, rows.indices))
    for column in (positives.user, positives.item, groups, watched.users, *known, watched.history.data):
        content.update(np.ascontiguousarray(column).tobytes())
    file = Path("tuning", f"{content.hexdigest()[:32]}.safetensors")
    checkpoint = None if config.cache is None else config.cache.expanduser() / file
    with stages.stage("tune text encoder", config.tune.steps) as stage:
        tuned = tune(
            folder,
            texts,
            present,
            positives,
            groups,
            config.tune,
            validate=validate,
            seed=seed,
            device=device,
            pooling=config.pooling,
            prompts=config.prompts,
            checkpoint=checkpoint,
            on_progress=stage.update,
        )
        stopped = "interrupted" if tuned.interrupted else f"{tuned.steps} steps"
        stage.result(
            f"{stopped}, best {tuned.best_step}: NDCG@{k} of text alone {tuned.frozen or 0:.4f} as it was, "
            f"{tuned.best or 0:.4f} tuned; {tuned.share:.2%} of the parameters"
        )
    return tuned


def _kind(config: TextConfig, folder: Path) -> str:
    from ..text.local import kind_of_folder

    return kind_of_folder(folder) if config.kind == "auto" else config.kind


def category_of_items(graph: ItemGraph) -> npt.NDArray[np.int64]:
    """A group for each item, -1 for none, shape (items,).

    Of the entities next to it that no more than a fifth of the items share, it is the one that most do.
    """
    group = np.full(graph.n_items, -1, dtype=np.int64)
    edges = graph.adjacency.neighbours(np.arange(graph.n_items))
    entity = edges.node >= graph.n_items
    item, node = edges.row[entity], edges.node[entity]
    shared = np.bincount(node, minlength=graph.n_nodes)[node]
    small = (shared > 1) & (shared <= max(2, LARGEST_SHARE * graph.n_items))
    order = np.lexsort((-node[small], shared[small]))
    # The last one written stays: the one most shared, of equals the first.
    group[item[small][order]] = node[small][order]
    return group
