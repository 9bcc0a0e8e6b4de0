"""Seconds of training until a validation recall is reached: plait's nets and PyG's LightGCN, in turn in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from plait.fusion.evaluation import HeldOut, rank
from plait.fusion.evaluation.metrics import ranking_metrics
from plait.fusion.signals.graph_signal import GraphSignal
from plait.gnn import Embeddings, GnnConfig
from plait.gnn.training import choose_device, train_net
from plait.kg import ItemGraph

from .lightgcn import net_of
from .nets import scorer_of
from .peer import ScoreOf, Task

K = 20
"""Recall at this cut-off is what is reached."""
SHARES = (0.9, 0.95, 1.0)
"""Of the recall that all contenders reach."""


@dataclass
class Course:
    """One training as it was watched: after so many seconds of training, so much recall."""

    seconds: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def best(self) -> float:
        """The highest recall."""
        return max(self.recall)

    def until(self, target: float) -> tuple[float, int]:
        """Seconds and epochs at the first look that reaches it."""
        at = next(at for at, value in enumerate(self.recall) if value >= target)
        return self.seconds[at], self.epochs[at]


class Watch:
    """Times a training without its looks at validation."""

    def __init__(self, task: Task, minutes: float) -> None:
        # Of a processor its own time, so that other work on the machine does not count; a GPU's work shows on the wall.
        self.clock = time.process_time if task.device == "cpu" else time.perf_counter
        self.held, self.limit, self.course, self.spent = HeldOut.of(task.split, "valid"), 60 * minutes, Course(), 0.0
        self.began = self.clock()

    def look(self, epoch: int, score: Callable[[], ScoreOf]) -> float:
        """Stop the clock, look, go on; the recall."""
        # Embeddings are computed on the clock's side: a training needs them for any look.
        scorer = score()
        self.spent += self.clock() - self.began
        ranked = rank(lambda audience, _: scorer(audience), self.held, K)
        recall = ranking_metrics(ranked, self.held.relevant, [K]).mean("recall", K)
        self.course.seconds.append(self.spent)
        self.course.recall.append(recall)
        self.course.epochs.append(epoch)
        self.began = self.clock()
        return recall

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.spent + self.clock() - self.began > self.limit


def of_plait(task: Task, net: str, minutes: float) -> Course:
    """Plait's net with its default training; `lightgcn` sees no graph."""
    watch = Watch(task, minutes)
    looks = 0

    def validate(embeddings: Embeddings) -> float:
        nonlocal looks
        looks += 1
        recall = watch.look(looks * config.evaluate_every, lambda: GraphSignal(embeddings).score)
        if watch.over:
            raise KeyboardInterrupt
        return recall

    config = GnnConfig(net=net, epochs=task.epochs, evaluate_every=task.every, patience=task.patience)
    graph = ItemGraph.without_graph(task.graph.items) if net == "lightgcn" else task.graph
    watch.began = watch.clock()
    train_net(task.train, graph, None, config, validate=validate, seed=task.seed, device=choose_device(task.device))
    return watch.course


def of_pyg(task: Task, learning_rate: float, minutes: float, *, compressed: bool) -> Course:
    """PyG's LightGCN by its example's training (64 dimensions, 2 layers, BPR, batches of 8,192), another step size perhaps."""
    watch = Watch(task, minutes)
    setting = {"dimension": 64, "layers": 2, "learning_rate": learning_rate, "l2": 1e-4, "batch_size": 8192}
    watch.began = watch.clock()
    epoch, now = net_of(task.train, setting, task.device, task.seed, compressed=compressed)
    best, stale = -np.inf, 0
    for number in range(1, task.epochs + 1):
        epoch()
        if number % task.every == 0:
            recall = watch.look(number, lambda: scorer_of(now))
            best, stale = (recall, 0) if recall > best else (best, stale + 1)
            if stale >= task.patience or watch.over:
                break
    return watch.course


def courses(task: Task, minutes: float, rates: list[float]) -> Iterator[tuple[str, Course]]:
    """Every contender, one after the other."""
    for net in ("lightgcn", "light"):
        yield f"plait {net}", of_plait(task, net, minutes)
    for rate in rates:
        yield f"PyG LightGCN, rate {rate:g}", of_pyg(task, rate, minutes, compressed=False)
        yield f"PyG LightGCN on CSR, rate {rate:g}", of_pyg(task, rate, minutes, compressed=True)


def table(found: Mapping[str, Course]) -> tuple[float, list[str], list[list[str]]]:
    """The recall that all reach; heads and rows: best recall, then seconds to shares of it and their ratio to the first's."""
    target = min(course.best() for course in found.values())
    first = next(iter(found.values()))
    heads = ["net", f"best recall@{K}", "epochs"]
    heads += [text for share in SHARES for text in (f"seconds to {share:.0%}", "ratio")]
    rows = []
    for name, course in found.items():
        row = [name, f"{course.best():.4f}", str(course.epochs[-1])]
        for share in SHARES:
            seconds, _ = course.until(share * target)
            row += [f"{seconds:.1f}", f"{seconds / first.until(share * target)[0]:.1f}"]
        rows.append(row)
    return target, heads, rows
