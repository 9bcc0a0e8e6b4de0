"""Which values and groups items have, by the names users give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from plait.fusion.rerank import DppConfig, ExposureConfig, ItemKnowledge, MmrConfig, RerankConfig
from plait.fusion.rerank.groups import exposure_groups
from plait.kg import ConfigError, DataError, ItemGraph

Made = Callable[..., ItemGraph]
TRIPLES = [
    (0, "http://x/brand", 5),
    (1, "http://x/brand", 5),
    (2, "http://x/brand", 6),
    (7, "http://x/sells", 2),
    (7, "http://x/sells", 3),
    (0, "http://x/bought_with", 3),
    (0, "http://x/brand", 5),
]


@pytest.fixture
def known(item_graph: Made) -> ItemKnowledge:
    """Five items, entities Acme (node 5), Bolt (6) and Shop (7)."""
    return ItemKnowledge(item_graph(5, ["Acme", "Bolt", "Shop"], TRIPLES), None, None)


def test_values_are_found_whichever_way_a_relation_points(known: ItemKnowledge) -> None:
    def of(name: str) -> list[list[int]]:
        matrix = known.values(name)
        assert matrix.shape == (5, 8)
        assert set(matrix.data.tolist()) <= {1}, "a triple that occurs twice counts once"
        return [matrix[[item]].indices.tolist() for item in range(5)]

    assert of("http://x/brand") == of("brand") == [[5], [5], [6], [], []]
    assert of("sells") == [[], [], [7], [7], []]
    assert of("bought_with") == [[3], [], [], [0], []]


def test_what_a_model_lacks_is_told(known: ItemKnowledge, item_graph: Made) -> None:
    with pytest.raises(ConfigError, match="no relation 'brands'; it has brand"):
        known.values("brands")
    two = ItemKnowledge(item_graph(2, ["a"], [(0, "http://x/r", 2), (1, "http://y/r", 2)]), None, None)
    with pytest.raises(ConfigError, match="2 relations end in 'r': give the whole of 'http://x/r'"):
        two.values("r")
    with pytest.raises(ConfigError, match="the model has no text .* space can be entities"):
        known.space("text")
    bare = ItemKnowledge(ItemGraph.without_graph(known.graph.items), np.ones((5, 2), dtype=np.float32), None)
    with pytest.raises(ConfigError, match="has no entities .* space can be embeddings"):
        bare.space("entities")
    with pytest.raises(ConfigError, match="no relation 'brand'; it has none at all"):
        bare.values("brand")


def test_shares_of_the_catalogue_leave_room_for_items_without_a_group(known: ItemKnowledge) -> None:
    """Two of five items are Acme's, one is Bolt's: shares 0.4 and 0.2."""
    members, shares = exposure_groups(ExposureConfig(relation="brand"), known)
    assert shares.tolist() == [0.4, 0.2]
    assert members.toarray().tolist() == [[1, 0], [1, 0], [0, 1], [0, 0], [0, 0]]
    members, shares = exposure_groups(ExposureConfig(relation="brand", least=0.3, strength=0.5), known)
    assert shares.tolist() == [0.2] and members.shape == (5, 1)
    assert exposure_groups(ExposureConfig(relation="brand", share="equal"), known)[1].tolist() == [0.5, 0.5]
    with pytest.raises(ConfigError, match=r"none of 2 groups has 50\.0% of the catalogue"):
        exposure_groups(ExposureConfig(relation="brand", least=0.5), known)


def test_groups_are_named_by_label_or_id(known: ItemKnowledge, item_graph: Made) -> None:
    named = ExposureConfig(relation="brand", share={"e:Bolt": 0.3, "Acme": 0.1})
    members, shares = exposure_groups(named, known)
    assert shares.tolist() == [0.3, 0.1]
    assert members.toarray()[:3].tolist() == [[0, 1], [0, 1], [1, 0]]
    with pytest.raises(ConfigError, match="group 'Akme', and no item is of it; there are 'Acme', 'Bolt'"):
        exposure_groups(ExposureConfig(relation="brand", share={"Akme": 0.3}), known)
    with pytest.raises(ConfigError, match="one group twice"):
        exposure_groups(ExposureConfig(relation="brand", share={"Acme": 0.3, "e:Acme": 0.1}), known)


def test_groups_from_a_table(known: ItemKnowledge, tmp_path: Path) -> None:
    file = tmp_path / "sellers.csv"
    file.write_text("sku,seller\ni4,small\ni1,large\nelsewhere,small\ni2,\ni4,small\ni0,small\n")
    config = ExposureConfig(table=file, item_column="sku", group_column="seller", share={"small": 0.25})
    members, shares = exposure_groups(config, known)
    assert members.toarray().ravel().tolist() == [1, 0, 0, 0, 1]
    assert shares.tolist() == [0.25]
    with pytest.raises(DataError, match="no column 'group' for the group"):
        exposure_groups(ExposureConfig(table=file, item_column="sku"), known)
    file.write_text("item_id,group\nx,small\n")
    with pytest.raises(DataError, match="no row has a group and an item of the model; items are called as 'i0' is"):
        exposure_groups(ExposureConfig(table=file), known)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "mmr", "diversity": 1.5}, "less than or equal to 1"),
        ({"method": "best"}, "does not match any of the expected tags"),
        ({"method": "relevance", "diversity": 0.5}, "Extra inputs"),
        ({"method": "mmr", "cap": {"brand": 0}}, "greater than 0"),
        ({"method": "dpp", "exposure": {}}, "either relation or table"),
        ({"method": "dpp", "exposure": {"relation": "r", "table": "t"}}, "either relation or table"),
        ({"method": "dpp", "exposure": {"relation": "r", "share": {"a": 0.6, "b": 0.5}}}, "sum to 1.1"),
        ({"method": "dpp", "exposure": {"relation": "r", "share": {}}}, "names no group"),
    ],
)
def test_what_is_no_configuration(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(RerankConfig).validate_python(given)


def test_a_configuration_survives_json() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RerankConfig)
    due = ExposureConfig(relation="brand", share={"a": 0.5})
    for config in (MmrConfig(diversity=0.2, cap={"brand": 2}), DppConfig(space="text", exposure=due)):
        assert adapter.validate_json(adapter.dump_json(config)) == config
