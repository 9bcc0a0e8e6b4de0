"""Nodes of a database, label by label and page by page, as entities with a type and literals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from ..collector import TripleCollector
from .connection import Connection
from .faults import RefusedQuery
from .key_ids import ids_of_keys
from .names import cypher
from .own import NOTHING, Own
from .places import NodePlace
from .plans import BARE, LabelPlan
from .values import Forms, forms_of

__all__ = ["FURTHER_LABEL", "NodeReading"]

FURTHER_LABEL = "label"
"""Predicate of the labels that a node has beside the one that is its type."""
STRING = pa.large_string()
Column = Any
"""A `pa.Array`; pyarrow ships no types."""


class NodeReading:
    """Reads nodes into a collector, and knows afterwards which of the server's ids is which entity.

    Args:
        connection: to the database.
        collector: is told entities, types and literals.
        identity: the server's function that numbers nodes.
        separator: between the parts of a composite key.
        batch: nodes a page.
        prefixed: whether a label's ids begin with it.
        advance: told how many nodes have come.
        own: what is plait's own, and so not read.

    Attributes:
        vanished: how many nodes went away between their listing and their reading.
        unkeyed: for each label how many nodes have no key, and so the server's id.
        unread: for each kind of value that is no literal, by label and property, how many there were.
    """

    def __init__(
        self,
        connection: Connection,
        collector: TripleCollector,
        *,
        identity: str,
        separator: str,
        batch: int,
        prefixed: Callable[[str | None], bool],
        advance: Callable[[int], None],
        own: Own = NOTHING,
    ) -> None:
        self.vanished, self.unkeyed, self.unread = 0, Counter[str](), Counter[tuple[str, str, str]]()
        self._connection, self._collector, self._identity = connection, collector, identity
        self._separator, self._batch, self._prefixed, self._advance = separator, batch, prefixed, advance
        self._own = own
        self._identities: list[Column] = []
        self._ids: list[Column] = []
        # How each page was read.
        self._plans: list[LabelPlan] = []
        # For each label the Python types of the values of its key, property by property.
        self._key_kinds: dict[str | None, list[set[str]]] = {}
        # Properties seen to hold vectors: these are left with the server from then on, as they are long.
        self._vectors: set[tuple[str | None, str]] = set()
        self._kinds_are_told: bool | None = None

    def identities(self) -> Column:
        """The server's ids of all nodes read."""
        return pa.chunked_array(self._identities).combine_chunks() if self._identities else pa.array([], pa.int64())

    def ids(self) -> Column:
        """The entity ids of the same nodes."""
        return pa.chunked_array(self._ids, STRING).combine_chunks()

    def read(self, plan: LabelPlan) -> None:
        """Read the nodes of a label that none before it had.

        Raises:
            DataError: if a key is no string, number, boolean or date.
        """
        there = self._connection.patiently(lambda: self._listed(plan.label))
        known = self.identities()
        again = pc.is_in(there, value_set=known.cast(there.type)) if len(known) else pa.nulls(len(there), pa.bool_())
        again = again.fill_null(False)
        self._tell_further_labels(plan, there.filter(again))
        fresh = there.filter(pc.invert(again))
        for start in range(0, len(fresh), self._batch):
            self._page(plan, fresh.slice(start, self._batch))

    def _listed(self, label: str | None) -> Column:
        """The server's ids of a label's nodes: a snapshot."""
        match = BARE if label is None else self._own.match(label)
        query = cypher(
            match,
            f"WITH collect({self._identity}(n)) AS ids",
            "UNWIND range(0, size(ids) - 1, 20000) AS start RETURN ids[start..start + 20000] AS ids",
        )
        parts = [pa.array(record["ids"]) for record in self._connection.read(query, **self._own.parameters)]
        return pa.chunked_array(parts).combine_chunks() if parts else pa.array([], pa.int64())

    def _page(self, plan: LabelPlan, wanted: Column) -> None:
        read = list(dict.fromkeys([*plan.properties, *plan.key]))
        long = [name for name in read if (plan.label, name) in self._vectors and name not in plan.key]
        identity, counts, *columns = self._columns(wanted, read, long)
        for name, n in zip(long, counts, strict=True):
            self.unread[plan.label or "", name, "vector"] += n
        self.vanished += len(wanted) - len(identity)
        self._advance(len(wanted))
        if not identity:
            return
        by_name = dict(zip(read, columns, strict=True))
        self._look_at_kinds(plan, by_name)
        identities = pa.array(identity, wanted.type)
        ids = self._entity_ids(plan, identities, [by_name[name] for name in plan.key])
        self._identities.append(identities)
        self._ids.append(ids)
        self._plans.append(plan)
        self._collector.add_entities(ids)
        if plan.label is not None:
            self._collector.add_types(ids, _constant(plan.label, len(ids)))
        for name in plan.properties:
            for forms in forms_of(by_name[name]):
                self._tell(plan, name, ids, forms)

    def _columns(self, wanted: Column, names: list[str], long: list[str]) -> list[list[Any]]:
        """The nodes that are still there: their numbers, how many vectors the `long` properties have, and each property.

        A property is a list with None where it is absent, and, if it is among the `long`, where it is a vector.
        """
        value = {name: self._own.value(name) for name in names}
        tests = {name: f"valueType({value[name]}) STARTS WITH 'LIST<FLOAT'" for name in long}
        query = cypher(
            f"MATCH (n) WHERE {self._identity}(n) IN $ids WITH collect(n) AS ns",
            f"RETURN [n IN ns | {self._identity}(n)], [",
            ", ".join(f"size([n IN ns WHERE {test}])" for test in tests.values()),
            "]",
            *(
                f", [n IN ns | CASE WHEN {tests[name]} THEN null ELSE {value[name]} END]"
                if name in tests
                else f", [n IN ns | {value[name]}]"
                for name in names
            ),
        )
        return [*self._connection.read_all(query, ids=wanted.to_pylist(), **self._own.parameters)[0].values()]

    def _tells_kinds(self) -> bool:
        """Whether the server tells the type of a value: Neo4j does from 5.13 on."""
        if self._kinds_are_told is None:
            try:
                self._kinds_are_told = len(self._connection.read_all("RETURN valueType([1.5])")) == 1
            except RefusedQuery:
                self._kinds_are_told = False
        return self._kinds_are_told

    def _entity_ids(self, plan: LabelPlan, identities: Column, parts: list[list[Any]]) -> Column:
        ids = pa.nulls(len(identities), STRING)
        if parts:
            ids = ids_of_keys(
                dict(zip(plan.key, parts, strict=True)), label=plan.label, separator=self._separator,
                prefix=self._prefixed(plan.label), remedy="state another property in `keys`",
            )  # fmt: skip
        return ids if not ids.null_count else self._with_server_ids(plan, identities, ids)

    def _look_at_kinds(self, plan: LabelPlan, by_name: dict[str, list[Any]]) -> None:
        known = self._key_kinds.setdefault(plan.label, [set() for _ in plan.key])
        for kinds, name in zip(known, plan.key, strict=True):
            kinds |= {kind.__name__ for kind in set(map(type, by_name[name]))} - {"NoneType"}

    def places(self) -> list[NodePlace]:
        """How the nodes read are found by their ids, label by label."""
        return [
            NodePlace(
                label=plan.label,
                key=plan.key,
                kinds=tuple(tuple(sorted(kinds)) for kinds in self._key_kinds[plan.label]),
                separator=self._separator,
                prefix=self._prefixed(plan.label) and plan.label is not None,
                unkeyed=(plan.label or "") in self.unkeyed,
            )
            for plan in dict.fromkeys(self._plans)
        ]

    def _with_server_ids(self, plan: LabelPlan, identities: Column, ids: Column) -> Column:
        missing = np.flatnonzero(np.asarray(ids.is_null()))
        if plan.key or plan.label is not None:
            self.unkeyed[plan.label or ""] += len(missing)
        wanted = identities.take(pa.array(missing))
        query = cypher(
            f"MATCH (n) WHERE {self._identity}(n) IN $ids WITH collect(n) AS ns",
            f"RETURN [n IN ns | {self._identity}(n)], [n IN ns | elementId(n)]",
        )
        found, names = self._connection.read_all(query, ids=wanted.to_pylist())[0].values()
        at = pc.index_in(identities, value_set=pa.array(found, identities.type))
        filled = pc.coalesce(ids, pa.array(names, STRING).take(at))
        # A node that went away between the two questions keeps the number by which this reading knows it.
        return pc.coalesce(filled, identities.cast(STRING))

    def _tell(self, plan: LabelPlan, name: str, ids: Column, forms: Forms) -> None:
        if forms.value is None:
            self.unread[plan.label or "", name, forms.kind] += len(forms.rows)
            if forms.kind == "vector" and self._tells_kinds():
                self._vectors.add((plan.label, name))
            return
        entity = pa.DictionaryArray.from_arrays(pa.array(forms.rows.astype(np.int32)), ids)
        datatype = None if forms.datatype is None else _constant(forms.datatype, len(entity))
        self._collector.add_literals(entity, _constant(name, len(entity)), forms.value, datatype=datatype)

    def _tell_further_labels(self, plan: LabelPlan, identities: Column) -> None:
        if plan.label is None or not len(identities):
            return
        self._advance(len(identities))
        ids = self.ids().take(pc.index_in(identities, value_set=self.identities().cast(identities.type)))
        self._collector.add_literals(ids, _constant(FURTHER_LABEL, len(ids)), _constant(plan.label, len(ids)))

    def check_distinct(self) -> None:
        """Make sure that every id belongs to one node.

        Raises:
            DataError: if one does not.
        """
        ids = self.ids()
        if pc.count_distinct(ids).as_py() == len(ids):
            return
        counts = ids.value_counts()
        repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        at = np.flatnonzero(np.asarray(pc.equal(ids, repeated[0])))
        ends = np.cumsum([len(part) for part in self._ids])
        plans = dict.fromkeys(self._plans[page] for page in np.searchsorted(ends, at, side="right"))
        keys = " and ".join(f":{p.label} (key {' + '.join(p.key) or 'the id of the server'})" for p in plans)
        remedy = "say `id_prefix: true`" if len(plans) > 1 else "state the right key of the label in `keys`"
        raise DataError(
            f"{len(repeated):,} ids belong to more than one node each, such as {repeated[0].as_py()!r} of {keys}; {remedy}"
        )


def _constant(text: str, n: int) -> Column:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int32)), pa.array([text], STRING))
