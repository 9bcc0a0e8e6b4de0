"""What the runs of an ablation say: means and spread over seeds, and a paired test of each variant against the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..evaluation.significance import holm, paired
from .runs import PARTS, Run
from .variants import WHOLE, Lacking, told

__all__ = ["Ablation", "VariantRow", "compared", "summarised", "with_spread"]


@dataclass(frozen=True)
class VariantRow:
    """One variant on one part.

    Attributes:
        variant: its name.
        about: what it is.
        part: "valid" or "test".
        seeds: the seeds it was trained by.
        users: how many users it was measured on.
        mean: by metric, the mean over users and seeds.
        spread: by metric, the standard deviation over seeds of the mean over users (n - 1); NaN for one seed.
        change: difference of the main metric to the whole, as a share of the whole's, over the seeds both have; NaN for
            the whole.
        low, high: 95 % interval of that share, by paired bootstrap over users.
        p: of the paired test of the main metric against the whole, users averaged over seeds; NaN for the whole.
        p_holm: the same, corrected for the number of variants compared.
        weights: by signal, its mean weight in the blend.
    """

    variant: str
    about: str
    part: str
    seeds: tuple[int, ...]
    users: int
    mean: Mapping[str, float]
    spread: Mapping[str, float]
    change: float
    low: float
    high: float
    p: float
    p_holm: float
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Ablation:
    """All variants on all parts.

    Attributes:
        metric: the one that was chosen by and is tested, such as "ndcg@10".
        seeds: the seeds asked for.
        rows: a row for each variant and part, the whole first.
        lacking: variants that there are not, since they would be the whole.
    """

    metric: str
    seeds: tuple[int, ...]
    rows: tuple[VariantRow, ...]
    lacking: tuple[Lacking, ...]

    def of(self, part: str) -> list[VariantRow]:
        """The rows of a part."""
        return [row for row in self.rows if row.part == part]

    def as_record(self) -> dict[str, Any]:
        """A JSON-ready record but for NaN."""
        return asdict(self)

    def as_markdown(self) -> str:
        """A table for each part, with what each variant is below."""
        lines = [f"# Ablation by {self.metric}, seeds {', '.join(map(str, self.seeds))}", ""]
        for part in PARTS:
            rows = self.of(part)
            if rows:
                title = "Validation" if part == "valid" else "Test"
                lines += [f"## {title}, {rows[0].users:,} users", "", *_table(rows, self.metric), ""]
        lines += [f"- {row.variant}: {row.about}" for row in self.of(PARTS[0])]
        lines += [f"- {entry.variant}: not done, {entry.reason}" for entry in self.lacking]
        tested = (
            "p: Wilcoxon's signed-rank test over users, each averaged over seeds, against the whole; Holm's correction."
        )
        return "\n".join([*lines, "", "±: standard deviation over seeds. " + tested, ""])


def _table(rows: Sequence[VariantRow], main: str) -> list[str]:
    metrics = [main, *(name for name in rows[0].mean if name != main)]
    head = ["variant", *metrics, "change", "p (Holm)"]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for row in rows:
        cells = [with_spread(row.mean[metric], row.spread[metric]) for metric in metrics]
        lines.append(f"| {' | '.join([row.variant, *cells, *compared(row)])} |")
    return lines


def with_spread(mean: float, spread: float) -> str:
    """A mean over seeds and their deviation, as they are shown."""
    return f"{mean:.4f}" if math.isnan(spread) else f"{mean:.4f} ± {spread:.4f}"


def compared(row: VariantRow) -> tuple[str, str]:
    """Change and corrected p of a row, as they are shown."""
    if row.variant == WHOLE:
        return "", ""
    p = "?" if math.isnan(row.p_holm) else "<0.001" if row.p_holm < 0.001 else f"{row.p_holm:.3f}"
    change = f"{row.change:+.1%} ({row.low:+.1%} to {row.high:+.1%})"
    return ("?" if math.isnan(row.change) else change), p


def summarised(runs: Mapping[str, Sequence[Run]], k: int, seeds: Sequence[int], lacking: Sequence[Lacking]) -> Ablation:
    """Means, spreads and tests of runs.

    Args:
        runs: by variant, at least one each; the whole is among them.
        k: the cut-off.
        seeds: the seeds asked for.
        lacking: variants left out.
    """
    metric = f"ndcg@{k}"
    rows: list[VariantRow] = []
    for part in PARTS:
        tests = {name: _against(found, runs[WHOLE], part, metric) for name, found in runs.items() if name != WHOLE}
        known = {name: test.p for name, test in tests.items() if not math.isnan(test.p)}
        corrected = dict(zip(known, holm(list(known.values())), strict=True))
        for name, found in runs.items():
            test = tests.get(name, _UNTESTED)
            rows.append(_row(name, part, found, test, corrected.get(name, math.nan)))
    return Ablation(metric, tuple(seeds), tuple(rows), tuple(lacking))


def _row(name: str, part: str, runs: Sequence[Run], test: _Test, p_holm: float) -> VariantRow:
    means = {metric: np.array([run.values[part][metric].mean() for run in runs]) for metric in runs[0].values[part]}
    mean = {metric: float(values.mean()) for metric, values in means.items()}
    spread = {metric: float(values.std(ddof=1)) if len(values) > 1 else math.nan for metric, values in means.items()}
    weights = {signal: float(np.mean([run.weights[signal] for run in runs])) for signal in runs[0].weights}
    seeds, users = tuple(run.seed for run in runs), len(runs[0].users[part])
    against = (test.change, test.low, test.high, test.p, p_holm)
    return VariantRow(name, told(name), part, seeds, users, mean, spread, *against, weights)


@dataclass(frozen=True)
class _Test:
    """A variant against the whole: the change with its interval, as shares of the whole's metric, and p."""

    change: float
    low: float
    high: float
    p: float


_UNTESTED = _Test(math.nan, math.nan, math.nan, math.nan)


def _against(runs: Sequence[Run], whole: Sequence[Run], part: str, metric: str) -> _Test:
    """The test over the seeds that both have."""
    shared = {run.seed for run in runs} & {run.seed for run in whole}
    ours, theirs = (_over_seeds([run for run in found if run.seed in shared], part, metric) for found in (runs, whole))
    base = float(theirs.mean()) if len(theirs) else 0.0
    if len(ours) != len(theirs) or base == 0:
        return _UNTESTED
    # Of the same users by the same seed the interval is the same on every call.
    test = paired(ours, theirs, np.random.default_rng(0))
    return _Test(test.difference / base, test.low / base, test.high / base, test.p)


def _over_seeds(runs: Sequence[Run], part: str, metric: str) -> npt.NDArray[np.float64]:
    """Each user's mean over runs, all of which measured the same users in the same order, shape (users,)."""
    if not runs:
        return np.empty(0)
    # Rounded: of means over seeds, differences in the last digit are none.
    return np.asarray(np.mean([run.values[part][metric] for run in runs], axis=0), dtype=np.float64).round(12)
