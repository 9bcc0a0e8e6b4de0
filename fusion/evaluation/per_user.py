"""The figures of every test user, kept with a model so that models can be compared without their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ...kg import IdMap, ModelError

__all__ = ["PER_USER_METRICS", "PerUser", "read_per_user", "write_per_user"]

PER_USER_METRICS = ("recall", "ndcg", "mrr")
"""What is kept."""
FILE = "per_user.parquet"


@dataclass(frozen=True, eq=False)
class PerUser:
    """The figures of every measured user by every scorer.

    Attributes:
        users: their ids, large_string, shape (users,).
        values: by scorer and "ndcg@10" and so on, float32, shape (users,) each.
    """

    users: pa.Array
    values: Mapping[str, Mapping[str, npt.NDArray[np.float32]]]

    @property
    def scorers(self) -> tuple[str, ...]:
        """Who was measured, in the order of the table."""
        return tuple(self.values)

    def of(self, users: IdMap, scorer: str, metric: str) -> npt.NDArray[np.float64]:
        """One figure of some users, NaN for those not measured here, shape (users,)."""
        rows = IdMap.of_distinct(self.users).numbers(users.to_arrow(), missing="negative")
        found: npt.NDArray[np.float64] = self.values[scorer][metric][np.maximum(rows, 0)].astype(np.float64)
        found[rows < 0] = np.nan
        return found

    def joined(self, later: PerUser | None) -> PerUser:
        """With the scorers of a later evaluation of the same users."""
        if later is None:
            return self
        if not self.users.equals(later.users):
            raise ValueError("the evaluations are of different users")
        return PerUser(self.users, {**self.values, **later.values})


def write_per_user(per_user: PerUser, folder: str | Path) -> None:
    """Write `per_user.parquet` into a folder: a row for each scorer and user, a column for each metric."""
    metrics = list(next(iter(per_user.values.values()), {}))
    n = len(per_user.users)
    scorer = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(len(per_user.values), dtype=np.int32), n), pa.array(per_user.scorers, pa.string())
    )
    columns = {
        "user": pa.concat_arrays([per_user.users] * len(per_user.values)) if per_user.values else per_user.users[:0],
        "scorer": scorer,
        **{name: np.concatenate([values[name] for values in per_user.values.values()]) for name in metrics},
    }
    pq.write_table(pa.table(columns), Path(folder) / FILE, compression="zstd")


def read_per_user(folder: str | Path) -> PerUser | None:
    """The figures kept in a folder; None where there are none, as in models of older versions.

    Raises:
        ModelError: if the file is damaged.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
        scorer = table.column("scorer").combine_chunks().dictionary_encode()
        names = scorer.dictionary.to_pylist()
        users = table.column("user").combine_chunks().cast(pa.large_string())
        number = np.asarray(scorer.indices)
        n = len(table) // max(len(names), 1)
        if not (number == np.repeat(np.arange(len(names)), n)).all():
            raise ValueError("the scorers do not follow one another")
        metrics = [name for name in table.column_names if name not in ("user", "scorer")]
        columns = {name: np.asarray(table.column(name), dtype=np.float32) for name in metrics}
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise ModelError(f"the figures of the users are damaged ({error}); train anew", path=path) from error
    values = {
        name: {metric: column[at * n : (at + 1) * n] for metric, column in columns.items()}
        for at, name in enumerate(names)
    }
    return PerUser(users[:n], values)
