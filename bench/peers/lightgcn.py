"""LightGCN of PyTorch Geometric with BPR, as published; and plait's own on interactions alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.nn import LightGCN

from plait.fusion.signals.graph_signal import GraphSignal
from plait.gnn import Embeddings, GnnConfig
from plait.gnn.training import choose_device, train_net
from plait.kg import Interactions, ItemGraph

from .nets import Course, Pairs, stopped_early, trained_for
from .peer import Fit, ScoreOf, Setting, Task

SPACE: Mapping[str, Sequence[Any]] = {
    "dimension": [64, 128],
    "layers": [1, 2, 3],
    "learning_rate": [1e-3, 3e-3, 1e-2],
}


def edges_of(log: Interactions, *, compressed: bool, device: Any) -> Tensor:
    """Users and items with their interactions, both ways: COO as PyG's examples have it, or CSR, the same sums in less time."""
    user, item = (torch.from_numpy(ends.astype(np.int64)) for ends in (log.user, log.item))
    item = item + len(log.users)
    both = torch.stack([torch.cat([user, item]), torch.cat([item, user])]).to(device)
    if not compressed:
        return both
    n = len(log.users) + len(log.items)
    ones = torch.ones(both.shape[1], device=device)
    return torch.sparse_coo_tensor(both, ones, (n, n)).coalesce().to_sparse_csr()


def net_of(
    log: Interactions, setting: Setting, device: Any, seed: int, *, compressed: bool
) -> tuple[Callable[[], None], Course]:
    """PyG's net and its recommended training: a function that trains one epoch, one that gives the embeddings.

    Loss and penalty are those of `LightGCN.recommendation_loss`, the loop that of PyG's examples/lightgcn.py.
    """
    torch.manual_seed(seed)
    n_users, n_nodes = len(log.users), len(log.users) + len(log.items)
    net = LightGCN(n_nodes, setting["dimension"], setting["layers"]).to(device)
    adam = torch.optim.Adam(net.parameters(), lr=setting["learning_rate"])
    edges = edges_of(log, compressed=compressed, device=device)
    pairs = Pairs(log, setting["batch_size"], device, torch.Generator().manual_seed(seed))

    def epoch() -> None:
        for user, item, other in pairs:
            ends = torch.stack([torch.cat([user, user]), torch.cat([item, other]) + n_users])
            better, worse = net(edges, ends).chunk(2)
            loss = net.recommendation_loss(better, worse, ends.unique(), lambda_reg=setting["l2"])
            adam.zero_grad()
            loss.backward()
            adam.step()

    def now() -> tuple[Tensor, Tensor]:
        nodes = net.get_embedding(edges)
        return nodes[:n_users], nodes[n_users:]

    return epoch, now


class PygLightGcn:
    """He et al., SIGIR 2020."""

    name = "LightGCN (PyG)"
    space: Mapping[str, Sequence[Any]] = {**SPACE, "l2": [1e-5, 1e-4, 1e-3], "batch_size": [2048, 8192]}

    def fit(self, task: Task, setting: Setting) -> Fit:
        """Stopped early."""
        return stopped_early(task, *net_of(task.train, setting, task.device, task.seed, compressed=True))

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """Trained again: it knows users by number alone."""
        return trained_for(fit.epochs, *net_of(task.everything, setting, task.device, task.seed, compressed=True))


class PlaitLightGcn:
    """The same propagation by plait, with its own training (softmax over cosines) and no graph."""

    name = "LightGCN (plait)"
    space: Mapping[str, Sequence[Any]] = {**SPACE, "temperature": [0.15, 0.2, 0.25], "dropout": [0.0, 0.2]}

    def fit(self, task: Task, setting: Setting) -> Fit:
        """Stopped early."""
        looks = {"epochs": task.epochs, "evaluate_every": task.every, "patience": task.patience}
        config, over, best = GnnConfig(net="lightgcn", **setting, **looks), task.clock(), 0.0

        def validate(embeddings: Embeddings) -> float:
            nonlocal best
            valid = task.ndcg(GraphSignal(embeddings).score)
            if over() and valid <= best:
                raise KeyboardInterrupt  # the training ends with its best state
            best = max(best, valid)
            return valid

        bare = ItemGraph.without_graph(task.graph.items)
        device = choose_device(task.device)
        result = train_net(task.train, bare, None, config, validate=validate, seed=task.seed, device=device)
        return Fit(GraphSignal(result.embeddings).score, result.best_metric, result.best_epoch)

    def last(self, task: Task, setting: Setting, fit: Fit) -> ScoreOf:
        """The fit itself: users are folded in."""
        return fit.score
