"""The shop example: a home, garden and electronics shop that never was, its graph and its purchases, from a seed."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...kg import whole_file
from .shop_words import AUDIENCES, BOUGHT_AGAIN, BRANDS, COLOURS, GROUPS, MIDDLES, OPENINGS, PRAISE, SEASON

__all__ = ["ShopSummary", "write_shop"]

_OPENED = datetime(2024, 7, 1, tzinfo=UTC)
_DAY = 86_400
_DAYS = 549  # 18 months: to the end of 2025

_LATE = 0.12  # share of the products that come out in the last five months
_COLD = 0.08  # share of the customers with one or two purchases
_UNKNOWN = 0.02  # share of the products the graph does not know
_CHOOSY = 1.6  # how much taste weighs against chance
_GIFTS = 0.10  # share of the purchases that say nothing of the customer's own taste

_BASE = "https://plait.example/shop/"
_SCHEMA = "https://schema.org/"
_RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_RDFS_LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_DECIMAL = "<http://www.w3.org/2001/XMLSchema#decimal>"

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ShopSummary:
    """What `write_shop` wrote.

    Attributes:
        customers: customers, each with a purchase.
        products: products, whether bought or not.
        brands: brands in the graph.
        categories: categories in the graph, on three levels.
        linked: products the graph knows.
        triples: statements in `shop.nt.gz`.
        purchases: rows of `purchases.csv`.
        late_products: products that came out in the last five months.
        cold_customers: customers with one or two purchases.
    """

    customers: int
    products: int
    brands: int
    categories: int
    linked: int
    triples: int
    purchases: int
    late_products: int
    cold_customers: int


def write_shop(folder: Path, *, seed: int, customers: int = 800, products: int = 600) -> ShopSummary:
    """Write a shop's graph and eighteen months of its purchases: the same bytes for the same seed.

    Into `folder`, made where missing, go `shop.nt.gz` (the graph: products with name, description, price, colour and
    material, brands, and a tree of categories, in the words of schema.org and SKOS), `purchases.csv`
    (`customer,product,quantity,at`, by time) and `links.csv` (`item_id,entity`: SKU to product IRI, without the one
    product in fifty that the graph does not know). Each file appears whole or not at all.

    A purchase is drawn from a softmax over the products out by then. Its logit adds up the customer's liking for the
    category (which drifts), the brand, the price, the colour, the material and whom the product is made for, the
    product's own appeal, the season and what the customer bought before. One purchase in ten is a gift: no taste in it.

    Raises:
        ValueError: if there is not at least one customer and one product.
    """
    if customers < 1 or products < 1:
        raise ValueError(f"a shop needs at least one customer and one product, not {customers} and {products}")
    rng = np.random.default_rng(seed)
    stock = _stock(rng, products)
    rows = _purchases(rng, stock, _purchase_counts(rng, customers))
    known = np.sort(rng.permutation(products)[round(_UNKNOWN * products) :])
    folder.mkdir(parents=True, exist_ok=True)
    triples = list(dict.fromkeys(_triples(stock, known)))
    _write_gzip(folder / "shop.nt.gz", "".join(triples))
    _write_csv(folder / "purchases.csv", ("customer", "product", "quantity", "at"), rows)
    links = ((_sku(p), _product(stock, p).strip("<>")) for p in known)
    _write_csv(folder / "links.csv", ("item_id", "entity"), links)
    is_a = [triple.split(" ", 2)[2] for triple in triples if f" {_RDF_TYPE} " in triple]
    return ShopSummary(
        customers=customers,
        products=products,
        brands=is_a.count(f"<{_SCHEMA}Brand> .\n"),
        categories=is_a.count(f"<{_SKOS}Concept> .\n"),
        linked=len(known),
        triples=len(triples),
        purchases=len(rows),
        late_products=int((stock.out_from > 0).sum()),
        cold_customers=sum(count <= 2 for count in Counter(customer for customer, *_ in rows).values()),
    )


# The stock


class _Leaf(NamedTuple):
    group: int
    name: str
    noun: str
    price: float
    sizes: list[str]
    materials: list[str]


def _leaf(group: int, line: str) -> _Leaf:
    name, noun, price, sizes, materials = line.split("|")
    return _Leaf(group, name, noun, float(price), sizes.split(","), materials.split(","))


_LEAVES = tuple(_leaf(number, line) for number, group in enumerate(GROUPS) for line in group.leaves)
_MATERIALS = tuple(sorted({material for leaf in _LEAVES for material in leaf.materials}))
_GROUP_OF = np.array([leaf.group for leaf in _LEAVES])


@dataclass(frozen=True, eq=False)
class _Stock:
    """All n products in columns: arrays have shape (n,), only `style` has (n, 3)."""

    leaf: _Ints
    brand: _Ints
    colour: _Ints
    material: _Ints
    audience: _Ints
    expense: _Floats  # log of the price over what is usual in the category
    appeal: _Floats
    style: _Floats  # what no graph and no text tells: only those who like the same things show it
    out_from: _Ints  # seconds after the shop opened
    names: tuple[str, ...]
    descriptions: tuple[str, ...]

    @property
    def group(self) -> _Ints:
        return _GROUP_OF[self.leaf]

    def price(self, product: int) -> str:
        usual = _LEAVES[self.leaf[product]].price
        return f"{max(1, round(usual * float(np.exp(self.expense[product])))) - 0.01:.2f}"


def _stock(rng: np.random.Generator, n: int) -> _Stock:
    tier = rng.choice(len(PRAISE), len(BRANDS), p=(0.3, 0.45, 0.25))
    leaf = rng.choice(len(_LEAVES), n, p=rng.dirichlet(np.full(len(_LEAVES), 6.0)))
    brand = _brand_of(rng, leaf)
    material = np.array([_MATERIALS.index(rng.choice(_LEAVES[i].materials)) for i in leaf])
    colour, audience = rng.integers(0, len(COLOURS), n), rng.integers(0, len(AUDIENCES), n)
    names = tuple(_name(i, _LEAVES[leaf[i]], BRANDS[brand[i]]) for i in range(n))
    descriptions = tuple(
        _describe(rng, _LEAVES[leaf[i]], int(tier[brand[i]]), {
            "name": names[i], "brand": BRANDS[brand[i]], "material": _MATERIALS[material[i]],
            "colour": COLOURS[colour[i]], "audience": AUDIENCES[audience[i]]})
        for i in range(n)
    )  # fmt: skip
    return _Stock(
        leaf=leaf,
        brand=brand,
        colour=colour,
        material=material,
        audience=audience,
        expense=0.45 * (tier[brand] - 1.0) + rng.normal(0, 0.15, n),
        appeal=rng.normal(0, 1.5, n) + 0.25 * tier[brand],  # better brands please more, whatever they cost
        style=rng.normal(0, 1, (n, 3)),
        out_from=_out_from(rng, n),
        names=names,
        descriptions=descriptions,
    )


def _brand_of(rng: np.random.Generator, leaf: _Ints) -> _Ints:
    """A brand for each product, one of the four at home in its group; shape (n,)."""
    homes = [rng.permutation(len(BRANDS))[:4] for _ in GROUPS]
    share = rng.dirichlet(np.full(4, 3.0), len(GROUPS))
    return np.array([homes[g][rng.choice(4, p=share[g])] for g in _GROUP_OF[leaf]], dtype=np.int64)


def _out_from(rng: np.random.Generator, n: int) -> _Ints:
    """When each product comes out, shape (n,): most are there from the start, the rest come in the last five months."""
    late = rng.permutation(n)[: round(_LATE * n)]
    out_from = np.zeros(n, dtype=np.int64)
    out_from[late] = rng.integers(_DAYS - 150, _DAYS - 5, len(late)) * _DAY
    return out_from


def _name(number: int, leaf: _Leaf, brand: str) -> str:
    noun = leaf.noun.rsplit(" of ", 1)[-1]
    return f"{brand} {chr(65 + number % 26)}{100 + number} {noun.title()}"


def _describe(rng: np.random.Generator, leaf: _Leaf, tier: int, words: dict[str, str]) -> str:
    """Three or four sentences: what it is, two or three things about it, a word of praise."""

    def one_of(choices: Sequence[str]) -> str:
        return choices[int(rng.integers(len(choices)))]

    about = rng.permutation(len(MIDDLES))[: rng.integers(2, 4)]
    sentences = [one_of(OPENINGS), *(one_of(MIDDLES[i]) for i in about), one_of(PRAISE[tier])]
    a_noun = f"{'an' if leaf.noun[0] in 'aeiou' else 'a'} {leaf.noun}"
    size, use = one_of(leaf.sizes), one_of(GROUPS[leaf.group].uses)
    return " ".join(sentences).format(**words, noun=leaf.noun, a_noun=a_noun, size=size, use=use)


# The customers and what they buy


def _purchase_counts(rng: np.random.Generator, customers: int) -> _Ints:
    """How many purchases each customer makes, shape (customers,): a few make many, some hardly any."""
    counts = np.clip(np.rint(rng.lognormal(2.9, 0.7, customers)), 3, 150).astype(np.int64)
    cold = rng.permutation(customers)[: round(_COLD * customers)]
    counts[cold] = rng.integers(1, 3, len(cold))
    return counts


def _purchases(rng: np.random.Generator, stock: _Stock, counts: _Ints) -> list[tuple[str, str, int, str]]:
    """Rows of `purchases.csv`, by time; a product put twice into one order is one row."""
    quantity: Counter[tuple[int, int, int]] = Counter()
    season = _season(stock)
    for customer, count in enumerate(counts):
        times = _times(rng, int(count))
        products = _choices(rng, stock, season, times)
        for at, product, number in zip(times, products, rng.geometric(0.85, count).tolist(), strict=True):
            quantity[at, customer, product] += number
    return [(f"C{c:05d}", _sku(p), number, _stamp(at)) for (at, c, p), number in sorted(quantity.items())]


def _times(rng: np.random.Generator, count: int) -> list[int]:
    """Seconds after the opening of a customer's purchases, ascending; an order may hold several."""
    joined = int(rng.integers(0, _DAYS * 3 // 4)) if rng.random() < 0.5 else 0
    busy = _BUSY[joined:]
    days = rng.choice(np.arange(joined, _DAYS), count, p=busy / busy.sum())
    hours = np.clip(rng.normal(15.5, 4, count), 0, 23.99)
    times: list[int] = np.sort(days * _DAY + (hours * 3600).astype(np.int64)).tolist()
    same_order = rng.random(count) < 0.3
    for i in range(1, count):
        times[i] = times[i - 1] if same_order[i] else times[i]
    return times


def _choices(rng: np.random.Generator, stock: _Stock, season: _Floats, times: list[int]) -> list[int]:
    """The products one customer buys at these times.

    Args:
        season: logit of each product in each calendar month, shape (12, n).
        times: seconds after the opening, ascending.
    """
    first, last, lasting = _tastes(rng, stock)
    gift = rng.random(len(times)) < _GIFTS
    # The largest of the logits plus Gumbel noise is a draw from their softmax.
    noise = rng.gumbel(size=(len(times), len(stock.leaf)))
    owned = np.zeros(len(stock.leaf))
    group = stock.group
    chosen: list[int] = []
    for i, at in enumerate(times):
        drift = at / (_DAYS * _DAY)
        taste = 0.0 if gift[i] else _CHOOSY * ((1 - drift) * first + drift * last + lasting)
        project = 0.8 * (group == group[chosen[-1]]) if chosen else 0.0
        logit = taste + project + stock.appeal + season[_time(at).month - 1] + owned + noise[i]
        product = int(np.where(stock.out_from <= at, logit, -np.inf).argmax())
        chosen.append(product)
        owned[product] = -3.0 if _LEAVES[stock.leaf[product]].name in BOUGHT_AGAIN else -8.0
    return chosen


def _tastes(rng: np.random.Generator, stock: _Stock) -> tuple[_Floats, _Floats, _Floats]:
    """One customer's logit for each product, shape (n,): for its category at first, at last, and for all else."""
    first = _interest(rng)
    # Most of a taste stays: its category logits at last share three quarters of their weight with those at first.
    last = 0.75 * first + 0.65 * _interest(rng)
    brand = rng.normal(0, 0.5, len(BRANDS))
    brand[rng.permutation(len(BRANDS))[:4]] += 2.0
    colour, material = rng.normal(0, 0.5, len(COLOURS)), rng.normal(0, 0.6, len(_MATERIALS))
    audience, style = rng.normal(0, 0.8, len(AUDIENCES)), rng.normal(0, 0.7, 3)
    spends, minds = rng.normal(0, 0.4), rng.gamma(4, 0.6)
    lasting = brand[stock.brand] + colour[stock.colour] + material[stock.material] + audience[stock.audience]
    lasting += stock.style @ style - minds * (stock.expense - spends) ** 2
    return first[stock.leaf], last[stock.leaf], lasting


def _interest(rng: np.random.Generator) -> _Floats:
    """A customer's logit for each category, shape (leaves,): liking a department lifts all that lies under it."""
    department = {name: rng.normal(0, 0.8) for name in SEASON}
    group = np.array([department[group.department] + rng.normal(0, 1.2) for group in GROUPS])
    return np.asarray(group[_GROUP_OF] + rng.normal(0, 0.9, len(_LEAVES)))


def _season(stock: _Stock) -> _Floats:
    """Logit of each product in each calendar month, shape (12, n)."""
    of_group = np.log([SEASON[group.department] for group in GROUPS])
    return np.asarray(of_group[stock.group].T)


def _time(at: int) -> datetime:
    return _OPENED + timedelta(seconds=at)


# How busy each day is, shape (days,): as the departments are in its month, and half as busy again on Saturdays.
_BUSY = np.array([
    sum(months[day.month - 1] for months in SEASON.values()) * (1.5 if day.weekday() == 5 else 1)
    for day in (_time(number * _DAY) for number in range(_DAYS))
])  # fmt: skip


def _stamp(at: int) -> str:
    return _time(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sku(product: int) -> str:
    return f"SKU-{product + 1:04d}"


# Writing


def _triples(stock: _Stock, known: _Ints) -> Iterator[str]:
    """Lines of N-Triples about the products in `known`, their brands and categories; these may repeat."""
    for p in known:
        leaf = _LEAVES[stock.leaf[p]]
        yield from _category(leaf)
        brand, category = _iri(f"brand/{_slug(BRANDS[stock.brand[p]])}"), _category_iri(_path_of(leaf))
        yield from _named(brand, f"{_SCHEMA}Brand", BRANDS[stock.brand[p]])
        product = _product(stock, p)
        yield f"{product} {_RDF_TYPE} <{_SCHEMA}Product> .\n"
        yield f"{product} <{_SCHEMA}brand> {brand} .\n"
        yield f"{product} <{_SCHEMA}category> {category} .\n"
        for name, text in (
            ("name", stock.names[p]),
            ("description", stock.descriptions[p]),
            ("color", COLOURS[stock.colour[p]]),
            ("material", _MATERIALS[stock.material[p]]),
        ):
            yield f"{product} <{_SCHEMA}{name}> {_literal(text)} .\n"
        yield f'{product} <{_SCHEMA}price> "{stock.price(p)}"^^{_DECIMAL} .\n'


def _category(leaf: _Leaf) -> Iterator[str]:
    """Statements about a category and those above it."""
    path = _path_of(leaf)
    for depth in range(1, len(path) + 1):
        category = _category_iri(path[:depth])
        yield from _named(category, f"{_SKOS}Concept", path[depth - 1])
        if depth > 1:
            yield f"{category} <{_SKOS}broader> {_category_iri(path[: depth - 1])} .\n"


def _named(iri: str, kind: str, label: str) -> Iterator[str]:
    yield f"{iri} {_RDF_TYPE} <{kind}> .\n"
    yield f"{iri} {_RDFS_LABEL} {_literal(label)} .\n"


def _path_of(leaf: _Leaf) -> tuple[str, str, str]:
    group = GROUPS[leaf.group]
    return group.department, group.name, leaf.name


def _category_iri(path: Sequence[str]) -> str:
    return _iri("category/" + "/".join(map(_slug, path)))


def _product(stock: _Stock, product: int) -> str:
    return _iri(f"product/{_slug(stock.names[product])}")


def _iri(path: str) -> str:
    return f"<{_BASE}{path}>"


def _slug(name: str) -> str:
    return "-".join(re.findall("[a-z0-9]+", name.lower().replace("'", "")))


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'


def _write_gzip(path: Path, text: str) -> None:
    # A gzip header tells the time and the file's name unless told not to: the same seed would give other bytes.
    with (
        whole_file(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file,
    ):
        file.write(text.encode())


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
