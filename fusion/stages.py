"""The stages of a run with their seconds and memory, for the user now and for the record."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from ..kg import Progress, Stage

__all__ = ["StageRecord", "Stages"]


@dataclass(frozen=True)
class StageRecord:
    """A finished stage: its seconds, and the peak memory of the process so far in MiB."""

    name: str
    seconds: float
    peak_mib: float
    result: str


@dataclass
class Stages:
    """Passes stages on to a listener and keeps a record of each."""

    progress: Progress
    records: list[StageRecord] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """A stage of the work."""
        began = time.perf_counter()
        with self.progress.stage(name, total) as inner:
            stage = _Listening(inner)
            yield stage
        seconds = time.perf_counter() - began
        self.records.append(StageRecord(name, round(seconds, 3), round(_peak_mib(), 1), stage.text))

    def as_records(self) -> list[dict[str, Any]]:
        """JSON-ready records."""
        return [asdict(record) for record in self.records]


class _Listening:
    """A stage that remembers its result."""

    def __init__(self, inner: Stage) -> None:
        self.inner, self.text = inner, ""

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        self.inner.update(done, total, note)

    def result(self, text: str) -> None:
        self.text = text
        self.inner.result(text)


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
