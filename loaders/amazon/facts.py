"""What product records tell, gathered into columns."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .fields import brand_of, category_paths, id_of, image_of, price_of, related_to, text_of
from .records import Record

__all__ = ["BRAND", "CATEGORY", "ProductFacts", "Told", "category_id"]

BLOCK = 50_000
WORD = pa.large_string()
BRAND, CATEGORY = "brand", "in_category"


@dataclass
class Told:
    """Statements of one name: how many are about which row of the products, and their values."""

    row: array[int] = field(default_factory=lambda: array("q"))
    count: array[int] = field(default_factory=lambda: array("q"))
    fresh: list[str] = field(default_factory=list)
    blocks: list[Any] = field(default_factory=list)

    def add(self, row: int, values: list[str]) -> None:
        """More statements about one product."""
        self.row.append(row)
        self.count.append(len(values))
        self.fresh += values
        if len(self.fresh) >= BLOCK:
            self._pack()

    def _pack(self) -> None:
        # What repeats is kept once a block.
        self.blocks.append(pa.array(self.fresh, WORD).dictionary_encode())
        self.fresh = []

    def columns(self) -> tuple[npt.NDArray[np.int64], Any]:
        """The row and the value of each statement."""
        self._pack()
        whole = pa.chunked_array(self.blocks).combine_chunks()
        return np.repeat(np.frombuffer(self.row, dtype=np.int64), np.frombuffer(self.count, dtype=np.int64)), whole


class ProductFacts:
    """What the records tell, in columns; repeated products still among them.

    Attributes:
        records: records seen.
        without_id: records without an id, which are passed over.
        unpriced: products whose price is stated but is no single number.
        example: one of each of these, in words.
        asins: id of each product, by row.
        literals, edges: statements about the products, by the name of the literal or relation.
        categories: path of each category that a product names, by its id.
    """

    def __init__(self) -> None:
        self.records = self.without_id = self.unpriced = 0
        self.example: dict[str, str] = {}
        self.asins: list[str] = []
        self.literals: defaultdict[str, Told] = defaultdict(Told)
        self.edges: defaultdict[str, Told] = defaultdict(Told)
        self.categories: dict[str, tuple[str, ...]] = {}

    def add(self, record: Record, place: str, separator: str, *, related: bool) -> None:
        """Take in one record; `place` names it for messages, `related` says whether other products it names count."""
        self.records += 1
        asin = id_of(record)
        if asin is None:
            self.without_id += 1
            self.example.setdefault("without_id", f"dropped without an asin: the record at {place}")
            return
        row = len(self.asins)
        self.asins.append(asin)
        price = price_of(record)
        if price is None and record.get("price") not in (None, ""):
            self.unpriced += 1
            shown = f"price left out as no single number: {str(record['price'])[:40]!r} of {asin!r}"
            self.example.setdefault("unpriced", shown)
        described = {
            "title": text_of(record.get("title")), "description": text_of(record.get("description")),
            "price": price, "image": image_of(record),
        }  # fmt: skip
        for name, value in described.items():
            if value is not None:
                self.literals[name].add(row, [value])
        if (brand := brand_of(record)) is not None:
            self.edges[BRAND].add(row, [f"brand/{brand}"])
        for path in category_paths(record, separator):
            leaf = category_id(path)
            self.categories[leaf] = path
            self.edges[CATEGORY].add(row, [leaf])
        if related:
            for relation, others in related_to(record):
                self.edges[relation].add(row, others)


def category_id(path: tuple[str, ...]) -> str:
    """Id of a category: its whole path, since equal names in two branches are two categories."""
    return "category/" + " > ".join(path)
