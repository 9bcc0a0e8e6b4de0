"""`plait rerank-price`, and the options of `plait recommend` that re-rank."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from ..kg import ConfigError
from .console import AsJson, ModelPath, news, out, print_json

if TYPE_CHECKING:
    from ..fusion.rerank import RerankConfig
    from ..fusion.rerank.price import Price

__all__ = ["Cap", "Diversity", "ExposureOf", "Method", "Pool", "SpaceOf", "rerank_of", "rerank_price"]

GROUP = "Re-ranking"


class _Method(StrEnum):
    MMR = "mmr"
    DPP = "dpp"


class _Space(StrEnum):
    EMBEDDINGS = "embeddings"
    TEXT = "text"
    ENTITIES = "entities"


Diversity = Annotated[
    float | None,
    typer.Option(
        "--diversity",
        min=0,
        max=1,
        help="How much an item must differ from those above it: 0 leaves the order, 1 looks at nothing else.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
Method = Annotated[
    _Method | None,
    typer.Option(
        "--method",
        help="mmr: unlike the nearest item above (default). dpp: what the list spans as a whole.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
SpaceOf = Annotated[
    _Space | None,
    typer.Option(
        "--space",
        help="What tells how like items are: the net's embeddings (default), texts, or entities of the graph.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
Cap = Annotated[
    list[str] | None,
    typer.Option(
        "--cap",
        help="RELATION=N: at most N items of one value, such as brand=2; again for each relation.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
ExposureOf = Annotated[
    str | None,
    typer.Option(
        "--exposure",
        help="Relation whose values are groups that get the exposure they have in the catalogue, at least.",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]
Pool = Annotated[
    int | None,
    typer.Option(
        "--pool",
        min=1,
        max=10_000,
        help="Candidates of each list (default 100).",
        rich_help_panel=GROUP,
        show_default=False,
    ),
]


def rerank_of(
    diversity: float | None,
    method: _Method | None,
    space: _Space | None,
    cap: Sequence[str] | None,
    exposure: str | None,
    pool: int | None,
) -> RerankConfig | None:
    """How to re-rank, as options say; None if they say nothing of it.

    Raises:
        ConfigError: if a cap cannot be read, or an option says more of another that is not given.
    """
    if diversity is None and (method is not None or space is not None):
        raise ConfigError("--method and --space say how --diversity is reached, and there is no --diversity")
    if diversity is None and not cap and exposure is None:
        if pool is not None:
            raise ConfigError(
                "--pool says from how many items --diversity, --cap or --exposure choose; give one of them"
            )
        return None
    from ..fusion.rerank import DppConfig, ExposureConfig, MmrConfig, RelevanceConfig

    caps = caps_of(cap or ())
    due = None if exposure is None else ExposureConfig(relation=exposure)
    candidates = 100 if pool is None else pool
    if diversity is None:
        return RelevanceConfig(pool=candidates, cap=caps, exposure=due)
    kind = DppConfig if method == _Method.DPP else MmrConfig
    like = "embeddings" if space is None else space.value
    return kind(diversity=diversity, space=like, pool=candidates, cap=caps, exposure=due)  # type: ignore[arg-type]


def caps_of(words: Sequence[str]) -> dict[str, int]:
    """Caps by relation, of RELATION=N.

    Raises:
        ConfigError: if one cannot be read, or a relation comes twice.
    """
    caps: dict[str, int] = {}
    for word in words:
        # An IRI may hold a = of its own.
        relation, _, number = word.rpartition("=")
        if not relation or not number.isascii() or not number.isdigit() or int(number) < 1:
            raise ConfigError(f"--cap is {word!r}, expected RELATION=N with N of 1 or more, such as brand=2")
        if relation in caps:
            raise ConfigError(f"--cap names {relation!r} twice; give it once")
        caps[relation] = int(number)
    return caps


def rerank_price(
    model: ModelPath,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per list.")] = 10,
    method: Annotated[
        list[_Method] | None, typer.Option("--method", help="mmr or dpp; both by default.", show_default=False)
    ] = None,
    space: SpaceOf = None,
    pool: Pool = None,
    cap: Cap = None,
    exposure: ExposureOf = None,
    users: Annotated[int, typer.Option("--users", min=2, help="Most validation users to look at.")] = 4000,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the curves into this .png, .svg or .pdf.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What diversity, caps and fair exposure cost in accuracy: curves over a grid of trade-offs, on validation.

    With --cap or --exposure the lists as they are without come first ("none"); "short" is the part of all exposure by which
    groups miss their shares.
    """
    from ..fusion.picture_file import check_picture
    from ..fusion.rerank.price import price_of_saved
    from ..fusion.rerank.price_plot import write_price_plot
    from ..terminal import TerminalProgress

    if plot is not None:
        check_picture(plot)
    price = price_of_saved(
        model,
        k=k,
        methods=[one.value for one in method or tuple(_Method)],
        space="embeddings" if space is None else space.value,
        pool=100 if pool is None else pool,
        cap=caps_of(cap or ()),
        exposure=exposure,
        users=users,
        progress=TerminalProgress(news),
    )
    if plot is not None:
        write_price_plot(price, plot)
    if as_json:
        print_json(price.as_record())
        return
    out.print(_table(price))
    if plot is not None:
        news.print(f"Drawn to {escape(str(plot))}.", highlight=False)


def _table(price: Price) -> Table:
    title = f"Validation @{price.k}: {price.users:,} users, {price.pool} candidates, alike by {price.space}"
    # Narrow, so that all columns fit into 80.
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    due = "shortfall" in price.points[0].metrics
    for name in ("method", "trade-off", "NDCG", "recall", "differ", "cover", "Gini", *(("short",) if due else ())):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for point in price.points:
        of, error = point.metrics, point.errors
        table.add_row(
            point.method,
            f"{point.trade_off:g}",
            f"{of['ndcg']:.4f} ±{error['ndcg']:.4f}",
            f"{of['recall']:.4f}",
            f"{of['diversity']:.4f}",
            f"{of['coverage']:.1%}",
            f"{of['gini']:.4f}",
            *((f"{of['shortfall']:.1%}",) if due else ()),
        )
    return table
