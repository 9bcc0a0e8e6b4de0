"""The last fit learns from train and validation, never from test, by what was chosen; and nets that are averaged."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.fusion import Config, read_config
from plait.fusion.blending.blend import Blend
from plait.fusion.blending.pool import ItemFacts
from plait.fusion.evaluation.saved import evaluate_saved
from plait.fusion.fitting import Fitted, fit_blend, fit_net
from plait.fusion.rerank.price import price_of_saved
from plait.fusion.signal_stage import fit_signals, refitted
from plait.fusion.signals.material import Material
from plait.fusion.signals.popularity import Popularity
from plait.fusion.stages import Stages
from plait.fusion.storage import load, read_record
from plait.fusion.tuning import Prepared
from plait.kg import ModelError, SilentProgress
from plait.loaders import Split

SHOP = """\
data:
  interactions: {path: purchases.csv, duplicates: first}
  graph: {source: rdf, files: [shop.nt.gz]}
  links: {path: links.csv}
text: null
gnn: {epochs: 2, dimension: 8, batch_size: 2048, evaluate_every: 1, copies: 2}
ease: {l2: [10, 100], entity_weight: [1]}
item_knn: null
ials: null
transitions: null
rp3beta: {}
recency: {boost: [0]}
blend: {step: 0.5, methods: [gate], l2: [0.01], depth: 10}
evaluation: {ks: [10, 5], ablations: false}
refit: true
threads: 1
seed: 3
"""


def _stages() -> Stages:
    return Stages(SilentProgress())


@pytest.fixture(scope="module")
def config(shop: Path) -> Config:
    path = shop.parent / "refit-shop.yaml"
    path.write_text(SHOP)
    return read_config(path)


@dataclass
class Fit:
    """All that a last fit starts from."""

    config: Config
    prepared: Prepared
    material: Material
    fits: dict[str, Fitted]
    blend: Blend
    told: dict[str, Any]

    def again(self, split: Split) -> Blend:
        return refitted(self.config, self.blend, self.fits, self.material, split, None, _stages())


@pytest.fixture(scope="module")
def fit(config: Config) -> Fit:
    prepared = Prepared.read(config)
    graph = prepared.catalogue.graph
    material = Material(prepared.split.positives(), graph, None, config.seed)
    fits = fit_signals(config, material, None, prepared.held_out, _stages())
    facts = ItemFacts.of(Popularity.fit(material.positives).counts, graph)
    signals = {name: fitted.signal for name, fitted in fits.items()}
    rng = np.random.default_rng(0)
    blend, told = fit_blend(config, signals, {}, facts, prepared.held_out, _stages(), rng)
    return Fit(config, prepared, material, fits, blend, told)


def arrays_of(blend: Blend) -> dict[str, Any]:
    """Whatever was learned, by signal and name."""
    learned = {f"{n} {key}": a for n, signal in blend.signals.items() for key, a in signal.arrays().items()}
    assert blend.facts is not None
    return {**learned, "counts": blend.facts.counts}


def test_the_judge_that_was_chosen_is_told_though_weights_may_be_better(fit: Fit) -> None:
    assert fit.told["method"] == "gate, l2 0.01"
    assert set(fit.told["metric"]) == {"weights", "gate, l2 0.01"}
    assert set(fit.told["without"]) == set(fit.fits) == {"popularity", "ease", "rp3beta", "gnn"}


def test_a_last_fit_never_looks_at_test(fit: Fit) -> None:
    """Other items and other users held out for test leave every number as it is; other ones for validation do not."""
    split, rng = fit.prepared.split, np.random.default_rng(0)

    def shuffled(part: str) -> Split:
        held = getattr(split, part)
        return replace(split, **{part: replace(held, item=rng.permutation(held.item))})

    first = arrays_of(fit.again(split))
    blind = arrays_of(fit.again(shuffled("test")))
    assert all(np.array_equal(first[name], blind[name]) for name in first)
    other = arrays_of(fit.again(shuffled("valid")))
    for name in ("popularity counts", "ease weights", "gnn items", "counts"):
        assert not np.array_equal(first[name], other[name]), name


def test_a_last_fit_learns_from_validation_by_what_was_chosen(fit: Fit) -> None:
    last = fit.again(fit.prepared.split)
    split = fit.prepared.split
    everything = split.known("test").at_least(split.min_weight)
    assert len(everything) == len(split.positives()) + len(split.valid.at_least(split.min_weight))
    assert last.judge is fit.blend.judge
    assert last.weights == fit.blend.weights
    counts = Popularity.fit(everything).counts
    assert (arrays_of(last)["counts"] == counts).all()
    assert last.facts is not None
    assert fit.blend.facts is not None
    assert last.facts.links is fit.blend.facts.links
    assert fit.config.ease is not None
    whole = replace(fit.material, positives=everything)
    expected = fit.config.ease.fit(whole, fit.fits["ease"].setting)
    assert (arrays_of(last)["ease weights"] == expected.weights).all()


def test_several_nets_are_trained_the_same_each_time_and_are_not_one(fit: Fit) -> None:
    first = arrays_of(fit.blend)
    assert first["gnn blocks"].tolist() == [2]
    assert first["gnn items"].shape[1] == 2 * 8
    halves = first["gnn items"][:, :8], first["gnn items"][:, 8:]
    assert not np.allclose(*halves, atol=1e-3)
    assert len(fit.fits["gnn"].details["best_epoch"]) == len(fit.fits["gnn"].setting["epochs"]) == 2

    def trained(copies: int) -> Any:
        asked = fit.config.model_copy(update={"gnn": fit.config.gnn.model_copy(update={"copies": copies})})
        given = (fit.material, fit.material.graph, None, fit.prepared.held_out, _stages(), "graph net")
        return fit_net(asked, *given).signal.arrays()

    again, one = trained(2), trained(1)
    assert (again["items"] == first["gnn items"]).all()
    assert one["items"].shape[1] == 8
    assert one["blocks"].tolist() == [1]


@pytest.fixture(scope="module")
def refit_model(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model with a judge and a last fit: look, do not touch."""
    folder = tmp_path_factory.mktemp("refit") / "model"
    plait.train(config).save(folder)
    return folder


def test_the_saved_model_is_that_of_the_last_fit(refit_model: Path, fit: Fit) -> None:
    loaded = load(refit_model)
    split = fit.prepared.split
    counts = Popularity.fit(split.known("test").at_least(split.min_weight)).counts
    assert (arrays_of(loaded.blend)["popularity counts"] == counts).all()
    assert (arrays_of(loaded.blend)["counts"] == counts).all()
    assert loaded.blend.judge is not None
    assert (loaded.blend.judge.kind, loaded.blend.depth) == ("gate", 10)
    assert loaded.trained.sum() == len(np.unique(split.known("test").user))
    assert read_record(refit_model).details["refit"] is True


def test_a_last_fit_is_measured_on_test_alone_and_measured_again_alike(refit_model: Path) -> None:
    stored = read_record(refit_model).evaluation
    assert [row.part for row in stored.rows if row.name == "blend, refit"] == ["test"]
    assert {row.part for row in stored.rows if row.name == "blend"} == {"valid", "test"}
    again = evaluate_saved(refit_model)
    assert {row.part for row in again.rows} == {"test"}
    assert "blend, refit" in {row.name for row in again.rows}
    measured = again.row("blend, refit", "test").metrics
    assert measured == pytest.approx(stored.row("blend, refit", "test").metrics, abs=1e-6)


def test_the_price_of_diversity_is_not_asked_of_a_model_that_learned_from_validation(refit_model: Path) -> None:
    with pytest.raises(ModelError, match=r"fitted on the validation users too \(refit\)"):
        price_of_saved(refit_model)


def test_a_last_fit_is_not_measured_as_if_it_had_not_seen_validation(config: Config, tmp_path: Path) -> None:
    measure = config.evaluation.model_copy(update={"train_history": True})
    trained = plait.train(config.model_copy(update={"evaluation": measure}))
    trained.save(tmp_path / "model")
    stored = {row.name for row in trained.evaluation.rows}
    assert {"blend, train history", "blend, refit"} <= stored
    again = {row.name for row in evaluate_saved(tmp_path / "model").rows}
    assert again
    assert not any("train history" in name for name in again)


def test_a_ranker_comes_back_from_the_folder_as_it_was(config: Config, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="no LightGBM: pip install 'plait[ranker]'")
    blend = config.blend.model_copy(update={"methods": ("ranker",), "trees": (7,)})
    trained = plait.train(config.model_copy(update={"blend": blend, "refit": False}))
    trained.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.blend.judge is not None
    assert loaded.blend.judge.kind == "ranker"
    users = [trained.recommender.users.id(n) for n in range(0, 40, 3)]
    one, other = (r.recommend(users, 5) for r in (trained.recommender, loaded))
    assert [(f.user_id, f.item_id) for f in one] == [(f.user_id, f.item_id) for f in other]
    assert [f.score for f in one] == pytest.approx([f.score for f in other], abs=1e-5)
    measured = evaluate_saved(tmp_path / "model").row("blend", "test").metrics
    assert measured == pytest.approx(trained.evaluation.row("blend", "test").metrics, abs=1e-6)


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another kind": lambda judge: {**judge, "kind": "os.system"},
    "no kind": lambda judge: {k: v for k, v in judge.items() if k != "kind"},
    "no terms": lambda judge: {**judge, "judge": {}},
    "terms of a list": lambda judge: {**judge, "judge": []},
    "a term too short": lambda judge: {**judge, "judge": {"terms": [["ease score", 0.0]]}},
    "a weight that is no number": lambda judge: {**judge, "judge": {"terms": [["ease score", 0, 1, "much"]]}},
    "a weight that is not finite": lambda judge: {**judge, "judge": {"terms": [["ease score", 0, 1, float("nan")]]}},
    "counts of too few items": lambda judge: {**judge, "counts": judge["counts"][1:]},
    "a negative count": lambda judge: {**judge, "counts": [-1, *judge["counts"][1:]]},
    "counts that are no numbers": lambda judge: {**judge, "counts": {"a": 1}},
    "no depth": lambda judge: {k: v for k, v in judge.items() if k != "depth"},
    "a depth of 0": lambda judge: {**judge, "depth": 0},
    "a depth without end": lambda judge: {**judge, "depth": float("inf")},
    "a list": lambda judge: [judge],
    "no JSON": lambda _: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_judge_is_refused(refit_model: Path, tmp_path: Path, damage: str) -> None:
    """With the digest of the damaged file in the manifest: by what it holds, not by its bytes alone."""
    copy = Path(shutil.copytree(refit_model, tmp_path / "model"))
    changed = DAMAGES[damage](json.loads((copy / "judge.json").read_text()))
    (copy / "judge.json").write_text("{" if changed is None else json.dumps(changed))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["judge.json"]["sha256"] = hashlib.sha256((copy / "judge.json").read_bytes()).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"judge\.json: the judge of the blend .*train anew"):
        load(copy)
