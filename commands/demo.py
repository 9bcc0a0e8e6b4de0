"""`plait demo`: the whole job on data that comes as packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from .console import news, out
from .train import train_and_save

__all__ = ["demo"]


def demo(
    name: Annotated[Literal["movies", "shop"], typer.Argument(help="Which data.")] = "movies",
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for data and model.")] = Path("demo"),
) -> None:
    """The whole job on data that comes as packages: graph, text, net, blend, recommendations with their paths."""
    from ..demo import DEMOS, prepare
    from ..fusion import load
    from ..terminal import TerminalProgress, recommendation_table

    chosen = DEMOS[name]
    out.print(f"[bold]plait demo: {chosen.title}[/]")
    for terms in chosen.terms:
        out.print(f"[dim]{escape(' '.join(terms.split()))}[/]", highlight=False)
    with TerminalProgress(news).stage("write the graph as RDF") as stage:
        config, summary = prepare(chosen, folder / name)
        stage.result(summary)
    model = folder / name / "model"
    train_and_save(config, model)
    recommender = load(model)
    user = chosen.user
    out.print(f"\nWhat [bold]{user}[/] might like next, and the path in the graph that leads there:")
    out.print(recommendation_table(recommender.recommend([user], 5, explain=True)))
    shown = escape(str(model))
    best = recommender.recommend([user], 1)[0].item_id
    out.print(
        f"\nNext:\n  plait recommend {shown} --user {user} --explain\n  plait explain {shown} --user {user} --item {best}\n"
        f"  plait similar {shown} --item {best}\n  plait search {shown} {chosen.query!r} --user {user}\n"
        f"  plait export {shown} --out embeddings\n"
        f"  plait data describe {escape(str(config))}\nand on your own data: copy {escape(str(config))} and change it.",
        highlight=False,
        soft_wrap=True,
    )
