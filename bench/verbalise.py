"""Texts of nodes a second: the columns of `Verbaliser` against a loop over nodes, same graph, same process.

The loop is the one that plait had before: one value a literal, the first neighbours, no cleaning, no paths, no budget, so
it does far less. A budget is estimated, at 4 bytes a token.

Run: python bench/verbalise.py [number of items]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from plait.kg import IdMap, KnowledgeGraph, Literals, Schema, labels, short_names
from plait.text.verbalise import VerbaliseConfig, Verbaliser

NAME, PLOT, PRICE = ("http://v/name", "http://v/description", "http://v/price_eur")
RELATIONS = ("http://v/brand", "http://v/broader", "http://v/inCategory", "http://v/alsoBought")
_WORDS = "light hair face cream body oil lemon glass rose travel set brush gentle night organic bottle new for with the"


def shop(items: int) -> KnowledgeGraph:
    """A shop: items with name, price, a description of some 40 words, brand, category, five others bought with it."""
    rng = np.random.default_rng(0)
    brands, categories = max(items // 100, 2), 1000
    n = items + brands + categories
    words = np.array(_WORDS.split())
    spoken = [" ".join(row) for row in rng.choice(words, (items, 40))]
    ids = [*(f"i{n}" for n in range(items)), *(f"b{n}" for n in range(brands)), *(f"c{n}" for n in range(categories))]
    names = [" ".join(row) for row in rng.choice(words, (n, 4))]
    item, category = np.arange(items), items + brands + np.arange(categories)
    heads = [item, category[1:], item, np.repeat(item, 5)]
    tails = [
        items + rng.integers(0, brands, items), category[(np.arange(1, categories) - 1) // 8],
        items + brands + rng.integers(0, categories, items), rng.integers(0, items, 5 * items),
    ]  # fmt: skip
    entity = np.concatenate([np.arange(n), item, item]).astype(np.int32)
    predicate = np.repeat(np.arange(3, dtype=np.int32), [n, items, items])
    values = pa.array([*names, *spoken, *map(str, rng.integers(1, 500, items))], pa.large_string())
    none = pa.nulls(len(entity), pa.large_string()).dictionary_encode()
    return KnowledgeGraph.build(
        IdMap(ids), RELATIONS, np.concatenate(heads), np.repeat(np.arange(4), [len(h) for h in heads]),
        np.concatenate(tails), types=("http://v/Product", "http://v/Brand", "http://v/Category"),
        type_of=np.repeat([0, 1, 2], [items, brands, categories]),
        literals=Literals(entity, predicate, values, none, none, (NAME, PLOT, PRICE)),
    )  # fmt: skip


def by_node(graph: KnowledgeGraph, schema: Schema, names: pa.Array, most: int = 4) -> list[tuple[str, object]]:
    """The texts by a loop over nodes, and what each was made from."""
    label, kinds = names.to_pylist(), {literal.predicate: literal.kind for literal in schema.literals}
    relations, predicates = short_names(graph.relations), short_names(graph.literals.predicates)
    types, number = short_names(graph.types), graph.relation
    by_head, by_entity = np.argsort(graph.head, kind="stable"), np.argsort(graph.literals.entity, kind="stable")
    first = np.searchsorted(graph.head[by_head], np.arange(graph.n_entities + 1))
    start = np.searchsorted(graph.literals.entity[by_entity], np.arange(graph.n_entities + 1))
    texts = []
    for entity in range(graph.n_entities):
        parts, long, used = [f"{label[entity]} ({types[graph.type_of[entity]]})"], [], []
        for row in by_entity[start[entity] : start[entity + 1]]:
            predicate = int(graph.literals.predicate[row])
            kind = kinds.get(graph.literals.predicates[predicate])
            if kind not in ("text", "number"):
                continue
            value = " ".join(str(graph.literals.value[row]).split())
            used.append((graph.literals.predicates[predicate], value))
            if kind == "text" and len(value) > 60:
                long.append(value)
            else:
                parts.append(f"{predicates[predicate]}: {value}")
        rows = by_head[first[entity] : first[entity + 1]]
        for relation in np.unique(number[rows]):
            tails = graph.tail[rows[number[rows] == relation]][:most]
            used.extend((graph.relations[relation], graph.entities.id(int(tail))) for tail in tails)
            parts.append(f"{relations[relation]}: {', '.join(label[tail] for tail in tails)}")
        texts.append((". ".join([*parts, *long]), tuple(used)))
    return texts


def timed(work: Callable[[], object]) -> float:
    """Seconds of all cores, best of three runs, since other work only ever slows one down."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print the comparison; a new `Verbaliser` each time, so that cleaning the graph is timed too."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    graph = shop(items)
    schema = Schema.infer(graph)
    names = labels(graph, schema)
    every, none = np.arange(graph.n_entities), VerbaliseConfig(inverse_neighbours=0)
    graph.adjacency  # noqa: B018 (cached: the graph around the items needs it too)
    tasks: dict[str, Callable[[], object]] = {
        "a loop over nodes": lambda: by_node(graph, schema, names),
        "texts_of": lambda: Verbaliser(graph, schema, names, VerbaliseConfig()).texts_of(every),
        "texts_of, no inverse relations": lambda: Verbaliser(graph, schema, names, none).texts_of(every),
        "texts_of, 64 tokens": lambda: Verbaliser(graph, schema, names, VerbaliseConfig(), 64).texts_of(every),
        "tell, no inverse relations": lambda: Verbaliser(graph, schema, names, none).tell(every),
        "tell, 64 tokens": lambda: Verbaliser(graph, schema, names, VerbaliseConfig(), 64).tell(every),
    }
    table = Table(
        "", "CPU seconds", "texts/s", "ratio", title=f"{graph.n_entities:,} nodes, {graph.n_triples:,} triples"
    )
    base = 0.0
    for name, work in tasks.items():
        seconds = timed(work)
        base = base or seconds
        table.add_row(name, f"{seconds:.2f}", f"{graph.n_entities / seconds:,.0f}", f"{base / seconds:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
