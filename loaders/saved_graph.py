"""A knowledge graph as a folder of Parquet files: made from Python, read back whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..kg import DataError, IdMap, KnowledgeGraph, Literals, whole_directory
from .graph_options import GraphOptions

__all__ = ["SavedGraph", "read_saved_graph", "save_graph"]

FORMAT = 1
MANIFEST = "graph.json"
PARTS = ("entities", "triples", "literals")
FILES = {MANIFEST, *(f"{part}.parquet" for part in PARTS)}


class SavedGraph(GraphOptions):
    """A graph that `plait.loaders.save_graph` has written."""

    source: Literal["saved"]

    folder: Path
    """The folder."""

    def paths(self) -> list[Path]:
        """The files of the folder."""
        return [self.folder / name for name in sorted(FILES)]


def save_graph(graph: KnowledgeGraph, folder: str | Path) -> None:
    """Write a graph to a folder, whole or not at all; a graph saved there before is replaced.

    Raises:
        DataError: if the folder holds anything else: nothing of the user's is ever overwritten.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(file.name not in FILES for file in folder.iterdir())):
        raise DataError("holds something else than a saved graph; choose another folder", path=folder)
    literals = graph.literals
    manifest = {
        "format": FORMAT,
        "relations": graph.relations,
        "types": graph.types,
        "predicates": literals.predicates,
        "duplicates": graph.duplicates,
    }
    triples = {"head": graph.head, "relation": graph.relation, "tail": graph.tail}
    triples |= {name: column for name in ("weight", "time") if (column := getattr(graph, name)) is not None}
    told = {"entity": literals.entity, "predicate": literals.predicate, "value": literals.value}
    with whole_directory(folder) as fresh:
        pq.write_table(pa.table({"id": graph.entities.to_arrow(), "type": graph.type_of}), fresh / "entities.parquet")
        pq.write_table(pa.table(triples), fresh / "triples.parquet")
        tags = {"language": literals.language, "datatype": literals.datatype}
        pq.write_table(pa.table(told | tags), fresh / "literals.parquet")
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False), encoding="utf-8")


def read_saved_graph(folder: str | Path) -> KnowledgeGraph:
    """Read a saved graph.

    Raises:
        DataError: if the folder or one of its files is missing, damaged, or does not fit the others.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    entities, triples, literals = (_table(folder / f"{part}.parquet") for part in PARTS)
    try:
        ids = IdMap(entities.column("id").cast(pa.large_string()).combine_chunks())
        ends = [_numbers(triples, name, folder, len(ids)) for name in ("head", "tail")]
        return KnowledgeGraph.build(
            ids,
            manifest["relations"],
            ends[0],
            _numbers(triples, "relation", folder, len(manifest["relations"])),
            ends[1],
            types=manifest["types"],
            type_of=_numbers(entities, "type", folder, len(manifest["types"]), least=-1),
            literals=_literals(literals, manifest, folder, len(ids)),
            weight=np.asarray(triples.column("weight")) if "weight" in triples.column_names else None,
            time=np.asarray(triples.column("time")) if "time" in triples.column_names else None,
            repeated=manifest["duplicates"],
        )
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"is no saved graph, or was changed: {error}; save it anew", path=folder) from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("there is no saved graph; write one with plait.loaders.save_graph", path=folder) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {error}; save the graph anew", path=path) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError("is of another version; save the graph anew", path=path)
    return manifest


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path).combine_chunks()
    except FileNotFoundError:
        raise DataError("no such file; save the graph anew", path=path) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0]}; save the graph anew", path=path) from error


def _numbers(table: pa.Table, name: str, folder: Path, limit: int, *, least: int = 0) -> np.ndarray[Any, Any]:
    """A column of numbers from `least` to below `limit`."""
    numbers = np.asarray(table.column(name))
    if len(numbers) and (numbers.min() < least or numbers.max() >= limit):
        raise DataError(f"the column {name} has a number that stands for nothing; save the graph anew", path=folder)
    return numbers


def _literals(table: pa.Table, manifest: dict[str, Any], folder: Path, n_entities: int) -> Literals:
    tags = [
        table.column(name).cast(pa.large_string()).combine_chunks().dictionary_encode()
        for name in ("language", "datatype")
    ]
    return Literals(
        _numbers(table, "entity", folder, n_entities).astype(np.int32),
        _numbers(table, "predicate", folder, len(manifest["predicates"])).astype(np.int32),
        table.column("value").cast(pa.large_string()).combine_chunks(),
        tags[0],
        tags[1],
        tuple(manifest["predicates"]),
    )
