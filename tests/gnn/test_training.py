"""Training: it learns what is planted, the graph carries it to cold items, and it can be repeated and interrupted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from plait.gnn import Embeddings, GnnConfig, UnifiedGraph
from plait.gnn.embeddings import unit
from plait.gnn.readout import extrapolated
from plait.gnn.training import Epoch, TrainingResult, choose_device, train_net
from plait.loaders import assembled
from plait.text.features import TextFeatures

if TYPE_CHECKING:
    from conftest import World

CPU = torch.device("cpu")
CUDA = pytest.param(
    "cuda", marks=[pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
)
QUICK = GnnConfig(dimension=8, epochs=6, evaluate_every=2, batch_size=16)


def in_order(*values: float) -> Callable[[Embeddings], float]:
    """A metric that gives these values, one a look."""
    left = iter(values)
    return lambda _: next(left)


def rising() -> Callable[[Embeddings], float]:
    """A metric by which the last look is the best."""
    looks = count()
    return lambda _: float(next(looks))


def trained(
    world: World,
    config: GnnConfig = QUICK,
    *,
    validate: Callable[[Embeddings], float] | None = lambda _: 0.0,
    seed: int = 1,
    device: torch.device = CPU,
    on_epoch: Callable[[Epoch], None] | None = None,
    epochs: int | None = None,
) -> TrainingResult:
    vectors = np.random.default_rng(2).normal(size=(world.n_items + world.n_entities, 9)).astype(np.float32)
    text = TextFeatures(vectors, np.ones(len(vectors), dtype=bool))
    return train_net(
        world.interactions,
        world.graph,
        text,
        config,
        validate=validate,
        seed=seed,
        device=device,
        on_epoch=on_epoch,
        epochs=epochs,
    )


def same(one: Embeddings, other: Embeddings) -> bool:
    names = ("user_own", "fold", "items", "entities", "bias")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture
def groups(make_world: type[World]) -> World:
    """Users 0-11 like items 0-7, users 12-20 items 8-14; items 15 and 16 are cold, all are linked to their group.

    Items 0-7 and 15 have entity 0, items 8-14 and 16 have entity 1.
    """
    rng = np.random.default_rng(0)
    pairs = [(user, int(item)) for user in range(12) for item in rng.choice(8, 5, replace=False)]
    pairs += [(user, 8 + int(item)) for user in range(12, 21) for item in rng.choice(7, 4, replace=False)]
    first, second = [*range(8), 15], [*range(8, 15), 16]
    triples = [(item, 0, 17) for item in first] + [(item, 0, 18) for item in second]
    return make_world((21, 17, 2), 1, pairs, triples)


@pytest.mark.parametrize("device", ["cpu", CUDA])
@pytest.mark.parametrize("negatives", [0, 9])
def test_planted_groups_are_learned(groups: World, device: str, negatives: int) -> None:
    config = GnnConfig(dimension=8, epochs=60, learning_rate=0.02, negatives=negatives)
    embeddings = train_net(
        groups.interactions, groups.graph, None, config, validate=rising(), seed=1, device=torch.device(device)
    ).embeddings
    history = groups.interactions.matrix()
    scores = embeddings.scores(embeddings.users(history))
    unseen = np.where(history.toarray() > 0, -np.inf, scores)[:, :15]
    assert (unseen[:12].argmax(axis=1) < 8).all()
    assert (unseen[12:].argmax(axis=1) >= 8).all()


@pytest.mark.parametrize("swapped", [False, True])
def test_the_graph_carries_taste_to_cold_items(groups: World, swapped: bool) -> None:
    """A cold item suits the group whose entity it has, and the other one when it has the other's.

    After many epochs too: were cold items in the softmax, where they are never anything but a wrong answer, their own
    embeddings would learn to cancel what the graph brings.
    """
    if swapped:
        others = {15: 18, 16: 17}
        groups.triples = [(head, relation, others.get(head, tail)) for head, relation, tail in groups.triples]
    config = GnnConfig(dimension=8, epochs=40, learning_rate=0.02)
    differences = []
    for seed in range(8):
        embeddings = train_net(
            groups.interactions, groups.graph, None, config, validate=rising(), seed=seed, device=CPU
        ).embeddings
        # Cosines, so that no bias has a say.
        cosines = unit(embeddings.users(groups.interactions.matrix())) @ unit(embeddings.items[15:]).T
        differences.append(cosines[:12].mean(axis=0) - cosines[12:].mean(axis=0))
    of_item_15, of_item_16 = np.mean(differences, axis=0)
    assert (min(of_item_15, -of_item_16) > 0.3) if not swapped else (max(of_item_15, -of_item_16) < -0.3)


def test_the_same_seed_gives_the_same_net_and_another_does_not(any_world: World) -> None:
    one, again, other = (trained(any_world, seed=seed) for seed in (1, 1, 2))
    assert same(one.embeddings, again.embeddings)
    assert (one.relation_weights == again.relation_weights).all()
    assert not np.array_equal(one.embeddings.items, other.embeddings.items)


@pytest.mark.parametrize("negatives", [0, 64])
def test_the_same_seed_gives_the_same_net_on_two_threads(make_world: type[World], negatives: int) -> None:
    # Large enough that torch shares the work out; gradients summed in the order the threads come would differ.
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 600, 6000), rng.zipf(1.3, 6000) % 300
    pairs = [(int(user), int(item)) for user, item in zip(*columns, strict=True)]
    world = make_world((600, 300, 0), 1, pairs, [])
    config = GnnConfig(epochs=3, evaluate_every=3, negatives=negatives)
    torch.set_num_threads(2)
    one, *again = (trained(world, config).embeddings for _ in range(4))
    assert all(same(one, other) for other in again)


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_global_randomness_is_neither_used_nor_moved(any_world: World, device: str) -> None:
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    one = trained(any_world, device=torch.device(device))
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    torch.manual_seed(8)
    if device == "cpu":
        assert same(trained(any_world).embeddings, one.embeddings)


def test_the_best_epoch_is_kept(any_world: World) -> None:
    news: list[Epoch] = []
    snapshots: list[Embeddings] = []
    values = iter([0.2, 0.5, 0.4])

    def validate(embeddings: Embeddings) -> float:
        snapshots.append(embeddings)
        return next(values)

    result = trained(any_world, validate=validate, on_epoch=news.append)
    assert (result.epochs, result.best_epoch, result.best_metric, result.interrupted) == (6, 4, 0.5, False)
    assert same(result.embeddings, snapshots[1]) and not same(result.embeddings, snapshots[2])
    assert [epoch.number for epoch in news] == [1, 2, 3, 4, 5, 6]
    assert [epoch.metric for epoch in news] == [None, 0.2, None, 0.5, None, 0.4]
    assert [epoch.best for epoch in news] == [-np.inf, 0.2, 0.2, 0.5, 0.5, 0.5]


def test_an_equal_run_stopped_at_the_best_epoch_gives_the_same(any_world: World) -> None:
    """What is kept is of its epoch, not a view of what training went on to change."""
    long = trained(any_world, validate=in_order(0.2, 0.5, 0.4))
    short = trained(any_world, QUICK.model_copy(update={"epochs": 4}), validate=in_order(0.2, 0.5))
    assert same(long.embeddings, short.embeddings)
    assert (long.relation_weights == short.relation_weights).all()
    assert (long.relation_weights != 1).any()


def test_early_stopping_stops(any_world: World) -> None:
    config = QUICK.model_copy(update={"epochs": 50, "patience": 3})
    result = trained(any_world, config, validate=in_order(0.3, 0.5, 0.4, 0.5, 0.2, 0.9))
    # Best at the second look; three looks later, none better (an equal one is not), it ends.
    assert (result.epochs, result.best_epoch, result.best_metric) == (2 * 5, 2 * 2, 0.5)


@pytest.mark.parametrize(("last", "best_epoch"), [(5, 2), (4, 4), (1, 0)])
def test_ctrl_c_keeps_the_best_so_far(any_world: World, last: int, best_epoch: int) -> None:
    def on_epoch(epoch: Epoch) -> None:
        if epoch.number == last:
            raise KeyboardInterrupt

    metrics = (0.5, 0.4) if last == 5 else (0.5, 0.6)
    result = trained(any_world, validate=in_order(*metrics), on_epoch=on_epoch)
    assert (result.interrupted, result.epochs, result.best_epoch) == (True, last, best_epoch)
    expected = trained(any_world, QUICK.model_copy(update={"epochs": max(best_epoch, 1)}), validate=in_order(0.5, 0.6))
    assert same(result.embeddings, expected.embeddings)
    assert np.isnan(result.best_metric) == (best_epoch == 0)


def test_a_metric_that_is_never_a_number_keeps_the_last(any_world: World) -> None:
    result = trained(any_world, validate=lambda _: float("nan"))
    assert result.best_epoch == 0 and np.isnan(result.best_metric)
    assert same(result.embeddings, trained(any_world, validate=in_order(1, 2, 3)).embeddings)


def test_fixed_relation_weights_stay(any_world: World) -> None:
    result = trained(any_world, QUICK.model_copy(update={"relation_weights": False}))
    assert (result.relation_weights == 1).all()
    assert len(result.relation_weights) == 2 * (1 + any_world.n_relations)


EVERYTHING = {
    "negatives": 5,
    "popularity_share": 0.5,
    "hard_negatives": 2,
    "edge_dropout": 0.2,
    "links": {"batch_size": 16, "negatives": 8},
    "contrast": {"view": "edges"},
    "denoise": {},
    "clip": 1.0,
    "warm_up": 1,
    "decay": "cosine",
    "average": 0.9,
}
"""All options at once, each of which draws or keeps something."""
SAMPLED = {"regime": "sampled", "fan_out": [3, 2], "negatives": 5}


def with_options(**options: object) -> GnnConfig:
    return GnnConfig.model_validate(QUICK.model_dump() | options)


@pytest.mark.parametrize(
    "options",
    [
        {"clip": 1e-3},
        {"warm_up": 2},
        {"decay": "linear"},
        {"decay": "cosine"},
        {"average": 0.9},
        {"edge_dropout": 0.3},
        {"dropout": 0.6},
        {"weight_decay": 0.1},
        {"hard_negatives": 2},
        {"popularity_share": 0.9},
        {"negatives_from": "batch"},
        {"links": {}},
        {"links": {"model": "transe"}},
        {"contrast": {"view": "edges"}},
        {"contrast": {"view": "noise"}},
        {"denoise": {}},
        {"precision": "bfloat16"},
        SAMPLED | {"neighbours": "degree", "negatives": 3},
    ],
    ids=str,
)
def test_every_option_reaches_the_training(any_world: World, options: dict[str, object]) -> None:
    """It makes another net than the same training without it, and what is meant to do nothing does nothing."""
    usual = {"negatives": 3, **({"regime": "sampled", "fan_out": [3, 2]} if "regime" in options else {})}
    plain, other = (trained(any_world, with_options(**chosen)).embeddings for chosen in (usual, usual | options))
    assert np.abs(other.items - plain.items).max() > 1e-5
    if "clip" in options:
        assert same(trained(any_world, with_options(**usual, clip=1e6)).embeddings, plain)


@pytest.mark.parametrize(
    "options",
    [
        {"negatives": 9, "popularity_share": 0.5},
        {"negatives": 9, "negatives_from": "batch"},
        {"objective": "bpr", "negatives": 3},
        {"regime": "sampled", "fan_out": [3, 2], "negatives": 9},
        {"regime": "sampled", "fan_out": [4, 0], "fan_out_per": "relation", "neighbours": "degree", "negatives": 9},
        {"regime": "sampled", "fan_out": [3, 2], "objective": "bpr", "negatives": 3, "replace": True},
        {"precision": "bfloat16"},
        {"net": "rgcn", "bases": 2, "learning_rate": 0.01},
        EVERYTHING,
        EVERYTHING | SAMPLED | {"contrast": {"view": "noise"}},
    ],
)
def test_planted_groups_are_learned_by_every_way(groups: World, options: dict[str, object]) -> None:
    config = GnnConfig.model_validate(
        {"dimension": 8, "epochs": 60, "evaluate_every": 60, "learning_rate": 0.02, "batch_size": 40} | options
    )
    embeddings = train_net(
        groups.interactions, groups.graph, None, config, validate=rising(), seed=1, device=CPU
    ).embeddings
    history = groups.interactions.matrix()
    scores = embeddings.scores(embeddings.users(history))
    unseen = np.where(history.toarray() > 0, -np.inf, scores)[:, :15]
    right = np.concatenate([unseen[:12].argmax(axis=1) < 8, unseen[12:].argmax(axis=1) >= 8])
    assert right.mean() > 0.9


@pytest.mark.parametrize("options", [EVERYTHING, EVERYTHING | SAMPLED])
def test_every_option_draws_from_generators_of_its_own(any_world: World, options: dict[str, object]) -> None:
    config = with_options(**options)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one = trained(any_world, config).embeddings
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    assert same(one, trained(any_world, config).embeddings)
    assert not same(one, trained(any_world, config, seed=2).embeddings)


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_without_validation_all_epochs_are_trained_and_the_last_is_kept(any_world: World, average: float) -> None:
    config = with_options(epochs=9, patience=1, average=average)
    blind = trained(any_world, config, validate=None, epochs=4)
    assert (blind.epochs, blind.best_epoch, blind.interrupted) == (4, 0, False) and np.isnan(blind.best_metric)
    watched = trained(any_world, config.model_copy(update={"epochs": 4}), validate=rising())
    assert same(blind.embeddings, watched.embeddings)


def test_what_is_averaged_is_what_is_kept(any_world: World) -> None:
    plain, averaged = (trained(any_world, with_options(average=average)) for average in (0.0, 0.9))
    assert not same(plain.embeddings, averaged.embeddings)
    # An average over a path that starts small and grows is smaller than its end.
    assert np.abs(averaged.embeddings.bias).sum() < np.abs(plain.embeddings.bias).sum()


def test_half_precision_stays_near_to_full(any_world: World) -> None:
    config = with_options(epochs=1, dropout=0.0)
    full, half = (
        trained(any_world, config.model_copy(update={"precision": name})).embeddings for name in ("float32", "bfloat16")
    )
    assert not same(full, half) and half.items.dtype == np.float32
    # One Adam step moves a component by the learning rate, 0.005, whatever the gradient's size, but by its sign.
    assert half.items == pytest.approx(full.items, abs=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "bpr", "negatives": 0}, "bpr ranks against items drawn"),
        ({"regime": "sampled", "negatives": 0}, "softmax over all items needs the whole graph"),
        ({"regime": "sampled", "fan_out": [5]}, "1 numbers for 2 layers"),
        ({"fan_out": [5, -1]}, "0 \\(all edges\\) or more"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"negatives": -1}, "negatives is -1"),
    ],
)
def test_options_that_do_not_agree_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_options(**options)


def test_held_out_edges_are_not_in_the_graph_that_is_propagated(any_world: World) -> None:
    log = any_world.interactions
    part = np.arange(len(log)) % 3
    split = assembled(*(log.select(part == number) for number in range(3)))
    positives = split.positives()
    unified = UnifiedGraph.build(positives, any_world.graph)
    between = {
        (int(v), int(s) - any_world.n_users)
        for s, v in zip(unified.sender, unified.receiver, strict=True)
        if v < any_world.n_users
    } | {
        (int(s), int(v) - any_world.n_users)
        for s, v in zip(unified.sender, unified.receiver, strict=True)
        if s < any_world.n_users
    }
    held_out = {
        (int(u), int(i)) for rows in (split.valid, split.test) for u, i in np.column_stack([rows.user, rows.item])
    }
    assert len(held_out) >= 4
    assert between == {(int(u), int(i)) for u, i in zip(positives.user, positives.item, strict=True)}
    assert not between & held_out


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_starts_like_the_cpu_and_repeats_itself(any_world: World) -> None:
    one, again = (trained(any_world, device=torch.device("cuda")).embeddings for _ in range(2))
    assert one.items == pytest.approx(again.items, abs=1e-4)
    config = QUICK.model_copy(update={"dropout": 0.0, "epochs": 1})
    here, there = (trained(any_world, config, device=torch.device(name)).embeddings for name in ("cpu", "cuda"))
    assert here.items == pytest.approx(there.items, abs=1e-3)


def test_choosing_a_device() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="'tpuu' is no device of torch"):
        choose_device("tpuu")
    with pytest.raises(ValueError, match="device cuda:97 was asked for"):
        choose_device("cuda:97")


def test_the_bias_of_an_unmet_item_lies_on_the_line_of_the_others() -> None:
    # log(1 + 1), log(1 + 3), log(1 + 7) are 1, 2, 3 times log 2: biases 0.5, 0.75, 1.0 point to 0.25 at no users.
    bias = np.array([0.5, 9.0, 0.75, 1.0, -9.0], dtype=np.float32)
    result = extrapolated(bias, np.array([1, 0, 3, 7, 0]))
    assert result == pytest.approx([0.5, 0.25, 0.75, 1.0, 0.25], abs=1e-6)


def test_where_all_are_met_alike_an_unmet_item_has_their_mean() -> None:
    bias = np.array([0.5, 9.0, 0.7], dtype=np.float32)
    assert extrapolated(bias, np.array([4, 0, 4])) == pytest.approx([0.5, 0.6, 0.7], abs=1e-6)
    assert extrapolated(bias, np.array([4, 2, 4])) is bias


def test_counts_all_alike_make_no_line() -> None:
    # For 25 equal counts the spread is not 0 but rounding noise, and a slope through it had been 1e14.
    bias = np.append(np.linspace(-1, 2, 25), 7).astype(np.float32)
    assert extrapolated(bias, np.array([1] * 25 + [0]))[-1] == pytest.approx(0.5, abs=1e-6)
