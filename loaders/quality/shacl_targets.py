"""Which nodes shapes aim at, so that they can be checked part by part.

pyshacl's own `focus_nodes` is not for that: it knows IRIs alone, and holds back from nested shapes (`sh:node`) every
value that is not among them, which then counts as conforming.
"""

from __future__ import annotations

from collections.abc import Iterator

import rdflib
from rdflib.namespace import OWL, RDF, RDFS, SH

__all__ = ["copied", "shapes_for", "shown_shape", "take_targets"]

Node = rdflib.term.Node
PREDICATES = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)


def take_targets(graph: rdflib.Graph, shapes: rdflib.Graph) -> dict[Node, set[Node]]:
    """The nodes of a graph that each shape aims at; the shapes lose what says so."""
    found: dict[Node, set[Node]] = {}
    for predicate in PREDICATES:
        for shape, value in list(shapes.subject_objects(predicate)):
            found.setdefault(shape, set()).update(_aimed_at(graph, predicate, value))
            shapes.remove((shape, predicate, value))
    kinds = {RDFS.Class, OWL.Class, *shapes.subjects(RDFS.subClassOf, RDFS.Class)}
    shaped = {*shapes.subjects(RDF.type, SH.NodeShape), *shapes.subjects(RDF.type, SH.PropertyShape)}
    for kind in kinds:
        for shape in [s for s in shapes.subjects(RDF.type, kind) if s in shaped or s in found]:
            # A shape that is a class as well aims at the members of that class.
            found.setdefault(shape, set()).update(_aimed_at(graph, SH.targetClass, shape))
            shapes.remove((shape, RDF.type, kind))
    for shape in found.keys() - shaped:
        # A target was all that told of it that it is a shape.
        has_path = (shape, SH.path, None) in shapes
        shapes.add((shape, RDF.type, SH.PropertyShape if has_path else SH.NodeShape))
    return found


def _aimed_at(graph: rdflib.Graph, predicate: Node, value: Node) -> Iterator[Node]:
    if predicate == SH.targetNode:
        yield value
    elif predicate == SH.targetClass:
        for kind in graph.transitive_subjects(RDFS.subClassOf, value):
            yield from graph.subjects(RDF.type, kind)
    elif predicate == SH.targetSubjectsOf:
        yield from graph.subjects(value, None)
    else:
        yield from graph.objects(None, value)


def shapes_for(shapes: rdflib.Graph, targets: dict[Node, set[Node]], part: set[Node]) -> rdflib.Graph:
    """A copy of the shapes that aims at some of the nodes only."""
    narrowed = copied(shapes)
    for shape, nodes in targets.items():
        for node in nodes & part:
            narrowed.add((shape, SH.targetNode, node))
    return narrowed


def copied(shapes: rdflib.Graph) -> rdflib.Graph:
    """The same triples with the same prefixes, which pyshacl writes its messages with."""
    copy = rdflib.Graph()
    for prefix, namespace in shapes.namespaces():
        copy.bind(prefix, namespace)
    copy += shapes
    return copy


def shown_shape(shapes: rdflib.Graph, shape: Node | None) -> str:
    """The IRI of a shape, or of the one that it is a property shape of; one without a name goes by its aim."""
    while isinstance(shape, rdflib.BNode) and (owner := shapes.value(None, SH.property, shape)) is not None:
        shape = owner
    if not isinstance(shape, rdflib.BNode):
        return str(shape)
    aims = sorted(str(value) for predicate in PREDICATES for value in shapes.objects(shape, predicate))
    return f"(anonymous, of {aims[0].rstrip('/#').replace('#', '/').rpartition('/')[2]})" if aims else "(anonymous)"
