"""Evaluations and comparisons on the terminal: what lists are like, slices, tests, what signals are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from .fusion import Evaluation, Row
from .fusion.evaluation import largest_gap
from .fusion.evaluation.compare import Comparison

__all__ = ["comparison_tables", "in_sample_note", "lists_table", "slice_tables", "worth_table"]

OF_LISTS = {
    "coverage": "cover",
    "gini": "Gini",
    "novelty": "novelty",
    "diversity_entities": "graph mix",
    "diversity_text": "text mix",
    "calibration": "calib",
    "popularity_lift": "lift",
}


def lists_table(evaluation: Evaluation, part: str, k: int) -> Table | None:
    """What the lists of each scorer are like besides right; None for a model that was not looked at so."""
    rows = [row for row in evaluation.rows if row.part == part]
    known = {name: head for name, head in OF_LISTS.items() if any(f"{name}@{k}" in row.metrics for row in rows)}
    if set(known) <= {"coverage"}:
        return None
    table = Table(title=f"Lists @{k}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("ranked by", no_wrap=True)
    for head in known.values():
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *(_of_lists(row, name, k) for name in known))
    return table


def _of_lists(row: Row, name: str, k: int) -> str:
    value = row.metrics.get(f"{name}@{k}")
    if value is None:
        return "-"
    return f"{value:+.0%}" if name == "popularity_lift" else f"{value:.1%}" if name == "coverage" else f"{value:.3f}"


def slice_tables(row: Row, k: int) -> Iterator[Table]:
    """One scorer's figures for some users and items apart, a table for each kind."""
    for by in dict.fromkeys(one.by for one in row.slices):
        gap = largest_gap(row.slices, by, f"ndcg@{k}") if by == "user attribute" else float("nan")
        title = f"{row.name} by {by}" + (f", largest gap in NDCG {gap:.4f}" if not isnan(gap) else "")
        here = [one for one in row.slices if one.by == by]
        names = list(dict.fromkeys(name for one in here for name in one.metrics))
        table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column(by)
        table.add_column("users", justify="right")
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        for one in here:
            shown = (_of_slice(one.metrics.get(name), one.errors.get(name), name) for name in names)
            table.add_row(escape(one.name), f"{one.users:,}", *shown)
        yield table


def _of_slice(value: float | None, error: float | None, name: str) -> str:
    if value is None:
        return "-"
    if name.split("@")[0] in ("exposure", "catalogue", "relevance"):
        return f"{value:.1%}"
    return f"{value:.4f}" + (f" ±{error:.4f}" if error is not None else "")


def comparison_tables(comparison: Comparison) -> Iterator[Table]:
    """The sides of a comparison, and every two of them tested."""
    without = f"; {comparison.left_out:,} not measured by all left out" if comparison.left_out else ""
    title = f"Test {comparison.metric}: {comparison.users:,} users{without}"
    sides = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for head in ("model", "runs", "mean", "spread"):
        sides.add_column(head, justify="left" if head == "model" else "right")
    for one in comparison.contenders:
        spread = f"±{one.spread:.4f}" if one.runs > 1 else "-"
        sides.add_row(escape(one.name), str(one.runs), f"{one.mean:.4f}", spread)
    yield sides
    table = Table(title="Differences", title_justify="left", box=box.SIMPLE_HEAD)
    for head in ("first", "second", "difference", "95 %", "better : worse", "p (Wilcoxon)", "p (Holm)"):
        table.add_column(head, justify="left" if head in ("first", "second") else "right")
    for first, second, found in comparison.pairs:
        sure = "bold" if found.adjusted < 0.05 else ""
        table.add_row(
            escape(first),
            escape(second),
            f"{found.difference:+.4f}",
            f"{found.low:+.4f} to {found.high:+.4f}",
            f"{found.better:,} : {found.worse:,}",
            f"{found.p:.2g}",
            f"{found.adjusted:.2g}",
            style=sure,
        )
    yield table


def in_sample_note(told: Mapping[str, Any], k: int) -> str:
    """What must be said of the blend's validation figure, since it was chosen by the validation users.

    Args:
        told: `blend` of a record's details.
        k: the cut-off that was chosen by.
    """
    method, metric = told["method"], told["metric"]
    why = "its weights were chosen by" if method == "weights" else f"its judge ({method}) learned from"
    note = f"The blend's validation row is in-sample: {why} these users. Cross-validated NDCG@{k}: {metric[method]:.4f}"
    return note + ("." if method == "weights" else f"; by weights {metric['weights']:.4f}.")


def worth_table(told: Mapping[str, Any], weights: Mapping[str, float], k: int) -> Table | None:
    """What the blend loses on validation without each signal, the dearest first; None where there is one signal.

    All is told about the cross-validated figure; what weights lose is measured on the users they were chosen by.

    Args:
        told: `blend` of a record's details.
        weights: the weight of each signal.
        k: the cut-off that was chosen by.
    """
    method, without = told["method"], told["without"]
    if not without:
        return None
    whole = told["metric"][method]
    # A judge does not look at the weights, which then order only what is no candidate.
    shown = {name: f"{weights[name]:.2f}" for name in without} if method == "weights" else {}
    # Short, since a title is broken at the width of its table.
    table = Table(title="What each signal is worth", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in ("signal", *(("weight",) if shown else ()), f"NDCG@{k} without", "worth"):
        table.add_column(head, justify="left" if head == "signal" else "right", no_wrap=True)
    for name, value in sorted(without.items(), key=lambda entry: entry[1]):
        table.add_row(name, *((shown[name],) if shown else ()), f"{value:.4f}", f"{whole - value:+.4f}")
    table.add_row("(none left out)", *(("",) if shown else ()), f"{whole:.4f}", "")
    return table
