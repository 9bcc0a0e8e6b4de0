"""The runs of an ablation: each variant by each seed, its per-user figures kept in a file as soon as there are any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ...kg import ConfigError, whole_file
from ...loaders import Part, Split
from ..blending.blend import Blend
from ..evaluation import HeldOut, rank
from ..evaluation.metrics import METRICS, ranking_metrics

__all__ = ["PARTS", "Run", "Runs", "measured"]

PARTS: tuple[Part, ...] = ("valid", "test")


@dataclass(frozen=True, eq=False)
class Run:
    """What one variant came to with one seed.

    Attributes:
        variant: its name.
        seed: its seed.
        weights: weights of its blend, by signal.
        users: by part, the ids of the users measured.
        values: by part and metric ("ndcg@10", ...), the figure of each of them, float64.
    """

    variant: str
    seed: int
    weights: Mapping[str, float]
    users: Mapping[str, pa.Array]
    values: Mapping[str, Mapping[str, npt.NDArray[np.float64]]]


def measured(variant: str, seed: int, blend: Blend, split: Split, k: int) -> Run:
    """A blend measured on both held-out parts, by full ranking."""
    users: dict[str, pa.Array] = {}
    values: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
    for part in PARTS:
        held = HeldOut.of(split, part)
        found = ranking_metrics(rank(blend.score, held, k), held.relevant, [k]).values
        users[part] = split.users.to_arrow().take(pa.array(held.users))
        values[part] = {f"{name}@{k}": found[name, k] for name in METRICS}
    return Run(variant, seed, dict(blend.weights), users, values)


@dataclass(frozen=True)
class Runs:
    """The folder of finished runs.

    Attributes:
        folder: where they lie, one Parquet file each.
        identity: digest of what all of them share; runs of another are refused.
    """

    folder: Path
    identity: str

    def path(self, variant: str, seed: int) -> Path:
        """The file of a run."""
        return self.folder / f"{variant}-{seed}.parquet"

    def write(self, run: Run) -> None:
        """Keep a run; the file appears whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        columns = [
            pa.table({"part": pa.array([part] * len(ids), pa.string()), "user": ids, **run.values[part]})
            for part, ids in run.users.items()
        ]
        about = {"identity": self.identity, "weights": run.weights, "variant": run.variant, "seed": run.seed}
        table = pa.concat_tables(columns).replace_schema_metadata({"plait": json.dumps(about)})
        with whole_file(self.path(run.variant, run.seed)) as temporary:
            pq.write_table(table, temporary)

    def read(self, variant: str, seed: int) -> Run | None:
        """A run that was kept; None if there is none.

        Raises:
            ConfigError: if the file is damaged, or the run is one of another configuration or other data.
        """
        path = self.path(variant, seed)
        if not path.is_file():
            return None
        try:
            table = pq.read_table(path)
            about = json.loads((table.schema.metadata or {})[b"plait"])
            run = _of_table(table, about, variant, seed)
        except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
            raise ConfigError("this finished run is damaged; remove it, and it is done again", path=path) from error
        if about.get("identity") != self.identity:
            raise ConfigError(
                "this finished run is of another configuration or of other data; name another --out, or remove the folder",
                path=path,
            )
        return run


def _of_table(table: pa.Table, about: Mapping[str, Any], variant: str, seed: int) -> Run:
    metrics = [name for name in table.column_names if name not in ("part", "user")]
    part = np.asarray(table.column("part").to_numpy(zero_copy_only=False), dtype=object)
    rows: dict[str, npt.NDArray[np.int64]] = {name: np.flatnonzero(part == name) for name in PARTS}
    users = {name: table.column("user").combine_chunks().take(pa.array(at)) for name, at in rows.items()}
    columns = {name: table.column(name).to_numpy() for name in metrics}
    values = {name: {metric: columns[metric][at] for metric in metrics} for name, at in rows.items()}
    return Run(variant, seed, dict(about["weights"]), users, values)
