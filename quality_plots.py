"""Plots of a data report as SVG that takes its colours and its font from the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .loaders.quality.distributions import Distribution, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

__all__ = ["COLOURS", "distribution_plot", "timeline_plot"]

COLOURS = 6
"""How many curves one plot can tell apart: the page defines --c0 to --c5."""

# Stand-ins that become the page's variables: a file with colours of its own would be unreadable in dark mode.
_INK, _LINE = "#010101", "#020202"
_CURVES = tuple(f"#0{i}0{i}ff" for i in range(COLOURS))
_VARIABLES = {_INK: "var(--ink)", _LINE: "var(--line)"} | {c: f"var(--c{i})" for i, c in enumerate(_CURVES)}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _LINE,
    "grid.linewidth": 0.5,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.minor.bottom": False,
    "ytick.minor.left": False,
}


def timeline_plot(timeline: Timeline, text: str) -> str:
    """Interactions over time as bars; `text` is what it is read out as."""
    with _axes(text, 7.6, 2.6) as (axes, drawn):
        step = (timeline.last - timeline.first) / len(timeline.counts)
        starts = [timeline.first + step * i for i in range(len(timeline.counts))]
        axes.bar(starts, timeline.counts, width=step * 0.9, align="edge", color=_CURVES[0])
        days = (timeline.last - timeline.first) / 86_400
        form = "%Y-%m" if days > 700 else "%Y-%m-%d" if days > 3 else "%m-%d %H:%M"
        ticks = [timeline.first + (timeline.last - timeline.first) * i / 5 for i in range(6)]
        axes.set_xticks(ticks, [datetime.fromtimestamp(t, UTC).strftime(form) for t in ticks])
        axes.xaxis.grid(False)
        axes.yaxis.set_major_formatter(_count)
        axes.set_ylabel("interactions")
    return drawn[0]


def distribution_plot(spreads: Sequence[Distribution], across: str, up: str, text: str) -> str:
    """How many things have at least so much, both axes logarithmic, a curve for each of up to six spreads."""
    with _axes(text, 4.6, 3.2) as (axes, drawn):
        for spread, colour in zip(spreads, _CURVES, strict=False):
            points = [(x, n) for x, n in spread.points if x > 0]
            if points:
                mark = "." if len(points) < 40 else ""
                axes.plot([x for x, _ in points], [n for _, n in points], mark + "-", color=colour, linewidth=1.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_count)
            axis.set_minor_formatter(lambda value, at: "")
        axes.set_xlabel(across)
        axes.set_ylabel(up)
    return drawn[0]


def _count(value: float, at: float) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else ""


@contextmanager
def _axes(text: str, width: float, height: float) -> Iterator[tuple[Axes, list[str]]]:
    """Axes to draw on; afterwards the list holds the SVG. Nothing of matplotlib's state outlasts it."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn: list[str] = []
    # The salt makes ids the same in every run, and different from those of the page's other plots.
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": text}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes: Any = figure.subplots()
        yield axes, drawn
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    drawn.append(_for_page(file.getvalue(), text, width))


def _for_page(svg: str, text: str, width: float) -> str:
    """An SVG document as an element of a page; its width in inches bounds how far it is blown up."""
    svg = svg[svg.index("<svg") :]
    # Its style sheet would hold for the whole page; its metadata name addresses and versions.
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    svg = re.sub(r"font: (?:\d+ )?([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", svg)
    # Groups are named alike in every plot, and nothing refers to them.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for stand_in, variable in _VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    box = re.search(r'viewBox="[^"]*"', svg)
    safe = text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    head = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" {box[0] if box else ""} role="img" aria-label="{safe}"'
    head += f' style="max-width: {width * 6.5:g}rem">'
    return head + svg[svg.index(">") + 1 :]
