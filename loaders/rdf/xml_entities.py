"""Entities that RDF/XML files declare: short names of namespaces pass, and what would multiply when resolved does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.parsers import expat

from ...kg import DataError

__all__ = ["check_entities"]

LONGEST = 256
"""Characters an entity may stand for: enough for a namespace, which is what OWL files declare them for."""
CHUNK = 1 << 20
MOST_WITHOUT_TAG = 16
"""Chunks: a file in which no tag comes is refused for that, later."""


def check_entities(stream: Any, path: Path) -> None:
    """Look at the declarations before the first tag.

    An entity made of others, or of a long text, lets a file of a kilobyte say what fills any memory.

    Raises:
        DataError: if there is such an entity; the line is named.
    """
    parser = expat.ParserCreate()
    begun: list[str] = []
    without_tag = 0

    def declared(name: str, is_parameter: bool, value: str | None, *_: str | None) -> None:
        if value is not None and ("&" in value or "%" in value or len(value) > LONGEST):
            text = f"the XML entity {name[:40]!r} holds other entities, or more than {LONGEST} characters; write it out"
            raise DataError(text, path=path, line=parser.CurrentLineNumber)

    parser.EntityDeclHandler = declared
    parser.StartElementHandler = lambda name, _: begun.append(name)
    try:
        while not begun and without_tag < MOST_WITHOUT_TAG and (data := stream.read(CHUNK)):
            without_tag = 0 if b"<" in data else without_tag + 1
            parser.Parse(data)
    except expat.ExpatError:
        pass  # The parser of the graph says it, and with the reason.
