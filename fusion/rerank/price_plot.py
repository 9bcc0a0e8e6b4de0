"""The price of diversity as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...kg import whole_file
from ..picture_file import check_picture, picture_format, undated
from .price import Price

__all__ = ["write_price_plot"]

COLOURS = {"none": "#000000", "caps": "#7570b3", "exposure": "#1b9e77", "mmr": "#1f77b4", "dpp": "#d95f02"}


def write_price_plot(price: Price, path: Path) -> None:
    """Draw NDCG against the diversity of lists, and against coverage, a curve a method with standard errors.

    Args:
        price: the curves.
        path: of a .png, .svg or .pdf file.

    Raises:
        ConfigError: if the file's ending is none of these, or its folder is not there.
    """
    check_picture(path)
    import matplotlib
    from matplotlib.figure import Figure

    # Fixed names and no date: the same figures give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "price", "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        mixed, covered = figure.subplots(1, 2, sharey=True)
        _curves(mixed, price, "diversity", f"diversity of lists (1 - mean cosine, {price.space})")
        _curves(covered, price, "coverage", f"catalogue in somebody's first {price.k}")
        mixed.set_ylabel(f"NDCG@{price.k}, validation")
        mixed.legend(frameon=False)
        figure.suptitle(f"{price.users:,} users, {price.pool} candidates; numbers are the trade-off", fontsize=10)
        with whole_file(path) as target:
            figure.savefig(target, format=picture_format(path), dpi=150, metadata=undated(path))


def _curves(axes: Any, price: Price, across: str, label: str) -> None:
    for method in dict.fromkeys(point.method for point in price.points):
        points = [point for point in price.points if point.method == method]
        x, y = [p.metrics[across] for p in points], [p.metrics["ndcg"] for p in points]
        errors = [p.errors["ndcg"] for p in points]
        axes.errorbar(x, y, errors, marker="o", markersize=3, linewidth=1.4, elinewidth=0.6, capsize=2,
                      color=COLOURS.get(method), label=method)  # fmt: skip
        for point in points[::2]:
            at = point.metrics[across], point.metrics["ndcg"]
            axes.annotate(f"{point.trade_off:g}", at, xytext=(4, 4), textcoords="offset points", fontsize=7)
    axes.set_xlabel(label)
    axes.grid(linewidth=0.4, alpha=0.5)
