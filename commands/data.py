"""`plait data`: a look at data before training on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..kg import ConfigError
from .console import AsJson, ConfigPath, news, out, print_json

if TYPE_CHECKING:
    from ..fusion import Config
    from ..loaders import Catalogue
    from ..loaders.quality.finding import Finding

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at data before training on it.")


@app.callback()
def _group() -> None:
    # A group of one command would take that command's place.
    pass


@app.command()
def describe(
    config: ConfigPath,
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write it all, with plots, to this HTML file.")] = None,
    shacl: Annotated[
        Path | None, typer.Option("--shacl", help="Check RDF against the shapes in this .ttl file.")
    ] = None,
    shacl_seconds: Annotated[float, typer.Option(min=1, help="How long that check may take.")] = 60,
    sample: Annotated[int | None, typer.Option(min=1, help="Check so many nodes only; all by default.")] = None,
) -> None:
    """Node types, relations, literals, link coverage, density, time range, and what looks wrong."""
    from ..fusion import read_config
    from ..loaders import describe as described
    from ..loaders import read_catalogue, read_graph, read_log
    from ..terminal import TerminalProgress, finding_lines, report_tables

    settings = read_config(config)
    progress = TerminalProgress(news)
    mapped = None
    if settings.data.graph is not None:
        with progress.stage("read graph") as stage:
            without = settings.data.interaction_relationships
            mapped = read_graph(settings.data.graph, on_progress=stage.update, without=without)
            stage.result(f"{mapped.graph.n_entities:,} entities, {mapped.graph.n_triples:,} triples")
    with progress.stage("read interactions") as stage:
        log, columns = read_log(settings.data, settings.split)
        stage.result(f"{len(log):,} of {len(log.users):,} users")
    with progress.stage("look at both") as stage:
        catalogue = read_catalogue(settings.data, log.items, mapped)
        positives = settings.data.interactions.min_weight
        report = described(log, columns, catalogue, positives, strategy=settings.split.strategy)
        if settings.text is not None:
            report = report.with_findings(_text_findings(settings, catalogue))
        stage.result(f"{len(report.findings)} findings")
    if shacl is not None:
        from ..loaders.quality.shacl import check_shapes

        files = _rdf_files(settings.data.graph, config)
        report = report.with_shacl(check_shapes(files, shacl, seconds=shacl_seconds, sample=sample, seed=settings.seed))
    if html is not None:
        from ..quality_page import write_quality_page

        write_quality_page(report, html, config.name)
        news.print(f"Wrote {escape(str(html))}", highlight=False, soft_wrap=True)
    if as_json:
        print_json(report.as_record())
        return
    for table in report_tables(report):
        out.print(table)
    for line in finding_lines(report):
        out.print(line, highlight=False, soft_wrap=True)


def _rdf_files(graph: Any, config: Path) -> list[Path]:
    """The RDF files of a graph; shapes are about nothing else."""
    if getattr(graph, "source", None) != "rdf":
        raise ConfigError("--shacl checks RDF files; data.graph.source names none", path=config)
    return list(graph.files)


def _text_findings(settings: Config, catalogue: Catalogue) -> Iterator[Finding]:
    """What cleaning finds in the texts of items and entities."""
    from ..fusion.node_texts import node_texts
    from ..loaders.quality.finding import Finding

    for found in node_texts(settings, catalogue).cleaning.findings:
        # How many are cut depends on the encoder's tokens, which nothing counts here.
        if found.kind != "cut":
            yield Finding(f"text-{found.kind}", "info", found.sentence, found.count, (found.example,))
