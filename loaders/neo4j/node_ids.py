"""Which node of a database each id belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import ConfigError, DataError
from .connection import Connection
from .key_ids import ids_of_keys
from .names import cypher, quoted

__all__ = ["NoNodeFound", "NodeIds", "checked_names", "examples"]

STRING = pa.large_string()
PAGE = 20_000


class NoNodeFound(DataError):
    """Not one of many ids is that of a node: the label or the key is another's."""


def checked_names(**names: str) -> None:
    """See that names can stand in Cypher.

    Raises:
        ConfigError: if one cannot; it is told with what it names.
    """
    for what, name in names.items():
        try:
            quoted(name)
        except ValueError as error:
            raise ConfigError(f"{what}: {error}") from None


@dataclass(frozen=True, eq=False)
class NodeIds:
    """The nodes of a label that have a key.

    Attributes:
        ids: their ids, as the reader of graphs makes them of the key, large_string, n long.
        node: the server's element id of each.
        state: what the query asked beside found, n long.
        whole: whether all keys are integers in the database.
        unkeyed: how many nodes of the label have no key.
    """

    ids: pa.Array
    node: pa.Array
    state: pa.Array
    whole: bool
    unkeyed: int

    @classmethod
    def read(
        cls,
        connection: Connection,
        label: str,
        key: Sequence[str],
        *,
        separator: str = "|",
        prefix: bool = False,
        state: str = "0",
        **parameters: Any,
    ) -> NodeIds:
        """Read them, by columns; needs no index.

        Args:
            connection: to the database.
            label: of the nodes.
            key: properties that make the id, joined by `separator`.
            separator: between the parts of a composite key.
            prefix: whether ids begin with the label, as LABEL/ID.
            state: Cypher of what to know of each node `n` beside, built like every query.
            parameters: those of `state`.

        Raises:
            DataError: if two nodes have the same id, or a key is none.
        """
        told = ", ".join(["elementId(n)", state, *(f"n.{quoted(name)}" for name in key)])
        # The nodes alone are collected, and what is told of them page by page, so that the server's memory suffices.
        query = cypher(
            f"MATCH (n:{quoted(label)}) WITH collect(n) AS ns UNWIND range(0, size(ns) - 1, {PAGE}) AS start",
            f"RETURN [n IN ns[start..start + {PAGE}] | [{told}]] AS rows",
        )
        rows = [row for record in connection.read(query, **parameters) for row in record["rows"]]
        node, found, *parts = (
            ([*column] for column in zip(*rows, strict=True)) if rows else ([], [], *([] for _ in key))
        )
        by_name = dict(zip(key, parts, strict=True))
        ids = ids_of_keys(by_name, label=label, separator=separator, prefix=prefix, remedy="state another")
        keyed = pc.is_valid(ids)
        made = cls(
            ids.filter(keyed), pa.array(node, STRING).filter(keyed), pa.array(found).filter(keyed),
            len(parts) == 1 and bool(rows) and set(map(type, parts[0])) <= {int, type(None)}, len(ids) - pc.sum(keyed).as_py()
            if len(ids) else 0,
        )  # fmt: skip
        made._check(label, key)
        return made

    def find(self, ids: pa.Array) -> pa.Array:
        """Row of each id here, null where there is none, int32."""
        return pc.index_in(ids.cast(STRING), value_set=self.ids)

    def must_have(self, found: pa.Array, ids: pa.Array, label: str, key: Sequence[str]) -> None:
        """See that at least one of some ids was found.

        Raises:
            NoNodeFound: if none was; it shows what ids there are on either side.
        """
        if found.null_count < len(ids):
            return
        there = f"such as {self.ids[0].as_py()!r}" if len(self.ids) else "none at all"
        raise NoNodeFound(
            f"none of the {len(ids):,} ids, such as {ids[0].as_py()!r}, is that of a node :{label} by "
            f"{' + '.join(key)}, of which there is {there}; state another label or key"
        )

    def _check(self, label: str, key: Sequence[str]) -> None:
        if pc.count_distinct(self.ids).as_py() == len(self.ids):
            return
        counts = self.ids.value_counts()
        twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        raise DataError(
            f"{len(twice):,} ids belong to more than one :{label}, such as {twice[0].as_py()!r} by {' + '.join(key)}; "
            "state a key that is unique"
        )


def examples(ids: pa.Array, mask: Any) -> tuple[int, list[str]]:
    """How many ids are under a mask, and the first three."""
    chosen = np.flatnonzero(np.asarray(mask))
    return len(chosen), ids.take(pa.array(chosen[:3])).to_pylist()
