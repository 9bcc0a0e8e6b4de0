"""Graph and interactions of one database through the configuration: nothing that is held out stays in the graph."""

from __future__ import annotations

import numpy as np
import pytest

from plait.kg import ConfigError
from plait.loaders.graph_sources import read_graph
from plait.loaders.logs.splits import SplitConfig
from plait.loaders.source import DataConfig, before_mapping, read_catalogue, read_split

FILL = """
UNWIND $rows AS row
MERGE (u:User {id: row[0]}) MERGE (p:Product {sku: row[1]}) MERGE (b:Brand {id: row[2]})
MERGE (p)-[:MADE_BY]->(b)
CREATE (u)-[:BOUGHT {at: row[3]}]->(p) CREATE (u)-[:RATED {stars: 5}]->(p)
"""
ROWS = [[f"u{u}", f"p{(u + i) % 5}", f"b{(u + i) % 5 % 2}", 100 * i + u] for u in range(3) for i in range(4)]


def data(database):
    unset = {"password_env"} if database.server.password_file else set()
    server = database.server.model_dump(exclude_unset=True, exclude=unset)
    log = {"user_label": "User", "item_label": "Product", "relationships": ["BOUGHT"], "time": "at"}
    keys = {"User": "id", "Product": "sku", "Brand": "id"}
    return DataConfig.model_validate(
        {
            "interactions": {"source": "neo4j", **server, **log, "keys": {"User": "id", "Product": "sku"}},
            "graph": {"source": "neo4j", **server, "keys": keys, "around": {"min_degree": 1}},
        }
    )


def test_a_database_gives_both(holding):
    config = data(holding(FILL, rows=ROWS))
    split, report = read_split(config, SplitConfig(strategy="leave_last_out"), np.random.default_rng(0))
    assert (report.rows, len(split.users), len(split.items)) == (12, 3, 5)
    mapped = read_graph(config.graph, before=before_mapping(config, split), without=config.interaction_relationships)
    # BOUGHT is the log; of RATED, which tells the same, two a user are held out.
    assert sorted(mapped.graph.relations) == ["MADE_BY", "RATED"]
    assert [(step.name, step.dropped) for step in mapped.steps if step.dropped] == [("held out", 6)]
    graph = read_catalogue(config, split.items, mapped, split).graph
    edges = {(graph.node_id(h), graph.node_id(t)) for h, t in zip(graph.head, graph.tail, strict=True)}
    assert {("p0", "b0"), ("p1", "b1")} <= edges
    held = {
        pair for part in (split.valid, split.test) for pair in zip(part.users.ids(part.user), part.items.ids(part.item), strict=True)
    }  # fmt: skip
    assert len(held) == 6 and not held & edges
    assert config.files() == []


def test_a_given_split_has_no_place_in_a_database(holding, tmp_path):
    config = data(holding(FILL, rows=ROWS))
    split = SplitConfig(strategy="given", test_path=tmp_path / "test.csv")
    with pytest.raises(ConfigError, match="goes with a log in files"):
        read_split(config, split, np.random.default_rng(0))
