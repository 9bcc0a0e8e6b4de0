"""`plait text`: what the encoder reads of a node, and where it comes from."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..kg import ConfigError, ModelError, PlaitError, UnknownIdError
from .console import news, out
from .text_cache import app as cache_app

if TYPE_CHECKING:
    from ..fusion import Config
    from ..kg import IdMap
    from ..loaders import Catalogue
    from ..text import NodeText, Verbaliser
    from ..text.budget_tokens import TokenBudget

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at the texts of nodes, and at the cache of their vectors.")
app.add_typer(cache_app, name="cache")

_LOOKED_AT = 100_000
"""Ids among which a similar one is looked for."""


@app.command()
def show(
    source: Annotated[
        Path, typer.Argument(help="YAML configuration, or folder of a trained model.", show_default=False)
    ],
    item: Annotated[list[str] | None, typer.Option("--item", "-i", help="Item id; may be given again.")] = None,
    entity: Annotated[list[str] | None, typer.Option("--entity", "-e", help="Entity id; may be given again.")] = None,
    kind: Annotated[str | None, typer.Option("--type", "-t", help="Show nodes of this type, such as Product.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many of the type.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """The exact text of nodes: tokens, what was cut, the triples it came from.

    The data is read as for training; a model's texts are made anew from the data it names.
    """
    if not (item or entity or kind):
        raise PlaitError("name a node: --item ID, --entity ID, or --type TYPE")
    from ..fusion.node_texts import verbaliser_of

    config = _config(source)
    catalogue = _catalogue(config)
    budget, tokenizer = _budget(config)
    verbaliser = verbaliser_of(config, catalogue, budget)
    records = [_item_record(catalogue, verbaliser, one) for one in item or ()]
    numbers = [_number(_entities(catalogue), one, "entity") for one in entity or ()]
    numbers += _samples(catalogue, kind, n) if kind is not None else []
    if numbers:
        assert verbaliser is not None  # there are entities
        ids = catalogue.knowledge.entities.ids(numbers)  # type: ignore[union-attr]
        records += [_record(name, told) for name, told in zip(ids, verbaliser.tell(numbers), strict=True)]
    for record in records:
        record["tokenizer"] = tokenizer
    if as_json:
        sys.stdout.write(json.dumps(records, indent=2, ensure_ascii=False) + "\n")
        return
    for record in records:
        _print(record)


def _config(source: Path) -> Config:
    from pydantic import ValidationError

    from ..fusion import read_config
    from ..fusion.config import Config
    from ..fusion.storage import read_record

    if not source.is_dir():
        return read_config(source)
    try:
        return Config.model_validate(read_record(source).config)
    except ValidationError as error:
        raise ModelError("its configuration is of another version of plait; train anew", path=source) from error


def _catalogue(config: Config) -> Catalogue:
    import numpy as np

    from ..fusion.stages import Stages
    from ..fusion.training import read_data
    from ..terminal import TerminalProgress

    return read_data(config, Stages(TerminalProgress(news)), np.random.default_rng(config.seed))[1]


def _budget(config: Config) -> tuple[TokenBudget | None, str]:
    """The encoder's room and tokenizer, and what counts the tokens, in words."""
    from ..text import StoredVectors, load_encoder, token_budget

    if config.text is None or isinstance(config.text.encoder, StoredVectors):
        return None, "estimated: no encoder reads texts"
    budget = token_budget(load_encoder(config.text, device="cpu"), config.text.max_tokens)
    if budget.count_tokens is None:
        return budget, f"estimated: {config.text.name} has no tokenizer to ask"
    return budget, f"of {config.text.name}, which reads {budget.max_tokens:,}"


def _entities(catalogue: Catalogue) -> IdMap:
    if catalogue.knowledge is None:
        raise ConfigError("there is no graph, and so no entity; name one under data.graph")
    return catalogue.knowledge.entities


def _number(ids: IdMap, name: str, what: str) -> int:
    """Number of an id.

    Raises:
        UnknownIdError: with a similar id, if there is one.
    """
    if (number := ids.number(name)) is not None:
        return int(number)
    known = ids.to_arrow()[:_LOOKED_AT].to_pylist()
    local = {one.rsplit("/", 1)[-1].rsplit("#", 1)[-1]: one for one in reversed(known)}
    close = [local[name]] if name in local else get_close_matches(name, known, 1, 0.7)
    close = close or [local[one] for one in get_close_matches(name, local, 1, 0.7)]
    hint = f"did you mean {close[0]!r}?" if close else f"they look like {known[0]!r}" if known else "there is none"
    raise UnknownIdError(f"there is no {what} {name!r}; {hint}")


def _samples(catalogue: Catalogue, kind: str, n: int) -> list[int]:
    """The first nodes of a type."""
    import numpy as np

    from ..kg import UNTYPED
    from ..kg.terms import find_term

    _entities(catalogue)
    graph: Any = catalogue.knowledge
    number = find_term(kind, (*graph.types, UNTYPED), "node type")
    wanted = number if number < len(graph.types) else -1
    found: list[int] = np.flatnonzero(graph.type_of == wanted)[:n].tolist()
    return found


def _item_record(catalogue: Catalogue, verbaliser: Verbaliser | None, name: str) -> dict[str, Any]:
    """The text of an item: of its entity, or, where it has none, of the item table."""
    from ..text.clean import clean_texts

    number = _number(catalogue.items, name, "item")
    entity = int(catalogue.item_entity[number])
    if verbaliser is not None and entity >= 0:
        told = verbaliser.tell([entity])[0]
    if verbaliser is not None and entity >= 0 and told.present:
        return {**_record(name, told), "entity": verbaliser.graph.entities.id(entity)}
    cleaned, report = clean_texts([catalogue.table.texts[number]])
    return {
        "id": name, "text": cleaned[0], "present": bool(cleaned[0]), "tokens": None, "cut": [], "triples": [],
        "from": "item table", "cleaning": report.lines(),
    }  # fmt: skip


def _record(name: str, told: NodeText) -> dict[str, Any]:
    cut = [{"part": part.part, "characters": part.characters, "tokens": part.tokens} for part in told.cut]
    return {
        "id": name, "text": told.text, "present": told.present, "tokens": told.tokens, "cut": cut,
        "triples": [list(triple) for triple in told.triples], "from": "graph",
    }  # fmt: skip


def _print(record: dict[str, Any]) -> None:
    def say(text: str) -> None:
        out.print(text, highlight=False, soft_wrap=True)

    entity = f" ({escape(record['entity'])})" if record.get("entity", record["id"]) != record["id"] else ""
    say(f"[bold]{escape(record['id'])}[/]{entity}")
    say(escape(record["text"]) if record["present"] else "[yellow]no text: nothing but its id is known[/]")
    if record["tokens"] is not None:
        say(f"[dim]{record['tokens']:,} tokens ({escape(record['tokenizer'])})[/]")
    if record["from"] == "item table":
        say("[dim]from the item table, since the graph says nothing of it[/]")
    for part in record["cut"]:
        say(f"[yellow]cut[/] {escape(part['part'])}: {part['characters']:,} characters, {part['tokens']:,} tokens")
    for triple in record["triples"]:
        say("[dim]  " + escape("  ".join(_short(term) for term in triple)) + "[/]")
    say("")


def _short(term: str) -> str:
    line = " ".join(term.split())
    return line if len(line) <= 100 else line[:99] + "…"
