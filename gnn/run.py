"""The moving parts of one training: net, draws, optimiser; one epoch at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..kg import Interactions, ItemGraph
from .batches import batch_size_of, negatives_of
from .config import GnnConfig
from .embeddings import Embeddings
from .features import NodeFeatures
from .losses import Losses, Pass
from .nets import NodeText, SageNet, make_net
from .objectives import Gates, LinkPrediction
from .propagation import Propagation
from .readout import array_of, embeddings_of, users_of
from .sampling import NeighbourSampler
from .schedule import MovingAverage, step_size_factor
from .unified import UnifiedGraph

__all__ = ["Run"]


class Run:
    """The moving parts of one training.

    All draws come from two generators, one on the CPU and one on the device: nothing here touches the global ones.
    """

    def __init__(
        self,
        interactions: Interactions,
        graph: ItemGraph,
        text: NodeFeatures | None,
        config: GnnConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.device, self.seed = config, device, seed
        self.generator = torch.Generator().manual_seed(seed)
        self.noise = torch.Generator(device).manual_seed(seed + 1)
        unified = UnifiedGraph.build(interactions, graph)
        self.n_users, self.n_items = unified.n_users, unified.n_items
        self.graph = Propagation.on(unified, device)
        self.net = make_net(unified, config, NodeText.of(text), self.generator).to(device)
        history = interactions.matrix()
        self.counts = users_of(history)
        pairs = history.tocoo()
        self.user = torch.from_numpy(pairs.row.astype(np.int64)).to(device)
        # Items are told from those that somebody met; positives are numbered among them.
        met = np.flatnonzero(unified.met[self.n_users : self.n_users + self.n_items])
        self.item = torch.from_numpy(np.searchsorted(met, pairs.col)).to(device)
        self.links = self.gates = None
        if config.links is not None:
            self.links = LinkPrediction(unified, config.links, config.dimension, self.generator).to(device)
        if config.denoise is not None:
            self.gates = Gates(unified).to(device)
        self.sampler = NeighbourSampler(self.graph, config) if config.regime == "sampled" else None
        self.batch_size = batch_size_of(config, len(unified.sender))
        self.losses = Losses(
            config,
            self.net,
            graph,
            met,
            self.counts,
            (self.user, self.item),
            negatives_of(config, len(met)),
            self.links,
        )
        self.parts = nn.ModuleDict({"net": self.net})
        self.parts.update(
            {name: part for name, part in (("links", self.links), ("gates", self.gates)) if part is not None}
        )
        self.optimizer = torch.optim.Adam(self._groups(), lr=config.learning_rate, fused=True)
        self.average = MovingAverage(self.parts, config.average) if config.average else None
        self.steps = 0

    def _groups(self) -> list[dict[str, Any]]:
        # Relation weights are few and start where they mean "as is": decay would pull them to silence. So with gates.
        kept = [self.net.relation_weight]
        gates = [] if self.gates is None else [self.gates.logit]
        apart = {id(p) for p in (*kept, *gates)}
        decayed = [p for p in self.parts.parameters() if id(p) not in apart]
        groups: list[dict[str, Any]] = [{"params": decayed, "weight_decay": self.config.weight_decay}, {"params": kept}]
        if gates and self.config.denoise is not None:
            groups.append({"params": gates, "lr": self.config.denoise.learning_rate})
        return [{"lr": self.config.learning_rate, **group} for group in groups]

    def epoch(self) -> float:
        """One pass over the interactions in a new order; the mean loss."""
        order = torch.randperm(len(self.user), generator=self.generator).to(self.device)
        total = torch.zeros((), device=self.device)
        for batch in torch.split(order, self.batch_size):
            total += self._step(self.user[batch], self.item[batch]) * len(batch)
        return float(total) / len(order)

    def _step(self, user: Tensor, item: Tensor) -> Tensor:
        half = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext():
            loss = self._loss(user, item)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.parts.parameters(), self.config.clip)
        self._set_step_size()
        self.optimizer.step()
        if self.average is not None:
            self.average.update()
        return loss.detach()

    def _loss(self, user: Tensor, item: Tensor) -> Tensor:
        drawn = self.losses.draw(user, item, self.generator)
        graph, own, place, edges = self._surroundings(drawn.nodes)
        if self.gates is not None:
            graph = graph.scaled(self.gates(edges, self.noise))
        if self.config.edge_dropout:
            graph = graph.without_some(self.config.edge_dropout, self.noise)
        own = self._dropped(own)
        out = self.net(graph, own)
        loss = self.losses(Pass(graph, own, out.final, place), drawn, self.generator, self.noise)
        if self.gates is not None and self.config.denoise is not None:
            loss = loss + self.config.denoise.weight * self.gates.open_share()
        return loss

    def _surroundings(self, nodes: Tensor) -> tuple[Propagation, Tensor, Callable[[Tensor], Tensor], Tensor | None]:
        """The graph to propagate over, its input rows, where nodes lie in it, and its edges in the whole (None: all)."""
        if self.sampler is None:
            return self.graph, self.net.inputs(), _same, None
        seeds = torch.unique(nodes)
        part = self.sampler.around(seeds, self.noise)
        return part.graph, self.net.inputs(part.graph.node), _Place(seeds), part.edge

    def _set_step_size(self) -> None:
        per_epoch = -(-len(self.user) // self.batch_size)
        # The first step of a warm-up is a step, too: counted from 1.
        factor = step_size_factor(self.config, (self.steps + 1) / per_epoch)
        self.steps += 1
        for group in self.optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor

    def _dropped(self, x: Tensor) -> Tensor:
        """Dropout with a generator of our own: nothing here touches the global one."""
        rate = self.config.dropout
        if rate == 0:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - rate, generator=self.noise)
        return x * keep / (1 - rate)

    @torch.no_grad()
    def embeddings(self) -> Embeddings:
        """What the net knows now, on the CPU; with a moving average, what that knows.

        In the sampled regime, too, the whole graph is propagated over here, once and without gradients.
        """
        with self._averaged():
            graph = self.graph if self.gates is None else self.graph.scaled(self.gates())
            return embeddings_of(self.net, graph, self.counts, self.config)

    @torch.no_grad()
    def inductive(self) -> dict[str, Tensor] | None:
        """What a net learned that answers for graphs that have grown, and None of others."""
        if not isinstance(self.net, SageNet):
            return None
        with self._averaged():
            return self.net.state()

    @torch.no_grad()
    def relation_weights(self) -> npt.NDArray[np.float32]:
        """The learned relation weights."""
        with self._averaged():
            return array_of(self.net.relation_weight)

    def _averaged(self) -> Any:
        return nullcontext() if self.average is None else self.average.in_place()

    def state(self) -> dict[str, Tensor]:
        """All that changes in training, by name."""
        tensors: dict[str, Tensor] = {f"part.{name}": p for name, p in self.parts.named_parameters()}
        for number, optimised in enumerate(self._optimised()):
            tensors |= {f"adam.{number}.{name}": value for name, value in self.optimizer.state[optimised].items()}
        if self.average is not None:
            tensors |= {f"average.{name}": value for name, value in self.average.values.items()}
        tensors |= {"generator": self.generator.get_state(), "noise": self.noise.get_state()}
        return tensors | {"steps": torch.tensor(self.steps)}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up a state."""
        for name, p in self.parts.named_parameters():
            p.copy_(tensors[f"part.{name}"])
        for number, optimised in enumerate(self._optimised()):
            found = {
                name: tensors[key]
                for name in ("step", "exp_avg", "exp_avg_sq")
                if (key := f"adam.{number}.{name}") in tensors
            }
            if found:
                self.optimizer.state[optimised] = {name: value.to(self.device) for name, value in found.items()}
        self.steps = int(tensors["steps"])
        if self.average is not None:
            self.average.steps = self.steps
            for name, value in self.average.values.items():
                value.copy_(tensors[f"average.{name}"])
        self.generator.set_state(tensors["generator"])
        self.noise.set_state(tensors["noise"])

    def _optimised(self) -> list[Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]


def _same(nodes: Tensor) -> Tensor:
    return nodes


@dataclass(frozen=True)
class _Place:
    """Rows of nodes in a part of the graph that begins with these seeds, which are in order."""

    seeds: Tensor

    def __call__(self, nodes: Tensor) -> Tensor:
        return torch.searchsorted(self.seeds, nodes)
