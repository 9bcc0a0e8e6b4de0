"""Training a sequential net: it learns order, content carries it to cold items, it can be repeated and interrupted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from pydantic import ValidationError

from plait.gnn.sequence import SequenceModel
from plait.gnn.sequence_config import SequenceNetConfig
from plait.gnn.sequence_items import Bag, ItemTable
from plait.gnn.sequence_training import SequenceResult, train_sequences
from plait.text.features import TextFeatures

CPU = torch.device("cpu")
CUDA = pytest.param(
    "cuda", marks=[pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
)
QUICK = SequenceNetConfig(
    dimension=8, heads=2, max_length=7, dropout=0.1, epochs=25, evaluate_every=2, batch_size=120, learning_rate=0.02
)
CYCLE = 9


def walks(n_items: int = CYCLE, users: int = 40, cold: int = 0) -> sp.csr_array:
    """Users who each walk some way round the items in their order; `cold` items behind them nobody meets."""
    rng = np.random.default_rng(1)
    dense = np.zeros((users, n_items + cold), dtype=np.float32)
    for user in range(users):
        start, length = rng.integers(n_items), rng.integers(2, n_items)
        dense[user, (start + np.arange(length)) % n_items] = np.arange(length, 0, -1)
    return sp.csr_array(dense)


def trained(
    steps: sp.csr_array,
    config: SequenceNetConfig = QUICK,
    *,
    entities: sp.csr_array | None = None,
    text: TextFeatures | None = None,
    validate: Callable[[SequenceModel], float] | None = None,
    seed: int = 1,
    device: torch.device = CPU,
) -> SequenceResult:
    return train_sequences(steps, entities, text, config, validate=validate, seed=seed, device=device)


def next_items(model: SequenceModel, pairs: list[list[int]]) -> list[int]:
    """The best-scored item after each history."""
    n_items = len(model.items)
    steps = np.zeros((len(pairs), n_items), dtype=np.float32)
    for row, history in enumerate(pairs):
        steps[row, history] = np.arange(len(history), 0, -1)
    scores = model.scores(sp.csr_array(steps))
    scores[steps > 0] = -np.inf
    return [int(best) for best in scores.argmax(1)]


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_learns_a_cycle(device: str) -> None:
    model = trained(walks(), device=torch.device(device)).model
    assert next_items(model, [[i, (i + 1) % CYCLE] for i in range(CYCLE)]) == [(i + 2) % CYCLE for i in range(CYCLE)]


def test_learns_a_cycle_from_drawn_negatives() -> None:
    model = trained(walks(), QUICK.model_copy(update={"negatives": 4, "epochs": 40})).model
    assert next_items(model, [[i] for i in range(CYCLE)]) == [(i + 1) % CYCLE for i in range(CYCLE)]


def test_the_last_item_decides_not_the_set() -> None:
    # 0 1 -> 2 and 1 0 -> 3: no bag of items can tell these apart.
    rows = [[3.0, 2, 1, 0], [2, 3, 0, 1]] * 20
    model = trained(sp.csr_array(np.array(rows, dtype=np.float32))).model
    assert next_items(model, [[0, 1], [1, 0]]) == [2, 3]


def same(one: SequenceModel, other: SequenceModel) -> bool:
    return all(np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items())


def test_same_seed_same_model() -> None:
    entities = sp.csr_array(np.eye(CYCLE, 4, dtype=np.float32) + np.eye(CYCLE, 4, k=-4, dtype=np.float32))
    config = QUICK.model_copy(update={"epochs": 2})
    torch.manual_seed(11)
    one = trained(walks(), config, entities=entities)
    torch.manual_seed(12)
    assert same(one.model, trained(walks(), config, entities=entities).model)
    assert not same(one.model, trained(walks(), config, entities=entities, seed=2).model)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    trained(walks(), QUICK.model_copy(update={"epochs": 1}))
    assert torch.equal(before, torch.get_rng_state())


GROUP = 4
GROUPS = np.arange(3 * GROUP) % 3
COLD, UNTOLD = 3 * GROUP, 3 * GROUP + 1


def group_walks() -> sp.csr_array:
    """Users who go from some item of a group to some item of the next, round the three groups; two items nobody meets."""
    rng = np.random.default_rng(1)
    dense = np.zeros((60, UNTOLD + 1), dtype=np.float32)
    for user in range(len(dense)):
        left = [rng.permutation(np.flatnonzero(group == GROUPS)).tolist() for group in range(3)]
        walk = [left[(user + step) % 3].pop() for step in range(7)]
        dense[user, walk] = np.arange(7, 0, -1)
    return sp.csr_array(dense)


def cold_share(model: SequenceModel) -> float:
    """How much better the cold item, one of group 0, does after items of group 2 than after others."""
    scores = model.scores(sp.csr_array(np.eye(3 * GROUP, UNTOLD + 1, dtype=np.float32)))[:, COLD]
    return float(scores[GROUPS == 2].mean() - scores[GROUPS != 2].mean())


def test_a_cold_item_is_known_by_its_entities() -> None:
    linked = np.zeros((UNTOLD + 1, 3), dtype=np.float32)
    linked[np.arange(COLD), GROUPS] = 1
    linked[COLD, 0] = 1
    entities = sp.csr_array(linked)
    model = trained(group_walks(), entities=entities).model
    assert cold_share(model) > 1
    assert not model.items[UNTOLD].any()
    without = trained(group_walks(), QUICK.model_copy(update={"content": False}), entities=entities).model
    assert cold_share(without) == 0


def test_a_cold_item_is_known_by_its_text() -> None:
    vectors = np.random.default_rng(4).normal(size=(3, 5)).astype(np.float32)
    texts = np.concatenate([vectors[GROUPS], vectors[:1], np.zeros((1, 5), dtype=np.float32)])
    model = trained(group_walks(), text=TextFeatures(texts, np.arange(UNTOLD + 1) <= COLD)).model
    assert cold_share(model) > 1
    assert not model.items[UNTOLD].any()


def test_the_best_epoch_is_kept() -> None:
    values = iter([0.1, 0.4, 0.3, 0.2])
    kept: list[SequenceModel] = []

    def validate(model: SequenceModel) -> float:
        kept.append(model)
        return next(values)

    result = trained(walks(), QUICK.model_copy(update={"patience": 2}), validate=validate)
    assert (result.best_epoch, result.epochs, result.best_metric) == (4, 8, 0.4)
    assert result.model is kept[1]
    # What validation saw is what as many epochs give that are not looked at.
    alone = trained(walks(), QUICK.model_copy(update={"epochs": 4}))
    assert same(alone.model, result.model)
    assert (alone.best_epoch, np.isnan(alone.best_metric)) == (4, True)


def test_interrupted_keeps_the_best() -> None:
    looks = count()

    def validate(_: SequenceModel) -> float:
        if (look := next(looks)) == 2:
            raise KeyboardInterrupt
        return 0.5 - look

    result = trained(walks(), validate=validate)
    assert (result.interrupted, result.best_epoch, result.best_metric) == (True, 2, 0.5)
    assert same(result.model, trained(walks(), QUICK.model_copy(update={"epochs": 2})).model)


def test_nothing_follows_anything() -> None:
    with pytest.raises(ValueError, match="two items"):
        trained(sp.csr_array(np.eye(3, 4, dtype=np.float32)))


def test_bag_is_the_product_and_its_gradient() -> None:
    rng = np.random.default_rng(6)
    matrix = sp.csr_array(rng.normal(size=(5, 4)).astype(np.float32) * (rng.random((5, 4)) < 0.5))
    table, to = torch.randn(4, 3, requires_grad=True), torch.randn(5, 3)
    dense = torch.from_numpy(matrix.toarray())
    out = Bag.of(matrix, CPU)(table)
    assert torch.allclose(out, dense @ table, atol=1e-6)
    (gradient,) = torch.autograd.grad((out * to).sum(), table)
    assert torch.allclose(gradient, dense.T @ to, atol=1e-6)


def test_item_table_by_hand() -> None:
    # Entity 2 is linked to one item alone and left out, so that item 1 has one entity, items 0 and 2 have two.
    linked = sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=np.float32))
    met = torch.tensor([True, False, True, False])
    table = ItemTable(met, linked, None, 5, torch.Generator().manual_seed(1), CPU)
    assert table.entity is not None
    x, own, entity = table(), table.own, table.entity
    both = (entity[0] + entity[1]) / 2**0.5
    expected = torch.stack([own[0] + both, entity[0], own[2] + both, torch.zeros(5)])
    assert torch.allclose(x, expected, atol=1e-6)


def test_own_embeddings_are_left_out_as_a_whole() -> None:
    linked = sp.csr_array(np.ones((400, 2), dtype=np.float32))
    table = ItemTable(torch.ones(400, dtype=torch.bool), linked, None, 5, torch.Generator(), CPU, own_dropout=0.25)
    assert table.entity is not None
    content = (table.entity[0] + table.entity[1]) / 2**0.5
    own = table(torch.Generator().manual_seed(2)) - content
    left_out = own.abs().amax(1) < 1e-6
    # Three standard deviations of 400 draws: 0.25 +- 3 sqrt(0.25 * 0.75 / 400).
    assert 0.185 < left_out.float().mean() < 0.315
    assert torch.allclose(own[~left_out], table.own[~left_out], atol=1e-6)
    assert torch.allclose(table() - content, table.own, atol=1e-6)


def test_what_has_no_content_keeps_its_own() -> None:
    table = ItemTable(torch.ones(30, dtype=torch.bool), None, None, 5, torch.Generator(), CPU, own_dropout=0.9)
    assert torch.equal(table(torch.Generator().manual_seed(2)), table.own)


@pytest.mark.parametrize(
    ("wrong", "told"), [({"dimension": 10, "heads": 4}, "multiple of heads"), ({"negatives": -1}, "negatives is -1")]
)
def test_settings_that_cannot_be(wrong: dict[str, int], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SequenceNetConfig.model_validate(wrong)


def test_how_many_are_drawn() -> None:
    auto = SequenceNetConfig()
    assert (auto.drawn(50_000), auto.drawn(50_001)) == (0, 8_192)
    some = SequenceNetConfig(negatives=100)
    assert (some.drawn(101), some.drawn(100), SequenceNetConfig(negatives=0).drawn(10**6)) == (100, 0, 0)
