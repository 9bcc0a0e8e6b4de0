"""Prices out of a graph's literals, whichever way they are written."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from plait.fusion.item_prices import ItemPrices, item_prices
from plait.fusion.query_price import Price
from plait.kg import IdMap, KnowledgeGraph
from plait.kg.literals import Literals

NONE = np.empty(0, dtype=np.int32)


def graph(*literals: tuple[int, str, str]) -> KnowledgeGraph:
    """Seven entities with these literals."""
    predicates = tuple(dict.fromkeys(name for _, name, _ in literals))
    nulls = pa.nulls(len(literals), pa.large_string()).dictionary_encode()
    table = Literals(
        np.array([entity for entity, _, _ in literals], dtype=np.int32),
        np.array([predicates.index(name) for _, name, _ in literals], dtype=np.int32),
        pa.array([value for _, _, value in literals], type=pa.large_string()),
        nulls,
        nulls,
        predicates,
    )
    return KnowledgeGraph.build(IdMap([f"e{n}" for n in range(7)]), (), NONE, NONE, NONE, literals=table)


ITEM_ENTITY = np.array([3, 0, -1, 6, 3])


def read(*literals: tuple[int, str, str]) -> tuple[list[float | None], list[str | None]]:
    prices = item_prices(graph(*literals), ITEM_ENTITY)
    assert prices is not None
    amounts = [None if np.isnan(amount) else float(amount) for amount in prices.amount]
    return amounts, prices.currency.to_pylist()


def test_prices_and_currencies_by_hand() -> None:
    amounts, currencies = read(
        (3, "https://schema.org/price", "19.99"),
        (3, "https://schema.org/price", "25"),
        (3, "https://schema.org/priceCurrency", "EUR"),
        (0, "https://schema.org/price", "$1,299.50"),
        (0, "https://schema.org/priceCurrency", "EUR"),
        (6, "https://schema.org/price", "from 12 to 15"),
        (5, "https://schema.org/price", "7"),
    )
    assert amounts == [19.99, 1299.5, None, None, 19.99]
    # What stands with the amount counts before what stands beside it.
    assert currencies == ["EUR", "USD", None, None, "EUR"]


def test_what_is_paid_comes_before_what_is_listed() -> None:
    amounts, _ = read((3, "list_price", "30"), (3, "lowPrice", "20"), (0, "list_price", "8"))
    assert amounts == [20, 8, None, None, 20]


def test_a_decimal_is_no_thousand() -> None:
    assert read((3, "price", "1.299"), (0, "price", "1.299 €"))[0] == [1.299, 1299, None, None, 1.299]


@pytest.mark.parametrize(
    "literals", [(), ((3, "weight", "12"),), ((3, "price", "ask us"),), ((5, "price", "3"),), ((3, "price", ""),)]
)
def test_where_no_item_has_a_price_there_are_none(literals: tuple[tuple[int, str, str], ...]) -> None:
    assert item_prices(graph(*literals), ITEM_ENTITY) is None
    assert item_prices(None, ITEM_ENTITY) is None


@pytest.mark.parametrize(
    ("price", "fit"),
    [
        (Price("at most", (20,), None, ""), [1, 1, -1, 0]),
        (Price("at least", (20,), None, ""), [-1, 1, 1, 0]),
        (Price("between", (15, 25), "EUR", ""), [-1, 1, 0, 0]),
        (Price("about", (20,), None, ""), [2 - 2 * np.log(2) / np.log(1.5), 1, 2 - 2 * np.log(1.5) / np.log(1.5), 0]),
        (Price("low", (), None, ""), [2 / 3, 0, -2 / 3, 0]),
        (Price("high", (), None, ""), [-2 / 3, 0, 2 / 3, 0]),
    ],
)
def test_fits_by_hand(price: Price, fit: list[float]) -> None:
    prices = ItemPrices(np.array([10.0, 20, 30, np.nan]), pa.array(["EUR", None, "USD", "EUR"], type=pa.large_string()))
    expected = np.clip(fit, -1, 1)
    assert prices.fit(price, np.ones(4, dtype=bool)) == pytest.approx(expected, abs=1e-6)
