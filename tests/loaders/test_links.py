"""Which entity each item is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from plait.kg import ConfigError, DataError, IdMap, KnowledgeGraph
from plait.loaders import LinksConfig, read_links

NONE = np.empty(0, dtype=np.int64)
GRAPH = KnowledgeGraph.build(IdMap(["http://e/a", "i2", "http://e/b", "http://e/c"]), [], NONE, NONE, NONE)
ITEMS = IdMap(["i1", "i2", "i3"])


def linked(config: LinksConfig | None, items: IdMap = ITEMS) -> dict[str, str | None]:
    catalogue, numbers = read_links(config, items, GRAPH)
    assert len(numbers) == len(catalogue)
    return {i: GRAPH.entities.id(n) if n >= 0 else None for i, n in zip(catalogue, numbers.tolist(), strict=True)}


def written(folder: Path, data: str, name: str = "links.csv", **options: str) -> LinksConfig:
    (folder / name).write_text(data, encoding="utf-8")
    return LinksConfig(path=folder / name, **options)


def test_without_a_map_ids_are_entities_where_they_are() -> None:
    assert linked(None) == {"i1": None, "i2": "i2", "i3": None}
    assert linked(None, IdMap([])) == {}


def test_a_map_links_and_items_only_it_knows_join_the_catalogue(tmp_path: Path) -> None:
    # "far" has no entity in the graph, "new" has one and no interaction; an empty cell and a repeated row are nothing.
    config = written(
        tmp_path,
        "item_id,entity\ni3,http://e/b\nnew,http://e/c\nfar,http://e/gone\ni1,\ni3,http://e/b\n,http://e/a\ni2,http://e/b\n",
    )
    assert linked(config) == {"i1": None, "i2": "http://e/b", "i3": "http://e/b", "new": "http://e/c"}
    catalogue, _ = read_links(config, ITEMS, GRAPH)
    assert list(catalogue)[:3] == list(ITEMS)  # items with interactions keep their numbers


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("item_id,uri\ni1,http://e/a\n", {}),
        ("uri,item\nhttp://e/a,i1\n", {}),  # by name, whatever the order
        ("uri,sku\nhttp://e/a,i1\n", {}),  # one is known by name: the other is the other
        ("sku,page\ni1,http://e/a\n", {}),  # none is known: item first
        ("note,sku,page\nx,i1,http://e/a\n", {"item": "sku", "entity": "page"}),
        ("page,sku\nhttp://e/a,i1\n", {"entity": "page"}),
        ("page,sku\nhttp://e/a,i1\n", {"item": "sku"}),
        ("item,id,entity\ni1,x,http://e/a\n", {}),
        # The names are those of a table of items, in the same order.
        ("id,asin,entity\nx,i1,http://e/a\n", {}),
        ("product,product_id,entity\nx,i1,http://e/a\n", {}),
    ],
)
def test_columns_are_found(tmp_path: Path, data: str, options: dict[str, str]) -> None:
    assert linked(written(tmp_path, data, **options)) == {"i1": "http://e/a", "i2": None, "i3": None}


def test_recbole_and_parquet_maps(tmp_path: Path) -> None:
    config = written(tmp_path, "item_id:token\tentity_id:token\ni1\thttp://e/a\n", "m.link")
    assert linked(config) == {"i1": "http://e/a", "i2": None, "i3": None}
    pq.write_table(pa.table({"item": [7], "entity": ["http://e/a"]}), tmp_path / "m.parquet")
    config = LinksConfig(path=tmp_path / "m.parquet")
    assert linked(config, IdMap(["7"])) == {"7": "http://e/a"}


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ("item,entity\ni1,http://e/a\ni2,x\ni1,http://e/b\n", {}, "the item 'i1' has more than one entity"),
        ("item\ni1\n", {}, "two columns are wanted"),
        ("entity\nx\n", {}, "two columns are wanted"),
        ("item,entity\ni1,x\n", {"item": "entity"}, "two columns are wanted"),
        ("item,entity\ni1,x\n", {"entity": "entty"}, "no column 'entty' for the entity; .* did you mean 'entity'"),
        ("item,entity\ni1,x\n", {"item": "itme"}, "no column 'itme' for the item"),
        ("", {}, "the file is empty"),
    ],
)
def test_a_map_that_cannot_be_one_is_refused(tmp_path: Path, data: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        linked(written(tmp_path, data, **options))
    assert caught.value.path == tmp_path / "links.csv"


def test_a_missing_map_and_a_map_of_no_rows_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        linked(LinksConfig(path=tmp_path / "absent.csv"))
    with pytest.raises(DataError, match=r"links\.csv: there is no link in the file, only a header"):
        linked(written(tmp_path, "item,entity\n"))


RENAMED = pa.table({"id": ["http://e/old", "http://e/older"], "into": ["http://e/a", "http://e/a"]}).cast(
    pa.schema([("id", pa.large_string()), ("into", pa.large_string())])
)


def test_links_follow_entities_that_were_merged_away(tmp_path: Path) -> None:
    # Two rows of one item are no contradiction once their entities are one.
    config = written(tmp_path, "item,entity\ni1,http://e/old\ni1,http://e/older\ni2,http://e/b\n")
    items, numbers = read_links(config, ITEMS, GRAPH, renamed=RENAMED)
    assert GRAPH.entities.ids(numbers[:2]) == ["http://e/a", "http://e/b"]
    assert list(items) == list(ITEMS)
    alone = IdMap(["http://e/older", "http://e/c", "x"])
    _, numbers = read_links(None, alone, GRAPH, renamed=RENAMED)
    assert numbers.tolist() == [0, 3, -1]


def test_no_item_joins_where_none_may(tmp_path: Path) -> None:
    config = written(tmp_path, "item,entity\ni1,http://e/a\nnew,http://e/b\n")
    assert "new" in read_links(config, ITEMS, GRAPH)[0]
    items, numbers = read_links(config, ITEMS, GRAPH, may_join=False)
    assert items == ITEMS
    assert numbers.tolist() == [0, -1, -1]


def test_items_of_a_type_join_where_there_is_no_map() -> None:
    types, kinds = ("http://e/Film", "http://e/Person"), np.array([0, 1, 0, -1])
    graph = KnowledgeGraph.build(GRAPH.entities, [], NONE, NONE, NONE, types=types, type_of=kinds)
    items, numbers = read_links(LinksConfig(join_type="Film"), ITEMS, graph)
    assert list(items) == ["i1", "i2", "i3", "http://e/a", "http://e/b"]
    # i2 is an entity of another type: it is an item because somebody met it.
    assert numbers.tolist() == [-1, 1, -1, 0, 2]
    assert read_links(LinksConfig(join_type="Film"), ITEMS, graph, may_join=False)[0] == ITEMS
    with pytest.raises(ConfigError, match="no node type 'Flim'; did you mean 'Film'"):
        read_links(LinksConfig(join_type="Flim"), ITEMS, graph)


@pytest.mark.parametrize(
    "options", [{}, {"path": "a.csv", "join_type": "Film"}, {"join_type": "Film", "item": "sku"}, {"item": "sku"}]
)
def test_a_map_or_a_type(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="one of three: path names a map|item and entity are columns"):
        LinksConfig.model_validate(options)
