"""What looks wrong in a graph, and in how the items are linked to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import Interactions, KnowledgeGraph, Mapped, Schema, local_name, short_names
from ...kg.labels import RDFS_LABEL
from ..source import Catalogue
from .finding import EXAMPLES, Finding, counted
from .graph_statistics import Fan, degrees, named
from .mismatches import Mismatches

__all__ = ["Coverage", "coverage", "graph_findings", "link_findings"]

Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Coverage:
    """How much of what people meet is in the graph.

    Attributes:
        items, linked: items of the catalogue, and those with an entity.
        interactions: share of the interactions whose item has an entity; NaN without interactions.
        missed: (title or id, interactions) of the items without an entity that people met most.
        popularity: mean interactions of a linked item and of one without an entity, NaN where there is none.
    """

    items: int
    linked: int
    interactions: float
    missed: tuple[tuple[str, int], ...]
    popularity: tuple[float, float]


def coverage(log: Interactions, catalogue: Catalogue) -> Coverage:
    """Measure the links by what people do."""
    met = np.bincount(log.with_items(catalogue.items).item, minlength=len(catalogue.items))
    linked = catalogue.item_entity >= 0
    without = np.flatnonzero(~linked)
    most = without[np.argsort(-met[without], kind="stable")][:10]
    missed = tuple(zip(item_names(catalogue, most), met[most].tolist(), strict=True))
    means = tuple(float(met[part].mean()) if part.any() else float("nan") for part in (linked, ~linked))
    share = float(met[linked].sum() / met.sum()) if met.sum() else float("nan")
    return Coverage(len(linked), int(linked.sum()), share, missed, (means[0], means[1]))


def item_names(catalogue: Catalogue, items: Numbers) -> tuple[str, ...]:
    """Items as a person reads them: title and id, or the id alone."""
    return named(catalogue.items.to_arrow(), catalogue.titles, items)


def link_findings(catalogue: Catalogue, cover: Coverage, mismatches: Mismatches) -> Iterator[Finding]:
    """What looks wrong about the items' entities."""
    graph = catalogue.graph
    entity = catalogue.item_entity
    without = np.flatnonzero(entity < 0)
    remedy = "check that data.links holds the graph's own ids, spelled the same (http or https, encoding)"
    if not cover.linked:
        sentence = "no item has an entity: the graph adds nothing"
        yield Finding("no-links", "error", sentence, len(without), item_names(catalogue, without[:EXAMPLES]), remedy)
    elif len(without):
        few = cover.linked < 0.5 * cover.items
        share = cover.linked / cover.items
        sentence = (
            f"only {share:.0%} of the items have an entity"
            if few
            else f"{counted(len(without), 'item has', 'items have')} no entity"
        )
        if not np.isnan(cover.interactions):
            sentence += f"; {cover.interactions:.1%} of the interactions are with items that have one"
        yield Finding(
            "few-links" if few else "unlinked-items", "warning" if few else "info", sentence, len(without),
            tuple(f"{name}: {counted(n, 'interaction')}" for name, n in cover.missed[:EXAMPLES]), remedy,
        )  # fmt: skip
    yield from _shared(catalogue)
    linked = np.flatnonzero(entity >= 0)
    alone = linked[graph.adjacency.degree(linked) == 0] if len(linked) else linked
    if len(alone):
        yield Finding(
            "isolated-items", "warning",
            f"{counted(len(alone), 'linked item has', 'linked items have')} no edge that leads anywhere", len(alone),
            item_names(catalogue, alone[:EXAMPLES]),
            "raise data.graph.around.hops or lower data.graph.around.min_degree, or add triples about them",
        )  # fmt: skip
    yield from _mismatch_findings(mismatches)


def _shared(catalogue: Catalogue) -> Iterator[Finding]:
    entity = catalogue.item_entity
    entities, counts = np.unique(entity[entity >= 0], return_counts=True)
    entities = entities[counts > 1]
    if not len(entities) or catalogue.knowledge is None:
        return
    ids = catalogue.knowledge.entities
    groups = [(int(e), np.flatnonzero(entity == e)) for e in entities[:200]]
    # Two titles for one entity are more telling than two editions of one thing.
    groups.sort(key=lambda group: -len(set(catalogue.titles.take(pa.array(group[1])).to_pylist())))
    examples = [f"{ids.id(e)}: " + ", ".join(item_names(catalogue, items[:3])) for e, items in groups[:EXAMPLES]]
    yield Finding(
        "shared-entities", "warning",
        f"{counted(len(entities), 'entity stands', 'entities stand')} for more than one item each, who then share all edges",
        len(entities),
        tuple(examples), "give editions of one thing one id in data.interactions, or correct data.links",
    )  # fmt: skip


def _mismatch_findings(mismatches: Mismatches) -> Iterator[Finding]:
    found = mismatches.found
    if not found:
        return
    examples = [
        f"item {m.item}: {m.title!r} is linked to {m.label!r} ({m.entity})"
        + (f"; did you mean {m.suggestion}?" if m.suggestion else "")
        for m in found[:EXAMPLES]
    ]
    compared = counted(mismatches.compared, "link")
    sentence = f"{len(found):,} of {compared} look wrong: the item's title is not the entity's name"
    remedy = "correct these rows of data.links, or empty their entity"
    if mismatches.general:
        sentence = f"titles and names of entities differ in general ({len(found):,} of {mismatches.compared:,})"
        if mismatches.left_out:
            sentence += f"; the other {counted(mismatches.left_out, 'link was', 'links were')} therefore not compared"
        remedy = "compare by eye; set data.graph.schema.language and literals of kind label, or data.items.title"
    yield Finding(
        "label-mismatches", "info" if mismatches.general else "warning", sentence, len(found), tuple(examples), remedy
    )


def graph_findings(catalogue: Catalogue, relations: Sequence[Fan]) -> Iterator[Finding]:
    """What looks wrong about the graph itself, whose relations fan out so."""
    graph, schema = catalogue.knowledge, catalogue.schema
    if graph is None or schema is None:
        return
    ids, names = graph.entities.to_arrow(), catalogue.labels
    untyped = np.flatnonzero(graph.type_of < 0)
    if len(untyped):
        yield Finding(
            "untyped", "warning", f"{len(untyped):,} of {counted(graph.n_entities, 'entity', 'entities')} have no type", len(untyped),
            named(ids, names, untyped[:EXAMPLES]),
            "state their types where the graph has them (rdf:type in RDF, :LABEL or node tables, data.graph.types of triples, "
            "node attributes); until then they form one node type",
        )  # fmt: skip
    if graph.duplicates:
        sentence = f"{counted(graph.duplicates, 'repeated triple was', 'repeated triples were')} dropped"
        yield Finding("duplicates", "info", sentence, graph.duplicates, (), "nothing to do; a triple counts once")
    loops = np.flatnonzero(graph.head == graph.tail)
    if len(loops):
        relation = graph.relation[loops]
        shorts = short_names(graph.relations)
        examples = zip(named(ids, names, graph.head[loops[:EXAMPLES]]), relation[:EXAMPLES].tolist(), strict=True)
        yield Finding(
            "self-loops", "warning", f"{counted(len(loops), 'triple leads', 'triples lead')} from an entity to itself", len(loops),
            tuple(f"{name} is its own {shorts[r]}" for name, r in examples),
            "correct them at the source, or leave the relation out with data.graph.mapping.exclude_relations",
        )  # fmt: skip
    alone = np.flatnonzero(degrees(graph) == 0)
    if len(alone):
        yield Finding(
            "isolated-entities", "info", f"{counted(len(alone), 'entity has', 'entities have')} no edge", len(alone),
            named(ids, names, alone[:EXAMPLES]), "nothing to do: they join nothing, and stay outside the recommender",
        )  # fmt: skip
    yield from _unlabelled(graph, schema, names)
    yield from _other_languages(graph, schema, names)
    yield from _wrong_numbers(graph, schema)
    yield from _relations(graph, catalogue, relations)
    if catalogue.mapped is not None:
        yield from _mapping(catalogue.mapped)


def _mapping(mapped: Mapped) -> Iterator[Finding]:
    """Cycles in hierarchies, what the reader left out, and what the steps of the mapping did."""
    for tree in mapped.hierarchies:
        if tree.n_cycles:
            yield Finding(
                "cyclic-hierarchy", "warning",
                f"{local_name(tree.relation)} leads in {counted(tree.n_cycles, 'circle')}: something is above itself", tree.n_cycles,
                tuple(" -> ".join(cycle) for cycle in tree.cycles[:EXAMPLES]), "correct these triples at the source",
            )  # fmt: skip
    for step in mapped.steps:
        examples = () if step.example is None else (step.example,)
        remedy = "see that data.graph.mapping means it so" if step.dropped else ""
        yield Finding("mapping", "info", f"{step.name}: {step.text}", step.dropped, examples, remedy)


def _label_rows(graph: KnowledgeGraph, schema: Schema) -> Numbers:
    wanted = {*schema.predicates("label"), RDFS_LABEL}
    chosen = np.array([p in wanted for p in graph.literals.predicates], dtype=bool)
    return np.flatnonzero(chosen[graph.literals.predicate]) if len(chosen) else np.empty(0, dtype=np.int64)


def _unlabelled(graph: KnowledgeGraph, schema: Schema, names: pa.Array) -> Iterator[Finding]:
    has = np.zeros(graph.n_entities, dtype=bool)
    has[graph.literals.entity[_label_rows(graph, schema)]] = True
    without = np.flatnonzero(~has)
    if len(without):
        yield Finding(
            "unlabelled", "info", f"{len(without):,} of {counted(graph.n_entities, 'entity', 'entities')} have no label", len(without),
            named(graph.entities.to_arrow(), names, without[:EXAMPLES]),
            "they are named by their id; add rdfs:label, or say which literal it is: data.graph.schema.literals",
        )  # fmt: skip


def _other_languages(graph: KnowledgeGraph, schema: Schema, names: pa.Array) -> Iterator[Finding]:
    rows = _label_rows(graph, schema)
    rank = graph.literals.language_rank(schema.language)[rows]
    best = np.full(graph.n_entities, 3, dtype=np.int8)
    np.minimum.at(best, graph.literals.entity[rows], rank)
    foreign = np.flatnonzero(best == 2)
    if len(foreign):
        yield Finding(
            "other-languages", "info",
            f"{counted(len(foreign), 'entity has', 'entities have')} labels in other languages than {schema.language!r} only",
            len(foreign),
            named(graph.entities.to_arrow(), names, foreign[:EXAMPLES]),
            "set data.graph.schema.language if most are in another",
        )  # fmt: skip


def _wrong_numbers(graph: KnowledgeGraph, schema: Schema) -> Iterator[Finding]:
    literals = graph.literals
    for predicate in schema.predicates("number"):
        if predicate not in literals.predicates:
            continue
        rows = np.flatnonzero(literals.predicate == literals.predicates.index(predicate))
        values = literals.value.take(pa.array(rows))
        bad = pc.invert(pc.match_substring_regex(values, r"(?i)^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$"))
        strings = values.filter(bad)
        if len(strings):
            name = local_name(predicate)
            yield Finding(
                "no-numbers", "warning", f"{counted(len(strings), 'value')} of {name!r} cannot be read as numbers", len(strings),
                tuple(strings.unique()[:EXAMPLES].to_pylist()),
                f"correct them, or say what they are: data.graph.schema.literals: {{{name}: text}}",
            )  # fmt: skip


def _relations(graph: KnowledgeGraph, catalogue: Catalogue, relations: Sequence[Fan]) -> Iterator[Finding]:
    """Relations and hubs that tell items not apart."""
    single = [fan for fan in relations if fan.fan_in == 1 and fan.count >= 20]
    if single:
        yield Finding(
            "joins-nothing", "info", f"{counted(len(single), 'relation never leads', 'relations never lead')} two entities to the same one",
            len(single),
            tuple(f"{local_name(f.source)} {f.name} {local_name(f.target)}: {f.count:,}" for f in single[:EXAMPLES]),
            "values that nobody shares join no items: turn ids into literals, or data.graph.mapping.exclude_relations",
        )  # fmt: skip
    linked = np.unique(catalogue.item_entity[catalogue.item_entity >= 0])
    is_item = np.zeros(graph.n_entities, dtype=bool)
    is_item[linked] = True
    # An item counts once, by however many relations it leads there.
    rows = is_item[graph.head]
    pairs = np.unique(graph.head[rows].astype(np.int64) * graph.n_entities + graph.tail[rows])
    near = np.bincount(pairs % graph.n_entities, minlength=graph.n_entities)
    common = np.flatnonzero(near > 0.5 * len(linked))
    if len(common) and len(linked) >= 20:
        common = common[np.argsort(-near[common], kind="stable")]
        examples = named(graph.entities.to_arrow(), catalogue.labels, common[:EXAMPLES])
        counts = near[common[:EXAMPLES]].tolist()
        yield Finding(
            "says-nothing", "info",
            f"{counted(len(common), 'entity is', 'entities are')} joined to more than half of the items", len(common),
            tuple(f"{name}: {count:,} of {len(linked):,}" for name, count in zip(examples, counts, strict=True)),
            "what holds of most items tells them not apart: data.graph.mapping.exclude_relations, if it is one relation",
        )  # fmt: skip
