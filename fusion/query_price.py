"""Price words in a query: "under 50 euro", "between 20 and 40", "cheap"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Price", "PriceOp", "currency_code", "leaning_of", "number_of", "price_of"]

PriceOp = Literal["at most", "at least", "between", "about", "low", "high"]

SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "元": "CNY"}
WORDS = {
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD",
    "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "chf": "CHF", "francs": "CHF", "franken": "CHF", "jpy": "JPY",
    "yen": "JPY", "cny": "CNY", "rmb": "CNY", "yuan": "CNY", "inr": "INR", "rupees": "INR", "sek": "SEK", "cad": "CAD",
    "aud": "AUD", "pln": "PLN",
}  # fmt: skip

LOW = frozenset(
    [
        "cheap",
        "cheapest",
        "inexpensive",
        "affordable",
        "low-priced",
        "günstig",
        "günstige",
        "billig",
        "billige",
        "preiswert",
    ]
)
HIGH = frozenset(["expensive", "luxury", "luxurious", "pricey", "teuer", "teure", "luxus"])
UNITS = frozenset(
    [
        "%",
        "inch",
        "inches",
        "in",
        "cm",
        "mm",
        "m",
        "meter",
        "meters",
        "metre",
        "metres",
        "km",
        "ft",
        "feet",
        "foot",
        "yards",
        "kg",
        "g",
        "gram",
        "grams",
        "lb",
        "lbs",
        "oz",
        "ounces",
        "ml",
        "l",
        "liter",
        "liters",
        "litre",
        "litres",
        "w",
        "watt",
        "watts",
        "kw",
        "v",
        "volt",
        "volts",
        "mah",
        "ah",
        "hz",
        "khz",
        "mhz",
        "ghz",
        "db",
        "gb",
        "mb",
        "tb",
        "min",
        "mins",
        "minutes",
        "minuten",
        "h",
        "hour",
        "hours",
        "stunden",
        "days",
        "tage",
        "weeks",
        "months",
        "monate",
        "year",
        "years",
        "jahre",
        "jahren",
        "people",
        "persons",
        "personen",
        "pages",
        "seiten",
        "degrees",
    ]
)
"""What a bare number counts where it is no price."""

CURRENCY = "[€$£¥₹元]|(?:" + "|".join(sorted(WORDS, key=len, reverse=True)) + r")\b"
NUMBER = r"\d{1,3}(?:[.,]\d{3}){1,3}(?:[.,]\d{1,2})?(?!\d)|\d{1,9}(?:[.,]\d{1,2})?(?!\d)"


def _amount(at: int) -> str:
    return rf"(?:(?P<a{at}>{CURRENCY})\s?)?(?P<n{at}>{NUMBER})(?:\s?(?P<b{at}>{CURRENCY}))?"


AT_MOST = (
    "under|below|less than|cheaper than|at most|up to|no more than|max(?:imum)?(?: of)?|unter|bis(?: zu)?|höchstens"
)
AT_LEAST = "over|above|more than|at least|min(?:imum)?(?: of)?|über|ab|mindestens|mehr als"
ABOUT = r"around|about|approximately|circa|ca\.?|etwa|ungefähr|for|für"
SAID: tuple[tuple[PriceOp, bool, str], ...] = (
    ("between", False, rf"\b(?:between|from|zwischen|von)\s{_amount(0)}\s?(?:and|to|und|bis|-|–)\s?{_amount(1)}"),
    ("between", True, rf"(?<![\w.,]){_amount(0)}\s?(?:-|–|to|bis)\s?{_amount(1)}"),
    ("at most", False, rf"(?:\b(?:{AT_MOST})\s|<=?\s?|≤\s?){_amount(0)}"),
    ("at least", False, rf"(?:\b(?:{AT_LEAST})\s|>=?\s?|≥\s?){_amount(0)}"),
    ("about", True, rf"(?:\b(?:{ABOUT})\s)?(?<![\w.,]){_amount(0)}"),
)
PATTERNS = tuple((op, named, re.compile(pattern, re.IGNORECASE)) for op, named, pattern in SAID)
"""What is meant, whether a currency must be named for it to be a price, and how it is said; the first that fits counts."""


@dataclass(frozen=True)
class Price:
    """What a query says of the price.

    Attributes:
        op: what is wished; "low" and "high" name no amount.
        value: the amounts, in the query's currency: two for "between", one or none else.
        currency: ISO code, None where none is named.
        words: how the query says it.
    """

    op: PriceOp
    value: tuple[float, ...]
    currency: str | None
    words: str


def price_of(query: str, *, bare: bool) -> tuple[Price, tuple[int, int]] | None:
    """The first amount that a query names as a price, and from where to where it stands; None where there is none.

    Args:
        query: as it was typed.
        bare: whether an amount without a currency counts too ("under 50", but not "under 50 inches").
    """
    for op, named, pattern in PATTERNS:
        for match in pattern.finditer(query):
            currency = next((code for part in _parts(match, "ab") if (code := currency_code(part))), None)
            if currency is None and (named or not bare or _counts_something(query, match.end())):
                continue
            values = tuple(sorted(value for part in _parts(match, "n") if (value := number_of(part)) is not None))
            if values:
                return Price(op, values, currency, " ".join(match[0].split())), match.span()
    return None


def leaning_of(word: str) -> PriceOp | None:
    """What one word says of the price without an amount: "cheap" is "low"."""
    return "low" if word in LOW else "high" if word in HIGH else None


def currency_code(written: str | None) -> str | None:
    """ISO code of a currency's sign, name or code, None where it is none."""
    if not written:
        return None
    return SYMBOLS.get(written) or WORDS.get(written.lower().strip())


def number_of(written: str) -> float | None:
    """An amount with points or commas by thousands or before cents; None where it is none.

    "1,299.50", "1.299,50", "1299.5" and "19,99" are read as meant; a single mark with three digits after it parts thousands.
    """
    digits = written.strip().rstrip(".,")
    marks = [mark for mark in digits if mark in ".,"]
    if marks and (len(set(marks)) == 2 or len(digits) - 1 - digits.rfind(marks[-1]) != 3):
        whole, _, cents = digits.rpartition(marks[-1])
        if marks[-1] in whole:
            return None
        digits = whole.replace(",", "").replace(".", "") + "." + cents
    else:
        digits = digits.replace(",", "").replace(".", "")
    try:
        return float(digits)
    except ValueError:
        return None


def _parts(match: re.Match[str], kinds: str) -> list[str]:
    return [part for name, part in match.groupdict().items() if name[0] in kinds and part]


def _counts_something(query: str, end: int) -> bool:
    """Whether a unit follows, or a letter at once: "under 50 inches", "under 50mm"."""
    rest = query[end : end + 20]
    following = rest.split()
    return rest[:1].isalpha() or (bool(following) and following[0].strip(".,;:!?").lower() in UNITS)
