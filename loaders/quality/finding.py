"""What looks wrong in the data, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["EXAMPLES", "Finding", "Severity", "by_severity", "counted"]

Severity = Literal["error", "warning", "info"]
"""error: training on this makes no sense; warning: something is probably wrong; info: good to know."""

EXAMPLES = 5
"""How many examples a finding shows."""


@dataclass(frozen=True)
class Finding:
    """One thing found in the data.

    Attributes:
        name: what kind of finding it is, the same in every report: "isolated-items".
        severity: how bad it is.
        sentence: what was found, with its number.
        count: how many rows, items, entities or triples it is about.
        examples: some of them by name.
        remedy: what to do, with the key of the YAML file where one is at issue.
    """

    name: str
    severity: Severity
    sentence: str
    count: int
    examples: tuple[str, ...] = ()
    remedy: str = ""


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, the worst first; of equally bad ones in the order given."""
    rank = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(findings, key=lambda found: rank[found.severity]))


def counted(n: float, one: str, more: str = "") -> str:
    """A number with its noun: "1 row", "2,000 rows"; `more` is the plural where it is not `one` with an s."""
    number = f"{n:,}" if isinstance(n, int) else f"{n:g}"
    return f"{number} {one if n == 1 else more or one + 's'}"
