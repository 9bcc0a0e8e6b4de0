"""Shapes: the same results as pyshacl called plainly, on all nodes; fewer on a sample; an end when time is up."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from plait.kg import DataError
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
    assert report.extent == "Not checked against the shapes: reading the graph took more than 0.05 seconds."
    assert [f.name for f in shacl_findings(report)] == ["shacl-unfinished"]


def test_says_how_far_it_came() -> None:
    one = ShaclResult("http://s/S", "", "Class", "Info", 3, "http://s/a", "", "m")
    report = ShaclReport((one,), 50, 200, 900, 2.5, False)
    assert report.extent == "Stopped after 2.5 seconds: 50 of a sample of 200 of 900 nodes were checked."
    assert [(f.name, f.count) for f in shacl_findings(report)] == [("shacl-info", 3), ("shacl-unfinished", 150)]


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
