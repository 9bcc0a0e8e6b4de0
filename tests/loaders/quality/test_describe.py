"""The description as a whole: what reads it finds everything, and JSON holds it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from plait.fusion import read_config
from plait.kg import IdMap, Interactions, ItemGraph, KnowledgeGraph, Schema, labels
from plait.loaders import Catalogue, InteractionsReport, ItemTable, describe, read_catalogue, read_graph, read_log
from plait.loaders.quality.finding import Finding


def test_a_shop_from_end_to_end(shop: Path) -> None:
    settings = read_config(shop)
    assert settings.data.graph is not None
    log, columns = read_log(settings.data, settings.split)
    catalogue = read_catalogue(settings.data, log.items, read_graph(settings.data.graph))
    more = Finding("cyclic-hierarchy", "error", "a category is above itself", 1)
    report = describe(log, columns, catalogue, None, more=[more])
    assert report.findings[0] == more
    assert report.warnings[0] == "a category is above itself"
    assert report.popularity.total == report.histories.total == report.interactions["positives"] == len(log)
    assert report.coverage.items == report.items == 90
    assert {fan.name for fan in report.fans} >= {"brand", "category", "broader"}
    assert sum(fan.count for fan in report.fans) == catalogue.knowledge.n_triples  # type: ignore[union-attr]
    assert report.timeline is not None
    assert sum(report.timeline.counts) == len(log)
    record = json.loads(json.dumps(report.as_record()))
    assert record["findings"][0]["name"] == "cyclic-hierarchy"
    assert record["warnings"] == list(report.warnings)
    assert record["mismatches"]["found"] == []


def test_without_a_graph() -> None:
    items = IdMap(["a", "b"])
    log = Interactions.sorted(IdMap(["u"]), items, np.array([0, 0]), np.array([0, 1]))
    empty = ItemTable(labels_of(2), [""] * 2)
    none = np.full(2, -1)
    bare = Catalogue(items, None, None, labels_of(0), none, ItemGraph.without_graph(items), empty)
    report = describe(log, InteractionsReport(2, 0, {}), bare, None)
    assert {"no-graph", "no-time"} <= {finding.name for finding in report.findings}
    assert report.fans == report.hubs == report.degree == ()
    json.dumps(report.as_record())


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([1.5e9, 1.6e9, 1.6e12], ("2017-07-14T02:40:00+00:00", "2020-09-13T12:26:40+00:00")),
        ([-1e14, 1.5e9, 1.6e9], ("2017-07-14T02:40:00+00:00", "2020-09-13T12:26:40+00:00")),
        ([0.0, 60.0, 1e300], ("1970-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00")),
        ([1.5e9, 1.5e9, 1.5e9 + 1e-6], ("2017-07-14T02:40:00+00:00", "2017-07-14T02:40:00+00:00")),
    ],
)
def test_times_that_cannot_be_do_not_stop_it(times: list[float], expected: tuple[str, str]) -> None:
    report = describe(small(np.array(times)), InteractionsReport(3, 0, {}), bare(), None)
    assert report.time_range == expected
    json.dumps(report.as_record())


def test_sessions_are_counted_and_histories_recognised() -> None:
    log = small(np.array([1.5e9, 1.6e9, 1.7e9]), np.array([0, 4, 4]))
    report = describe(log, InteractionsReport(3, 0, {"user": "u", "item": "i", "time": None}), bare(), None)
    assert report.interactions["sessions"] == 2
    assert not report.of_histories
    none = dict.fromkeys(("user", "item", "weight", "time"))
    report = describe(small(None), InteractionsReport(3, 0, none), bare(), None, strategy="given")
    assert "sessions" not in report.interactions
    assert report.of_histories
    assert not [w for w in report.warnings if "time" in w]


def small(time: np.ndarray | None, session: np.ndarray | None = None) -> Interactions:
    """Three interactions of two users."""
    return Interactions.sorted(
        IdMap(["u", "v"]), IdMap(["a", "b"]), np.array([0, 0, 1]), np.array([0, 1, 1]), None, time, session
    )


def bare() -> Catalogue:
    """Two items without a graph."""
    items = IdMap(["a", "b"])
    empty = ItemTable(labels_of(2), [""] * 2)
    return Catalogue(items, None, None, labels_of(0), np.full(2, -1), ItemGraph.without_graph(items), empty)


def labels_of(n: int):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    return pa.nulls(n, pa.large_string())


def test_a_million_triples_take_seconds() -> None:
    rng = np.random.default_rng(2)
    n, triples = 200_000, 1_000_000
    graph = KnowledgeGraph.build(
        IdMap([f"http://g/{i}" for i in range(n)]), ["a", "b", "c"], rng.integers(0, n, triples),
        rng.integers(0, 3, triples), rng.integers(0, n, triples), types=["T", "U"], type_of=rng.integers(-1, 2, n),
    )  # fmt: skip
    schema = Schema.infer(graph)
    items = IdMap([f"i{i}" for i in range(20_000)])
    entity = rng.permutation(n)[:20_000]
    names = labels(graph, schema)
    titles = names.take(np.where(rng.random(20_000) < 0.2, rng.permutation(entity), entity))
    catalogue = Catalogue(
        items, graph, schema.with_item_type(graph, entity), names, entity, ItemGraph.without_graph(items),
        ItemTable(titles, titles.to_pylist()),
    )  # fmt: skip
    user, item = rng.integers(0, 9_000, 400_000), rng.integers(0, 20_000, 400_000)
    log = Interactions.sorted(
        IdMap([f"u{i}" for i in range(9_000)]), items, user, item, None, rng.random(400_000) * 1e9
    )
    began = time.perf_counter()
    report = describe(log, InteractionsReport(len(log), 0, {}), catalogue, None)
    # Under a second on two idle cores; a loop over triples would take a minute.
    assert time.perf_counter() - began < 15
    assert report.mismatches.compared == 20_000
