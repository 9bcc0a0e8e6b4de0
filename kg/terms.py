"""Names a user writes, found among the names a graph has."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from .errors import ConfigError
from .names import local_name

__all__ = ["find_term", "find_terms", "matching_terms"]


def matching_terms(name: str, known: Sequence[str]) -> list[int]:
    """Which of the known names a name may mean: the one that it is in full, or else all that it is the last part of."""
    full = [number for number, one in enumerate(known) if one == name]
    return full[:1] or [number for number, one in enumerate(known) if local_name(one) == name]


def find_term(name: str, known: Sequence[str], what: str) -> int:
    """Which of the known names is meant, by its full name, or else by its short one.

    Args:
        name: a full IRI, or its last part.
        known: full names.
        what: what they name, for the message: "relation".

    Raises:
        ConfigError: if there is no such name, or two that share the short one.
    """
    meant = matching_terms(name, known)
    if len(meant) == 1:
        return meant[0]
    if meant:
        both = " or ".join(known[number] for number in meant)
        raise ConfigError(f"the {what} {name!r} may be {both}; write the full name")
    shorts = [local_name(full) for full in known]
    close = get_close_matches(name, [*shorts, *known], 1)
    some = ", ".join(sorted(set(shorts))[:12]) or "none"
    hint = f"did you mean {close[0]!r}?" if close else f"known are: {some}"
    raise ConfigError(f"the graph has no {what} {name!r}; {hint}")


def find_terms(names: Sequence[str], known: Sequence[str], what: str) -> list[int]:
    """The numbers of several names among the known ones, each found as `find_term` does."""
    return [find_term(name, known, what) for name in names]
