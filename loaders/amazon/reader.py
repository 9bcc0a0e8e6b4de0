"""Product graphs from Amazon's metadata: products, brands, a tree of categories, and what was bought along."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ...kg import DataError, KnowledgeGraph, Update
from ..collector import TripleCollector
from ..graph_options import GraphOptions
from .facts import BRAND, CATEGORY, ProductFacts, Told, category_id
from .records import read_records

__all__ = ["AmazonGraph", "read_amazon"]

BLOCK = 50_000
WORD = pa.large_string()
DATATYPES = {
    "price": "http://www.w3.org/2001/XMLSchema#decimal",
    "image": "http://www.w3.org/2001/XMLSchema#anyURI",
}
PARENT = "parent_category"


class AmazonGraph(GraphOptions):
    """A graph from files of Amazon product metadata."""

    source: Literal["amazon"]

    files: tuple[Path, ...] = Field(min_length=1)
    """JSON lines (perhaps .gz, .bz2, .zst) as published in 2014, 2018 and 2023, or one JSON object from item id to
    fields. The same product in several: the last one counts."""

    related: Literal["catalogue", "all", "none"] = "catalogue"
    """Which edges also_bought, also_viewed, bought_together and buy_after_viewing are kept: those to products of the
    files, all, or none."""

    category_separator: str = Field(default=",", min_length=1)
    """What parts the categories of a path where it is one text."""

    def paths(self) -> list[Path]:
        """All files named."""
        return list(self.files)


def read_amazon(
    config: AmazonGraph, *, left_out: list[str] | None = None, on_progress: Update | None = None
) -> KnowledgeGraph:
    """Read a graph from product metadata.

    Products (node type Product) have their asin as id, and the literals title, description, price and image; `brand`
    leads to `brand/NAME`, `in_category` to the last category of each path, `category/A > B > C`, and
    `parent_category` from there up the tree. Brands and categories have their name as title.

    Args:
        config: where, and what of it.
        left_out: is told what was left out, a line each, with its number and an example: records without an asin, all but
            the last of those with the same, prices that are no single number, edges to products without a record.
        on_progress: told how many files have been read.

    Raises:
        DataError: if a file is missing or damaged, or no product is there; the line is named.
    """
    facts = ProductFacts()
    for done, path in enumerate(config.files):
        for line, record in read_records(path):
            place = f"{path}:{line}" if line else str(path)
            facts.add(record, place, config.category_separator, related=config.related != "none")
            if on_progress is not None and facts.records % BLOCK == 0:
                on_progress(done, len(config.files), f"{path.name}: {facts.records:,} records")
    if not facts.asins:
        raise DataError("no product with an asin is there", path=config.files[0])
    graph, dropped = _graph(facts, config)
    if left_out is not None:
        left_out += dropped
    if on_progress is not None:
        on_progress(len(config.files), len(config.files), f"{facts.records:,} records")
    return graph


def _graph(facts: ProductFacts, config: AmazonGraph) -> tuple[KnowledgeGraph, list[str]]:
    """The graph, and what was left out of it."""
    asins = pa.array(facts.asins, WORD)
    kept = _last_of_each(asins)
    collector = TripleCollector()
    products = asins.filter(pa.array(kept))
    _add_kind(collector, products, "Product")
    for name, told in facts.literals.items():
        entity, value = _kept(told, kept, products)
        datatype = _same(DATATYPES[name], len(value)) if name in DATATYPES else None
        collector.add_literals(entity, _same(name, len(value)), value, datatype=datatype)
    outside, brands, leaves = 0, pa.array([], WORD), pa.array([], WORD)
    for name, told in facts.edges.items():
        head, tail = _kept(told, kept, products)
        if name == BRAND:
            brands = pc.unique(tail)
        elif name == CATEGORY:
            leaves = pc.unique(tail)
        elif config.related == "catalogue":
            inside = pc.is_in(tail, value_set=products)
            outside += len(tail) - (pc.sum(inside).as_py() or 0)
            if (at := pc.index(inside, False).as_py()) >= 0:
                shown = f"edges left out to products without a record: {name} from {head[at]} to {tail[at]}"
                facts.example.setdefault("outside", shown)
            head, tail = head.filter(inside), tail.filter(inside)
        if len(head):
            collector.add_edges(head, _same(name, len(head)), tail)
    _add_kind(collector, brands, "Brand")
    collector.add_literals(brands, _same("title", len(brands)), pc.utf8_slice_codeunits(brands, len("brand/")))
    _add_categories(collector, [facts.categories[leaf] for leaf in leaves.to_pylist()])
    repeated = int((~kept).sum())
    if repeated:
        at = int(np.flatnonzero(~kept)[0])
        facts.example["repeated"] = f"dropped since a later record has the same asin: {facts.asins[at]!r}"
    counts = {"without_id": facts.without_id, "repeated": repeated, "unpriced": facts.unpriced, "outside": outside}
    return collector.graph(), [f"{count:,} {facts.example[name]}" for name, count in counts.items() if count]


def _last_of_each(asins: Any) -> npt.NDArray[np.bool_]:
    codes = np.asarray(asins.dictionary_encode().indices)
    _, from_end = np.unique(codes[::-1], return_index=True)
    kept = np.zeros(len(codes), dtype=bool)
    kept[len(codes) - 1 - from_end] = True
    return kept


def _kept(told: Told, kept: npt.NDArray[np.bool_], products: Any) -> tuple[Any, Any]:
    """Product and value of each statement that stands."""
    rows, value = told.columns()
    stands = kept[rows]
    at = (np.cumsum(kept) - 1)[rows[stands]]
    # Decoded, since a dictionary keeps the values of what was filtered out.
    return pa.DictionaryArray.from_arrays(pa.array(at, pa.int32()), products), value.filter(
        pa.array(stands)
    ).dictionary_decode()


def _add_categories(collector: TripleCollector, paths: Iterable[tuple[str, ...]]) -> None:
    every = dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    ids = pa.array([category_id(path) for path in every], WORD)
    _add_kind(collector, ids, "Category")
    collector.add_literals(ids, _same("title", len(ids)), pa.array([path[-1] for path in every], WORD))
    lower = [path for path in every if len(path) > 1]
    child, parent = ([category_id(path) for path in side] for side in (lower, [path[:-1] for path in lower]))
    if lower:
        collector.add_edges(pa.array(child, WORD), _same(PARENT, len(lower)), pa.array(parent, WORD))


def _add_kind(collector: TripleCollector, entities: Any, kind: str) -> None:
    collector.add_types(entities, _same(kind, len(entities)))


def _same(text: str, n: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([text], WORD))
