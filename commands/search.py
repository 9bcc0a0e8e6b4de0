"""`plait search`: a model searched by words from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..kg import PlaitError
from .console import AsJson, ModelPath, out, print_json

if TYPE_CHECKING:
    from ..fusion import Intent, Recommender, SearchHit

__all__ = ["search"]


def search(
    model: ModelPath,
    query: Annotated[str, typer.Argument(help="What is looked for, in words.", show_default=False)],
    user: Annotated[str | None, typer.Option("--user", "-u", help="User id, whose taste counts too.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many items.")] = 10,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", help="Item id that the user likes, on top of what is known; may be given again."),
    ] = None,
    unseen: Annotated[bool, typer.Option("--unseen", help="Leave out what the user has seen.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show why: words, entities, paths.")] = False,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Where the text encoder lies now, if not where it was at training.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The items that suit a query best, what was understood of it, and why each was found."""
    from ..fusion import load

    recommender = load(model)
    if encoder is not None:
        recommender = _with_encoder(recommender, encoder)
    try:
        intent = recommender.intent(query)
        found = recommender.search(query, user, k, history=history or (), exclude_seen=unseen, explain=explain)
    except ValueError as error:
        raise PlaitError(str(error)) from error
    if as_json:
        print_json({"intent": intent.as_record(), "hits": [hit.as_record() for hit in found]})
        return
    for line in _intent_lines(intent):
        out.print(line, highlight=False, soft_wrap=True)
    out.print(_hits_table(found, explain))


def _with_encoder(recommender: Recommender, encoder: str) -> Recommender:
    at = recommender.encoder
    # A model without texts says so itself, when it is searched.
    return recommender if at is None else replace(recommender, encoder=at.at(encoder))


def _intent_lines(intent: Intent) -> Iterator[str]:
    """What was understood, a line each."""
    for role, entities in (("brand", intent.brand), ("category", intent.category), ("", intent.attributes)):
        for entity in entities:
            counted = f"{entity.items:,} {'item' if entity.items == 1 else 'items'}"
            what = f"{escape(role or entity.relation)}: [bold]{escape(entity.label)}[/] [dim]{escape(entity.entity_id)}"
            yield f'{what}, {counted}, by "{escape(entity.words)}"[/]'
    if (price := intent.price) is not None:
        amount = " to ".join(f"{value:g}" for value in price.value)
        yield f'price: [bold]{" ".join(filter(None, (price.op, amount, price.currency)))}[/] [dim]by "{escape(price.words)}"[/]'
    if intent.rest:
        yield f"[dim]other words: {escape(intent.rest)}[/]"
    if intent.unread:
        yield f"[dim]the last {intent.unread:,} characters were not read[/]"


def _hits_table(hits: Sequence[SearchHit], explain: bool) -> Table:
    """Hits with what each signal adds and, if asked for, the reasons under the title."""
    names = list(hits[0].signals) if hits else []
    table = Table()
    for column in ("rank", "item", "title", "score", *names):
        table.add_column(column, justify="left" if column in ("item", "title") else "right")
    for hit in hits:
        reasons = [match.text for match in hit.matched] + [path.text for path in hit.paths[:1]] if explain else []
        title = "\n".join([escape(hit.title), *(f"[dim]{escape(reason)}[/]" for reason in reasons)])
        parts = (f"{hit.signals[name]:+.2f}" for name in names)
        table.add_row(str(hit.rank), escape(hit.item_id), title, f"{hit.score:.2f}", *parts)
    return table
