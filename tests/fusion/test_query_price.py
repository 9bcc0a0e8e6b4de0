"""Amounts and price words in a query: what is a price, and what is not."""

from __future__ import annotations

import time

import pytest

from plait.fusion.query_price import currency_code, leaning_of, number_of, price_of


@pytest.mark.parametrize(
    ("query", "op", "value", "currency", "words"),
    [
        ("drill under 50 euro", "at most", (50,), "EUR", "under 50 euro"),
        ("drill under €50 for home", "at most", (50,), "EUR", "under €50"),
        ("unter 50 Euro", "at most", (50,), "EUR", "unter 50 Euro"),
        ("up to 1,000 dollars", "at most", (1000,), "USD", "up to 1,000 dollars"),
        ("lamp < 30", "at most", (30,), None, "< 30"),
        ("tv over 1.299,50 €", "at least", (1299.5,), "EUR", "over 1.299,50 €"),
        ("at least 20 pounds", "at least", (20,), "GBP", "at least 20 pounds"),
        ("between 40 and 20 lamps", "between", (20, 40), None, "between 40 and 20"),
        ("zwischen 20 und 40 Euro", "between", (20, 40), "EUR", "zwischen 20 und 40 Euro"),
        ("$20-$40 drill", "between", (20, 40), "USD", "$20-$40"),
        ("about £30", "about", (30,), "GBP", "about £30"),
        ("lamp 19,99 eur", "about", (19.99,), "EUR", "19,99 eur"),
    ],
)
def test_a_price_is_read(query: str, op: str, value: tuple[float, ...], currency: str | None, words: str) -> None:
    found = price_of(query, bare=True)
    assert found is not None
    price, (start, stop) = found
    assert (price.op, price.value, price.currency, price.words) == (op, value, currency, words)
    assert query[start:stop].split() == words.split()


@pytest.mark.parametrize(
    "query",
    [
        "12 angry men",
        "1995-1997",
        "under 50 inches",
        "over 20mm",
        "under 10 minutes",
        "model 20-40",
        "drill",
        "",
        "under",
    ],
)
def test_other_numbers_are_no_price(query: str) -> None:
    assert price_of(query, bare=True) is None


def test_without_prices_only_a_currency_makes_an_amount_one() -> None:
    assert price_of("films under 90", bare=False) is None
    assert price_of("films under 90 dollars", bare=False) is not None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,299.50", 1299.5), ("1.299,50", 1299.5), ("1299.5", 1299.5), ("19,99", 19.99), ("1,000", 1000.0),
        ("12.345.678", 12_345_678.0), ("7", 7.0), ("1.2.3", None), ("", None), (".", None), ("x", None),
    ],
)  # fmt: skip
def test_numbers_in_either_spelling(written: str, number: float | None) -> None:
    assert number_of(written) == number


def test_currencies_and_leanings() -> None:
    assert [currency_code(c) for c in ("€", "Euro", "USD", "元", "x", "", None)] == [
        "EUR",
        "EUR",
        "USD",
        "CNY",
        None,
        None,
        None,
    ]
    assert [leaning_of(word) for word in ("cheap", "günstig", "expensive", "drill")] == ["low", "low", "high", None]


@pytest.mark.parametrize(
    "query", ["1" * 2000, "under " * 330, "1,111" * 400, "$ " * 1000, "between 1 and " * 140, "1-" * 1000]
)
def test_no_query_is_slow_to_read(query: str) -> None:
    began = time.perf_counter()
    price_of(query, bare=True)
    assert time.perf_counter() - began < 0.5
