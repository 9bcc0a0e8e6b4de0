"""Small graphs, and one thread: two on a busy machine can be ten times slower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch

from plait.kg import IdMap, Interactions, ItemGraph

Triple = tuple[int, int, int]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class World:
    """Interactions and a graph by their numbers; entity e of the triples is node n_items + e."""

    def __init__(
        self,
        sizes: tuple[int, int, int],
        n_relations: int,
        pairs: Sequence[tuple[int, int]],
        triples: Sequence[Triple],
    ) -> None:
        self.n_users, self.n_items, self.n_entities = sizes
        self.n_relations = n_relations
        self.pairs, self.triples = list(pairs), list(triples)

    @property
    def interactions(self) -> Interactions:
        users = IdMap([f"u{n}" for n in range(self.n_users)])
        columns = np.array(self.pairs, dtype=np.int64).reshape(-1, 2)
        return Interactions.sorted(users, self.items, columns[:, 0], columns[:, 1])

    @property
    def items(self) -> IdMap:
        return IdMap([f"i{n}" for n in range(self.n_items)])

    @property
    def graph(self) -> ItemGraph:
        head, relation, tail = np.array(self.triples, dtype=np.int32).reshape(-1, 3).T
        names = pa.array([f"e{n}" for n in range(self.n_entities)], type=pa.large_string())
        relations = tuple(f"r{n}" for n in range(self.n_relations))
        entity = pa.nulls(self.n_items, pa.large_string())
        return ItemGraph(self.items, IdMap(names), relations, head, relation, tail, names, names, entity)

    def edges(self) -> list[Triple]:
        """Each distinct interaction and each triple once, as (from, relation from 0 = interaction, to), by node."""
        interactions = [(user, 0, self.n_users + item) for user, item in sorted(set(self.pairs))]
        triples = [(self.n_users + head, 1 + relation, self.n_users + tail) for head, relation, tail in self.triples]
        return interactions + triples

    @property
    def n_nodes(self) -> int:
        return self.n_users + self.n_items + self.n_entities


@pytest.fixture
def make_world() -> type[World]:
    return World


@pytest.fixture
def four_nodes() -> World:
    """user 0 - item 0 -r0-> entity 0 -r1-> item 1; nodes 0 (user), 1 and 2 (items), 3 (entity)."""
    return World((1, 2, 1), 2, [(0, 0)], [(0, 0, 2), (2, 1, 1)])


@pytest.fixture(params=range(4))
def any_world(request: pytest.FixtureRequest) -> World:
    """Graphs at random: pairs twice, two relations between the same nodes, a user and a node without any edge."""
    rng = np.random.default_rng(request.param)
    n_users, n_items, n_entities, n_relations = 7, 6, 4, 3
    pairs = [(int(user), int(item)) for user, item in rng.integers(0, (n_users - 1, n_items - 1), (17, 2))]
    nodes = rng.integers(0, n_items + n_entities - 1, (13, 2))
    triples = [(int(h), int(rng.integers(n_relations)), int(t)) for h, t in nodes if h != t]
    triples += [(0, 0, n_items), (0, 2, n_items), (n_items, 1, 0)]
    return World((n_users, n_items, n_entities), n_relations, [*pairs, pairs[0], pairs[3]], triples)
