"""`plait compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..kg import ConfigError
from .console import AsJson, out, print_json

__all__ = ["compare"]


def compare(
    models: Annotated[list[str], typer.Argument(help="Folders of models; MODEL ... --against MODEL ... for seeds.")],
    scorer: Annotated[
        list[str] | None, typer.Option("--scorer", "-s", help="What is compared; again for more. blend by default.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", "-m", help="ndcg@10, recall@20, mrr@10, ...; by default the NDCG chosen by."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Which of some models is better on test, and whether that is more than luck; no data is read.

    Every two are tested over the users both were measured on: mean difference with a 95 % interval (paired bootstrap)
    and Wilcoxon's signed-rank test, corrected by Holm. With `--against` between two lists of folders, each list is one
    configuration trained with several seeds, and every user counts with the mean over them:
    plait compare runs/a-1 runs/a-2 --against runs/b-1 runs/b-2
    """
    from ..evaluation_tables import comparison_tables
    from ..fusion.evaluation.compare import compare as compare_models
    from ..fusion.evaluation.compare import compare_seeds

    # Unknown options come through as they were typed, for the sake of --against between two lists.
    sides = _sides(models)
    if len(sides) == 2:
        if scorer is not None and len(scorer) > 1:
            raise ConfigError("--against compares one scorer; give --scorer once")
        found = compare_seeds(*sides, scorer=scorer[0] if scorer else "blend", metric=metric, seed=seed)
    else:
        found = compare_models(sides[0], scorers=scorer or ["blend"], metric=metric, seed=seed)
    if as_json:
        print_json(found.as_record())
        return
    for table in comparison_tables(found):
        out.print(table)


def _sides(words: list[str]) -> list[list[Path]]:
    """One list of folders, or two with --against between them."""
    sides: list[list[Path]] = [[]]
    for word in words:
        if word == "--against":
            sides.append([])
        elif word.startswith("-"):
            raise ConfigError(f"there is no option {word!r}; see plait compare --help")
        else:
            sides[-1].append(Path(word))
    if len(sides) > 2 or not all(sides):
        raise ConfigError("--against stands once, between the folders of one configuration and those of the other")
    return sides
