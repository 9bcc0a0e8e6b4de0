"""Several requests at once, that an interrupt does not have to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TypeVar

__all__ = ["in_parallel"]

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(ask: Callable[[T], R], parts: Iterable[T], workers: int, stop: Event) -> Iterator[R]:
    """What `ask` makes of each part, as it comes; the first error ends it.

    Args:
        ask: called by several threads; it should give up soon after `stop` is set.
        parts: taken as they are needed.
        workers: threads, which do not keep the program from ending.
        stop: set when no answer is wanted any more: at the end, at an error, or at an interrupt.
    """
    source, lock = iter(parts), Lock()
    answers: SimpleQueue[tuple[list[R], BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            while not stop.is_set():
                with lock:
                    part = list(islice(source, 1))
                if not part:
                    break
                answers.put(([ask(part[0])], None))
            answers.put(([], None))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            answers.put(([], error))

    try:
        for _ in range(workers):
            Thread(target=work, daemon=True).start()
        running = workers
        while running:
            try:
                # With a bound, since on some systems a wait without one cannot be interrupted.
                answer, error = answers.get(timeout=1.0)
            except Empty:
                continue
            if error is not None:
                raise error
            yield from answer
            running -= not answer
    finally:
        stop.set()
