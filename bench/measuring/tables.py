"""Results as tables: on the terminal, and as Markdown for `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from .results import read_results

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
"""Markers around what `accuracy.py --render` writes."""
SHOWN = ("recall", "ndcg", "mrr")
HEADS = {"recall": "Recall", "ndcg": "NDCG", "mrr": "MRR"}
Grid = list[tuple[str, list[list[float]]]]
"""Of each scorer: its name, and for each column the values of the runs."""


def headings(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Columns: part and metric; validation NDCG at the first cut-off, then test."""
    names = list(next(iter(runs[0]["test"].values())))
    ks = list(dict.fromkeys(name.partition("@")[2] for name in names if name.startswith("ndcg@")))
    return [("valid", f"ndcg@{ks[0]}"), *(("test", f"{metric}@{k}") for k in ks for metric in SHOWN)]


def grid(runs: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]]) -> Grid:
    """Scorers that every run has, with their values; of the blend under valid what it was chosen by."""
    scorers = [name for name in runs[0]["test"] if all(name in run["test"] for run in runs)]
    return [(name, [[_value(run, name, *column) for run in runs] for column in columns]) for name in scorers]


def _value(run: Mapping[str, Any], scorer: str, part: str, metric: str) -> float:
    if part == "valid" and scorer == "blend":
        # It was chosen by the validation users: what it was chosen by is cross-validated.
        return float(run["blend"]["metric"][run["blend"]["method"]])
    value = run.get(part, {}).get(scorer, {}).get(metric)
    return float("nan") if value is None else float(value)


def shown(values: Sequence[float]) -> str:
    """Mean and standard deviation over the runs (n - 1)."""
    if np.isnan(values).any():
        return "-"
    spread = f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def head(column: tuple[str, str]) -> str:
    """How a column is headed."""
    name, _, k = column[1].partition("@")
    return f"{'valid ' if column[0] == 'valid' else ''}{HEADS[name]}@{k}"


def terminal_table(name: str, runs: Sequence[Mapping[str, Any]]) -> Table:
    """Mean ± standard deviation over seeds."""
    columns = headings(runs)
    table = Table(title=about(name, runs), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("ranked by", no_wrap=True)
    for column in columns:
        table.add_column(head(column), justify="right", no_wrap=True)
    for scorer, values in grid(runs, columns):
        table.add_row(scorer, *map(shown, values))
    return table


def pairs_table(pairs: Sequence[Mapping[str, Any]]) -> Table:
    """Paired tests."""
    table = Table(title="Differences on test, paired over users", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("first", "second", "metric", "difference", "95 %", "better : worse", "users", "p (Holm)"):
        table.add_column(heading, no_wrap=True)
    for one in pairs:
        table.add_row(*_pair_cells(one))
    return table


def about(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """One line: users, seeds, seconds, memory, machine."""
    seconds, peak = [run["seconds"] for run in runs], max(run["peak_mib"] for run in runs)
    seeds = ", ".join(str(run["seed"]) for run in runs)
    of_each = f"{np.mean(seconds):,.0f} s and at most {peak:,} MiB each"
    codes = {run["code"] for run in runs}
    mixed = "; of different states of the code" if len(codes) > 1 else ""
    threads, cores = runs[0]["threads"], runs[0]["cores"]
    on = f"{threads} thread{'s' * (threads != 1)} of {cores} core{'s' * (cores != 1)} ({runs[0]['machine']})"
    return f"{name}: {runs[0]['users']['test']:,} test users, seeds {seeds}; {of_each}, {on}{mixed}"


def markdown(folder: Path) -> str:
    """All results of a folder; empty where there are none."""
    blocks = []
    for path in sorted(folder.glob("*.json")):
        found = read_results(path)
        if found["kind"] == "accuracy":
            blocks.append(_accuracy(found))
        elif found["kind"] == "peers":
            blocks.append(_peers(found))
        elif found["kind"] == "speed":
            blocks.append(_speed(found))
    return "\n\n".join(blocks)


def _accuracy(found: Mapping[str, Any]) -> str:
    runs, name = found["runs"], found["name"]
    columns = headings(runs)
    rows = [(scorer, [float(np.mean(v)) for v in values], values) for scorer, values in grid(runs, columns)]
    best = [
        max((means[at] for _, means, _ in rows if not np.isnan(means[at])), default=0) for at in range(len(columns))
    ]
    lines = [f"### {name}", "", f"    {found['command']}", "", about(name, runs) + ".", ""]
    lines += _table(
        ["ranked by", *map(head, columns)],
        [
            [scorer, *(f"**{shown(v)}**" if m == b else shown(v) for v, m, b in zip(values, means, best, strict=True))]
            for scorer, means, values in rows
        ],
    )
    return "\n".join([*lines, "", _blend(runs), *_pairs(found)])


def _blend(runs: Sequence[Mapping[str, Any]]) -> str:
    """By which methods the blends were made, and what they lose on validation without each signal."""
    methods = [run["blend"]["method"] for run in runs]
    told = ", ".join(f"{name} ({methods.count(name)} of {len(runs)})" for name in dict.fromkeys(methods))
    lost = {
        name: np.mean([run["blend"]["metric"][run["blend"]["method"]] - run["blend"]["without"][name] for run in runs])
        for name in runs[0]["blend"]["without"]
        if all(name in run["blend"]["without"] for run in runs)
    }
    order = sorted(lost.items(), key=lambda entry: -entry[1])
    worth = "; ".join(f"{name} {value:+.4f}" for name, value in order)
    by = f"The blend is made by {told}"
    return (
        f"{by}. What it gains on validation by each signal (NDCG with it less without it): {worth}."
        if worth
        else f"{by}."
    )


def _pairs(found: Mapping[str, Any]) -> list[str]:
    if not found.get("pairs"):
        return []
    heads = ["first", "second", "metric", "difference", "95 %", "better : worse", "users", "p (Holm)"]
    return ["", *_table(heads, [_pair_cells(one) for one in found["pairs"]])]


def _pair_cells(one: Mapping[str, Any]) -> list[str]:
    name, _, k = one["metric"].partition("@")
    return [
        one["first"],
        one["second"],
        f"{HEADS.get(name, name)}@{k}",
        f"{one['difference']:+.4f}",
        f"{one['low']:+.4f} to {one['high']:+.4f}",
        f"{one['better']:,} : {one['worse']:,}",
        f"{one['users']:,}",
        f"{one['adjusted']:.2g}",
    ]


def _peers(found: Mapping[str, Any]) -> str:
    rows = [
        [
            peer["name"],
            str(peer["trials"]),
            f"{peer['valid']:.4f}",
            *(f"{peer['test'][name]:.4f}" for name in found["shown"]),
            f"{peer['seconds']:,.0f}",
            ", ".join(f"{key} {value}" for key, value in peer["setting"].items()),
        ]
        for peer in found["peers"]
    ]
    heads = ["peer", "trials", f"valid {head(('test', found['metric']))}"]
    heads += [*(head(("test", name)) for name in found["shown"]), "seconds in all", "chosen"]
    lines = [f"### Peers on {found['name']}", "", f"    {found['command']}", "", *_table(heads, rows)]
    return "\n".join([*lines, *_pairs(found)])


def _speed(found: Mapping[str, Any]) -> str:
    lines = [f"### Speed on {found['name']}", "", f"    {found['command']}", "", found["told"], ""]
    return "\n".join([*lines, *_table(found["heads"], found["rows"])])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    right = ["---" if at == 0 else "---:" for at in range(len(heads))]
    return [f"| {' | '.join(line)} |" for line in (heads, right, *rows)]


def rendered(page: str, block: str) -> str:
    """The page with what stands between the markers replaced.

    Raises:
        ValueError: if the markers are not there, once each and in order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"wants one {BEGIN} and, after it, one {END}")
    return f"{page.partition(BEGIN)[0]}{BEGIN}\n\n{block}\n\n{END}{page.partition(END)[2]}"
