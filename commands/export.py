"""`plait export`: embeddings by the users' own ids."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from .console import ModelPath, out

__all__ = ["export"]


class Exported(StrEnum):
    """What can be exported."""

    items = "items"
    users = "users"
    entities = "entities"


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
    from ..fusion import load
    from ..loaders import export_embeddings

    parts = load(model).embedding_tables()
    for path in export_embeddings(folder, {name: parts[name] for name in what or parts}, kind):
        out.print(str(path), highlight=False, soft_wrap=True)
