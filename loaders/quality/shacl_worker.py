"""The process that checks RDF against shapes: told what to do on standard input, tells what it found line by line.

Each line is a JSON object: {"nodes", "chosen"} once the graph is read, {"checked", "results"} for each part of the
nodes, or {"error"}. Its parent may end it at any moment; what it has told by then counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyoxigraph as ox
import rdflib
from rdflib.namespace import SH

from ..rdf.files import rdf_files

__all__ = ["check", "main"]

PARTS = 20
SMALLEST_PART = 50
RDF_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
SUBCLASS = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf")


def check(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines to tell about one request."""
    import pyshacl

    store = ox.Store()
    for file in rdf_files(request["files"]):
        try:
            with file.opened() as stream:
                store.bulk_load(stream.content, format=file.format, base_iri=file.path.absolute().as_uri())
        except SyntaxError as error:
            yield {"error": f"malformed RDF: {error.msg}", "path": str(file.path), "line": error.lineno}
            return
    nodes = sorted({quad.subject.value for quad in store if isinstance(quad.subject, ox.NamedNode)})
    chosen, data = nodes, _whole(store)
    if request["sample"] is not None and request["sample"] < len(nodes):
        at = np.random.default_rng(request["seed"]).choice(len(nodes), request["sample"], replace=False)
        chosen = [nodes[i] for i in sorted(at.tolist())]
        data = _around(store, chosen)
    shapes = rdflib.Graph().parse(request["shapes"], format="turtle")
    if chosen is nodes:
        chosen = nodes = sorted({*nodes, *_other_targets(store, shapes)})
    yield {"nodes": len(nodes), "chosen": len(chosen)}
    graph = rdflib.Graph().parse(data=data, format="nt")
    size = max(SMALLEST_PART, -(-len(chosen) // PARTS))
    for first in range(0, len(chosen), size):
        part: list[str | rdflib.URIRef] = [rdflib.URIRef(node) for node in chosen[first : first + size]]
        try:
            _, report, text = pyshacl.validate(graph, shacl_graph=shapes, inplace=True, focus_nodes=part)
        except Exception as error:  # noqa: BLE001 - pyshacl meets wrong shapes with whatever error comes first
            report, text = None, f"{error}"
        if not isinstance(report, rdflib.Graph):
            reason = text.strip().splitlines()[-1] if text.strip() else "pyshacl does not say why"
            yield {"error": f"the shapes cannot be used: {reason}", "path": request["shapes"]}
            return
        yield {"checked": len(part), "results": _results(report, shapes)}


def _other_targets(store: ox.Store, shapes: rdflib.Graph) -> Iterator[str]:
    """Nodes that the shapes aim at though no triple leaves them."""
    yield from (str(node) for node in shapes.objects(None, SH.targetNode) if isinstance(node, rdflib.URIRef))
    for predicate in set(shapes.objects(None, SH.targetObjectsOf)):
        for quad in store.quads_for_pattern(None, ox.NamedNode(str(predicate)), None):
            if isinstance(quad.object, ox.NamedNode):
                yield quad.object.value


def _whole(store: ox.Store) -> bytes:
    return ox.serialize((quad.triple for quad in store), format=ox.RdfFormat.N_TRIPLES) or b""


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
    kept.update((quad.triple, None) for quad in store.quads_for_pattern(None, SUBCLASS, None))
    return ox.serialize(kept, format=ox.RdfFormat.N_TRIPLES) or b""


def _results(report: rdflib.Graph, shapes: rdflib.Graph) -> list[dict[str, Any]]:
    """Results by shape, path and constraint, with their number and the first of them."""
    found: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for result in report.subjects(rdflib.RDF.type, SH.ValidationResult):
        # A property shape mostly is a blank node: it goes by the name of the shape that it belongs to.
        shape = report.value(result, SH.sourceShape)
        while isinstance(shape, rdflib.BNode) and (owner := shapes.value(None, SH.property, shape)) is not None:
            shape = owner
        path = report.value(result, SH.resultPath)
        key = (
            str(shape),
            str(path) if isinstance(path, rdflib.URIRef) else "" if path is None else "(path)",
            _last(report.value(result, SH.sourceConstraintComponent)).removesuffix("ConstraintComponent"),
            _last(report.value(result, SH.resultSeverity)),
        )
        value = report.value(result, SH.value)
        message = sorted(map(str, report.objects(result, SH.resultMessage)))
        one = (
            str(report.value(result, SH.focusNode)),
            "" if value is None else str(value),
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
