"""Saved models: a folder of data, never of code, that appears whole and is checked byte for byte when loaded."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sp
import yaml
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from .._version import __version__
from ..kg import IdMap, ItemGraph, ModelError, whole_directory
from ..loaders.neo4j.places import Neo4jPlaces
from .blending.blend import Blend
from .blending.gate import Gate
from .blending.judge import Judge
from .blending.pool import ItemFacts
from .blending.ranker import Ranker
from .evaluation import Evaluation, write_per_user
from .recommender import Recommender
from .search_storage import read_encoder, read_prices, write_for_search
from .signals.recency import Recency
from .signals.registry import KINDS

__all__ = ["FORMAT", "Record", "check_target", "load", "read_record", "save", "sha256_of", "without_nan"]

FORMAT = 2
"""Version of the folder's layout."""

MANIFEST = "manifest.json"
PLACES = "neo4j.json"
JUDGE = "judge.json"
JUDGES: Mapping[str, type[Judge]] = {"gate": Gate, "ranker": Ranker}


@dataclass(frozen=True)
class Record:
    """What is known about how a model was made, beside what it answers with.

    Attributes:
        config: the resolved configuration.
        evaluation: how it did.
        details: choices, stages with seconds and memory, fingerprint of the data; JSON-ready.
    """

    config: Mapping[str, Any]
    evaluation: Evaluation
    details: Mapping[str, Any]


def save(recommender: Recommender, record: Record, folder: str | Path) -> None:
    """Write a model folder, whole or not at all; an older model of that name is replaced.

    Raises:
        ModelError: if the target exists and is no model folder: nothing of the user's is ever overwritten.
    """
    folder = Path(folder).absolute()
    check_target(folder)
    with whole_directory(folder) as target:
        _write_graph(recommender, target)
        _write_interactions(recommender, target)
        write_for_search(recommender.encoder, recommender.prices, target)
        for name, signal in recommender.blend.signals.items():
            save_file({k: np.ascontiguousarray(v) for k, v in signal.arrays().items()}, target / f"{name}.safetensors")
        (target / "config.yaml").write_text(yaml.safe_dump(dict(record.config), sort_keys=False), encoding="utf-8")
        _write_json(target / "evaluation.json", record.evaluation.as_record())
        _write_json(target / "details.json", record.details)
        _write_judge(recommender.blend, target)
        if record.evaluation.per_user is not None:
            write_per_user(record.evaluation.per_user, target)
        if recommender.places is not None:
            _write_json(target / PLACES, recommender.places.model_dump(mode="json"))
        blend = {
            name: {
                "kind": recommender.blend.signals[name].kind,
                "weight": weight,
                "recency": asdict(recommender.blend.recency.get(name, Recency())),
            }
            for name, weight in recommender.blend.weights.items()
        }
        files = {
            file.name: {"sha256": sha256_of(file), "bytes": file.stat().st_size} for file in sorted(target.iterdir())
        }
        manifest = {
            "format": FORMAT,
            "plait": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "relations": list(recommender.graph.relations),
            "inverse_names": recommender.graph.inverse_names,
            "signals": blend,
            "files": files,
        }
        _write_json(target / MANIFEST, manifest)


def check_target(folder: str | Path) -> None:
    """See that a model may be written to a folder: it is missing, empty, or an older model.

    Raises:
        ModelError: if something else is there: nothing of the user's is ever overwritten.
    """
    folder = Path(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ModelError("is a file; choose a folder", path=folder)
    ours = _files_of_model(folder)
    foreign = sorted(file.name for file in folder.iterdir() if file.name not in ours)
    if foreign:
        raise ModelError(f"holds {foreign[0]!r}, which is no part of a plait model; choose another folder", path=folder)


def _files_of_model(folder: Path) -> set[str]:
    """Names of the files that a model's manifest claims; none where there is no manifest of ours."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {MANIFEST, *manifest["files"]} if "plait" in manifest else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def load(folder: str | Path) -> Recommender:
    """Load a saved recommender; needs nothing but its folder.

    Raises:
        ModelError: if the folder is missing, half-written, changed in any byte, or of a layout this version cannot read.
    """
    folder = Path(folder)
    manifest = _checked_manifest(folder)
    users = IdMap(_column(folder, "users", "id"))
    graph = _read_graph(folder, manifest["relations"], manifest.get("inverse_names", {}))
    interactions = _table(folder, "interactions")
    steps = np.asarray(interactions.column("steps"), dtype=np.float32)
    liked = steps > 0
    user, item = (np.asarray(interactions.column(c), dtype=np.int64) for c in ("user", "item"))
    shape = (len(users), graph.n_items)
    signals = {
        name: KINDS[entry["kind"]].from_arrays(_arrays(folder / f"{name}.safetensors"))
        for name, entry in manifest["signals"].items()
    }
    return Recommender(
        users=users,
        titles=_column(folder, "items", "title"),
        graph=graph,
        blend=Blend(
            signals,
            {name: entry["weight"] for name, entry in manifest["signals"].items()},
            {name: Recency(**entry["recency"]) for name, entry in manifest["signals"].items()},
            **_read_judge(folder, manifest["files"], graph),
        ),
        liked=sp.csr_array((steps[liked], (user[liked], item[liked])), shape=shape),
        seen=sp.csr_array((np.ones(len(user), dtype=np.float32), (user, item)), shape=shape),
        trained=np.asarray(_column(folder, "users", "trained"), dtype=bool),
        places=_places(folder) if PLACES in manifest["files"] else None,
        encoder=read_encoder(folder, manifest["files"]),
        prices=read_prices(folder, manifest["files"]),
    )


def read_record(folder: str | Path) -> Record:
    """How a saved model was made and did.

    Raises:
        ModelError: as `load` does.
    """
    folder = Path(folder)
    _checked_manifest(folder)
    return Record(
        yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")),
        Evaluation.from_record(json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))),
        json.loads((folder / "details.json").read_text(encoding="utf-8")),
    )


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, once every file it names is there with the bytes it names."""
    if not folder.is_dir():
        raise ModelError("no such model folder; `plait train CONFIG --out DIR` makes one", path=folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"no {MANIFEST} in it: the folder is no plait model, or was written by half", path=folder)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = manifest["format"]
        files = {name: str(entry["sha256"]) for name, entry in manifest["files"].items()}
        kinds = {name: str(entry["kind"]) for name, entry in manifest["signals"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("the manifest is damaged; train or copy the model anew", path=path) from error
    if version != FORMAT:
        raise ModelError(
            f"the model has layout {version}, and plait {__version__} reads layout {FORMAT}; train it anew", path=path
        )
    for name, digest in files.items():
        if Path(name).name != name:
            raise ModelError(f"the manifest names {name!r}, which is no plain file name", path=path)
        file = folder / name
        if not file.is_file():
            raise ModelError("the file is missing: the model was copied or written by half", path=file)
        if sha256_of(file) != digest:
            raise ModelError("the file has changed since the model was saved (sha256 differs); train anew", path=file)
    for name, kind in kinds.items():
        if kind not in KINDS or f"{name}.safetensors" not in files:
            raise ModelError(f"the signal {name!r} is of a kind this version does not know, or has no file", path=path)
    return manifest


def _write_graph(recommender: Recommender, target: Path) -> None:
    graph = recommender.graph
    items = {"id": graph.items.to_arrow(), "title": recommender.titles, "entity": graph.item_entity}
    pq.write_table(pa.table(items), target / "items.parquet")
    entities = {"id": graph.entities.to_arrow(), "label": graph.label, "type": graph.type_name}
    pq.write_table(pa.table(entities), target / "entities.parquet")
    triples = {"head": graph.head, "relation": graph.relation, "tail": graph.tail}
    pq.write_table(pa.table(triples), target / "triples.parquet")


def _read_graph(folder: Path, relations: list[str], inverse_names: dict[str, str]) -> ItemGraph:
    items, entities, triples = (_table(folder, name) for name in ("items", "entities", "triples"))
    head, relation, tail = (np.asarray(triples.column(c), dtype=np.int32) for c in ("head", "relation", "tail"))
    return ItemGraph(
        IdMap(items.column("id").combine_chunks()),
        IdMap(entities.column("id").combine_chunks()),
        tuple(relations),
        head,
        relation,
        tail,
        entities.column("label").combine_chunks(),
        entities.column("type").combine_chunks(),
        items.column("entity").combine_chunks(),
        inverse_names,
    )


def _write_judge(blend: Blend, target: Path) -> None:
    if blend.judge is None or blend.facts is None:
        return
    judge = {"kind": blend.judge.kind, "depth": blend.depth, "counts": blend.facts.counts.tolist()}
    _write_json(target / JUDGE, {**judge, "judge": blend.judge.as_record()})


def _read_judge(folder: Path, files: Mapping[str, Any], graph: ItemGraph) -> dict[str, Any]:
    """The judge, the facts it is told and the depth it looks to; nothing where the weights do without one."""
    if JUDGE not in files:
        return {}
    path = folder / JUDGE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        judge = JUDGES[record["kind"]].from_record(record["judge"])
        counts = np.array(record["counts"], dtype=np.float32)
        if counts.shape != (graph.n_items,):
            raise ValueError(f"counts of {len(counts)} items")
        if not (np.isfinite(counts).all() and (counts >= 0).all()):
            raise ValueError("a count that is no number of users")
        depth = int(record["depth"])
        if depth < 1:
            raise ValueError(f"a depth of {depth}")
        return {"judge": judge, "facts": ItemFacts.of(counts, graph), "depth": depth}
    except KeyError as error:
        raise ModelError(f"the judge of the blend lacks or knows no {error}; train anew", path=path) from error
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ModelError(f"the judge of the blend cannot be read ({error}); train anew", path=path) from error


def _places(folder: Path) -> Neo4jPlaces:
    try:
        return Neo4jPlaces.model_validate_json((folder / PLACES).read_bytes())
    except ValidationError as error:
        raise ModelError("what it says of a database cannot be read; train anew", path=folder / PLACES) from error


def _write_interactions(recommender: Recommender, target: Path) -> None:
    users = {"id": recommender.users.to_arrow(), "trained": recommender.trained}
    pq.write_table(pa.table(users), target / "users.parquet")
    # Steps ago where the item was liked, 0 where it was only seen: what is liked is seen.
    seen, width = recommender.seen.tocoo(), recommender.seen.shape[1]
    liked = recommender.liked.tocoo()
    cells = seen.row.astype(np.int64) * width + seen.col
    order = np.argsort(cells)
    steps = np.zeros(len(cells), dtype=np.int32)
    steps[order[np.searchsorted(cells, liked.row.astype(np.int64) * width + liked.col, sorter=order)]] = liked.data
    columns = {"user": seen.row.astype(np.int32), "item": seen.col.astype(np.int32), "steps": steps}
    pq.write_table(pa.table(columns), target / "interactions.parquet")


def _arrays(path: Path) -> dict[str, Any]:
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ModelError(f"damaged safetensors: {error}", path=path) from error


def _table(folder: Path, name: str) -> pa.Table:
    return pq.read_table(folder / f"{name}.parquet")


def _column(folder: Path, name: str, column: str) -> pa.Array:
    return _table(folder, name).column(column).combine_chunks()


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(without_nan(value), indent=2, ensure_ascii=False, default=_plain, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def without_nan(value: Any) -> Any:
    """The same records with null where a float is NaN or infinite: JSON knows neither."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
