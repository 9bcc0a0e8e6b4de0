"""How a model did, as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import jinja2

from .fusion import Evaluation, Row
from .fusion.evaluation import largest_gap
from .kg import whole_file

__all__ = ["Bar", "evaluation_page", "write_evaluation_page"]

PARTS = {"valid": "Validation", "test": "Test"}
OF_USERS = {
    "ndcg": "NDCG",
    "recall": "Recall",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "precision": "Precision",
    "map": "MAP",
}
OF_LISTS = {
    "coverage": "coverage",
    "gini": "Gini of exposure",
    "novelty": "novelty, bits",
    "diversity_entities": "diversity by entities",
    "diversity_text": "diversity by text",
    "calibration": "calibration, KL",
}
OF_ITEMS = ("items", "category")
OF_SLICES = ("blend, refit", "blend")
"""Whose slices are shown: the first of these that was measured."""
CERTAIN = 1.96
"""Standard errors on either side of a mean that an error bar spans: about 95 %."""


@dataclass(frozen=True)
class Bar:
    """One bar of a plot; places are shares of the plot's width, from 0 to 100.

    Attributes:
        name: what it stands for.
        value: its value as it is written.
        start, width: where it lies.
        low, high: ends of the error bar; None without.
    """

    name: str
    value: str
    start: float
    width: float
    low: float | None
    high: float | None


def write_evaluation_page(
    evaluation: Evaluation,
    path: str | Path,
    title: str,
    k: int,
    blend: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: if the folder does not exist or cannot be written to.
    """
    page = evaluation_page(evaluation, title, k, blend, note)
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def evaluation_page(
    evaluation: Evaluation, title: str, k: int, blend: Mapping[str, Any] | None = None, note: str = ""
) -> str:
    """The page: the same text for the same evaluation. Names from the data are escaped.

    Args:
        evaluation: what was measured.
        title: of the page, such as the model's name.
        k: the cut-off shown in plots and of slices.
        blend: `weights` by signal where it goes by weights, and perhaps `whole`, its cross-validated metric, with `worth`: by
            signal, how much less that is without it.
        note: what must be said of the figures on validation.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["part"] = lambda part: PARTS.get(part, part)
    blend = blend or {}
    return environment.get_template("evaluation_page.html").render(
        title=title,
        k=k,
        parts=[
            (part, users, evaluation.cold.get(part, 0), _rows(evaluation, part))
            for part, users in evaluation.users.items()
        ],
        of_users=OF_USERS,
        of_lists=OF_LISTS,
        metric_bars=_metric_bars,
        lift_bars=lambda rows: bars(
            [(row.name, row.metrics.get(f"popularity_lift@{k}"), None) for row in rows], "{:+.0%}"
        ),
        slices=lambda part: _slices(evaluation, part, k),
        weights=bars([(name, value, None) for name, value in blend.get("weights", {}).items()], "{:.2f}"),
        worth=bars([(name, value, None) for name, value in blend.get("worth", {}).items()], "{:+.4f}"),
        whole=blend.get("whole"),
        note=note,
        shown=_shown,
        plots={},
        rows=0,
    )


def bars(values: Iterable[tuple[str, float | None, float | None]], form: str = "{:.4f}") -> list[Bar]:
    """Bars on one scale that has 0 in it; what is unknown is left out.

    Args:
        values: name, value and standard error of each.
        form: how a value is written.
    """
    known = [(name, value, error or 0.0) for name, value, error in values if value is not None and not isnan(value)]
    known = [(name, value, 0.0 if isnan(error) else CERTAIN * error) for name, value, error in known]
    # What has an error bar is never negative, and so no error bar goes below 0.
    low = min([0.0, *(value for _, value, _ in known)])
    high = max([0.0, *(value + error for _, value, error in known)])
    span = high - low or 1.0

    def place(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    return [
        Bar(
            name,
            form.format(value) + (f" ±{error:.4f}" if error else ""),
            place(min(value, 0.0)),
            round(100 * abs(value) / span, 2),
            place(max(value - error, low)) if error else None,
            place(value + error) if error else None,
        )
        for name, value, error in known
    ]


def _rows(evaluation: Evaluation, part: str) -> list[Row]:
    return [row for row in evaluation.rows if row.part == part]


def _metric_bars(rows: Iterable[Row], metric: str) -> list[Bar]:
    return bars([(row.name, row.metrics.get(metric), row.errors.get(metric)) for row in rows])


def _slices(evaluation: Evaluation, part: str, k: int) -> list[dict[str, Any]]:
    """Of the blend, of its last fit where there is one, each kind of slice: bars, and for items their shares."""
    rows = {row.name: row for row in _rows(evaluation, part) if row.slices}
    if not rows:
        return []
    row = next((rows[name] for name in OF_SLICES if name in rows), list(rows.values())[-1])
    found = []
    for by in dict.fromkeys(one.by for one in row.slices):
        here = [one for one in row.slices if one.by == by]
        metric = f"recall@{k}" if by in OF_ITEMS else f"ndcg@{k}"
        drawn = bars((f"{one.name} ({one.users:,})", one.metrics.get(metric), one.errors.get(metric)) for one in here)
        gap = largest_gap(row.slices, by, metric) if by == "user attribute" else None
        shares = [one for one in here if "catalogue" in one.metrics]
        found.append({"by": by, "scorer": row.name, "metric": metric, "bars": drawn, "gap": gap, "shares": shares})
    return found


def _shown(metrics: Mapping[str, float], errors: Mapping[str, float], name: str) -> str:
    value, error = metrics.get(name), errors.get(name)
    if value is None or isnan(value):
        return "–"
    if name.partition("@")[0] in ("coverage", "exposure", "catalogue", "relevance"):
        return f"{value:.1%}"
    return f"{value:.4f}" + (f" ±{error:.4f}" if error is not None and not isnan(error) else "")
