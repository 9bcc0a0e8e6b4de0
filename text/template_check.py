"""What a template of a user's may do: name values, join them, choose, loop; nothing that could run away or reach out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import nodes

from ..kg import ConfigError

__all__ = ["FILTERS", "LONGEST_RENDERED", "SCALARS", "checked"]

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.Slice,
    nodes.Filter, nodes.Test, nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or,
    nodes.Not, nodes.Concat, nodes.List, nodes.Tuple, nodes.Neg, nodes.Keyword,
)  # fmt: skip
_DEEPEST = 2
"""Loops within loops: the product of two lists is still small."""
_MOST_JOINED = 32
"""Things put together by ~ or in lists, in the whole template: each may be long."""
SCALARS = ("label", "type", "id", "text")
"""Variables that are one text; all others are lists of texts."""
LONGEST_RENDERED = 100_000
"""Characters of a rendered text; a template that gives more is refused."""
_LOOP = frozenset(("index", "index0", "first", "last", "length", "revindex", "revindex0"))
_TESTS = frozenset(
    ("defined", "undefined", "none", "string", "number", "in", "eq", "ne", "lt", "le", "gt", "ge", "equalto", "sameas")
)
_OTHERS = {
    nodes.Assign: "set", nodes.Macro: "macro", nodes.Call: "a call", nodes.Include: "include", nodes.Import: "import",
    nodes.FromImport: "import", nodes.Extends: "extends", nodes.Mul: "*", nodes.Pow: "**", nodes.Mod: "%",
    nodes.Add: "+ (~ joins texts)", nodes.Block: "block", nodes.With: "with",
}  # fmt: skip


def _joined(values: Any, separator: str = "") -> str:
    # A text is one value, not its letters: else one join on another would multiply lengths.
    if isinstance(values, str):
        return str(values)
    words, between = [str(value) for value in values], str(separator)
    if sum(map(len, words)) + len(between) * len(words) > LONGEST_RENDERED:
        raise ValueError(f"what is joined is longer than {LONGEST_RENDERED:,} characters")
    return between.join(words)


def _first(values: Any) -> Any:
    return values if isinstance(values, str) else next(iter(values), "")


def _last(values: Any) -> Any:
    return values if isinstance(values, str) else next(iter(list(values)[::-1]), "")


def _default(value: Any, other: Any = "") -> Any:
    return value or other


def _truncate(text: Any, length: int = 255) -> str:
    words = str(text)
    return words if len(words) <= length else words[:length].rsplit(" ", 1)[0]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "join": _joined,
    "first": _first,
    "last": _last,
    "default": _default,
    "d": _default,
    "truncate": _truncate,
    "upper": lambda text: str(text).upper(),
    "lower": lambda text: str(text).lower(),
    "title": lambda text: str(text).title(),
    "capitalize": lambda text: str(text).capitalize(),
    "trim": lambda text: str(text).strip(),
    "length": len,
    "count": len,
    "sort": lambda values: sorted(map(str, values)),
    "unique": lambda values: list(dict.fromkeys(map(str, values))),
    "reverse": lambda values: list(values)[::-1],
}
"""The filters of a template, each with a result no longer than what it is given."""


def checked(tree: nodes.Template, known: Iterable[str], undeclared: Iterable[str], kind: str) -> None:
    """See that a template keeps to what is allowed.

    Args:
        tree: the parsed template.
        known: variables there are besides `SCALARS`, each a list of texts.
        undeclared: variables it uses without making them itself.
        kind: the node type, for messages.

    Raises:
        ConfigError: it names the type, the line, and what is unknown or not allowed.
    """
    there = [*SCALARS, *sorted(set(known) - set(SCALARS))]
    for node in tree.find_all(nodes.Node):
        _check_node(node, kind)
    put_together = [len(n.nodes if isinstance(n, nodes.Concat) else n.items) for n in _together(tree)]
    if sum(put_together) > _MOST_JOINED:
        raise _refused(kind, 1, f"it puts more than {_MOST_JOINED} things together by ~ or in lists")
    _check_depth(tree, 0, kind)
    for name in sorted((set(undeclared) | _jinjas_own(tree)) - set(there)):
        line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        close = get_close_matches(name, there, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise _refused(kind, line, f"there is no {name!r}; {hint}known are {', '.join(there)}")


def _check_node(node: nodes.Node, kind: str) -> None:
    if not isinstance(node, _ALLOWED):
        what = _OTHERS.get(type(node), type(node).__name__.lower())
        raise _refused(kind, node.lineno, f"{what} is not allowed here; filters are {', '.join(FILTERS)}")
    if isinstance(node, nodes.Filter) and (node.name not in FILTERS or node.dyn_args or node.dyn_kwargs):
        raise _refused(kind, node.lineno, f"there is no filter {node.name!r}; known are {', '.join(FILTERS)}")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise _refused(kind, node.lineno, f"there is no test {node.name!r}; known are {', '.join(sorted(_TESTS))}")
    if isinstance(node, nodes.Getattr) and not (
        isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr in _LOOP
    ):
        raise _refused(kind, node.lineno, f".{node.attr} is not allowed: values have no attributes, only filters")
    if isinstance(node, nodes.Getitem) and not _is_place(node.arg):
        raise _refused(kind, node.lineno, "only a number or a range can stand in brackets: [0], [:3]")
    if isinstance(node, nodes.For):
        if node.recursive:
            raise _refused(kind, node.lineno, "a recursive loop is not allowed")
        if not _is_list(node.iter):
            raise _refused(
                kind, node.lineno, "a loop goes over the values of a variable, not over the letters of a text"
            )


def _is_place(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Slice):
        return all(part is None or _is_place(part) for part in (node.start, node.stop, node.step))
    inner = node.node if isinstance(node, nodes.Neg) else node
    return isinstance(inner, nodes.Const) and isinstance(inner.value, int)


def _is_list(node: nodes.Node) -> bool:
    while isinstance(node, nodes.Filter | nodes.Getitem):
        if isinstance(node, nodes.Filter) and node.name not in ("sort", "unique", "reverse"):
            return False
        if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice):
            return False
        if node.node is None:
            return False
        node = node.node
    return isinstance(node, nodes.List) or (isinstance(node, nodes.Name) and node.name not in SCALARS)


def _together(tree: nodes.Template) -> Iterator[Any]:
    yield from tree.find_all((nodes.Concat, nodes.List, nodes.Tuple))


def _check_depth(node: nodes.Node, depth: int, kind: str) -> None:
    for child in node.iter_child_nodes():
        deeper = depth + isinstance(child, nodes.For)
        if deeper > _DEEPEST:
            raise _refused(kind, child.lineno, f"loops may be {_DEEPEST} deep")
        _check_depth(child, deeper, kind)


def _jinjas_own(tree: nodes.Template) -> set[str]:
    """Names that Jinja fills itself but that mean nothing here: `loop` without any loop, `self`."""
    known = {"loop"} if any(True for _ in tree.find_all(nodes.For)) else set()
    return {node.name for node in tree.find_all(nodes.Name)} & ({"loop", "self", "super", "caller"} - known)


def _refused(kind: str, line: int, message: str) -> ConfigError:
    return ConfigError(f"verbalise.templates: {kind}, line {line} of the template: {message}")
