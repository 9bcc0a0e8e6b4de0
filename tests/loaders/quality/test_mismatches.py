"""Wrong links: found where names differ, not where they are only spelled differently."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kg import IdMap, ItemGraph, KnowledgeGraph, Literals, Schema, labels
from plait.loaders import Catalogue, ItemTable
from plait.loaders.quality.graph_findings import _mismatch_findings
from plait.loaders.quality.mismatches import find_mismatches
from plait.loaders.quality.titles import bracketed_year, name_parts, normalised

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
ABSTRACT = "http://g/abstract"
YEAR = "http://g/year"


def catalogue(rows: list[tuple[str | None, dict[str, list[str]]]], extra: list[str] = []) -> Catalogue:  # noqa: B006
    """Items with a title each, item i linked to entity http://g/i; more entities of the same type by label."""
    literals = [(i, p, v) for i, (_, said) in enumerate(rows) for p, values in said.items() for v in values]
    literals += [(len(rows) + i, LABEL, label) for i, label in enumerate(extra)]
    n = len(rows) + len(extra)
    predicates = (LABEL, ABSTRACT, YEAR)
    strings = pa.nulls(len(literals), pa.large_string()).dictionary_encode()
    table = Literals(
        np.array([e for e, _, _ in literals], dtype=np.int32),
        np.array([predicates.index(p) for _, p, _ in literals], dtype=np.int32),
        pa.array([v for _, _, v in literals], pa.large_string()),
        strings,
        strings,
        predicates,
    )
    none = np.empty(0, dtype=np.int64)
    entities = IdMap([f"http://g/{i}" for i in range(n)])
    graph = KnowledgeGraph.build(
        entities, [], none, none, none, types=["Film"], type_of=np.zeros(n, dtype=np.int64), literals=table
    )
    linked = np.arange(len(rows))
    items = IdMap([f"i{i}" for i in range(len(rows))])
    schema = Schema.infer(graph).with_item_type(graph, linked)
    titles = pa.array([title for title, _ in rows], pa.large_string())
    item_table = ItemTable(titles, [title or "" for title, _ in rows])
    return Catalogue(items, graph, schema, labels(graph, schema), linked, ItemGraph.without_graph(items), item_table)


def flagged(title: str, label: str, **said: str) -> bool:
    """Whether one link looks wrong; `said` are literals: abstract, year, alias."""
    names = {"abstract": ABSTRACT, "year": YEAR, "alias": LABEL}
    record: dict[str, list[str]] = {LABEL: [label]}
    for name, value in said.items():
        record.setdefault(names[name], []).append(value)
    return bool(find_mismatches(catalogue([(title, record)])).found)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Matrix, The", "The Matrix"),
        ("Matrix, The (1999)", "Matrix"),
        ("Toy Story (1995)", "TOY  STORY"),
        ("Toy Story", "Toy Story (1995 film)"),
        ("Amélie", "Amelie"),
        ("Straße", "STRASSE"),
        ("Ready to Wear (Pret-A-Porter)", "Prêt-à-Porter (film)"),
        ("Die xue shuang xiong (Killer, The)", "The Killer (1989 film)"),
        ("Twelve Monkeys", "12 Monkeys"),
        ("Sixth Man, The", "The 6th Man"),
        ("8 1/2", "8½"),
        ("Naked Gun 33 1/3: The Final Insult", "Naked Gun 33⅓: The Final Insult"),
        ("Endless Summer 2, The", "The Endless Summer II"),
        ("Rosencrantz and Guildenstern", "Rosencrantz & Guildenstern"),
        ("Supercop", "Police Story 3: Super Cop"),
        ("Professional, The", "Léon: The Professional"),
        ("Star Trek: The Wrath of Khan", "Star Trek II: The Wrath of Khan"),
        ("William Shakespeare's Romeo and Juliet", "Romeo + Juliet"),
        ("Nelly & Monsieur Arnaud", "Nelly and Mr. Arnaud"),
        ("M*A*S*H", "MASH (film)"),
        ("L'Enfer", "Enfer, L'"),
    ],
)
def test_other_spellings_are_right(title: str, label: str) -> None:
    assert not flagged(title, label)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("Ghost", "Ghost Dad"),
        ("Dead Man", "Dead Man Walking"),
        ("Toy Story", "Toy Story 2"),
        ("Toy Story 3", "Toy Story 2"),
        ("Omen, The", "The Legion Like Women"),
        ("Metro", "Metroland (film)"),
        ("Alien: Resurrection", "Alien"),
        ("Shadows (Cienie)", "Shadows in the Storm"),
        ("M", "Mädchen in Uniform"),
        ("Secret Agent, The", "The Secret Agent Club"),
    ],
)
def test_other_things_are_wrong(title: str, label: str) -> None:
    assert flagged(title, label)


def test_any_label_and_the_description_vouch_for_a_title() -> None:
    assert flagged("C'est arrivé près de chez vous", "Man Bites Dog")
    assert not flagged("C'est arrivé près de chez vous", "Man Bites Dog", alias="C'est arrivé près de chez vous")
    assert not flagged(
        "Cest arrive pres de chez vous", "Man Bites Dog", abstract="Man Bites Dog (C'est arrivé près de chez vous) is a"
    )
    # The title within the entity's own name is no second mention of it.
    assert flagged("Dead Man", "Dead Man Walking", abstract="Dead Man Walking is a film. Dead Man Walking won prizes.")
    assert flagged("Pocahontas", "Pocahontas: The Legend", abstract="Pocahontas: The Legend is about Pocahontas.")
    # Nor is a short common word.
    assert flagged("Mother", "Mother Night", abstract="Mother Night is about a spy and his mother.")


@pytest.mark.parametrize(("before", "wrong"), [(550, False), (650, True)])
def test_only_the_beginning_of_a_description_vouches(before: int, wrong: bool) -> None:
    text = "x" * before + " Les Nuits Blanches is a film"
    assert flagged("Les Nuits Blanches", "Sleepless", abstract=text) is wrong


def some(n: int, wrong: int) -> Catalogue:
    """n links, of which so many at the end lead to things of other names."""
    rows: list[tuple[str | None, dict[str, list[str]]]] = [
        (
            f"Title {'of a' * (i % 3)} {i}",
            {LABEL: [f"Title {'of a' * (i % 3)} {i}" if i < n - wrong else f"Quux {i * 7}"]},
        )
        for i in range(n)
    ]
    return catalogue(rows)


@pytest.mark.parametrize("wrong", [0, 5, 20])
def test_blocks_find_what_one_does(wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = find_mismatches(some(101, wrong))
    assert (whole.compared, len(whole.found), whole.left_out) == (101, wrong, 0)
    monkeypatch.setattr("plait.loaders.quality.mismatches.BLOCK", 30)
    assert find_mismatches(some(101, wrong)) == whole


def test_where_most_differ_the_rest_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.loaders.quality.mismatches.BLOCK", 30)
    result = find_mismatches(some(101, 80))
    # The first block is every fourth link: it is like the whole, though the wrong ones stand at the end.
    assert (result.compared, result.left_out) == (26, 75)
    assert result.general
    finding = next(iter(_mismatch_findings(result)))
    assert finding.severity == "info"
    assert finding.sentence.endswith("; the other 75 links were therefore not compared")
    assert not find_mismatches(some(101, 20)).general


def test_years_tell_namesakes_apart() -> None:
    assert not flagged("Sabrina (1995)", "Sabrina", year="1995-12-15")
    assert not flagged("Sabrina (1995)", "Sabrina", year="1997")
    assert flagged("Sabrina (1995)", "Sabrina", year="1954")
    assert flagged("Sabrina (1995)", "Sabrina (1954 film)")
    assert not flagged("2001: A Space Odyssey (1968)", "2001: A Space Odyssey (film)")
    found = find_mismatches(catalogue([("Sabrina (1995)", {LABEL: ["Sabrina"], YEAR: ["1954", "1961"]})])).found
    assert (found[0].reason, found[0].years, found[0].likeness) == ("year", (1995, 1961), 100)


def test_an_iri_may_end_in_a_name_with_a_slash() -> None:
    one = catalogue([("Face/Off", {})])
    graph = KnowledgeGraph.build(
        IdMap(["http://dbpedia.org/resource/Face/Off"]), [], *[np.empty(0, dtype=np.int64)] * 3
    )
    schema = Schema.infer(graph)
    names = labels(graph, schema)
    assert names.to_pylist() == ["Off"]
    moved = Catalogue(one.items, graph, schema, names, one.item_entity, one.graph, one.table)
    assert find_mismatches(moved).found == ()


def test_suggests_the_entity_of_that_name_and_lists_the_least_alike_first() -> None:
    rows: list[tuple[str | None, dict[str, list[str]]]] = [
        ("Metro", {LABEL: ["Metroland"]}),
        (None, {LABEL: ["Untitled"]}),
        ("Toy Story", {LABEL: ["Toy Story"]}),
        ("Boys", {LABEL: ["Husbands"]}),
        ("  ", {LABEL: ["Blank"]}),
    ]
    result = find_mismatches(catalogue(rows, extra=["Les Boys", "The Boys (film)", "Subway"]))
    assert result.compared == 3
    assert [(m.item, m.suggestion) for m in result.found] == [("i3", "http://g/6"), ("i0", None)]
    assert result.found[0].entity == "http://g/3"


def test_nothing_to_compare() -> None:
    assert find_mismatches(catalogue([(None, {LABEL: ["A"]})])).compared == 0


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_items_does_not_matter(order: list[int]) -> None:
    titles = ["Ghost", "Toy Story", "Metro", "Fargo", "Ran", "Heat (1995)"]
    names = ["Ghost Dad", "Toy Story", "Metroland", "Fargo (film)", "Rangam", "Heat (1972 film)"]
    found = find_mismatches(catalogue([(titles[i], {LABEL: [names[i]]}) for i in order])).found
    assert sorted(m.title for m in found) == ["Ghost", "Heat (1995)", "Metro", "Ran"]


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_normalised_is_idempotent(names: list[str]) -> None:
    once = normalised(pa.array(names, pa.large_string()))
    assert normalised(once).equals(once)


def test_parts_by_hand() -> None:
    names = pa.array(["Killer, The (Die xue): A Story (1989)", None, "(film)"], pa.large_string())
    (plain, outer, inner), (before, after) = name_parts(names)
    assert plain.to_pylist() == ["killer the die xue a story", None, None]
    assert outer.to_pylist() == ["killer the a story", None, None]
    assert inner.to_pylist() == ["xue", None, None]
    assert before.to_pylist() == ["killer", None, None]
    assert after.to_pylist() == ["story", None, None]
    assert bracketed_year(names).to_pylist() == [1989, None, None]


WRONG = {
    "211": "M*A*S*H is linked to Husbands",
    "402": "Ghost to Ghost Dad",
    "448": "The Omen to The Legion Like Women",
    "542": "Pocahontas to Pocahontas: The Legend",
    "647": "Ran to Rangam",
    "922": "Dead Man to Dead Man Walking",
    "1034": "The Quest to The Conquest",
    "1244": "Metro to Metroland",
    "1398": "Anna to Annavra Makkalu",
    "1609": "B*A*P*S to As Good as It Gets",
}
RIGHT = {
    "7": "Twelve Monkeys is 12 Monkeys",
    "14": "Il Postino is Il Postino: The Postman",
    "55": "The Professional is Léon",
    "128": "Supercop is Police Story 3",
    "298": "Face/Off, whose IRI holds a slash",
    "330": "187 is One Eight Seven",
    "421": "William Shakespeare's Romeo and Juliet is Romeo + Juliet",
    "1021": "8 1/2 is 8½",
    "1104": "C'est arrivé près de chez vous is Man Bites Dog",
    "1494": "Il Mostro is The Monster",
    "1535": "L'Enfer is Hell",
    "1536": "Aiqing wansui is Vive L'Amour",
}


@pytest.mark.data
def test_movielens_links_to_dbpedia() -> None:
    from plait.fusion import read_config
    from plait.loaders import read_catalogue, read_graph, read_log

    root = Path(os.environ["PLAIT_DATA"]) / "ml-100k"
    if not root.is_dir():
        pytest.skip("no ml-100k in PLAIT_DATA")
    config = read_config(Path(__file__).parents[3] / "examples" / "ml-100k-dbpedia.yaml")
    assert config.data.graph is not None
    log, _ = read_log(config.data, config.split)
    real = read_catalogue(config.data, log.items, read_graph(config.data.graph))
    found = {m.item for m in find_mismatches(real).found}
    assert found >= set(WRONG)
    assert not found & set(RIGHT)
    assert len(found) <= 25
    # What it finds of links that are wrong by making: every linked item gets the entity of another.
    linked = np.flatnonzero(real.item_entity >= 0)
    moved = real.item_entity.copy()
    moved[linked] = np.roll(moved[linked], 7)
    swapped = Catalogue(real.items, real.knowledge, real.schema, real.labels, moved, real.graph, real.table)
    assert len(find_mismatches(swapped).found) > 0.99 * len(linked)
