"""Jinja templates of a node's text, rendered in a sandbox."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..kg import UNTYPED, ConfigError, KnowledgeGraph
from ..kg.terms import find_term, matching_terms
from .template_check import FILTERS, LONGEST_RENDERED, checked
from .verbalise_config import VerbaliseConfig

__all__ = ["NodeTemplate", "Values", "read_templates"]

_LONGEST_SOURCE = 10_000


class Values(list[str]):
    """Values of a node; printed as they are, with commas between; a place beyond the last holds ""."""

    def __str__(self) -> str:
        return ", ".join(self)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return Values(super().__getitem__(place))
        return super().__getitem__(place) if -len(self) <= place < len(self) else ""


class NodeTemplate:
    """The template of one node type, checked and compiled.

    Args:
        kind: the node type, for messages.
        source: the template.
        known: the variables there are besides `label`, `type`, `id` and `text`.

    Raises:
        ConfigError: if it is no template, names a variable there is not, or does what is not allowed; the message has
            type and line, and what there is.
    """

    def __init__(self, kind: str, source: str, known: Iterable[str]) -> None:
        self.kind = kind
        environment = _environment()
        try:
            tree = environment.parse(source)
            # Of names that a loop makes, jinja2 knows which are meant where.
            undeclared = meta.find_undeclared_variables(tree) - {"loop"}
            checked(tree, known, undeclared, kind)
            self._template = environment.from_string(source)
        except TemplateSyntaxError as error:
            raise _failed(kind, error.lineno, error.message or "no template") from error
        except (TemplateError, RecursionError, SyntaxError, MemoryError, ValueError, OverflowError) as error:
            raise _failed(kind, 1, f"cannot be used: {error}") from error

    def render(self, values: Mapping[str, Any]) -> str:
        """The text of a node, its blanks made one.

        Raises:
            ConfigError: if the template fails on this node, or gives more than 100,000 characters.
        """
        pieces: list[str] = []
        size = 0
        try:
            for piece in self._template.generate(values):
                size += len(piece)
                if size > LONGEST_RENDERED:
                    break
                pieces.append(piece)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "<template>"]
            raise _failed(self.kind, lines[-1] if lines and lines[-1] else 1, str(error)) from error
        if size > LONGEST_RENDERED:
            raise _failed(
                self.kind, 1, f"the text of {values.get('id')!r} is longer than {LONGEST_RENDERED:,} characters"
            )
        return " ".join("".join(pieces).split())


def read_templates(config: VerbaliseConfig, graph: KnowledgeGraph) -> dict[int, str]:
    """Templates by number of the node type, -1 for nodes without one: files of the folder first, then what is stated.

    Raises:
        ConfigError: if the graph has no type of a given name.
        DataError: if the folder or a file cannot be read.
    """
    known = (*graph.types, UNTYPED)
    found: dict[int, str] = {}
    for path in _files(config.templates_folder):
        meant = matching_terms(path.stem, known)
        if not meant:
            find_term(path.stem, known, f"node type (of the template {path.name})")
        found |= dict.fromkeys(meant, _source(path))
    for name, source in config.templates.items():
        found[find_term(name, known, "node type")] = source
    return {-1 if number == len(graph.types) else number: source for number, source in found.items()}


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise ConfigError("verbalise.templates_folder: no such folder", path=folder)
    files = sorted(path for path in folder.glob("*.j2") if path.is_file())
    if not files:
        raise ConfigError("verbalise.templates_folder: no template in it; name them TYPE.j2", path=folder)
    return files


def _source(path: Path) -> str:
    if path.stat().st_size > 4 * _LONGEST_SOURCE:
        raise ConfigError(f"a template has at most {_LONGEST_SOURCE:,} characters", path=path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8 text", path=path) from error


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    # Nothing but what is handed in: no range, no lipsum, no filter whose result could be of any size.
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    return environment


def _failed(kind: str, line: int, message: str) -> ConfigError:
    return ConfigError(f"verbalise.templates: {kind}, line {line} of the template: {message}")
