"""Shapes: the same results as pyshacl called plainly, on all nodes; fewer on a sample; an end when time is up."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from plait.kg import DataError
from plait.loaders.quality import shacl_worker
from plait.loaders.quality.shacl import ShaclReport, ShaclResult, check_shapes, shacl_findings

pyshacl = pytest.importorskip("pyshacl")

SHAPES = """\
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix s: <http://s/> .
s:ProductShape a sh:NodeShape ; sh:targetClass s:Product ;
  sh:property [ sh:path s:price ; sh:minCount 1 ; sh:datatype xsd:decimal ] ;
  sh:property [ sh:path s:brand ; sh:class s:Brand ; sh:severity sh:Warning ; sh:message "no brand of ours" ] .
s:BrandShape a sh:NodeShape ; sh:targetObjectsOf s:brand ; sh:pattern "^http://s/" .
"""


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Path]:
    """230 products, every fifth without a price and every seventh of a foreign brand: parts have 50 nodes at least."""
    lines = ["<http://s/acme> a <http://s/Brand> ."]
    for i in range(230):
        product = f"<http://s/p{i}>"
        lines.append(f"{product} a <http://s/Product> .")
        lines.append(f"{product} <http://s/brand> {'<http://other/b>' if i % 7 == 0 else '<http://s/acme>'} .")
        if i % 5:
            lines.append(f'{product} <http://s/price> "{i}.5"^^<http://www.w3.org/2001/XMLSchema#decimal> .')
    data, shapes = tmp_path / "shop.ttl", tmp_path / "shapes.ttl"
    data.write_text("\n".join(lines))
    shapes.write_text(SHAPES)
    return data, shapes


def test_all_nodes_as_pyshacl_alone(shop: tuple[Path, Path]) -> None:
    import rdflib
    from rdflib.namespace import SH

    data, shapes = shop
    report = check_shapes([data], shapes)
    _, plain, _ = pyshacl.validate(str(data), shacl_graph=str(shapes))
    expected = Counter(
        (str(plain.value(r, SH.resultPath) or ""), str(plain.value(r, SH.sourceConstraintComponent)))
        for r in plain.subjects(rdflib.RDF.type, SH.ValidationResult)
    )
    component = "http://www.w3.org/ns/shacl#{}ConstraintComponent"
    assert {(r.path, component.format(r.constraint)): r.count for r in report.results} == dict(expected)
    assert {(r.shape, r.constraint, r.severity, r.count) for r in report.results} == {
        ("http://s/ProductShape", "MinCount", "Violation", 46),
        ("http://s/ProductShape", "Class", "Warning", 33),
        ("http://s/BrandShape", "Pattern", "Violation", 1),
    }
    # 230 products, one brand, and another that only a shape aims at.
    assert (report.checked, report.chosen, report.nodes, report.finished) == (232, 232, 232, True)
    assert report.begun
    brand = next(r for r in report.results if r.constraint == "Class")
    assert brand.message == "no brand of ours"
    assert brand.focus == "http://s/p0"
    assert [(f.name, f.severity, f.count) for f in shacl_findings(report)] == [
        ("shacl-violation", "error", 47),
        ("shacl-warning", "warning", 33),
    ]


def test_a_sample_sees_what_its_nodes_lead_to(shop: tuple[Path, Path]) -> None:
    """A sampled product whose brand is not in the sample must not fail for a brand without a class."""
    report = check_shapes([shop[0]], shop[1], sample=60, seed=4)
    assert report.extent == "Checked a sample of 60 of 231 nodes against the shapes."
    assert report == check_shapes([shop[0]], shop[1], sample=60, seed=4)
    counts = {r.constraint: r.count for r in report.results}
    assert 0 < counts["Class"] < 33
    assert 0 < counts["MinCount"] < 46
    assert check_shapes([shop[0]], shop[1], sample=60, seed=5) != report


def test_blank_nodes_go_along_with_a_sample(tmp_path: Path) -> None:
    (tmp_path / "d.ttl").write_text(
        "<http://s/a> <http://s/size> [ <http://s/unit> [ <http://s/name> 'cm' ] ] . <http://s/b> <http://s/x> 1 ."
    )
    (tmp_path / "s.ttl").write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . <http://s/S> a sh:NodeShape ; sh:targetSubjectsOf <http://s/size> ;"
        " sh:property [ sh:path (<http://s/size> <http://s/unit> <http://s/name>) ; sh:minCount 1 ; sh:maxLength 1 ] ."
    )
    found = {
        r.constraint
        for seed in range(3)
        for r in check_shapes([tmp_path / "d.ttl"], tmp_path / "s.ttl", sample=1, seed=seed).results
    }
    assert found == {"MaxLength"}


def test_ends_at_the_limit(shop: tuple[Path, Path]) -> None:
    began = time.perf_counter()
    report = check_shapes([shop[0]], shop[1], seconds=0.05)
    assert time.perf_counter() - began < 3
    assert not report.finished
    assert report.extent == "Not checked against the shapes: to start the check alone took more than 0.05 seconds."
    assert report.verdict == ""
    assert [f.name for f in shacl_findings(report)] == ["shacl-unfinished"]


def test_says_how_far_it_came() -> None:
    one = ShaclResult("http://s/S", "", "Class", "Info", 3, "http://s/a", "", "m")
    report = ShaclReport((one,), 50, 200, 900, 2.5, False)
    assert report.extent == "Stopped after 2.5 seconds: 50 of a sample of 200 of 900 nodes were checked."
    reading = ShaclReport((), 0, 0, 0, 1.0, False)
    assert reading.extent == "Not checked against the shapes: reading the graph took more than 1 second."
    assert [(f.name, f.count) for f in shacl_findings(report)] == [("shacl-info", 3), ("shacl-unfinished", 150)]


@pytest.mark.parametrize(
    ("numbers", "extent", "verdict"),
    [
        ((1, 1, 1, 60, True), "Checked 1 node against the shapes.", "No violation."),
        ((9, 9, 40, 60, True), "Checked a sample of 9 of 40 nodes against the shapes.", "No violation among the nodes checked."),
        ((1, 40, 40, 60, False), "Stopped after 60 seconds: 1 of 40 nodes was checked.", "No violation among the nodes checked."),
    ],
)  # fmt: skip
def test_no_result_says_what_it_means(numbers: Any, extent: str, verdict: str) -> None:
    report = ShaclReport((), *numbers)
    assert (report.extent, report.verdict) == (extent, verdict)


PREFIXES = """\
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix s: <http://s/> .
"""
KINDS = """\
s:NameShape a sh:NodeShape ; sh:targetObjectsOf s:name ; sh:datatype xsd:string .
s:AddressShape a sh:NodeShape ; sh:targetClass s:Address ; sh:property [ sh:path s:city ; sh:minCount 1 ] .
s:Person a sh:NodeShape, rdfs:Class ; sh:property [ sh:path s:knows ; sh:node s:Named ] ; sh:not s:Bot .
s:Named sh:property [ sh:path s:name ; sh:minCount 1 ] .
s:Bot a sh:NodeShape ; sh:property [ sh:path s:owner ; sh:minCount 1 ] .
s:Customer a sh:NodeShape, <http://www.w3.org/2002/07/owl#Class> ; sh:property [ sh:path s:owner ; sh:maxCount 0 ] .
[] a sh:NodeShape ; sh:targetSubjectsOf s:owner ; sh:property [ sh:path s:owner ; sh:nodeKind sh:IRI ] .
[] a sh:NodeShape ; sh:targetNode s:p3, "x" ; sh:nodeKind sh:BlankNode .
"""


@pytest.fixture
def people(tmp_path: Path) -> tuple[Path, Path]:
    """140 people in three parts, each knowing one far off; addresses without IRI; names that are numbers; owners."""
    lines = ["s:Customer rdfs:subClassOf s:Person ."]
    for i in range(140):
        city = 's:city "A"' if i % 4 else ""
        name = str(i) if i % 10 == 0 else f'"n{i}"'
        owner = "s:p1" if i % 2 else '"me"'
        lines.append(f"s:p{i} a {'s:Customer' if i % 3 else 's:Person'} ; s:knows s:p{(i + 71) % 140} .")
        lines.append(f"s:p{i} s:address [ a s:Address ; {city} ] .")
        lines += [f"s:p{i} s:name {name} ."] if i % 6 else []
        lines += [f"s:p{i} s:owner {owner} ."] if i % 9 == 0 else []
    (tmp_path / "people.ttl").write_text(PREFIXES + "\n".join(lines))
    (tmp_path / "kinds.ttl").write_text(PREFIXES + KINDS)
    return tmp_path / "people.ttl", tmp_path / "kinds.ttl"


def told(data: Path, shapes: Path, **more: Any) -> list[dict[str, Any]]:
    """The lines of the worker, in this process."""
    request = {"files": [str(data)], "shapes": str(shapes), "sample": None, "seed": 0}
    return list(shacl_worker.check(request | more))


def counts(lines: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        for result in line.get("results", ()):
            found[result["path"], result["constraint"]] += result["count"]
    return found


def test_every_kind_of_target_and_nested_shapes_as_pyshacl_alone(people: tuple[Path, Path]) -> None:
    """Blank nodes, literals, classes that are shapes, and values of sh:node that lie in another part."""
    import rdflib
    from rdflib.namespace import SH

    lines = told(*people)
    assert sum("checked" in line for line in lines) > 3
    _, plain, _ = pyshacl.validate(str(people[0]), shacl_graph=str(people[1]))
    expected = Counter(
        (str(plain.value(r, SH.resultPath) or ""), str(plain.value(r, SH.sourceConstraintComponent)))
        for r in plain.subjects(rdflib.RDF.type, SH.ValidationResult)
    )
    component = "http://www.w3.org/ns/shacl#{}ConstraintComponent"
    assert {(path, component.format(name)): n for (path, name), n in counts(lines).items()} == expected
    # By hand: every fourth address has no city; of 140 people every sixth has no name, and is known by one.
    assert counts(lines)["http://s/city", "MinCount"] == 35
    assert counts(lines)["http://s/knows", "Node"] == 24
    assert {kind for _, kind in expected} > {component.format(name) for name in ("Not", "Datatype", "NodeKind")}


def test_what_has_no_name_is_shown_alike_in_every_run(people: tuple[Path, Path]) -> None:
    first, again = (check_shapes([people[0]], people[1]) for _ in range(2))
    assert first == again
    assert {r.shape for r in first.results if "://" not in r.shape} == {"(anonymous, of owner)", "(anonymous, of p3)"}
    city = next(r for r in first.results if r.path == "http://s/city")
    assert (city.count, city.focus) == (35, "(blank node of http://s/p0)")
    # By the prefixes of the shapes.
    assert city.message.endswith("->s:city")


def test_a_sample_takes_its_blank_nodes_and_the_classes_along(people: tuple[Path, Path]) -> None:
    lines = told(*people, sample=60, seed=2)
    sizes = next(line for line in lines if "nodes" in line)
    # 140 people, the class, 140 addresses; an address goes with its person.
    assert sizes["nodes"] == 281
    assert 119 <= sizes["chosen"] <= 120
    found, whole = counts(lines), counts(told(*people))
    assert 0 < found["http://s/city", "MinCount"] < whole["http://s/city", "MinCount"]
    # Customers are people by the hierarchy alone.
    people[0].write_text(people[0].read_text().replace("a s:Person ;", "a s:Customer ;"))
    assert counts(told(*people, sample=60, seed=2))["", "Not"] > 0


def test_a_sample_does_not_write_out_the_whole_graph(
    people: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = ox.serialize

    def counting(triples: Any, **more: Any) -> Any:
        held = list(triples)
        sizes.append(len(held))
        return real(held, **more)

    monkeypatch.setattr(ox, "serialize", counting)
    told(*people, sample=3)
    assert len(sizes) == 1
    assert sizes[0] < 60


def test_nothing_is_imported_from_the_folder_it_is_started_in(
    shop: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "pyoxigraph.py").write_text("open('executed', 'w').close()")
    monkeypatch.chdir(folder)
    assert check_shapes([shop[0]], shop[1], sample=5).finished
    assert not (folder / "executed").exists()


def test_packed_shapes_and_damaged_data(shop: tuple[Path, Path], tmp_path: Path) -> None:
    packed = tmp_path / "packed.ttl.gz"
    packed.write_bytes(gzip.compress(shop[1].read_bytes()))
    assert counts(told(shop[0], packed)) == counts(told(*shop))
    damaged = tmp_path / "shop.ttl.gz"
    damaged.write_bytes(gzip.compress(shop[0].read_bytes())[:-12])
    with pytest.raises(DataError, match=r"^[^:]*shop\.ttl\.gz: damaged gzip file") as error:
        check_shapes([damaged], shop[1])
    assert "shapes.ttl" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("s.ttl", "<a> <b> .", "malformed Turtle"),
        ("s.nt", "", "shapes are wanted in a Turtle file"),
        ("s.ttl", "<http://s/S> a <http://www.w3.org/ns/shacl#NodeShape> ; <http://www.w3.org/ns/shacl#targetClass> <http://s/Product> ; <http://www.w3.org/ns/shacl#pattern> 3 .", "the shapes cannot be used"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be_used(shop: tuple[Path, Path], name: str, content: str, sentence: str) -> None:
    shapes = shop[1].parent / name
    shapes.write_text(content)
    with pytest.raises(DataError, match=f"{name}.*{sentence}"):
        check_shapes([shop[0]], shapes)


def test_malformed_data_is_named_with_its_line(shop: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.nt").write_text("<http://a> <http://b> <http://c> .\n<http://a> oops .\n")
    with pytest.raises(DataError, match=r"bad\.nt:2: malformed RDF"):
        check_shapes([tmp_path / "bad.nt"], shop[1])


def test_without_pyshacl_the_extra_is_named(shop: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.loaders.quality.shacl.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'plait\[shacl\]'"):
        check_shapes([shop[0]], shop[1])
