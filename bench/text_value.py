"""What texts add: a configuration trained with several seeds, without text, with it, and with the encoder tuned.

A row a scorer: NDCG@k and recall@k on validation and test, mean and standard deviation over the seeds, on the same users. Choices
are made on validation in every run, as in any training; nothing is chosen here.

Run: python bench/text_value.py CONFIG [--seeds 0 1 2] [--threads 2] [--only frozen|tuned] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from plait.fusion import Config, read_config
from plait.fusion.training import Trained, train
from plait.kg import whole_file
from plait.text import LoraConfig

FROZEN = {"popularity": "popularity", "text": "text alone", "gnn, no graph": "net without graph and text",
          "gnn, no text": "net without text", "gnn": "net with text", "ease": "EASE with graph", "blend": "blend"}  # fmt: skip
TUNED = {"text": "text alone, tuned", "gnn": "net with tuned text", "blend": "blend with tuned text"}


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", choices=["frozen", "tuned"])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    base = read_config(given.config)
    k = base.evaluation.ks[0]
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for seed in given.seeds:
        for kind, rows in (("frozen", FROZEN), ("tuned", TUNED)):
            if given.only in (None, kind):
                trained, seconds = _trained(base, seed, given.threads, tuned=kind == "tuned")
                _note(figures, trained, rows, k)
                figures[f"{kind}: seconds"]["seconds"].append(seconds)
                if given.json is not None:
                    record = {"config": given.config.name, "seeds": given.seeds, "k": k, "figures": figures}
                    with whole_file(given.json) as target:
                        target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    _print(figures, k, f"{given.config.name}, seeds {', '.join(map(str, given.seeds))}: mean (deviation)")


def _trained(base: Config, seed: int, threads: int, *, tuned: bool) -> tuple[Trained, float]:
    assert base.text is not None
    text = base.text.model_copy(update={"tune": LoraConfig() if tuned else None})
    evaluation = base.evaluation.model_copy(update={"ablations": not tuned})
    config = base.model_copy(update={"seed": seed, "threads": threads, "text": text, "evaluation": evaluation})
    began = time.perf_counter()
    return train(config), time.perf_counter() - began


def _note(figures: dict[str, dict[str, list[float]]], trained: Trained, rows: dict[str, str], k: int) -> None:
    for row in trained.evaluation.rows:
        if row.name in rows:
            for metric in ("ndcg", "recall"):
                figures[rows[row.name]][f"{row.part} {metric}@{k}"].append(row.metrics[f"{metric}@{k}"])


def _print(figures: dict[str, dict[str, list[float]]], k: int, title: str) -> None:
    columns = [f"{part} {metric}@{k}" for part in ("valid", "test") for metric in ("ndcg", "recall")]
    table = Table("", *columns, title=title)
    for name, metrics in figures.items():
        if "seconds" not in metrics:
            table.add_row(
                name,
                *(
                    f"{np.mean(metrics[c]):.4f} ({np.std(metrics[c], ddof=min(1, len(metrics[c]) - 1)):.4f})"
                    for c in columns
                ),
            )
    console = Console(width=140)
    console.print(table)
    for name, metrics in figures.items():
        if "seconds" in metrics:
            console.print(f"{name}: {np.mean(metrics['seconds']):.0f} a run")


if __name__ == "__main__":
    main()
