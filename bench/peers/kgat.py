"""KGAT, written anew from the paper, with its attention kept apart from the sparse products as its authors do.

Wang et al., KGAT: Knowledge Graph Attention Network for Recommendation, KDD 2019. Unlike theirs it starts from random
embeddings, not from those of a factorisation, and stops early by validation, not by test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional

from plait.kg import Interactions, ItemGraph

from .nets import Course, Csr, Pairs, Product, stopped_early, trained_for
from .peer import Fit, ScoreOf, Setting, Task

CHUNK = 262_144
"""Edges whose attention is computed at once."""


@dataclass(frozen=True, eq=False)
class CollaborativeGraph:
    """Users, items and entities as nodes (in this order), interactions and triples as edges both ways, sorted by head.

    Attributes:
        n_users, n_items, n_nodes: sizes.
        n_relations: of edges, either direction of a relation for itself; interactions are relations 0 and 1.
        head, relation, tail: columns, shape (edges,).
    """

    n_users: int
    n_items: int
    n_nodes: int
    n_relations: int
    head: npt.NDArray[np.int64]
    relation: npt.NDArray[np.int64]
    tail: npt.NDArray[np.int64]

    @classmethod
    def of(cls, log: Interactions, graph: ItemGraph) -> CollaborativeGraph:
        """The graph of a log and what is known of its items."""
        n_users, n_items = len(log.users), len(log.items)
        item = log.item.astype(np.int64) + n_users
        head = np.concatenate([log.user.astype(np.int64), graph.head.astype(np.int64) + n_users])
        tail = np.concatenate([item, graph.tail.astype(np.int64) + n_users])
        relation = np.concatenate([np.zeros(len(item), dtype=np.int64), 2 + 2 * graph.relation.astype(np.int64)])
        ends = np.concatenate([head, tail]), np.concatenate([relation, relation + 1]), np.concatenate([tail, head])
        order = np.lexsort(ends[::-1])
        n_nodes = n_users + n_items + len(graph.entities)
        return cls(n_users, n_items, n_nodes, 2 + 2 * len(graph.relations), *(column[order] for column in ends))

    def matrix(self, values: npt.NDArray[np.float32]) -> sp.csr_array:
        """Edges with values as a matrix, those between the same nodes added up, shape (nodes, nodes)."""
        return sp.csr_array((values, (self.head, self.tail)), shape=(self.n_nodes, self.n_nodes))

    def evenly(self) -> npt.NDArray[np.float32]:
        """The same share for each edge of a head: what is propagated by before there is an attention."""
        degree = np.bincount(self.head, minlength=self.n_nodes)
        return np.asarray(1 / degree[self.head], dtype=np.float32)

    def softmax(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Shares of each head's edges."""
        start = np.flatnonzero(np.diff(self.head, prepend=-1))
        count = np.diff(start, append=len(self.head))
        shares = np.exp(scores - np.repeat(np.maximum.reduceat(scores, start), count))
        return np.asarray(shares / np.repeat(np.add.reduceat(shares, start), count), dtype=np.float32)


class KgatNet(nn.Module):
    r"""Embeddings, TransR and bi-interaction layers.

    .. math::
        \pi(h, r, t) = (W_r e_t)^T \tanh(W_r e_h + e_r), \qquad
        e' = \sigma(W_1 (e_h + e_N)) + \sigma(W_2 (e_h \odot e_N)), \quad e_N = \sum_t \pi(h, r, t) \, e_t

    with :math:`\pi` softmaxed over the edges of h; the layers' outputs, scaled to length 1, stand side by side.
    """

    def __init__(self, graph: CollaborativeGraph, dimension: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.graph, self.dropout = graph, dropout
        self.nodes = nn.Parameter(nn.init.xavier_uniform_(torch.empty(graph.n_nodes, dimension)))
        self.relations = nn.Parameter(nn.init.xavier_uniform_(torch.empty(graph.n_relations, dimension)))
        projections = torch.empty(graph.n_relations, dimension, dimension)
        for one in projections:
            nn.init.xavier_uniform_(one)
        self.projections = nn.Parameter(projections)
        sizes = list(zip([dimension, *widths], widths, strict=False))
        self.sums = nn.ModuleList(nn.Linear(a, b) for a, b in sizes)
        self.products = nn.ModuleList(nn.Linear(a, b) for a, b in sizes)
        self.share(graph.evenly())

    def share(self, values: npt.NDArray[np.float32]) -> None:
        """Propagate by these values from now on, shape (edges,)."""
        matrix = self.graph.matrix(values)
        device = self.nodes.device
        self.matrix, self.transposed = Csr.of(matrix, device), Csr.of(sp.csr_array(matrix.T.tocsr()), device)

    def forward(self) -> Tensor:
        """Final embeddings of all nodes, shape (nodes, dimension + widths)."""
        now, layers = self.nodes, [self.nodes]
        for sums, products in zip(self.sums, self.products, strict=True):
            around = Product.apply(self.matrix, self.transposed, now)  # type: ignore[no-untyped-call]
            now = functional.leaky_relu(sums(now + around)) + functional.leaky_relu(products(now * around))
            now = functional.dropout(now, self.dropout, self.training)
            layers.append(functional.normalize(now, dim=1))
        return torch.cat(layers, dim=1)

    @torch.no_grad()
    def attend(self) -> None:
        """Renew the attention from the embeddings as they are; it has no gradient, as in the authors' code."""
        graph, scores = self.graph, np.empty(len(self.graph.head), dtype=np.float32)
        for relation in range(graph.n_relations):
            edges = np.flatnonzero(graph.relation == relation)
            projected = self.nodes @ self.projections[relation]
            for first in range(0, len(edges), CHUNK):
                some = edges[first : first + CHUNK]
                head, tail = (torch.from_numpy(ends[some]).to(projected.device) for ends in (graph.head, graph.tail))
                asked = torch.tanh(projected[head] + self.relations[relation])
                scores[some] = (projected[tail] * asked).sum(dim=1).cpu().numpy()
        self.share(graph.softmax(scores))

    def triples_loss(self, edges: Tensor, other: Tensor, l2: float) -> Tensor:
        """TransR's: an edge's tail is nearer than one at random, by squared distance; shape ()."""
        losses, penalty = [], []
        relations = torch.from_numpy(self.graph.relation)[edges]
        for relation in torch.unique(relations).tolist():
            of_it = torch.nonzero(relations == relation)[:, 0]
            ends = [torch.from_numpy(part)[edges[of_it]] for part in (self.graph.head, self.graph.tail)]
            head, right, wrong = (
                self.nodes[end.to(self.nodes.device)] @ self.projections[relation] for end in (*ends, other[of_it])
            )
            wanted = head + self.relations[relation]
            near, far = ((wanted - tail).square().sum(dim=1) for tail in (right, wrong))
            losses.append(-functional.logsigmoid(far - near))
            penalty += [part.square().sum() for part in (head, right, wrong)]
        return torch.cat(losses).mean() + l2 * torch.stack(penalty).sum() / (2 * len(edges))


def pairs_loss(nodes: Tensor, user: Tensor, item: Tensor, other: Tensor, l2: float) -> Tensor:
    """BPR with a penalty on the final embeddings of the batch, as the authors have it; shape ()."""
    who, better, worse = nodes[user], nodes[item], nodes[other]
    margin = (who * better).sum(dim=1) - (who * worse).sum(dim=1)
    penalty = sum(part.square().sum() for part in (who, better, worse)) / (2 * len(user))
    return -functional.logsigmoid(margin).mean() + l2 * penalty


def net_of(log: Interactions, items: ItemGraph, setting: Setting, task: Task) -> tuple[Callable[[], None], Course]:
    """A function that trains one epoch (interactions, then triples, then the attention), one that gives the embeddings."""
    torch.manual_seed(task.seed)
    graph = CollaborativeGraph.of(log, items)
    net = KgatNet(graph, setting["dimension"], setting["widths"], setting["dropout"]).to(task.device)
    net.share(graph.evenly())
    adam = torch.optim.Adam(net.parameters(), lr=setting["learning_rate"])
    generator = torch.Generator().manual_seed(task.seed)
    pairs = Pairs(log, setting["batch_size"], task.device, generator)

    def losses() -> Iterator[Tensor]:
        for user, item, other in pairs:
            yield pairs_loss(net(), user, item + graph.n_users, other + graph.n_users, setting["l2"])
        for edges in torch.randperm(len(graph.head), generator=generator).split(setting["triples"]):
            other = torch.randint(graph.n_users, graph.n_nodes, (len(edges),), generator=generator)
            yield net.triples_loss(edges, other, setting["l2"])

    def epoch() -> None:
        net.train()
        for loss in losses():
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
        net.attend()

    def now() -> tuple[Tensor, Tensor]:
        net.eval()
        nodes = net()
        return nodes[: graph.n_users], nodes[graph.n_users : graph.n_users + graph.n_items]

    return epoch, now


class Kgat:
    """KGAT by its own training."""

    name = "KGAT (own)"
    space: Mapping[str, Sequence[Any]] = {
        "dimension": [64],
        "widths": [(64,), (64, 32), (64, 32, 16)],
        "dropout": [0.0, 0.1, 0.3],
        "learning_rate": [1e-3, 3e-3, 1e-2],
        "l2": [1e-5, 1e-4, 1e-3],
        "batch_size": [2048, 8192],
        "triples": [8192],
    }

    def fit(self, task: Task, setting: Setting) -> Fit:
        """Stopped early."""
        return stopped_early(task, *net_of(task.train, task.graph, setting, task))

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """Trained again: it knows users by number alone."""
        return trained_for(fit.epochs, *net_of(task.everything, task.graph, setting, task))
