"""What a text cache holds, and removing what is old, too much, or of models no longer used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import Timeout

from ..kg import ConfigError, DataError
from .cache_segment import Segment, today
from .cache_store import VectorStore, stores_in

__all__ = ["CacheContents", "CachedModel", "Pruned", "cache_contents", "prune_cache"]

_PATIENCE = 60.0
"""Seconds to wait for another process that is merging files."""


@dataclass(frozen=True)
class CachedModel:
    """The vectors of one model; `first_use` and `last_use` are days since 1970 on which some vector was last used."""

    fingerprint: str
    dimension: int
    stored: str
    texts: int
    files: int
    size: int
    first_use: int | None
    last_use: int | None


@dataclass(frozen=True)
class CacheContents:
    """All models of a cache; `leftovers` are bytes that killed processes left, `old_file` one that is not read."""

    models: tuple[CachedModel, ...]
    leftovers: int
    old_file: Path | None

    @property
    def size(self) -> int:
        """Bytes of all models."""
        return sum(model.size for model in self.models)


@dataclass(frozen=True)
class Pruned:
    """What was removed (or would be): texts, bytes, and models of which nothing is left."""

    texts: int
    size: int
    models: int


def cache_contents(cache: str | Path) -> CacheContents:
    """What is in a cache, models in order of size, largest first.

    Raises:
        DataError: if a file is damaged or foreign.
    """
    cache = Path(cache)
    stores = stores_in(cache)
    models = sorted((_model(store) for store in stores), key=lambda model: -model.size)
    leftovers = sum(path.stat().st_size for store in stores for path in store.leftovers())
    old = cache / "vectors.sqlite"
    return CacheContents(tuple(models), leftovers, old if old.is_file() else None)


def prune_cache(
    cache: str | Path,
    *,
    older_than_days: int | None = None,
    larger_than: int | None = None,
    models: Sequence[str] = (),
    exceptions: Sequence[str] = (),
    dry_run: bool = False,
) -> Pruned:
    """Remove vectors: of the models chosen, those too old, then the least recently used of what is too much.

    Other processes may go on using the cache; what they miss they compute again.

    Args:
        cache: the folder.
        older_than_days: removes what was not used for more than so many days; a use is remembered by the day.
        larger_than: bytes that may stay, of all chosen models together.
        models: fingerprints, or beginnings that fit one each; without age and size all of theirs is removed.
        exceptions: the same, of models left alone; all others are chosen.
        dry_run: remove nothing, and tell what would be.

    Raises:
        ConfigError: if nothing says what to remove, or a beginning fits no model or several.
        DataError: if a file is damaged, or another process keeps the cache for a minute.
    """
    if models and exceptions:
        raise ConfigError("models to prune and models to leave alone exclude each other; state one of them")
    if older_than_days is None and larger_than is None and not models and not exceptions:
        raise ConfigError("nothing says what to remove from the text cache; state an age, a size or models")
    stores = stores_in(Path(cache))
    chosen = _matching(stores, models) if models else stores
    left_alone = {store.folder for store in _matching(stores, exceptions)}
    chosen = [store for store in chosen if store.folder not in left_alone]
    with ExitStack() as stack:
        if not dry_run:
            for store in chosen:
                _lock(stack, store)
        opened = [stack.enter_context(store.opened()) for store in chosen]
        keep = _kept(opened, older_than_days, larger_than)
        if not dry_run:
            for store, segments, masks in zip(chosen, opened, keep, strict=True):
                _remove(store, segments, masks)
        gone = [sum(int(np.count_nonzero(~mask)) for mask in masks) for masks in keep]
        size = sum(
            int(np.count_nonzero(~mask)) * _row_bytes(segment)
            for segments, masks in zip(opened, keep, strict=True)
            for segment, mask in zip(segments, masks, strict=True)
        )
        emptied = sum(not any(mask.any() for mask in masks) for masks in keep)
        if not dry_run:
            for store in chosen:
                store.remove_if_empty()
    return Pruned(sum(gone), size, emptied)


def _model(store: VectorStore) -> CachedModel:
    told = store.about()
    with store.opened() as segments:
        days = [int(day) for segment in segments for day in (segment.columns[3].min(), segment.columns[3].max())]
        return CachedModel(
            store.fingerprint,
            0 if told is None else told.dimension,
            store.stored,
            sum(map(len, segments)),
            len(segments),
            sum(segment.size for segment in segments),
            min(days, default=None),
            max(days, default=None),
        )


def _matching(stores: Sequence[VectorStore], beginnings: Sequence[str]) -> list[VectorStore]:
    found: dict[Path, VectorStore] = {}
    for beginning in beginnings:
        exact = [store for store in stores if store.fingerprint == beginning]
        fits = exact or [store for store in stores if beginning and store.fingerprint.startswith(beginning)]
        if len({store.fingerprint for store in fits}) != 1:
            what = "several models" if fits else "no model"
            raise ConfigError(f"{beginning!r} fits {what} in this cache; `plait text cache show` lists them")
        found |= {store.folder: store for store in fits}
    return list(found.values())


def _lock(stack: ExitStack, store: VectorStore) -> None:
    try:
        stack.enter_context(store.locked(_PATIENCE))
    except Timeout:
        message = "another process has been at work on this text cache for a minute; try again later"
        raise DataError(message, path=store.folder) from None


def _kept(
    opened: Sequence[Sequence[Segment]], older_than: int | None, larger_than: int | None
) -> list[list[npt.NDArray[np.bool_]]]:
    """Which vectors stay, of each segment of each model."""
    if older_than is None and larger_than is None:
        return [[np.zeros(len(segment), dtype=bool) for segment in segments] for segments in opened]
    flat = [segment for segments in opened for segment in segments]
    oldest = max(today() - older_than, 0) if older_than is not None else 0
    keep = [np.asarray(segment.columns[3] >= np.uint64(oldest)) for segment in flat]
    if larger_than is not None:
        _keep_newest(flat, keep, larger_than)
    parts = iter(keep)
    return [[next(parts) for _ in segments] for segments in opened]


def _keep_newest(segments: Sequence[Segment], keep: Sequence[npt.NDArray[np.bool_]], most: int) -> None:
    """Strike out the least recently used until the rest has at most so many bytes."""
    if not segments:
        return
    lengths = [len(segment) for segment in segments]
    days: npt.NDArray[Any] = np.concatenate([segment.columns[3] for segment in segments])
    stays = np.concatenate(keep)
    size = np.repeat([_row_bytes(segment) for segment in segments], lengths) * stays
    newest = np.argsort(-days.astype(np.int64), kind="stable")
    fits = np.cumsum(size[newest]) <= most
    stays[newest] &= fits
    for mask, own in zip(keep, np.split(stays, np.cumsum(lengths)[:-1]), strict=True):
        mask[:] = own


def _row_bytes(segment: Segment) -> int:
    """Bytes that one vector takes with all that belongs to it; headers, some hundred bytes a file, are shared."""
    return -(-segment.size // len(segment))


def _remove(store: VectorStore, segments: Sequence[Segment], keep: Sequence[npt.NDArray[np.bool_]]) -> None:
    for segment, mask in zip(segments, keep, strict=True):
        if not mask.all():
            store.replace([segment], [mask])
    store.tidy()
