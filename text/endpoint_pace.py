"""Keeping below a server's bounds per minute, by all threads together."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["Pace"]


class Pace:
    """Spreads requests evenly.

    Args:
        requests: most a minute; no bound if None.
        tokens: most a minute; no bound if None.
        clock: seconds from any moment on.
    """

    def __init__(
        self, requests: float | None, tokens: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds_a_request = 0.0 if requests is None else 60 / requests
        self._seconds_a_token = 0.0 if tokens is None else 60 / tokens
        self._clock = clock
        self._free = 0.0
        self._lock = Lock()

    def reserve(self, tokens: int) -> float:
        """Take the next place in the row, and return how many seconds are left until then."""
        with self._lock:
            now = self._clock()
            start = max(now, self._free)
            self._free = start + max(self._seconds_a_request, tokens * self._seconds_a_token)
            return start - now

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long: the server has asked for it."""
        with self._lock:
            self._free = max(self._free, self._clock() + seconds)
