"""What the fields of a product's record say, across the spellings of the published sets of Amazon metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any

from .records import Record

__all__ = ["RELATED", "brand_of", "category_paths", "id_of", "image_of", "price_of", "related_to", "text_of"]

RELATED = {
    "also_bought": "also_bought", "also_buy": "also_bought", "also_viewed": "also_viewed", "also_view": "also_viewed",
    "bought_together": "bought_together", "buy_after_viewing": "buy_after_viewing",
}  # fmt: skip
"""Relation by the field's name: one relation for the spellings of 2014 and 2018."""

IMAGES = ("imUrl", "imageURLHighRes", "imageURL", "image", "images")
# A price with cents in digits, perhaps with a currency sign and commas by thousands. A range is no price.
PRICE = re.compile(r"\s*[$£€]?\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*")


def id_of(record: Record) -> str | None:
    """The product's id, None where there is none."""
    for name in ("asin", "parent_asin"):
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def text_of(value: Any) -> str | None:
    """A text, or the paragraphs of a list of texts; HTML's entities resolved; None where nothing is left."""
    parts = value if isinstance(value, list) else [value]
    text = "\n".join(unescape(part).strip() for part in parts if isinstance(part, str) and part.strip())
    return text or None


def brand_of(record: Record) -> str | None:
    """The brand's name."""
    return text_of(record.get("brand")) or text_of(record.get("store"))


def price_of(record: Record) -> str | None:
    """The price as a decimal number, None where there is none or several."""
    value = record.get("price")
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        # A decimal of XML Schema has no exponent: 0.00001, not 1e-05.
        return format(Decimal(str(value)), "f") if 0 <= value < float("inf") else None
    match = PRICE.fullmatch(value) if isinstance(value, str) else None
    return match[1].replace(",", "") if match else None


def image_of(record: Record) -> str | None:
    """Address of the first picture."""
    for name in IMAGES:
        value = record.get(name)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict):
            first = next((first[size] for size in ("hi_res", "large", "thumb") if first.get(size)), None)
        if isinstance(first, str) and first.strip():
            return first.strip()
    return None


def category_paths(record: Record, separator: str) -> Iterator[tuple[str, ...]]:
    """Category paths, root first: of a list of lists, of a list, or of a text with separators."""
    value = record.get("categories") or record.get("category") or ()
    if isinstance(value, str):
        value = value.split(separator)
    paths = value if value and all(isinstance(part, list) for part in value) else [value]
    for path in paths:
        names = []
        for part in path:
            # In the set of 2018 pieces of the page follow the category.
            if not isinstance(part, str) or "</" in part:
                break
            names.append(unescape(part).strip())
        if kept := tuple(name for name in names if name):
            yield kept


def related_to(record: Record) -> Iterator[tuple[str, list[str]]]:
    """Each relation with the ids of the products that are related so."""
    nested = record.get("related")
    for fields in (record, nested if isinstance(nested, dict) else {}):
        for name, relation in RELATED.items():
            others = fields.get(name)
            ids = [other.strip() for other in others if isinstance(other, str)] if isinstance(others, list) else []
            if named := [other for other in ids if other]:
                yield relation, named
