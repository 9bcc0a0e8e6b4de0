"""The softmax: by hand; a sample of everything is the full one, and a sample by any likelihood is so on average."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from plait.gnn.objectives import softmax
from plait.gnn.objectives.softmax import Drawn, rows, sampled_softmax_loss, softmax_loss

BATCH, ITEMS, DIMENSION, TEMPERATURE = 4, 7, 3, 0.25


@pytest.fixture
def tables() -> tuple[Tensor, Tensor, Tensor]:
    """Users, items, biases."""
    generator = torch.Generator().manual_seed(1)
    shapes = (BATCH, DIMENSION), (ITEMS, DIMENSION), (ITEMS,)
    users, items, bias = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return users, items, bias


def test_the_full_softmax_by_hand() -> None:
    users = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    items = torch.tensor([[10.0, 0.0], [0.0, 0.5], [1.0, 1.0]])
    bias = torch.tensor([0.1, -0.2, 0.3])
    # Cosines do not know how long the vectors are.
    first = [0.6 / 0.5 + 0.1, 0.8 / 0.5 - 0.2, (0.6 + 0.8) / sqrt(2) / 0.5 + 0.3]
    second = [0 / 0.5 + 0.1, 1 / 0.5 - 0.2, 1 / sqrt(2) / 0.5 + 0.3]
    expected = -(first[2] - log(sum(map(exp, first))) + second[0] - log(sum(map(exp, second)))) / 2
    assert float(softmax_loss(users, items, bias, torch.tensor([2, 0]), 0.5)) == pytest.approx(expected, rel=1e-6)


def test_the_sampled_softmax_by_hand() -> None:
    users = torch.tensor([[1.0, 0.0]])
    items = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8], [0.8, 0.6], [0.0, -1.0]])
    bias = torch.tensor([0.0, 0.4, 0.0, -0.1, 0.0, 0.0])
    # Two drawn out of the five others: each stands for 2.5 of them.
    others = 5 / 2 * (exp(0 / 0.5 + 0.4) + exp(0.6 / 0.5 - 0.1))
    expected = -log(exp(1 / 0.5) / (exp(1 / 0.5) + others))
    loss = softmax_loss(users, items, bias, torch.tensor([0]), 0.5, torch.tensor([1, 3]))
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_a_sample_of_all_other_items_is_the_full_softmax(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    positive = torch.full((BATCH,), 2)
    others = torch.tensor([6, 0, 1, 3, 5, 4])
    sampled = softmax_loss(*tables, positive, TEMPERATURE, others)
    assert float(sampled) == pytest.approx(float(softmax_loss(*tables, positive, TEMPERATURE)), rel=1e-9)


def test_the_positive_drawn_as_a_negative_is_ignored(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    # All items drawn, and each row has another positive: every row must leave out its own, and only its own.
    positive = torch.tensor([5, 0, 6, 2])
    sampled = softmax_loss(*tables, positive, TEMPERATURE, torch.arange(ITEMS))
    assert float(sampled) == pytest.approx(float(softmax_loss(*tables, positive, TEMPERATURE)), rel=1e-9)


def test_a_sample_of_nothing_but_the_positive_is_no_loss(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    users, items, bias = (table.clone().requires_grad_() for table in tables)
    loss = softmax_loss(users, items, bias, torch.full((BATCH,), 3), TEMPERATURE, torch.tensor([3, 3]))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert items.grad is not None and bool((items.grad == 0).all())


def test_the_sampled_denominator_is_right_on_average(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    users, items, bias = tables
    positive = torch.tensor([5, 0, 6, 2])
    full = torch.nn.functional.normalize(users, dim=1) @ torch.nn.functional.normalize(items, dim=1).T / TEMPERATURE
    full = full + bias
    generator = torch.Generator().manual_seed(0)
    row, total, draws = 1, 0.0, 4000
    for _ in range(draws):
        sampled = torch.randint(ITEMS, (4,), generator=generator)
        one = slice(row, row + 1)
        loss = float(softmax_loss(users[one], items, bias, positive[one], TEMPERATURE, sampled))
        # From the loss back to the denominator that it stands for.
        total += exp(loss + float(full[row, positive[row]]))
    expected = float(full[row].exp().sum())
    assert total / draws == pytest.approx(expected, rel=0.05)


def test_rows_are_rows_and_so_is_their_gradient(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    table = tables[1].clone().requires_grad_()
    numbers = torch.tensor([6, 2, 2, 0])
    taken = rows(table, numbers)
    assert torch.equal(taken, table[numbers])
    pull = torch.arange(12, dtype=torch.float64).reshape(4, 3)
    (gradient,) = torch.autograd.grad((taken * pull).sum(), table)
    (expected,) = torch.autograd.grad((table[numbers] * pull).sum(), table)
    assert torch.equal(gradient, expected)


@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_the_full_softmax_and_its_gradients_are_torchs_own(
    tables: tuple[Tensor, Tensor, Tensor], rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks of one row, of three with one left over, and in one piece; logits of hundreds among them."""
    monkeypatch.setattr(softmax, "CHUNK", rows_at_once * ITEMS)
    positive = torch.tensor([5, 0, 6, 2])
    bias = tables[2] * torch.tensor([1, 1, 400, 1, 1, 1, 1])
    ours, theirs = ([t.clone().requires_grad_() for t in (*tables[:2], bias)] for _ in range(2))
    loss = 3 * softmax_loss(ours[0], ours[1], ours[2], positive, TEMPERATURE)
    u, i = (functional.normalize(t, dim=1) for t in theirs[:2])
    expected = 3 * functional.cross_entropy(u @ i.T / TEMPERATURE + theirs[2], positive)
    loss.backward()  # type: ignore[no-untyped-call]
    expected.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-9, atol=1e-12)


def drawn_by(q: Tensor, items: Tensor, positive: Tensor) -> Drawn:
    return Drawn(items, q.log()[items], q.log()[positive])


def of_tables(
    tables: tuple[Tensor, Tensor, Tensor], positive: Tensor, drawn: Drawn, chosen: slice = slice(None)
) -> Tensor:
    users, items, bias = tables
    own, others = (items[positive], bias[positive]), (items[drawn.item], bias[drawn.item])
    return sampled_softmax_loss(users[chosen], own, others, positive, drawn, TEMPERATURE)


def test_a_sample_by_popularity_by_hand() -> None:
    users, own = torch.tensor([[0.0, 2.0]]), (torch.tensor([[0.0, 1.0]]), torch.tensor([0.3]))
    others = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]), torch.tensor([0.5, -0.5, 0.3])
    # Item 4 is the positive, drawn too; of the other two draws item 0 is likely (0.5) and item 2 is not (0.1).
    q = torch.tensor([0.5, 0.1, 0.1, 0.1, 0.2])
    drawn = drawn_by(q, torch.tensor([0, 2, 4]), torch.tensor([4]))
    rest = (1 - 0.2) / 2 * (exp(0 + 0.5) / 0.5 + exp(0.8 / 0.5 - 0.5) / 0.1)
    expected = -log(exp(1 / 0.5 + 0.3) / (exp(1 / 0.5 + 0.3) + rest))
    loss = sampled_softmax_loss(users, own, others, torch.tensor([4]), drawn, 0.5)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_the_denominator_is_right_on_average_however_likely_the_draws(tables: tuple[Tensor, Tensor, Tensor]) -> None:
    users, items, bias = tables
    q = torch.tensor([0.4, 0.05, 0.05, 0.2, 0.1, 0.15, 0.05], dtype=torch.float64)
    logits = functional.normalize(users, dim=1) @ functional.normalize(items, dim=1).T / TEMPERATURE + bias
    generator = torch.Generator().manual_seed(0)
    row, positive = 2, torch.tensor([3])
    total, draws = 0.0, 4000
    for _ in range(draws):
        drawn = drawn_by(q, torch.multinomial(q, 6, replacement=True, generator=generator), positive)
        loss = float(of_tables(tables, positive, drawn, slice(row, row + 1)))
        total += exp(loss + float(logits[row, 3]))
    assert total / draws == pytest.approx(float(logits[row].exp().sum()), rel=0.05)


@pytest.mark.parametrize("rows_at_once", [1, 3, 100])
def test_the_sampled_softmax_and_its_gradients_are_torchs_own(
    tables: tuple[Tensor, Tensor, Tensor], rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(softmax, "CHUNK", rows_at_once * 5)
    positive, item = torch.tensor([5, 0, 6, 2]), torch.tensor([6, 1, 1, 2, 0])
    q = torch.tensor([0.4, 0.05, 0.05, 0.2, 0.1, 0.15, 0.05], dtype=torch.float64)
    ours, theirs = ([t.clone().requires_grad_() for t in tables] for _ in range(2))
    loss = 3 * of_tables((ours[0], ours[1], ours[2]), positive, drawn_by(q, item, positive))
    u, i = (functional.normalize(t, dim=1) for t in theirs[:2])
    logits = u @ i.T / TEMPERATURE + theirs[2]
    taken = item[None] == positive[:, None]
    others = logits[:, item] - q[item].log() + torch.log((1 - q[positive]) / (~taken).sum(1))[:, None]
    own = logits.gather(1, positive[:, None])
    expected = 3 * functional.cross_entropy(
        torch.cat([own, others.masked_fill(taken, -torch.inf)], 1), torch.zeros_like(positive)
    )
    loss.backward()  # type: ignore[no-untyped-call]
    expected.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-9, atol=1e-12)
