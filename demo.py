"""The demo: real or made data on the user's disk, and a configuration that reads it as any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .kg import whole_file
from .loaders.samples.movies import MOVIELENS_TERMS, WIKIDATA_TERMS, movielens_interactions, write_movies
from .loaders.samples.shop import write_shop

__all__ = ["DEMOS", "Demo", "prepare"]

SHOP_SEED = 7

MOVIES = """\
# MovieLens-100K, joined by title and year to what Wikidata knows about the films.
data:
  interactions:
    path: {interactions}
    min_weight: 4          # four and five stars are liked; the rest is seen, and never recommended
  graph:
    source: rdf
    files: [films.ttl]
  links: {{path: links.csv}}
  items: {{path: items.csv}}
split:
  strategy: temporal_per_user
"""

SHOP = """\
# A shop of our own making: brands, a category tree, products with descriptions, purchases.
data:
  interactions:
    path: purchases.csv
    user: customer
    item: product
    weight: quantity
    time: at
    duplicates: first      # what somebody bought before is no news
  graph:
    source: rdf
    files: [shop.nt.gz]
  links: {path: links.csv}
split:
  strategy: temporal
"""


@dataclass(frozen=True)
class Demo:
    """One demo.

    Attributes:
        title: what it shows.
        terms: terms of the data, a line each.
        user: whose recommendations are shown.
        write: writes the data into a folder and gives what was written, in a few words.
        config: gives the text of the configuration.
    """

    title: str
    terms: tuple[str, ...]
    user: str
    query: str
    write: Callable[[Path], str]
    config: Callable[[], str]


def _write_movies(folder: Path) -> str:
    done = write_movies(folder)
    return f"{done.films:,} films in {done.triples:,} triples; {done.linked:,} of {done.items:,} MovieLens films are among them"


def _write_shop(folder: Path) -> str:
    done = write_shop(folder, seed=SHOP_SEED)
    return f"{done.purchases:,} purchases of {done.products:,} products by {done.customers:,} customers"


DEMOS = {
    "movies": Demo(
        "films people liked, and what Wikidata knows about them",
        (MOVIELENS_TERMS, WIKIDATA_TERMS),
        "196",
        "a thriller by Alfred Hitchcock",
        _write_movies,
        lambda: MOVIES.format(interactions=movielens_interactions()),
    ),
    "shop": Demo(
        "a shop of our own making",
        ("Made by a generator with a seed: no real customer, product or brand.",),
        "C00042",
        "blue lamp under 60 euro",
        _write_shop,
        lambda: SHOP,
    ),
}


def prepare(demo: Demo, folder: Path) -> tuple[Path, str]:
    """Write a demo's data and configuration into a folder.

    Returns:
        The configuration file, and what was written in a few words.

    Raises:
        DataError: if a package that carries the data is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = demo.write(folder)
    path = folder / "config.yaml"
    with whole_file(path) as temporary:
        temporary.write_text(demo.config(), encoding="utf-8")
    return path, summary
