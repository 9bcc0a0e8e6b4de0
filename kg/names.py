"""Readable names out of IRIs and prefixed ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import unquote

__all__ = ["local_name", "readable_name", "short_names"]


def local_name(iri: str) -> str:
    """The last part of an IRI, after `#` or the last `/`; the whole where that leaves nothing.

    Anything that is not an IRI is its own name: "24/7 Supplies" stays whole.
    """
    if "://" not in iri and not iri.startswith("urn:"):
        return iri
    stem = iri.rstrip("/#")
    cut = max(stem.rfind("#"), stem.rfind("/"), stem.rfind(":") if iri.startswith("urn:") else -1)
    return stem[cut + 1 :] or iri


def readable_name(iri: str) -> str:
    """A name fit for people where an entity has no label: local name, percent-decoded, underscores as spaces."""
    name = local_name(iri)
    return name if name == iri else unquote(name).replace("_", " ").strip() or iri


def short_names(iris: Sequence[str]) -> tuple[str, ...]:
    """A short distinct name for each IRI: its local name, or the whole IRI where two would be alike."""
    names = [local_name(iri) for iri in iris]
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else iri for name, iri in zip(names, iris, strict=True))
