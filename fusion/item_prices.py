"""Prices of items, where the graph states them: what "under 50 euro" is held against."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..kg import KnowledgeGraph, local_name
from .query_price import Price, PriceOp, currency_code, number_of

__all__ = ["ItemPrices", "item_prices"]

PRICES = ("price", "saleprice", "lowprice", "unitprice", "listprice", "baseprice")
"""Local names of predicates that state a price, in lower case without underscores, those that are paid first."""
CURRENCIES = ("pricecurrency", "currency")

WITHIN = 1.5
"""A price is "about" another up to this factor."""

T = TypeVar("T")

PLAIN = re.compile(r"\s*\d{1,15}(\.\d{1,9})?\s*")
STATED = re.compile(r"\s*([^\d\s.,+-]{0,4})\s*(\d[\d.,]{0,20})\s*([^\d\s.,+-]{0,4})\s*")


@dataclass(frozen=True, eq=False)
class ItemPrices:
    """What items cost.

    Attributes:
        amount: the price, NaN where unknown, shape (items,).
        currency: ISO code where it is stated, large_string with nulls, one an item.
    """

    amount: npt.NDArray[np.float64]
    currency: pa.Array

    def fit(self, price: Price, among: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """1 where a price is as wished, -1 where it is not, between them by degrees, 0 where it is unknown; (items,).

        An amount in another currency than the wish is unknown: nothing is converted.

        Args:
            price: the wish.
            among: the items that "cheap" is measured by, shape (items,).
        """
        known = ~np.isnan(self.amount)
        if price.currency is not None:
            same = pc.fill_null(pc.equal(self.currency, price.currency), True)
            known &= same.to_numpy(zero_copy_only=False)
        fit = np.zeros(len(self.amount), dtype=np.float32)
        amount = self.amount[known]
        fit[known] = _leaning(price.op, amount, self.amount[known & among]) if not price.value else _fit(price, amount)
        return fit


def _leaning(op: PriceOp, amount: npt.NDArray[np.float64], among: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """How low, or high, amounts stand among others: from -1 to 1."""
    ordered = np.sort(among)
    middle = (np.searchsorted(ordered, amount, "left") + np.searchsorted(ordered, amount, "right")) / 2
    rank = middle / max(len(ordered), 1) * 2 - 1
    return np.asarray(-rank if op == "low" else rank, dtype=np.float32)


def _fit(price: Price, amount: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    low, high = min(price.value), max(price.value)
    if price.op == "about":
        with np.errstate(divide="ignore"):
            off = np.abs(np.log(amount / max(low, 0.01))) / np.log(WITHIN)
        return np.asarray(np.clip(2 - 2 * off, -1, 1), dtype=np.float32)
    fits = {"at most": amount <= low, "at least": amount >= low, "between": (amount >= low) & (amount <= high)}
    return np.where(fits[price.op], np.float32(1), np.float32(-1))


def item_prices(knowledge: KnowledgeGraph | None, item_entity: npt.NDArray[np.int64]) -> ItemPrices | None:
    """Prices of items from the literals of their entities; None where not one is stated.

    Of several prices of an item the first predicate of `PRICES` counts, and of that the first literal. A value that is
    no single amount (a range, a word) is unknown.

    Args:
        knowledge: the graph.
        item_entity: entity of each item, -1 for none, shape (items,).
    """
    if knowledge is None:
        return None
    values = _values(knowledge, PRICES, item_entity)
    codes, read = _by_value(values, _read)
    amount = np.array([np.nan if one is None else one[0] for one in read])[codes]
    if np.isnan(amount).all():
        return None
    within = pa.array([None if one is None else one[1] for one in read], type=pa.large_string()).take(pa.array(codes))
    codes, beside = _by_value(_values(knowledge, CURRENCIES, item_entity), currency_code)
    return ItemPrices(amount, pc.coalesce(within, pa.array(beside, type=pa.large_string()).take(pa.array(codes))))


def _values(knowledge: KnowledgeGraph, names: tuple[str, ...], item_entity: npt.NDArray[np.int64]) -> pa.Array:
    """The first value of the best of some predicates, null where an item has none; large_string, one an item."""
    literals = knowledge.literals
    short = [local_name(predicate).lower().replace("_", "") for predicate in literals.predicates]
    row_of = np.full(knowledge.n_entities + 1, -1, dtype=np.int64)
    for name in reversed(names):
        for number in (number for number, other in enumerate(short) if other == name):
            rows = np.flatnonzero(literals.predicate == number)[::-1]
            row_of[literals.entity[rows]] = rows  # of an entity's several the one written last stays: its first
    at = row_of[item_entity]  # an item without an entity looks at the last place, where there is nothing
    return literals.value.take(pa.array(at, mask=at < 0)) if len(literals) else pa.nulls(len(at), pa.large_string())


def _by_value(values: pa.Array, read: Callable[[str], T | None]) -> tuple[npt.NDArray[np.int64], list[T | None]]:
    """What each distinct value reads as, and which of them each row has; a null reads as None."""
    encoded = values.dictionary_encode()
    distinct = [read(value) for value in encoded.dictionary.to_pylist()]
    return np.asarray(encoded.indices.fill_null(len(distinct)), dtype=np.int64), [*distinct, None]


def _read(value: str) -> tuple[float, str | None] | None:
    """Amount and currency of a stated price, None where it is not one amount."""
    if PLAIN.fullmatch(value):  # "1.299" in a graph is a decimal, and no thousand
        return float(value), None
    match = STATED.fullmatch(value)
    amount = None if match is None else number_of(match[2])
    if match is None or amount is None:
        return None
    return amount, currency_code(match[1]) or currency_code(match[3])
