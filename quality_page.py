"""The report on data as one HTML page that needs nothing else."""

from __future__ import annotations

import math
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from .kg import local_name, whole_file
from .loaders import DataReport
from .loaders.quality.distributions import Distribution
from .loaders.quality.finding import counted
from .quality_plots import COLOURS, distribution_plot, timeline_plot

__all__ = ["quality_page", "write_quality_page"]

ROWS = 60
"""Rows of a table on the page; `--json` has all of them."""


def write_quality_page(report: DataReport, path: str | Path, title: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        OSError: if the folder does not exist or cannot be written to.
    """
    page = quality_page(report, title)
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def quality_page(report: DataReport, title: str) -> str:
    """The page: the same text for the same report. Names from the data are escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(resources.files(__package__))),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "count": _count,
        "percent": _percent,
        "figure": _figure,
        "local": local_name,
        "counted": counted,
    }
    environment.filters.update(filters)
    return environment.get_template("quality_page.html").render(
        r=report, title=title, rows=ROWS, plots=_plots(report), tiles=_tiles(report), colours=COLOURS
    )


def _tiles(report: DataReport) -> list[tuple[str, str]]:
    counts = report.interactions
    found = [(_count(counts[name]), name) for name in ("rows", "users", "items")]
    found[0] = (found[0][0], "interactions")
    if counts["positives"] != counts["rows"]:
        found.append((_count(counts["positives"]), "of them liked"))
    if "sessions" in counts:
        found.append((_count(counts["sessions"]), "sessions"))
    if report.node_types:
        entities = sum(node.count for node in report.node_types)
        found += [(_count(entities), "entities"), (_count(sum(one.count for one in report.relations)), "triples")]
        found.append((_percent(report.linked / max(report.items, 1)), "of the items linked"))
    return found


def _plots(report: DataReport) -> dict[str, str]:
    """The plots that there is data for, by name: markup, in which `text` alone could be the data's, and is escaped."""
    plots = {}
    if report.timeline is not None and report.time_range:
        first, last = (time[:10] for time in report.time_range)
        plots["timeline"] = timeline_plot(report.timeline, f"Interactions over time, from {first} to {last}")
    for name, spread, across, up in (
        ("histories", report.histories, "liked items", "users with at least so many"),
        ("popularity", report.popularity, "users who like it", "items with at least so many"),
    ):
        if spread.things:
            plots[name] = distribution_plot([spread], across, up, f"{spread.name.capitalize()}: {_spread(spread)}")
    if any(spread.largest for spread in report.degree):
        text = f"Edges of an entity, by node type, the {len(report.degree)} commonest"
        plots["degree"] = distribution_plot(report.degree, "edges", "entities with at least so many", text)
    return plots


def _spread(spread: Distribution) -> str:
    return f"median {_figure(spread.median)}, mean {_figure(spread.mean)}, largest {spread.largest:,}"


def _count(value: Any) -> str:
    return f"{value:,}"


def _percent(value: float) -> str:
    if math.isnan(value):
        return "–"
    if value < 0.9995 or value == 1:
        return f"{value:.1%}"
    # What is short of all must not read as all.
    return f"{value:.2%}" if value < 0.99995 else "over 99.99%"


def _figure(value: float) -> str:
    """Three figures or so, whole where it is whole."""
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"
