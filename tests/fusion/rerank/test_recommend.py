"""Re-ranking in the answers of a trained recommender, and what it costs there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import plait
from plait.fusion import Recommender
from plait.fusion.rerank import DppConfig, ExposureConfig, MmrConfig, RelevanceConfig
from plait.fusion.rerank.exposure import attention
from plait.fusion.rerank.price import Price, price_of_saved, shortfall
from plait.fusion.rerank.price_plot import write_price_plot
from plait.fusion.storage import read_record
from plait.kg import ConfigError

USERS = ["C00001", "C00007", "nobody", "C00042"]


@pytest.fixture(scope="module")
def recommender(shop_model: Path) -> Recommender:
    return plait.load(shop_model)


def relation_of_brands(recommender: Recommender) -> str:
    (relation,) = (name for name in recommender.graph.relations if "brand" in name.lower())
    return relation


@pytest.mark.parametrize("config", [RelevanceConfig(), MmrConfig(diversity=0), DppConfig(diversity=0, pool=3)])
def test_no_trade_off_answers_as_before(recommender: Recommender, config: RelevanceConfig) -> None:
    plain = recommender.recommend(USERS, 6, explain=True)
    assert recommender.recommend(USERS, 6, explain=True, rerank=config) == plain


@pytest.mark.parametrize("kind", [MmrConfig, DppConfig])
def test_ranks_are_new_and_scores_are_the_blends(recommender: Recommender, kind: type[MmrConfig | DppConfig]) -> None:
    plain = {(f.user_id, f.item_id): f for f in recommender.recommend(USERS, 10_000)}
    found = recommender.recommend(USERS, 7, rerank=kind(diversity=0.9, pool=40))
    assert [f.rank for f in found] == list(range(1, 8)) * 4
    assert len({(f.user_id, f.item_id) for f in found}) == 28
    for one in found:
        before = plain[one.user_id, one.item_id]
        assert (one.score, one.signals) == (before.score, before.signals)
        assert before.rank <= 40
    assert [f.item_id for f in found] != [f.item_id for user in USERS for f in recommender.recommend([user], 7)]


def test_lists_are_capped_by_the_graphs_values(recommender: Recommender) -> None:
    relation = relation_of_brands(recommender)
    values = recommender.item_knowledge.values(relation)
    config = RelevanceConfig(cap={relation: 1}, pool=2)
    for user in USERS:
        found = recommender.recommend([user], 5, rerank=config)
        brands = values[recommender.items.numbers([f.item_id for f in found])]
        assert brands.sum(axis=0).max() == 1
        # Greedy by hand, over all unseen items.
        used: set[int] = set()
        expected = []
        for one in recommender.recommend([user], 10_000):
            mine = set(values[[recommender.items.number(one.item_id)]].indices.tolist())
            if not mine & used:
                expected.append(one.item_id)
                used |= mine
        assert [f.item_id for f in found] == expected[:5]
        assert len(recommender.recommend([user], 1000, rerank=config)) == len(expected)


def test_candidates_bound_what_is_re_ranked(recommender: Recommender) -> None:
    some = list(recommender.items)[::3]
    found = recommender.recommend(["C00007"], 50, candidates=some, rerank=MmrConfig(diversity=1))
    plain = recommender.recommend(["C00007"], 50, candidates=some)
    assert {f.item_id for f in found} == {f.item_id for f in plain}


def test_a_brand_gets_the_exposure_it_is_due(recommender: Recommender) -> None:
    relation = relation_of_brands(recommender)
    values = recommender.item_knowledge.values(relation)
    users = list(recommender.users)[:60]
    shown = np.zeros(values.shape[1])
    for one in recommender.recommend(users, 5):
        shown[values[[recommender.items.number(one.item_id)]].indices] += attention(5)[one.rank - 1]
    sizes = np.bincount(values.indices, minlength=values.shape[1])
    large = np.flatnonzero(sizes >= 5)
    rare = int(large[shown[large].argmin()])
    whole = 60 * attention(5).sum()
    share = shown[rare] / whole + 0.2
    due = ExposureConfig(relation=relation, share={recommender.graph.node_id(rare): share})
    given = 0.0
    for one in recommender.recommend(users, 5, rerank=RelevanceConfig(exposure=due)):
        if rare in values[[recommender.items.number(one.item_id)]].indices:
            given += attention(5)[one.rank - 1]
    assert share * whole - 1 < given < share * whole + 2


def test_unknown_names_are_told_before_anything_is_scored(recommender: Recommender) -> None:
    with pytest.raises(ConfigError, match="no relation 'colour'"):
        recommender.recommend(["C00007"], rerank=RelevanceConfig(cap={"colour": 1}))


@pytest.fixture(scope="module")
def price(shop_model: Path) -> Price:
    return price_of_saved(shop_model, k=5, diversities=(0, 0.5, 1), pool=30, space="entities", methods=("dpp", "mmr"))


def test_the_curve_starts_at_the_models_own_accuracy(price: Price, shop_model: Path) -> None:
    points = {(point.method, point.trade_off): point.metrics for point in price.points}
    assert list(points) == [(method, d) for method in ("dpp", "mmr") for d in (0, 0.5, 1)]
    assert points["mmr", 0] == points["dpp", 0]
    valid = read_record(shop_model).evaluation.row("blend", "valid").metrics
    assert points["mmr", 0]["ndcg"] == pytest.approx(valid["ndcg@5"])
    assert points["mmr", 0]["recall"] == pytest.approx(valid["recall@5"])
    assert points["mmr", 0]["coverage"] == pytest.approx(valid["coverage@5"])
    for method in ("mmr", "dpp"):
        assert points[method, 1]["diversity"] > points[method, 0]["diversity"] + 0.05


def test_caps_and_exposure_are_priced_beside_lists_without(price: Price, shop_model: Path) -> None:
    found = price_of_saved(
        shop_model,
        k=5,
        diversities=(0,),
        pool=60,
        space="entities",
        methods=("mmr",),
        cap={"brand": 1},
        exposure="brand",
    )
    points = {(point.method, point.trade_off): point.metrics for point in found.points}
    assert list(points) == [("none", 0), ("caps", 0), *(("exposure", s) for s in (0.25, 0.5, 0.75, 1)), ("mmr", 0)]
    own = next(point.metrics for point in price.points if (point.method, point.trade_off) == ("mmr", 0))
    assert {name: points["none", 0][name] for name in own} == own
    # At no diversity there are the caps alone, and they change the lists; the more exposure is asked for, the less is missing.
    assert points["mmr", 0] == points["caps", 0]
    assert points["caps", 0] != points["none", 0]
    short = [points["exposure", strength]["shortfall"] for strength in (0.25, 0.5, 0.75, 1)]
    assert short == sorted(short, reverse=True)
    assert short[-1] < points["none", 0]["shortfall"] / 2


def test_shortfall_by_hand() -> None:
    # Groups of items: 0 and 1 of a, 2 of b, 3 of c and b; ranks are worth 1, .6309 and .5.
    groups = sp.csr_array(np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1]]))
    lists = np.array([[0, 2, -1], [1, 0, 3]])
    whole = 1 + 1 / np.log2(3) + 1 + 1 / np.log2(3) + 0.5
    a, b, c = (2 + 1 / np.log2(3)) / whole, (1 / np.log2(3) + 0.5) / whole, 0.5 / whole
    due = (groups, np.array([0.5, 0.4, 0.2]))
    assert a > 0.5
    assert shortfall(lists, due) == pytest.approx((0.4 - b) + (0.2 - c))
    assert shortfall(np.full((2, 3), -1), due) == pytest.approx(1.1)


def test_the_price_is_drawn(price: Price, tmp_path: Path) -> None:
    write_price_plot(price, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    for name in ("a.svg", "b.svg"):
        write_price_plot(price, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    with pytest.raises(ConfigError, match=r"a\.jpg: no picture can be written as '\.jpg'"):
        write_price_plot(price, tmp_path / "a.jpg")
