"""`plait recommend`, `similar` and `explain`: questions to a saved model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .candidates import ByEntity, Parameters, Where, candidates_of
from .console import AsJson, ModelPath, news, out, print_json
from .neo4j_options import Database, PasswordFile, Uri
from .rerank import Cap, Diversity, ExposureOf, Method, Pool, SpaceOf, rerank_of

if TYPE_CHECKING:
    from ..fusion import Explanation

__all__ = ["explain", "recommend", "similar"]

WithCypher = Annotated[
    bool,
    typer.Option("--cypher", help="Print the Cypher that shows each path in Neo4j Browser, if the graph is there."),
]


def recommend(
    model: ModelPath,
    user: Annotated[list[str], typer.Option("--user", "-u", help="User id; may be given again.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="Items per user.")] = 10,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", help="Item id that the user likes, on top of what is known; may be given again."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the path through the graph to each item.")] = False,
    cypher: WithCypher = False,
    where: Where = None,
    param: Parameters = None,
    by_entity: ByEntity = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
    diversity: Diversity = None,
    method: Method = None,
    space: SpaceOf = None,
    cap: Cap = None,
    exposure: ExposureOf = None,
    pool: Pool = None,
    as_json: AsJson = False,
) -> None:
    """The best items for a user, with what each signal adds and, if asked for, why."""
    from ..fusion import load
    from ..terminal import recommendation_table

    rerank = rerank_of(diversity, method, space, cap, exposure, pool)
    recommender = load(model)
    liked = {name: tuple(history or ()) for name in user}
    with candidates_of(model, recommender, where, param, by_entity, uri, database, password_file) as candidates:
        found = recommender.recommend(
            user, k, history=liked, explain=explain or cypher, candidates=candidates, rerank=rerank
        )
    if as_json:
        print_json([item.as_record() for item in found])
        return
    for name in user:
        mine = [item for item in found if item.user_id == name]
        warmth = recommender.warmth(name, liked[name])
        what = {"hot": "", "warm": " (warm: known by history alone)", "cold": " (cold: no history, so what is popular)"}
        out.print(f"[bold]{escape(name)}[/]{what[warmth]}", highlight=False)
        out.print(recommendation_table(mine))
        if where is not None and len(mine) < k:
            within = " within the caps" if cap else ""
            news.print(f"No more than {len(mine)} unseen items pass {escape(str(where))}{within}.", highlight=False)
        elif cap and len(mine) < k:
            news.print(f"No list of more than {len(mine)} unseen items was found within the caps.", highlight=False)
        if cypher:
            _print_cypher(path for item in mine for path in item.paths[:1])


def similar(
    model: ModelPath,
    item: Annotated[str, typer.Option("--item", "-i", help="Item id.", show_default=False)],
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 10,
    where: Where = None,
    param: Parameters = None,
    by_entity: ByEntity = False,
    uri: Uri = None,
    database: Database = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Items like another, by their embeddings, and what they share in the graph."""
    from ..fusion import load
    from ..terminal import similar_table

    recommender = load(model)
    with candidates_of(model, recommender, where, param, by_entity, uri, database, password_file) as candidates:
        found = recommender.similar_items(item, k, candidates=candidates)
    if as_json:
        print_json([other.as_record() for other in found])
    else:
        out.print(similar_table(found))


def explain(
    model: ModelPath,
    user: Annotated[str, typer.Option("--user", "-u", help="User id.", show_default=False)],
    item: Annotated[str, typer.Option("--item", "-i", help="Item id.", show_default=False)],
    n: Annotated[int, typer.Option("-n", min=1, help="Most paths.")] = 5,
    cypher: WithCypher = False,
    as_json: AsJson = False,
) -> None:
    """Paths through the graph from what a user liked to an item."""
    from ..fusion import load

    recommender = load(model)
    paths = recommender.explain(user, item, n=n)
    if as_json:
        print_json([path.as_record() for path in paths])
    elif paths:
        for path in [] if cypher else paths:
            out.print(escape(path.text), highlight=False, soft_wrap=True)
        if cypher:
            _print_cypher(paths)
    else:
        cold = recommender.warmth(user) == "cold"
        out.print("The user has no history to start from." if cold else "No path leads from the user's history to it.")


def _print_cypher(paths: Iterable[Explanation]) -> None:
    shown = False
    for path in paths:
        out.print(f"[dim]{escape(path.text)}[/]", highlight=False, soft_wrap=True)
        if path.cypher is not None:
            # No comment before it: an escape such as \u000A in a title would end that comment and go on as Cypher.
            out.print(escape(path.cypher), highlight=False, soft_wrap=True)
            shown = True
    if not shown:
        news.print("No Cypher: the model does not know of a Neo4j database that has these paths.")
