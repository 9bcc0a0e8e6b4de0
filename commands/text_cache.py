"""`plait text cache`: what the cache of text vectors holds, and pruning it."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..kg import ConfigError
from .console import out

if TYPE_CHECKING:
    from ..text.cache_upkeep import CacheContents

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The cache of text vectors: its size, and removing what is not needed.")

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
DAYS = {"d": 1, "w": 7, "y": 365}
DAY_ZERO = datetime(1970, 1, 1, tzinfo=UTC)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="Of the cache; ~/.cache/plait/text by default.", show_default=False)
]


@app.command()
def show(folder: Folder = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Models in the cache: texts, size, and when their vectors were last used."""
    from ..text.cache_upkeep import cache_contents

    cache = _folder(folder)
    contents = cache_contents(cache)
    if as_json:
        models = [asdict(model) for model in contents.models]
        out.print_json(data={"folder": str(cache), "size": contents.size, "models": models})
        return
    _print(cache, contents)


@app.command()
def prune(
    folder: Folder = None,
    older_than: Annotated[
        str | None, typer.Option(help="Remove what was not used for so long: 90d, 12w, 1y.", show_default=False)
    ] = None,
    larger_than: Annotated[
        str | None,
        typer.Option(help="Remove the least recently used until no more is left: 2GB, 500MB.", show_default=False),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only of this model: its fingerprint or how that begins; may be given again."),
    ] = None,
    exceptions: Annotated[
        list[str] | None, typer.Option("--except", help="Of all models but this one; may be given again.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove vectors by age, size or model; a vector that is needed again is computed again."""
    from ..text.cache_upkeep import prune_cache

    gone = prune_cache(
        _folder(folder),
        older_than_days=None if older_than is None else days_of(older_than),
        larger_than=None if larger_than is None else bytes_of(larger_than),
        models=model or (),
        exceptions=exceptions or (),
        dry_run=dry_run,
    )
    verb = "Would remove" if dry_run else "Removed"
    models = f"; nothing is left of {gone.models} models" if gone.models else ""
    out.print(f"{verb} {gone.texts:,} vectors, {size_text(gone.size)}{models}", highlight=False)


def days_of(text: str) -> int:
    """Days in a time such as 90d, 12w or 1y.

    Raises:
        ConfigError: if it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([dwy])", text.strip(), re.ASCII)
    if found is None:
        raise ConfigError(f"{text!r} is no time; state days, weeks or years, such as 90d, 12w or 1y")
    return int(found[1]) * DAYS[found[2]]


def bytes_of(text: str) -> int:
    """Bytes in a size such as 2GB or 500MB, in powers of 1000.

    Raises:
        ConfigError: if it is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?) ?([KMGT]?)B?", text.strip().upper(), re.ASCII)
    if found is None:
        raise ConfigError(f"{text!r} is no size; state bytes, KB, MB, GB or TB, such as 2GB or 500MB")
    return int(float(found[1]) * UNITS[found[2]])


def size_text(size: int) -> str:
    """A size in the unit that suits it, such as 1.5 GB."""
    unit = next((unit for unit, factor in reversed(UNITS.items()) if size >= factor), "")
    return f"{size / UNITS[unit]:.1f} {unit}B" if unit else f"{size} B"


def _folder(given: Path | None) -> Path:
    from ..text.config import TextConfig

    folder = given if given is not None else TextConfig().cache
    if folder is None:
        raise ConfigError("there is no text cache by default; state --folder")
    return folder.expanduser()


def _print(cache: Path, contents: CacheContents) -> None:
    table = Table("model", "texts", "dimension", "size", "last used", title=f"{cache}: {size_text(contents.size)}")
    for model in contents.models:
        kind = "" if model.stored == "float32" else f" {model.stored}"
        used = "" if model.first_use is None or model.last_use is None else _days(model.first_use, model.last_use)
        name = escape(model.fingerprint[:16])
        table.add_row(name, f"{model.texts:,}", f"{model.dimension}{kind}", size_text(model.size), used)
    out.print(table)
    if contents.leftovers:
        out.print(f"{size_text(contents.leftovers)} were left by killed processes; the next prune removes them.")
    if contents.old_file is not None:
        old = escape(str(contents.old_file))
        out.print(f"{old} is of an older version and not read; it may be removed.", highlight=False, soft_wrap=True)


def _days(first: int, last: int) -> str:
    days = [(DAY_ZERO + timedelta(days=day)).date().isoformat() for day in dict.fromkeys((first, last))]
    return " to ".join(days)
