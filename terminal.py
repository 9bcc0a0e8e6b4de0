"""How things look on the terminal: progress bars, tables, paths."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from .fusion import Evaluation, Explanation, Recommendation, SimilarItem
from .kg import Stage, local_name
from .loaders import DataReport
from .loaders.quality.finding import counted
from .loaders.quality.shacl import ShaclReport

__all__ = [
    "TerminalProgress",
    "evaluation_table",
    "finding_lines",
    "recommendation_table",
    "report_tables",
    "similar_table",
]

SIGNALS_TOLD = 3
"""How many signals a table tells of each recommendation."""


class TerminalProgress:
    """Shows each stage as a bar while it runs, and as one line with its result and seconds once it is done."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """A stage on the terminal."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        began = time.perf_counter()
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bars:
            stage = _TerminalStage(bars, name, total)
            yield stage
        seconds = time.perf_counter() - began
        line = f"[green]✓[/] {name:<30} {escape(stage.text)} [dim]{seconds:.1f} s[/]"
        self.console.print(line, highlight=False, soft_wrap=True)


class _TerminalStage:
    def __init__(self, bars: Progress, name: str, total: int | None) -> None:
        self.bars, self.text = bars, ""
        self.task = bars.add_task(name, total=total, note="")

    def update(self, done: int, total: int | None = None, note: str = "") -> None:
        """Move the bar."""
        if total is not None:
            self.bars.update(self.task, total=total)
        self.bars.update(self.task, completed=done, note=escape(note))

    def result(self, text: str) -> None:
        """Keep the result for the closing line."""
        self.text = text


def evaluation_table(evaluation: Evaluation, part: str, k: int) -> Table:
    """Scorers of one part side by side, the best of each column in bold."""
    names = {"ndcg": "NDCG", "recall": "recall", "mrr": "MRR", "hit_rate": "hits", "precision": "prec", "map": "MAP"}
    names["coverage"] = "cover"
    metrics = [f"{name}@{k}" for name in names]
    rows = [row for row in evaluation.rows if row.part == part]
    cold = evaluation.cold[part]
    left_out = f"; {cold:,} without a history left out" if cold else ""
    title = f"{'Validation' if part == 'valid' else 'Test'} @{k}: {evaluation.users[part]:,} users{left_out}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("ranked by", no_wrap=True)
    for name in names.values():
        table.add_column(name, justify="right", no_wrap=True)
    best = {metric: max((row.metrics[metric] for row in rows), default=0.0) for metric in metrics}
    for row in rows:
        cells = []
        for metric in metrics:
            value, error = row.metrics[metric], row.errors.get(metric)
            text = f"{value:.4f}" if error is not None else f"{value:.1%}"
            text += f" ±{error:.4f}" if error is not None and metric == metrics[0] else ""
            cells.append(f"[bold]{text}[/]" if value == best[metric] else text)
        table.add_row(row.name, *cells)
    return table


def recommendation_table(recommendations: Sequence[Recommendation]) -> Table:
    """Ranked items of one user with the signals that add most, and the paths where they were asked for."""
    table = Table()
    for column in ("rank", "item", "title", "score", "mostly by"):
        table.add_column(column, justify="right" if column in ("rank", "score") else "left")
    for found in recommendations:
        title = escape(found.title)
        for path in found.paths[:1]:
            title += f"\n[dim]{escape(_without_user(path))}[/]"
        table.add_row(str(found.rank), escape(found.item_id), title, f"{found.score:.2f}", _told_signals(found))
    return table


def _told_signals(found: Recommendation) -> str:
    """The signals that add most to a score, or take most off it; --json tells them all."""
    most = sorted(found.signals.items(), key=lambda entry: -abs(entry[1]))[:SIGNALS_TOLD]
    return ", ".join(f"{name.replace('_', ' ')} {value:+.2f}" for name, value in most if value)


def _without_user(path: Explanation) -> str:
    """A path from the liked item on: the user's name is the table's title."""
    return path.text.partition("→ ")[2]


def similar_table(similar: Sequence[SimilarItem]) -> Table:
    """Like items with what they share."""
    table = Table("rank", "item", "title", "cosine", "shares")
    for found in similar:
        shares = ", ".join(f"{local_name(relation)}: {label}" for relation, label in found.shared)
        table.add_row(str(found.rank), escape(found.item_id), escape(found.title), f"{found.score:.3f}", escape(shares))
    return table


def report_tables(report: DataReport) -> Iterator[Table | Text]:
    """The description of the data, table by table; a sentence where a table would be empty."""
    table = Table("interactions", "", title="Interactions", title_justify="left", show_header=False)
    for name, count in report.interactions.items():
        table.add_row(name, f"{count:,}")
    table.add_row("density", f"{report.density:.4%}")
    table.add_row("time", " to ".join(report.time_range) if report.time_range else "unknown")
    columns = ", ".join(f"{what}: {column or '-'}" for what, column in report.columns.items())
    table.add_row("columns", "none: a file of histories" if report.of_histories else escape(columns))
    yield table
    if not report.node_types:
        return
    nodes = Table("node type", "entities", title="Graph", title_justify="left")
    for node in report.node_types[:30]:
        mark = "  ← items" if node.name == report.item_type else ""
        nodes.add_row(escape(local_name(node.name)) + mark, f"{node.count:,}")
    yield nodes
    relations = Table("from", "relation", "to", "triples")
    for relation in report.relations[:40]:
        ends = escape(local_name(relation.source)), escape(relation.name), escape(local_name(relation.target))
        relations.add_row(*ends, f"{relation.count:,}")
    yield relations
    literals = Table("literal", "kind", "count", "distinct", "example")
    for literal in report.literals[:40]:
        example = literal.example if len(literal.example) <= 60 else literal.example[:57] + "..."
        literals.add_row(
            escape(literal.name), literal.kind, f"{literal.count:,}", f"{literal.distinct:,}", escape(example)
        )
    if report.literals:
        yield literals
    links = Table(title="Items in the graph", title_justify="left", show_header=False)
    share = report.linked / report.items if report.items else 0
    links.add_row("linked", f"{report.linked:,} of {report.items:,} ({share:.1%})")
    links.add_row("without an entity", escape(", ".join(report.unlinked_examples)) or "none")
    around = counted(report.around["entities"], "entity", "entities"), counted(report.around["triples"], "triple")
    links.add_row("kept around them", ", ".join(around))
    if report.linked:
        links.add_row("interactions with them", f"{report.coverage.interactions:.1%}")
    yield links
    if report.mismatches.found:
        yield _mismatch_table(report)
    if report.shacl is not None:
        yield _shacl_table(report.shacl) if report.shacl.results else _shacl_sentence(report.shacl)


def _mismatch_table(report: DataReport) -> Table:
    found = report.mismatches.found
    title = f"Links that look wrong: {len(found):,} of {report.mismatches.compared:,}"
    if report.mismatches.left_out:
        title += f" ({report.mismatches.left_out:,} not compared)"
    table = Table("item", "title", "name of the entity", "likeness", "did you mean", title=title, title_justify="left")
    for row in found[:20]:
        table.add_row(
            escape(row.item), escape(row.title), escape(row.label), str(row.likeness), escape(row.suggestion or "")
        )
    return table


def _shacl_sentence(report: ShaclReport) -> Text:
    return Text(f"{report.extent} {report.verdict}".rstrip())


def _shacl_table(report: ShaclReport) -> Table:
    table = Table("shape", "property", "constraint", "severity", "results", "first node", title=report.extent)
    table.title_justify = "left"
    for row in report.results[:40]:
        names = escape(local_name(row.shape)), escape(local_name(row.path)), escape(row.constraint)
        table.add_row(*names, escape(row.severity), f"{row.count:,}", escape(row.focus))
    return table


def finding_lines(report: DataReport) -> Iterator[str]:
    """What looks wrong, a line each with its remedy, the worst first."""
    marks = {"error": "[red]✗[/]", "warning": "[yellow]![/]", "info": "[dim]·[/]"}
    for found in report.findings:
        remedy = f": {found.remedy}" if found.remedy else ""
        yield f"{marks[found.severity]} {escape(found.sentence + remedy)}"
