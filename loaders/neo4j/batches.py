"""Batches of a write, sent over two connections at once: one is packed here while the other is written there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...kg import Update

__all__ = ["Preview", "send", "slices"]

CONNECTIONS = 2
T = TypeVar("T")


@dataclass(frozen=True)
class Preview:
    """What would be written: counts by kind, the first rows, and the Cypher they go with."""

    counts: dict[str, int]
    rows: list[dict[str, Any]] = field(default_factory=list)
    cypher: list[str] = field(default_factory=list)


def slices(n: int, batch: int, start: int = 0) -> Iterator[slice]:
    """Rows `start` to n in batches."""
    for first in range(start, n, batch):
        yield slice(first, min(first + batch, n))


def send(
    work: Callable[[T], int],
    batches: Iterable[T],
    total: int,
    note: str,
    on_progress: Update | None = None,
    *,
    connections: int = CONNECTIONS,
) -> int:
    """Run `work` on each batch, a few at once, and tell the progress by the sum of what it returns, which is returned.

    Batches are made only as they are sent. After a failure no further one begins, and the first error is raised.
    """
    done, waiting = 0, set[Future[int]]()
    with ThreadPoolExecutor(connections) as pool:
        try:
            for batch in batches:
                if len(waiting) > connections:
                    done, waiting = _collected(waiting, done, total, note, on_progress)
                waiting.add(pool.submit(work, batch))
            while waiting:
                done, waiting = _collected(waiting, done, total, note, on_progress)
        finally:
            for future in waiting:
                future.cancel()
    return done


def _collected(
    waiting: set[Future[int]], done: int, total: int, note: str, on_progress: Update | None
) -> tuple[int, set[Future[int]]]:
    finished, rest = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        done += future.result()
    if on_progress is not None:
        on_progress(done, total, note)
    return done, rest
