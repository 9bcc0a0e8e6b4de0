"""What was left out of a log, by which rule: nothing goes in silence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Dropped"]


@dataclass(frozen=True)
class Dropped:
    """What one rule left out.

    Attributes:
        rule: the rule, in words.
        rows: how many rows it dropped.
        users: how many users vanished with them.
        items: how many items vanished with them.
        example: one of what was dropped, as the file spells it.
    """

    rule: str
    rows: int
    users: int = 0
    items: int = 0
    example: str | None = None
