"""Each net against its equation, edge by edge in float64, and the readout of users against theirs."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from plait.gnn.nets import GraphNet, NodeText
from plait.gnn.propagation import Propagation

if TYPE_CHECKING:
    from conftest import World

Rows = npt.NDArray[np.float64]
Parts = dict[str, Rows]
Edges = list[tuple[int, int, int]]
"""Sender, relation and direction, receiver."""


def gelu(x: Rows) -> Rows:
    return x * np.array([(1 + erf(v / sqrt(2))) / 2 for v in x.ravel()]).reshape(x.shape)


def edges_of(world: World) -> Edges:
    """Both directions of every edge; against the relation counts as another one."""
    n = 1 + world.n_relations
    return [(u, r, v) for u, r, v in world.edges()] + [(v, r + n, u) for u, r, v in world.edges()]


def degrees(edges: Edges, n: int) -> Rows:
    return np.bincount([v for _, _, v in edges], minlength=n).astype(float)


def light(x: Rows, edges: Edges, p: Parts) -> Rows:
    d, out = degrees(edges, len(x)), np.zeros_like(x)
    for u, r, v in edges:
        out[v] += p["relation_weight"][r] / sqrt(d[u] * d[v]) * x[u]
    return out


def lightgcn(x: Rows, edges: Edges, p: Parts) -> Rows:
    """A light net to which there is nothing but interactions."""
    n = len(p["relation_weight"]) // 2
    return light(x, [e for e in edges if e[1] % n == 0], {"relation_weight": np.ones(2 * n)})


def rgcn(x: Rows, edges: Edges, p: Parts, number: int) -> Rows:
    d, told = degrees(edges, len(x)), x @ p["root"][number]
    for u, r, v in edges:
        matrix = sum(a * basis for a, basis in zip(p["coefficient"][number][:, r], p["basis"][number], strict=True))
        told[v] += x[u] @ matrix / sqrt(d[u] * d[v])
    return light(x, edges, p) + gelu(told)


def sage(x: Rows, edges: Edges, p: Parts, number: int) -> Rows:
    d, mean = degrees(edges, len(x)), np.zeros_like(x)
    for u, r, v in edges:
        mean[v] += p["relation_weight"][r] * x[u] / d[v]
    return mean + gelu(mean @ p["neighbours"][number] + x @ p["root"][number])


def attended(x: Rows, edges: Edges, heads: int, score: Callable[..., float], value: Callable[..., Rows]) -> Rows:
    """Sum of values by softmax of scores among each receiver's edges, head by head side by side."""
    out = np.zeros_like(x)
    width = x.shape[1] // heads
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        for v in range(len(x)):
            into = [e for e in edges if e[2] == v]
            weights = np.exp([score(h, part, *e) for e in into])
            for e, weight in zip(into, weights / weights.sum(), strict=True):
                out[v, part] += weight * value(h, part, *e)
    return out


def attention(x: Rows, edges: Edges, p: Parts, number: int) -> Rows:
    of = f"convolutions.{number}."
    sent = x @ p[of + "lin_l.weight"].T
    asked = x @ p[of + "lin_r.weight"].T
    related = p["relation"] @ p[of + "lin_edge.weight"].T

    def score(h: int, part: slice, u: int, r: int, v: int) -> float:
        z = (sent[u] + asked[v] + related[r])[part]
        return float(p[of + "att"][0, h] @ np.where(z > 0, z, 0.2 * z))

    return light(x, edges, p) + attended(x, edges, 2, score, lambda h, part, u, r, v: sent[u, part])


def hgt(x: Rows, edges: Edges, p: Parts, number: int, kind: list[int]) -> Rows:
    q = {key.removeprefix(f"transformers.{number}."): value for key, value in p.items()}
    key, query, value = (
        np.array([row @ q[name][k] for row, k in zip(x, kind, strict=True)]) for name in ("key", "query", "value")
    )

    def score(h: int, part: slice, u: int, r: int, v: int) -> float:
        asked = key[u, part] @ q["attention"][r, h] @ query[v, part]
        return float(asked * q["prior"][r, h] / sqrt(part.stop - part.start))

    heard = attended(x, edges, 2, score, lambda h, part, u, r, v: value[u, part] @ q["message"][r, h])
    return light(x, edges, p) + np.array([gelu(row) @ q["output"][k] for row, k in zip(heard, kind, strict=True)])


def layer(name: str, world: World) -> Callable[[Rows, Edges, Parts, int], Rows]:
    kind = [0] * world.n_users + [1] * world.n_items + [2] * world.n_entities
    return {
        "light": lambda x, e, p, n: light(x, e, p),
        "lightgcn": lambda x, e, p, n: lightgcn(x, e, p),
        "rgcn": rgcn,
        "sage": sage,
        "attention": attention,
        "hgt": lambda x, e, p, n: hgt(x, e, p, n, kind),
    }[name]


def users(x: Rows, inner: Rows, name: str, edges: Edges, p: Parts, n_users: int) -> Rows:
    """What users are read out to from the items' inner layers."""
    n = len(p["relation_weight"]) // 2
    if name == "lightgcn":
        return x + lightgcn(inner, edges, p)
    from_items = np.zeros(2 * n)
    from_items[n] = p["relation_weight"][n]
    return x + light(inner, edges, {"relation_weight": from_items})


@pytest.mark.parametrize("layers", [1, 3])
def test_embeddings_are_those_of_the_equation(
    name: str,
    layers: int,
    any_world: World,
    make: Callable[..., GraphNet],
    whole: Callable[[World], Propagation],
    some_text: Callable[[World], NodeText],
) -> None:
    distinct = type(any_world)(
        (any_world.n_users, any_world.n_items, any_world.n_entities),
        any_world.n_relations,
        sorted(set(any_world.pairs)),
        any_world.triples,
    )
    net, graph = make(name, distinct, some_text(distinct), layers=layers), whole(distinct)
    p: Any = {key: value.detach().numpy().astype(float) for key, value in net.state_dict().items()}
    edges = edges_of(distinct)
    own = net.inputs().detach()
    xs = [own.numpy().astype(float)]
    for number in range(layers):
        xs.append(layer(name, distinct)(xs[-1], edges, p, number))
    inner, expected = np.sum(xs[:-1], axis=0), np.sum(xs, axis=0)
    n = distinct.n_users
    expected[:n] = users(xs[0], inner, name, edges, p, n)[:n]
    out = net(graph, own)
    assert np.abs(expected).max() > 0.1
    assert out.final.detach().numpy() == pytest.approx(expected / (layers + 1), rel=1e-4, abs=1e-5)
    assert out.inner.detach().numpy() == pytest.approx(inner, rel=1e-4, abs=1e-5)
