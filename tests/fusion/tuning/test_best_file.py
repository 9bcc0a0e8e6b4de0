"""The best as YAML: it reads as what was tried, and is the user's own file otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import read_config
from plait.fusion.tuning import check_beside, with_values, write_best
from plait.kg import ConfigError

OWN = """\
# My shop.
data:
  interactions: {path: "${SHOP:-shop}/purchases.csv"}   # of last year
text: null
gnn:
  dropout: 0.1   # more did not help
  layers: 2
ease: {l2: [10, 100]}
"""
VALUES = {"gnn.dropout": 0.33, "ease.l2": 42.5, "blend.step": 0.1}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(OWN)
    return path


def test_it_reads_as_what_was_tried(source: Path) -> None:
    best = source.with_name("best.yaml")
    write_best(source, best, VALUES, "found\nin trial 7")
    assert read_config(best) == with_values(read_config(source), VALUES)
    assert source.read_text() == OWN


def test_comments_variables_and_order_stay(source: Path) -> None:
    best = source.with_name("best.yaml")
    write_best(source, best, VALUES, "found")
    changed = OWN.replace("dropout: 0.1   #", "dropout: 0.33  #").replace("[10, 100]", "[42.5]")
    assert best.read_text() == f"# found\n{changed}blend:\n  step: 0.1\n"


def test_a_value_that_an_alias_repeats(source: Path) -> None:
    source.write_text(OWN.replace("[10, 100]}", "&few [10, 100], entity_weight: *few}"))
    best = source.with_name("best.yaml")
    write_best(source, best, {"ease.l2": 3.0}, "found")
    assert (read_config(best).ease.l2, read_config(best).ease.entity_weight) == ((3.0,), (10, 100))


def test_a_section_that_an_alias_repeats_is_changed_alone(source: Path) -> None:
    # Put into the text as it is, the step would stand in the other section too, which knows no such key.
    source.write_text(OWN + "recency: &usual {}\nblend: *usual\n")
    best = source.with_name("best.yaml")
    write_best(source, best, {"blend.step": 0.1}, "found")
    assert read_config(best) == with_values(read_config(source), {"blend.step": 0.1})
    assert best.read_text().startswith("# found\n")


def test_only_into_the_same_folder_and_another_file(source: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="where shop.yaml lies: the paths in it count from there"):
        check_beside(source, tmp_path / "other" / "best.yaml")
    with pytest.raises(ConfigError, match="this is the configuration itself"):
        write_best(source, source, VALUES, "found")
    assert source.read_text() == OWN


def test_a_source_that_changed_meanwhile_leaves_what_was_there(source: Path) -> None:
    best = source.with_name("best.yaml")
    best.write_text("mine")
    source.write_text(OWN.replace("text: null", "tex: null"))
    with pytest.raises(ConfigError, match="unknown key 'tex'"):
        write_best(source, best, VALUES, "found")
    assert best.read_text() == "mine"
