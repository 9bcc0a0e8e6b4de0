"""The process that checks RDF against shapes: told what to do on standard input, tells what it found line by line.

Each line is a JSON object: {"begun"} once it can work, {"nodes", "chosen"} once the graph is read, {"checked",
"results"} for each part of the nodes, or {"error"}. Its parent may end it at any moment; what it has told by then counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyoxigraph as ox
import rdflib
from rdflib.namespace import SH

from ...kg import DataError
from ..rdf.files import RdfFile, rdf_files
from .shacl_targets import Node, copied, shapes_for, shown_shape, take_targets

__all__ = ["check", "main"]

PARTS = 20
SMALLEST_PART = 50
RDF_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
SUBCLASS = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf")


def check(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines to tell about one request."""
    import pyshacl

    yield {"begun": True}
    try:
        store = _read(request["files"])
        with RdfFile.of(Path(request["shapes"])).opened() as stream:
            text = b"".join(iter(lambda: stream.content.read(1 << 16), b""))
        told = rdflib.Graph().parse(data=text, format="turtle")
    except DataError as error:
        yield {"error": str(error)}
        return
    graph, chosen, total = _chosen(store, request["sample"], request["seed"])
    shapes = copied(told)
    targets = take_targets(graph, shapes)
    if chosen is None:
        chosen = {*graph.subjects(), *(node for nodes in targets.values() for node in nodes)}
        total = len(chosen)
    yield {"nodes": total, "chosen": len(chosen)}
    ordered = sorted(chosen, key=lambda node: (type(node).__name__, str(node)))
    size = max(SMALLEST_PART, -(-len(ordered) // PARTS))
    for first in range(0, len(ordered), size):
        part = set(ordered[first : first + size])
        try:
            _, report, reason = pyshacl.validate(graph, shacl_graph=shapes_for(shapes, targets, part), inplace=True)
        except Exception as error:  # noqa: BLE001 - pyshacl meets wrong shapes with whatever error comes first
            report, reason = None, f"{error}"
        if not isinstance(report, rdflib.Graph):
            reason = reason.strip().splitlines()[-1] if reason.strip() else "pyshacl does not say why"
            yield {"error": f"the shapes cannot be used: {reason}", "path": request["shapes"]}
            return
        yield {"checked": len(part), "results": _results(report, told, graph)}


def _read(files: list[str]) -> ox.Store:
    store = ox.Store()
    for file in rdf_files(files):
        try:
            with file.opened() as stream:
                store.bulk_load(stream.content, format=file.format, base_iri=file.path.absolute().as_uri())
        except SyntaxError as error:
            raise DataError(f"malformed RDF: {error.msg}", path=file.path, line=error.lineno) from error
    return store


def _chosen(store: ox.Store, sample: int | None, seed: int) -> tuple[rdflib.Graph, set[Node] | None, int]:
    """The triples to check with, the nodes of a sample (None for all there are), and how many nodes there are.

    A sample is of nodes with an IRI; the blank nodes that they lead to go along.
    """
    subjects = {quad.subject for quad in store}
    named = sorted(node.value for node in subjects if isinstance(node, ox.NamedNode))
    if sample is None or sample >= len(named):
        whole = ox.serialize((quad.triple for quad in store), format=ox.RdfFormat.N_TRIPLES)
        return rdflib.Graph().parse(data=whole or b"", format="nt"), None, len(subjects)
    at = np.random.default_rng(seed).choice(len(named), sample, replace=False)
    names = [named[i] for i in at.tolist()]
    graph = rdflib.Graph().parse(data=_around(store, names), format="nt")
    blank = (node for node in graph.subjects() if isinstance(node, rdflib.BNode))
    return graph, {*map(rdflib.URIRef, names), *blank}, len(subjects)


def _around(store: ox.Store, chosen: list[str]) -> bytes:
    """The triples that leave the chosen nodes, through blank nodes on; types of their ends; the class hierarchy."""
    kept: dict[ox.Triple, None] = {}
    open_nodes: list[Any] = [ox.NamedNode(node) for node in chosen]
    seen: set[Any] = set(open_nodes)
    while open_nodes:
        for quad in store.quads_for_pattern(open_nodes.pop(), None, None):
            kept[quad.triple] = None
            end = quad.object
            if end in seen or isinstance(end, ox.Literal):
                continue
            seen.add(end)
            if isinstance(end, ox.BlankNode):
                open_nodes.append(end)
            else:
                kept.update((typed.triple, None) for typed in store.quads_for_pattern(end, RDF_TYPE, None))
    named = (q for q in store.quads_for_pattern(None, SUBCLASS, None) if isinstance(q.subject, ox.NamedNode))
    kept.update((quad.triple, None) for quad in named)
    return ox.serialize(kept, format=ox.RdfFormat.N_TRIPLES) or b""


def _results(report: rdflib.Graph, shapes: rdflib.Graph, graph: rdflib.Graph) -> list[dict[str, Any]]:
    """Results by shape, path and constraint, with their number and the first of them."""
    found: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for result in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        path = report.value(result, SH.resultPath)
        key = (
            shown_shape(shapes, report.value(result, SH.sourceShape)),
            str(path) if isinstance(path, rdflib.URIRef) else "" if path is None else "(path)",
            _last(report.value(result, SH.sourceConstraintComponent)).removesuffix("ConstraintComponent"),
            _last(report.value(result, SH.resultSeverity)),
        )
        value = report.value(result, SH.value)
        message = sorted(map(str, report.objects(result, SH.resultMessage)))
        one = (
            _shown(graph, report.value(result, SH.focusNode)),
            "" if value is None else _shown(graph, value),
            message[0] if message else "",
        )
        found.setdefault(key, []).append(one)
    names = ("shape", "path", "constraint", "severity")
    return [
        dict(zip(names, key, strict=True))
        | {"count": len(rows)}
        | dict(zip(("focus", "value", "message"), min(rows), strict=True))
        for key, rows in sorted(found.items())
    ]


def _shown(graph: rdflib.Graph, node: Node | None) -> str:
    """A node as a person finds it: a blank one, whose name is another in each run, by a node that leads to it."""
    if not isinstance(node, rdflib.BNode):
        return str(node)
    seen: set[Node] = {node}
    level: set[Node] = {node}
    while level:
        level = {owner for one in level for owner in graph.subjects(None, one)} - seen
        named = sorted(str(owner) for owner in level if isinstance(owner, rdflib.URIRef))
        if named:
            return f"(blank node of {named[0]})"
        seen |= level
    return "(blank node)"


def _last(iri: Any) -> str:
    return str(iri).rpartition("#")[2]


def main() -> None:
    """Read one request, tell what comes of it."""
    request = json.loads(sys.stdin.read())
    for line in check(request):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
