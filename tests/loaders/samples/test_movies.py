import csv
import sqlite3
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pyoxigraph as ox
import pytest
import rdflib

from plait.kg import DataError
from plait.loaders.samples import movies

RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
BASE = "https://plait.example/"
VOCAB = BASE + "vocab/"

real = pytest.mark.skipif(
    find_spec("recbole") is None or find_spec("bokeh_sampledata") is None,
    reason="needs the data inside recbole and bokeh-sampledata: pip install --no-deps recbole bokeh-sampledata",
)


def facts(path):
    """Objects by subject and predicate: the value of a literal, the IRI of a node."""
    found = defaultdict(lambda: defaultdict(list))
    for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
        found[quad.subject.value][quad.predicate.value].append(quad.object.value)
    return found


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# A little film world of awkward names, in packages of the real ones' names and shape


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Write both packages from films (imdb, title, year, director) and items (id, title, year, ratings)."""

    def install(films, items):
        home = tmp_path / "site"
        data, example = home / "bokeh_sampledata/_data", home / "recbole/dataset_example/ml-100k"
        for folder in (data, example):
            folder.mkdir(parents=True)
        for package in ("bokeh_sampledata", "recbole"):
            (home / package / "__init__.py").write_text("raise RuntimeError('imported')")
        with sqlite3.connect(data / "movies.db") as database:
            columns = 'ID, imdbID, Title, Year, Runtime, Genre, Director, Writer, "Cast", Country, Language'
            database.execute(f"create table omdb ({columns})")
            database.execute("create table tomatoes (ID, Production)")
            for number, (imdb, title, year, director) in enumerate(films):
                row = (number, imdb, title, year, 90.0, "Drama, Comedy", director, None, director, "France", "")
                database.execute(f"insert into omdb values ({','.join('?' * 11)})", row)
                database.execute("insert into tomatoes values (?, ?)", (number, "Acme, Inc., Bolt, Ltd."))
        database.close()
        rows = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
        rows += [f"{number}\t{title}\t{year}\tDrama" for number, title, year, _ in items]
        (example / "ml-100k.item").write_text("\n".join(rows) + "\n", encoding="utf-8")
        ratings = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
        ratings += [f"{user}\t{number}\t4\t88125094{user}" for number, _, _, count in items for user in range(count)]
        (example / "ml-100k.inter").write_text("\n".join(ratings) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(home))
        return data / "movies.db", example

    return install


AWKWARD = [
    'Tab\there "quoted" \\ back\\slash',
    "two\nlines\r",
    "<angle> {brace} | ^ ` 100% #1?",
    "Åse Žižek 李安 🎬",
    "ends with a dot.",
    "a/b:c;d~e",
]


def test_awkward_names_survive_turtle_in_two_readers(packages, tmp_path):
    # A title or name that breaks the file loses every film after it; one that is mangled cannot be searched for.
    packages([(f"tt{i}", name, 1990, name.replace("\t", " ")) for i, name in enumerate(AWKWARD)], [("1", "A", 1990, 1)])
    summary = movies.write_movies(tmp_path / "out")
    found = facts(tmp_path / "out/films.ttl")
    for i, name in enumerate(AWKWARD):
        film = found[f"{BASE}film/tt{i}"]
        assert film[LABEL] == [name]
        (director,) = film[VOCAB + "director"]
        assert film[VOCAB + "cast"] == [director]  # one IRI per person whatever the role
        assert found[director][LABEL] == [" ".join(name.split())] == [unquote(director.rsplit("/", 1)[1])]
        assert found[director][RDF_TYPE] == [VOCAB + "Person"]
    by_rdflib = rdflib.Graph().parse(tmp_path / "out/films.ttl", format="turtle")
    assert len(by_rdflib) == summary.triples == sum(len(o) for s in found.values() for o in s.values())
    assert {str(o) for o in by_rdflib.objects(predicate=rdflib.RDFS.label)} >= set(AWKWARD)


def test_commas_inside_names_do_not_split_them(packages, tmp_path):
    # Else "Jr." is a person, and one who has played in a hundred films.
    packages([("tt1", "A", 1990, "Al Reinert, Sammy Davis, Jr., Zoe")], [("1", "A", 1990, 1)])
    movies.write_movies(tmp_path)
    found = facts(tmp_path / "films.ttl")
    labels = [found[iri][LABEL][0] for iri in found[f"{BASE}film/tt1"][VOCAB + "director"]]
    assert labels == ["Al Reinert", "Sammy Davis, Jr.", "Zoe"]
    assert [found[i][LABEL] for i in found[f"{BASE}film/tt1"][VOCAB + "company"]] == [["Acme, Inc."], ["Bolt, Ltd."]]


def test_two_films_of_one_imdb_id_stay_two(packages, tmp_path):
    packages([("tt1", "Apocalypse Now", 1979, "F"), ("tt1", "Apocalypse Now Redux", 2001, "F")], [("1", "A", 1990, 1)])
    assert movies.write_movies(tmp_path).films == 2
    found = facts(tmp_path / "films.ttl")
    assert found[f"{BASE}film/tt1"][LABEL] == ["Apocalypse Now"]
    assert found[f"{BASE}film/tt1-Q1"][LABEL] == ["Apocalypse Now Redux"]


FILMS = [
    ("tt01", "The Matrix", 1999, "L"),
    ("tt02", "Les Misérables", 1995, "L"),
    ("tt03", "La Haine", 1995, "K"),
    ("tt04", "Blood and Wine", 1996, "R"),
    ("tt05", "Blue", 1993, "Jarman"),
    ("tt06", "Hamlet", 1996, "B"),
    ("tt07", "Hamlet", 1996, "C"),
    ("tt08", "Twins", 1989, "A"),
    ("tt09", "Twins", 1991, "B"),
    ("tt10", "Star Wars: Episode V – The Empire Strikes Back", 1980, "K"),
    ("tt11", "Solaris", 1971, "T"),
    ("tt12", "Solaris", 1972, "S"),
    ("tt13", "The Fear", 1996, "F"),
    ("tt14", "$", 1971, "B"),
]


@pytest.mark.parametrize(
    ("title", "year", "film"),
    [
        ("Matrix, The", 1999, "tt01"),
        ("matrix, the", 1998, "tt01"),  # the year may be off by one
        ("Matrix, The", 1997, None),  # but not by two
        ("Misérables, Les", 1995, "tt02"),
        ("Hate (Haine, La)", 1995, "tt03"),
        ("Blood & Wine", 1997, "tt04"),
        ("Three Colors: Blue", 1993, None),  # not Derek Jarman's
        ("Hamlet", 1996, None),  # two suit: neither
        ("Twins", 1990, None),  # two suit, one year off each
        ("Empire Strikes Back, The", 1980, "tt10"),
        ("Empire Strikes Back, The", 1981, None),  # a loose title needs the exact year
        ("Solaris", 1972, "tt12"),  # the exact year before the near one
        ("Fear", 1996, "tt13"),
        ("Fear", 1995, None),
        ("???", 1971, None),  # no letters, no key: not the film "$"
        ("Matrix, The", "unknown", None),
    ],
)
def test_links_are_right_or_absent(packages, tmp_path, title, year, film):
    packages(FILMS, [("7", title, year, 1)])
    summary = movies.write_movies(tmp_path)
    rows = table(tmp_path / "links.csv")
    assert rows == ([{"item_id": "7", "entity": f"{BASE}film/{film}"}] if film else [])
    assert summary.linked == len(rows)
    assert table(tmp_path / "items.csv") == [{"item_id": "7", "title": title}]


def test_a_film_listed_twice_goes_to_the_listing_with_more_ratings(packages, tmp_path):
    # Two items on one entity would be one node with two histories.
    packages(FILMS, [("1", "Matrix, The", 1999, 2), ("2", "Matrix, The", 1999, 5), ("3", "Matrix, The", 1998, 9)])
    summary = movies.write_movies(tmp_path)
    assert table(tmp_path / "links.csv") == [{"item_id": "2", "entity": f"{BASE}film/tt01"}]
    assert summary.interactions == 16


def test_absent_packages_are_named_with_the_remedy_and_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(movies, "find_spec", lambda package: None)
    with pytest.raises(DataError, match="pip install --no-deps recbole"):
        movies.movielens_interactions()
    with pytest.raises(DataError, match="pip install --no-deps bokeh-sampledata"):
        movies.write_movies(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_data_than_expected_is_refused_with_its_place(packages, tmp_path):
    database, example = packages(FILMS, [("1", "A", 1990, 1)])
    (example / "ml-100k.item").write_text("id\ttitle\n1\tA\n")
    with pytest.raises(DataError, match=r"ml-100k\.item:1: no column 'item_id'; the header has: id, title"):
        movies.write_movies(tmp_path / "out")
    database.write_bytes(b"not a database, though long enough to be taken for one" * 20)
    with pytest.raises(DataError, match=r"movies\.db: not the film database"):
        movies.write_movies(tmp_path / "out")


# The packages themselves


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("movies")
    return folder, movies.write_movies(folder), facts(folder / "films.ttl")


@pytest.fixture(scope="module")
def database():
    (package,) = find_spec("bokeh_sampledata").submodule_search_locations
    connection = sqlite3.connect(f"file:{package}/_data/movies.db?mode=ro", uri=True)
    yield connection
    connection.close()


@real
def test_every_film_of_the_database_is_in_the_graph_with_its_values(written, database):
    _, summary, found = written
    films = {s: f for s, f in found.items() if f[RDF_TYPE] == [VOCAB + "Film"]}
    assert len(films) == summary.films == 17_472
    rows = database.execute("select imdbID, Title, Year, Runtime, Genre, Director, Language from omdb").fetchall()
    shared = {"tt0078788", "tt0850669"}  # two cuts each, under one id
    for imdb, title, year, runtime, *cells in rows:
        if imdb in shared:
            continue
        film = films[f"{BASE}film/{imdb}"]
        assert film[LABEL] == [title]
        assert film[VOCAB + "year"] == [str(year)]
        assert film[VOCAB + "runtime"] == ([] if runtime is None else [f"{runtime:.0f}"])
        for relation, cell in zip(("genre", "director", "language"), cells, strict=True):
            labels = [found[iri][LABEL][0] for iri in film[VOCAB + relation]]
            assert ", ".join(labels) == (cell or "")
    assert sorted(f[LABEL][0] for f in films.values()) == sorted(title for _, title, *_ in rows)


@real
def test_the_summary_counts_what_a_reader_finds(written):
    _, summary, found = written
    assert summary.triples == sum(len(objects) for subject in found.values() for objects in subject.values())
    assert summary.entities == len(found)
    assert (summary.items, summary.interactions) == (1_682, 100_000)


@real
def test_every_entity_named_has_type_and_label(written):
    _, _, found = written
    relations = [VOCAB + name for name, _ in movies._RELATIONS]
    named = {iri for facts_ in list(found.values()) for relation in relations for iri in facts_.get(relation, ())}
    assert all(len(found[iri][RDF_TYPE]) == len(found[iri][LABEL]) == 1 for iri in named)
    assert all(found[iri][LABEL] == [unquote(iri.rsplit("/", 1)[1])] for iri in named)
    assert found[f"{BASE}person/%22Weird%20Al%22%20Yankovic"][LABEL] == ['"Weird Al" Yankovic']
    assert not any(found[iri][LABEL][0] in ("Jr.", "Sr.", "III", "Inc.", "") for iri in named)


# IMDb's own numbers for films whose two titles differ in one way or another; None where the database lacks the film.
HAND_PICKED = {
    "Toy Story": "tt0114709",
    "Shawshank Redemption, The": "tt0111161",
    "Godfather, The": "tt0068646",
    "Fargo": "tt0116282",
    "Seven (Se7en)": "tt0114369",
    "Star Wars": "tt0076759",
    "Empire Strikes Back, The": "tt0080684",
    "Twelve Monkeys": "tt0114746",
    "Professional, The": "tt0110413",
    "Misérables, Les": "tt0113828",
    "Three Colors: Blue": "tt0108394",
    "Hate (Haine, La)": "tt0113247",
    "8 1/2": "tt0056801",
    "M*A*S*H": "tt0066026",
    "Sunset Blvd.": "tt0043014",
    "Love & Human Remains": "tt0107447",
    "Star Trek: The Wrath of Khan": "tt0084726",
    "William Shakespeare's Romeo and Juliet": "tt0117509",
    "Magnificent Seven, The": None,
    "Fear, The": None,
    "Boys, Les": None,
    "unkonwn": None,
}


@real
def test_hand_picked_films_find_their_own(written):
    folder, _, _ = written
    links = {row["item_id"]: row["entity"].rsplit("/", 1)[1] for row in table(folder / "links.csv")}
    found = {row["title"]: links.get(row["item_id"]) for row in table(folder / "items.csv")}
    assert {title: found[title] for title in HAND_PICKED} == HAND_PICKED


@real
def test_links_are_many_one_to_one_and_agree_on_what_they_were_not_made_from(written):
    folder, summary, found = written
    links = table(folder / "links.csv")
    assert summary.linked == len(links) == 1_397
    assert len({row["item_id"] for row in links}) == len({row["entity"] for row in links}) == len(links)
    with (movies.movielens_interactions().parent / "ml-100k.item").open(encoding="utf-8") as file:
        genres = {cells[0]: set(cells[3].split()) for cells in (line.rstrip("\n").split("\t") for line in file)}
    same = {"Children's": {"Family"}, "Film-Noir": {"Crime", "Thriller", "Drama"}, "Thriller": {"Thriller", "Crime"}}
    agree = known = 0
    for row in links:
        theirs = {found[iri][LABEL][0] for iri in found[row["entity"]][VOCAB + "genre"]}
        ours = set().union(*(same.get(genre, {genre}) for genre in genres[row["item_id"]]))
        known += bool(theirs)
        agree += bool(ours & theirs)
    # Films paired at random share a genre in about half the cases; a wrong link would lower this.
    assert agree / known > 0.95


@real
def test_writing_twice_gives_the_same_bytes(written, tmp_path):
    folder, _, _ = written
    movies.write_movies(tmp_path)
    for name in ("films.ttl", "links.csv", "items.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@real
def test_interactions_are_read_where_pip_put_them():
    path = movies.movielens_interactions()
    assert path.is_file() and Path(find_spec("recbole").origin).parent in path.parents
    with path.open() as file:
        assert next(file) == "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
