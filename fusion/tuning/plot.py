"""A search as a picture: the best so far, what mattered, and the metric over each key."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ...kg import whole_file
from ..picture_file import check_picture, picture_format, undated
from .search import Search
from .space import Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_search"]

ACROSS = 3
"""Panels side by side."""
_TRIED, _BEST, _BASE = "#4477aa", "#cc6677", "#777777"


def draw_search(search: Search, path: Path) -> None:
    """Draw a search into an SVG, PNG or PDF file.

    On top the trials in order with the best so far, and the share of the variation each key stands for; below, for each
    key, the metric over its values. The dashed line is the configuration as it stands.

    Raises:
        ConfigError: if the file's ending names no such format, or its folder is not there.
    """
    check_picture(path)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = 1 + -(-len(search.space) // ACROSS)
    with rc_context({"svg.hashsalt": "plait", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10.5, 2.7 * rows), layout="constrained")
        grid = figure.add_gridspec(rows, ACROSS)
        _history(figure.add_subplot(grid[0, :2]), search)
        _importance(figure.add_subplot(grid[0, 2]), search)
        for number, key in enumerate(search.space):
            _slice(figure.add_subplot(grid[1 + number // ACROSS, number % ACROSS]), search, key)
        out = io.BytesIO()
        figure.savefig(out, format=picture_format(path), dpi=110, metadata=undated(path))
    with whole_file(path) as temporary:
        temporary.write_bytes(out.getvalue())


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _history(axes: Axes, search: Search) -> None:
    done = search.complete
    best, so_far = search.baseline, []
    for trial in done:
        best = max(best, trial.value or 0.0)
        so_far.append(best)
    axes.axhline(search.baseline, color=_BASE, linestyle="--", linewidth=0.8, label="as it stands")
    numbers = [trial.number for trial in done]
    axes.scatter(numbers, [trial.value or 0.0 for trial in done], s=14, color=_TRIED, label="trial")
    axes.step(numbers, so_far, where="post", color=_BEST, label="best so far")
    pruned = [trial.number for trial in search.trials if trial.state == "pruned"]
    if pruned:
        bottom = min([search.baseline, *(trial.value or 0.0 for trial in done)])
        axes.scatter(pruned, [bottom] * len(pruned), marker="|", color=_BASE, label="pruned")
    axes.set_xlabel("trial")
    axes.legend(frameon=False, fontsize=8)
    _plain(axes, search.metric)


def _importance(axes: Axes, search: Search) -> None:
    ordered = sorted(search.importance.items(), key=lambda entry: entry[1])
    axes.barh([_shown(key) for key, _ in ordered], [share for _, share in ordered], color=_TRIED)
    if not ordered:
        axes.text(0.5, 0.5, "too few trials to tell", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
    axes.set_xlim(left=0)
    _plain(axes, "share of the variation")


def _slice(axes: Axes, search: Search, key: str) -> None:
    parameter = search.space[key]
    done = [trial for trial in search.complete if key in trial.values]
    best = search.best
    axes.axhline(search.baseline, color=_BASE, linestyle="--", linewidth=0.8)
    values = [trial.values[key] for trial in done]
    if isinstance(parameter, Range):
        at = [float(value) for value in values if isinstance(value, int | float)]
        if parameter.log:
            axes.set_xscale("log")
    else:
        at = [float(parameter.index(value)) for value in values]
        axes.set_xticks(range(len(parameter)), [_shown(str(value)) for value in parameter])
        axes.set_xlim(-0.5, len(parameter) - 0.5)
    colours = [_BEST if best is not None and trial.number == best.number else _TRIED for trial in done]
    axes.scatter(at, [trial.value or 0.0 for trial in done], s=14, c=colours)
    _plain(axes, _shown(key))


def _shown(text: str) -> str:
    """Words of the user's as they are: a dollar sign would begin a formula."""
    return text.replace("$", r"\$")
