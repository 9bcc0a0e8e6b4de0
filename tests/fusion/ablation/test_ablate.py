"""The ablation on a small shop: the whole is what training gives, a variant lacks what it says, runs are done once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.fusion import Config, read_config
from plait.fusion.ablation import Lacking, ablate
from plait.fusion.ablation.variants import evidence
from plait.fusion.signals.bilinear import BilinearConfig
from plait.fusion.stages import Stages
from plait.fusion.text_stage import EncodedTexts
from plait.fusion.tuning import Prepared
from plait.kg import ConfigError, DataError, SilentProgress
from plait.text import TextFeatures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ablation") / "runs"


@pytest.fixture(scope="module")
def whole_config(bare: Path) -> Config:
    return read_config(bare)


def test_the_whole_is_what_training_gives(whole_config: Config, folder: Path) -> None:
    found = ablate(whole_config, folder, seeds=1, only=["whole"])
    evaluation = plait.train(whole_config).evaluation
    for row in found.rows:
        trained = evaluation.row("blend", "valid" if row.part == "valid" else "test").metrics
        assert dict(row.mean) == pytest.approx({metric: trained[metric] for metric in row.mean}, abs=1e-9)


def test_every_variant_by_every_seed(whole_config: Config, folder: Path) -> None:
    found = ablate(whole_config, folder, seeds=2)
    assert found.seeds == (3, 4)
    names = ["whole", "shuffled-graph", "no-graph", "without-popularity", "without-ease", "without-gnn"]
    for part in ("valid", "test"):
        assert [row.variant for row in found.of(part)] == names
        assert {row.seeds for row in found.of(part)} == {(3, 4)}
    assert found.lacking == (Lacking("no-text", "the configuration has no text"),)
    for row in found.rows:
        left_out = row.variant.removeprefix("without-")
        assert set(row.weights) == {"popularity", "ease", "gnn"} - {left_out}
        assert sum(row.weights.values()) == pytest.approx(1)
    # Without the net nothing is drawn; with it, seeds differ where it has a say.
    by_name = {row.variant: row for row in found.of("valid")}
    assert by_name["without-gnn"].spread["ndcg@10"] == 0
    assert any(row.spread["ndcg@10"] > 0 for row in found.rows)
    # The weights with all signals are the best on validation among those that leave one out; each is one of its points.
    for name in ("without-popularity", "without-ease", "without-gnn"):
        assert by_name[name].mean["ndcg@10"] <= by_name["whole"].mean["ndcg@10"] + 1e-9


class _Stopping(SilentProgress):
    """Presses Ctrl-C when a run begins."""

    def __init__(self, run: str) -> None:
        self.run = run

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[_Stopping]:  # type: ignore[override]
        yield self

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        if note.startswith(self.run):
            raise KeyboardInterrupt

    def result(self, text: str) -> None:
        pass


def test_finished_runs_survive_ctrl_c_and_are_not_done_again(whole_config: Config, tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        ablate(whole_config, kept, seeds=2, only=["no-graph"], progress=_Stopping("no-graph, seed 4"))
    before = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert sorted(before) == ["no-graph-3.parquet", "whole-3.parquet", "whole-4.parquet"]
    with pytest.raises(KeyboardInterrupt):
        ablate(whole_config, kept, seeds=2, only=["no-graph"], progress=_Stopping("no-graph, seed 4"))
    found = ablate(whole_config, kept, seeds=2, only=["no-graph"])
    after = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == ["no-graph-4.parquet"]
    assert [row.seeds for row in found.of("valid")] == [(3, 4), (3, 4)]


def test_what_leaves_a_signal_out_is_made_up_for_later(whole_config: Config, tmp_path: Path) -> None:
    ablate(whole_config, tmp_path / "runs", seeds=1, only=["whole"])
    found = ablate(whole_config, tmp_path / "runs", seeds=1, only=["without-gnn"])
    assert [row.variant for row in found.of("test")] == ["whole", "without-gnn"]


def test_runs_of_another_configuration_are_refused(whole_config: Config, tmp_path: Path) -> None:
    ablate(whole_config, tmp_path / "runs", seeds=1, only=["whole"])
    other = whole_config.model_copy(update={"ease": whole_config.ease.model_copy(update={"l2": (50.0,)})})
    with pytest.raises(ConfigError, match=r"whole-3\.parquet: this finished run is of another configuration"):
        ablate(other, tmp_path / "runs", seeds=1)


def test_what_each_variant_is_fitted_on(whole_config: Config) -> None:
    prepared, stages = Prepared.read(whole_config), Stages(SilentProgress())
    graph = prepared.catalogue.graph
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(graph.n_nodes, 5)).astype(np.float32)
    text = EncodedTexts(TextFeatures(vectors, np.ones(graph.n_nodes, dtype=bool)), graph.n_items, None)
    asked: list[tuple[int, int]] = []

    class WithTexts(Prepared):
        def texts(self, config: Config, stages: Stages | None = None) -> EncodedTexts:
            asked.append((config.verbalise.neighbours, config.verbalise.inverse_neighbours))
            return text

    given = WithTexts(whole_config, prepared.split, prepared.catalogue, prepared.held_out, stages)
    found = {n: evidence(n, whole_config, given, stages) for n in ("whole", "shuffled-graph", "no-text", "no-graph")}
    usual = (whole_config.verbalise.neighbours, whole_config.verbalise.inverse_neighbours)
    assert asked == [usual, usual, usual, (0, 0)]
    whole, other, bare, none = (found[n] for n in ("whole", "shuffled-graph", "no-text", "no-graph"))
    assert not any(isinstance(one, Lacking) for one in found.values())
    assert (whole.graph, whole.text) == (graph, text)  # type: ignore[union-attr]
    assert (other.text, bare.text, bare.graph) == (text, None, graph)  # type: ignore[union-attr]
    assert (other.graph.tail != graph.tail).any()  # type: ignore[union-attr]
    assert len(none.graph.head) == len(none.graph.entities) == 0  # type: ignore[union-attr]
    assert len(none.text.nodes) == graph.n_items  # type: ignore[union-attr]
    np.testing.assert_array_equal(none.text.nodes.vectors, vectors[: graph.n_items])  # type: ignore[union-attr]
    cut = replace(prepared.catalogue, graph=none.graph)  # type: ignore[union-attr]
    without = Prepared(whole_config, prepared.split, cut, prepared.held_out, stages)
    assert evidence("shuffled-graph", whole_config, without, stages) == Lacking(
        "shuffled-graph", "there is no graph around the items"
    )


def test_a_signal_that_needs_what_is_taken_away_is_left_out(whole_config: Config, tmp_path: Path) -> None:
    bilinear = whole_config.model_copy(update={"bilinear": BilinearConfig(dimension=(8,), l2=(30,))})
    found = ablate(bilinear, tmp_path / "runs", seeds=1, only=["no-graph"])
    weights = {row.variant: set(row.weights) for row in found.of("valid")}
    assert weights == {"whole": {"popularity", "ease", "bilinear", "gnn"}, "no-graph": {"popularity", "ease", "gnn"}}
    # Where nothing was taken away, it is a fault of the configuration.
    bare = bilinear.model_copy(update={"data": bilinear.data.model_copy(update={"graph": None, "links": None})})
    with pytest.raises(ConfigError, match="bilinear: the items have no entities"):
        ablate(bare, tmp_path / "bare", seeds=1, only=["whole"])


def test_broken_data_is_told_before_any_run(whole_config: Config, tmp_path: Path) -> None:
    lost = whole_config.data.interactions.model_copy(update={"path": tmp_path / "gone.csv"})
    config = whole_config.model_copy(update={"data": whole_config.data.model_copy(update={"interactions": lost})})
    with pytest.raises(DataError, match=r"gone\.csv"):
        ablate(config, tmp_path / "runs", seeds=1)
    assert not (tmp_path / "runs").exists()
