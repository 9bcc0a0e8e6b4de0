"""The space as users write it: kinds of numbers, ends that fit, and file and line where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import Config
from plait.fusion.signals.item_knn import ItemKnnConfig
from plait.fusion.tuning import Range, default_space, read_space, with_values
from plait.kg import ConfigError


def test_ranges_and_lists(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "gnn.dropout: {low: 0, high: 0.5}\ngnn.layers: {low: 1, high: 4}\ngnn.relation_weights: [true, false]\n"
        "ease.l2: {low: 1, high: 1000, log: true}\n"
    )
    assert dict(read_space(path, config)) == {
        "gnn.dropout": Range(low=0, high=0.5),
        # Whole, since the key takes nothing else; l2 takes fractions, whatever its ends.
        "gnn.layers": Range(low=1, high=4, whole=True),
        "gnn.relation_weights": (True, False),
        "ease.l2": Range(low=1, high=1000, log=True),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gnn.droput: [0.1]", "unknown key 'droput'"),
        ("gnn.dropout: {low: 0, high: 1}", "gnn.dropout: .*less than 1"),
        ("gnn.dropout: {low: 0.5, high: 0.5}", "low is 0.5 and high 0.5"),
        ("gnn.dropout: {low: 0, high: 0.5, log: true}", "logarithm"),
        ("gnn.dropout: {low: 0, high: 0.5, base: 2}", "gnn.dropout.base: unknown; known are high, log, low, whole"),
        ("gnn.dropout: {low: 0}", "gnn.dropout.high: field required"),
        ("gnn.dropout: {low: 0, high: .inf}", "gnn.dropout.high"),
        ("gnn.dropout: 0.5", "expected a list of values, or a range"),
        ("gnn.dropout: []", "at least 1"),
        ("gnn.layers: [1, 9]", "gnn.layers"),
        ("gnn.layers: [[1]]", "gnn.layers"),
        ("split.test: [0.1]", "split.test cannot be tuned"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(line: str, message: str, config: Config, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(f"# what to search\nblend.step: [0.1, 0.25]\n\n{line}\n")
    with pytest.raises(ConfigError, match=f"space.yaml:4: .*{message}"):
        read_space(path, config)


def test_an_empty_or_missing_file(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_space(tmp_path / "none.yaml", config)
    (tmp_path / "empty.yaml").write_text("{}\n")
    with pytest.raises(ConfigError, match="names no key"):
        read_space(tmp_path / "empty.yaml", config)


def test_by_default_lists_are_widened_threefold(config: Config) -> None:
    found = default_space(config, "ease")
    assert found["ease.l2"] == Range(low=10 / 3, high=300, log=True)
    assert found["ease.entity_weight"] == Range(low=1 / 3, high=3, log=True)
    # Nothing but 0 is no grid: whoever wrote it does without.
    without = default_space(with_values(config, {"ease.entity_weight": 0}), "ease")
    assert "ease.entity_weight" not in without
    assert "ease.l2" in without


def test_a_grid_of_one_value_at_the_end_of_its_key_is_no_grid_of_whole_numbers(config: Config) -> None:
    found = default_space(config.model_copy(update={"item_knn": ItemKnnConfig(alpha=(1.0,))}), "item_knn")
    assert found["item_knn.alpha"] == Range(low=1 / 3, high=1.0, log=True)


def test_every_end_of_the_default_space_fits_its_key(config: Config) -> None:
    space = default_space(config, "blend")
    assert {"ease.l2", "gnn.temperature", "gnn.layers"} <= set(space)
    for key, parameter in space.items():
        for value in (parameter.low, parameter.high) if isinstance(parameter, Range) else parameter:
            with_values(config, {key: value})


def test_nothing_of_popularity_is_searched(config: Config) -> None:
    with pytest.raises(ConfigError, match="nothing of popularity is searched by default"):
        default_space(config, "popularity")
