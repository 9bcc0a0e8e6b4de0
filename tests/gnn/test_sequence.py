"""The sequential net as served: the same numbers as torch and as a slow transformer written out, causal, order-aware."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
import torch

from plait.gnn.sequence import CELLS, SequenceModel
from plait.gnn.sequence_config import SequenceNetConfig
from plait.gnn.sequence_net import SequenceNet

Array = npt.NDArray[np.float32]
D, LAYERS, HEADS, LONGEST, ITEMS = 6, 3, 2, 5, 11


def steps_of(*histories: list[int]) -> sp.csr_array:
    """Histories, oldest first, as steps ago."""
    dense = np.zeros((len(histories), ITEMS), dtype=np.float32)
    for row, history in enumerate(histories):
        dense[row, history] = np.arange(len(history), 0, -1)
    return sp.csr_array(dense)


@pytest.fixture
def model() -> SequenceModel:
    """A net of random numbers, all parts different."""
    rng = np.random.default_rng(3)

    def random(*shape: int) -> Array:
        return rng.normal(scale=0.6, size=shape).astype(np.float32)

    return SequenceModel(
        items=random(ITEMS, D),
        bias=random(ITEMS),
        scale=np.array([1.7], dtype=np.float32),
        temperature=np.array([0.25], dtype=np.float32),
        norms=1 + random(LAYERS, 2, 2, D),
        last_norm=1 + random(2, D),
        query_key_value=random(LAYERS, D, 3 * D),
        query_key_value_bias=random(LAYERS, 3 * D),
        mixed=random(LAYERS, D, D),
        mixed_bias=random(LAYERS, D),
        by_distance=random(LAYERS, HEADS, LONGEST),
        feed_in=random(LAYERS, D, D),
        feed_in_bias=random(LAYERS, D),
        feed_out=random(LAYERS, D, D),
        feed_out_bias=random(LAYERS, D),
    )


def slow_outputs(model: SequenceModel, history: list[int]) -> list[Array]:
    """Outputs at all positions of a history, a position and a head at a time, in float64."""

    def normal(x: Array, norm: Array) -> Array:
        return np.asarray((x - x.mean()) / np.sqrt(x.var() + 1e-5) * norm[0] + norm[1])

    size = D // HEADS
    xs = [np.asarray(model.items[item].astype(np.float64) * model.scale[0]) for item in history]
    for layer in range(LAYERS):
        weights = model.query_key_value[layer], model.query_key_value_bias[layer]
        joint = [normal(x, model.norms[layer, 0]) @ weights[0] + weights[1] for x in xs]
        after = []
        for t, x in enumerate(xs):
            heads = []
            for h in range(HEADS):
                query = joint[t][h * size : (h + 1) * size]
                keys = [joint[s][D + h * size : D + (h + 1) * size] for s in range(t + 1)]
                values = [joint[s][2 * D + h * size : 2 * D + (h + 1) * size] for s in range(t + 1)]
                logits = [q @ query / size**0.5 + model.by_distance[layer, h, t - s] for s, q in enumerate(keys)]
                shares = np.exp(logits) / np.exp(logits).sum()
                heads.append(sum(share * value for share, value in zip(shares, values, strict=True)))
            y = x + np.concatenate(heads) @ model.mixed[layer] + model.mixed_bias[layer]
            hidden = np.maximum(normal(y, model.norms[layer, 1]) @ model.feed_in[layer] + model.feed_in_bias[layer], 0)
            after.append(y + hidden @ model.feed_out[layer] + model.feed_out_bias[layer])
        xs = after
    return [normal(x, model.last_norm) for x in xs]


HISTORIES = [[4], [2, 9, 0], [10, 1, 3, 5, 7], [7, 5, 3, 1, 10], [1, 2, 3, 4, 5, 6, 7, 8]]


def test_against_a_transformer_written_out(model: SequenceModel) -> None:
    users = model.users(steps_of(*HISTORIES))
    for user, history in zip(users, HISTORIES, strict=True):
        assert user == pytest.approx(slow_outputs(model, history[-LONGEST:])[-1], rel=1e-4, abs=1e-5)


def test_scores_by_hand(model: SequenceModel) -> None:
    scores = model.scores(steps_of(HISTORIES[1], []))
    user = slow_outputs(model, HISTORIES[1])[-1]
    item = model.items[8].astype(np.float64)
    cosine = user @ item / np.sqrt(user @ user) / np.sqrt(item @ item)
    assert scores[0, 8] == pytest.approx(cosine / 0.25 + model.bias[8], rel=1e-4)
    assert not scores[1].any()


def torch_net(model: SequenceModel) -> SequenceNet:
    """The net of torch with the numbers of a model."""
    net = SequenceNet(SequenceNetConfig(dimension=D, layers=LAYERS, heads=HEADS, max_length=LONGEST), torch.Generator())
    with torch.no_grad():
        net.scale.fill_(float(model.scale[0]))
        for layer, block in enumerate(net.blocks):
            for name in ("query_key_value", "mixed", "feed_in", "feed_out"):
                getattr(block, name).copy_(torch.from_numpy(getattr(model, name)[layer]))
                getattr(block, f"{name}_bias").copy_(torch.from_numpy(getattr(model, f"{name}_bias")[layer]))
            block.by_distance.copy_(torch.from_numpy(model.by_distance[layer]))
            for norm, values in zip((block.before_attention, block.before_feed), model.norms[layer], strict=True):
                norm.weight.copy_(torch.from_numpy(values[0]))
                norm.bias.copy_(torch.from_numpy(values[1]))
        net.norm.weight.copy_(torch.from_numpy(model.last_norm[0]))
        net.norm.bias.copy_(torch.from_numpy(model.last_norm[1]))
    return net


def test_torch_computes_the_same_at_every_position(model: SequenceModel) -> None:
    history = HISTORIES[2]
    with torch.no_grad():
        out = torch_net(model)(torch.from_numpy(model.items[history])[None])[0]
    assert out.numpy() == pytest.approx(np.stack(slow_outputs(model, history)), rel=1e-4, abs=1e-5)


def test_later_items_change_no_earlier_output(model: SequenceModel) -> None:
    net = torch_net(model)
    x = torch.from_numpy(model.items[HISTORIES[2]])[None].requires_grad_()
    for position in range(LONGEST):
        (gradient,) = torch.autograd.grad(net(x)[0, position].square().sum(), x)
        assert gradient[0, : position + 1].abs().sum(1).gt(0).all()
        assert not gradient[0, position + 1 :].any()


def test_company_and_padding_change_nothing(model: SequenceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    together = model.users(steps_of(*HISTORIES, [], [6]))
    alone = np.concatenate([model.users(steps_of(history)) for history in (*HISTORIES, [], [6])])
    assert together == pytest.approx(alone, rel=1e-5, abs=1e-6)
    assert CELLS > 7 * LONGEST
    monkeypatch.setattr("plait.gnn.sequence.CELLS", 6)
    assert model.users(steps_of(*HISTORIES, [], [6])) == pytest.approx(alone, rel=1e-5, abs=1e-6)


def test_what_is_too_long_ago_counts_no_more(model: SequenceModel) -> None:
    long, other = model.users(steps_of([1, 2, 3, 4, 5, 6, 7], [9, 8, 3, 4, 5, 6, 7]))
    assert (long == other).all()
    short, changed = model.users(steps_of([3, 4, 5, 6, 7], [9, 4, 5, 6, 7]))
    assert (short == long).all()
    assert not np.allclose(short, changed, atol=1e-3)


def test_order_counts(model: SequenceModel) -> None:
    one, other = model.users(steps_of([1, 2, 3], [2, 1, 3]))
    assert not np.allclose(one, other, atol=1e-3)


def test_numbering_of_the_items_is_no_matter(model: SequenceModel) -> None:
    order = np.random.default_rng(5).permutation(ITEMS)
    renumbered = replace(model, items=model.items[order], bias=model.bias[order])
    steps = steps_of(*HISTORIES)
    scores = renumbered.scores(sp.csr_array(steps.toarray()[:, order]))
    assert scores == pytest.approx(model.scores(steps)[:, order], rel=1e-4, abs=1e-5)


def test_arrays_make_the_same_model(model: SequenceModel) -> None:
    again = SequenceModel.from_arrays({name: array.copy() for name, array in model.arrays().items()})
    assert (again.scores(steps_of(*HISTORIES)) == model.scores(steps_of(*HISTORIES))).all()


def test_no_users_at_all(model: SequenceModel) -> None:
    assert model.scores(sp.csr_array((0, ITEMS), dtype=np.float32)).shape == (0, ITEMS)
    assert not model.scores(steps_of([], [])).any()
