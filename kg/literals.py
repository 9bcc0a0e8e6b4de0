"""The literal table of a graph: one row a literal, in columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Literals"]

NUMERIC_DATATYPES = frozenset(
    "http://www.w3.org/2001/XMLSchema#" + name
    for name in (
        "integer", "decimal", "float", "double", "int", "long", "short", "byte", "nonNegativeInteger",
        "positiveInteger", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte",
    )
)  # fmt: skip
DATE_DATATYPES = frozenset(
    "http://www.w3.org/2001/XMLSchema#" + name for name in ("date", "dateTime", "gYear", "gYearMonth", "dateTimeStamp")
)

ANY_URI = "http://www.w3.org/2001/XMLSchema#anyURI"


@dataclass(frozen=True, eq=False)
class Literals:
    """Literal values of entities.

    Attributes:
        entity: number of the entity each literal belongs to, shape (n,).
        predicate: index into `predicates`, shape (n,).
        value: the lexical forms, large_string, n long.
        language: language tags (dictionary-encoded, null where none), n long.
        datatype: datatype IRIs (dictionary-encoded, null for plain strings), n long.
        predicates: names of the predicates.
    """

    entity: npt.NDArray[np.int32]
    predicate: npt.NDArray[np.int32]
    value: pa.Array
    language: pa.Array
    datatype: pa.Array
    predicates: tuple[str, ...]

    @classmethod
    def empty(cls) -> Literals:
        """No literals at all."""
        none = np.empty(0, dtype=np.int32)
        strings = pa.array([], type=pa.large_string())
        return cls(none, none, strings, strings.dictionary_encode(), strings.dictionary_encode(), ())

    def __len__(self) -> int:
        return len(self.entity)

    def take(self, rows: npt.NDArray[np.int64]) -> Literals:
        """The literals of some rows, in their order."""
        at = pa.array(rows)
        return Literals(
            self.entity[rows],
            self.predicate[rows],
            self.value.take(at),
            self.language.take(at),
            self.datatype.take(at),
            self.predicates,
        )

    def language_rank(self, preferred: str = "en") -> npt.NDArray[np.int8]:
        """How well each literal's language suits, shape (n,): 0 the preferred one, 1 none stated, 2 another."""
        if len(self.language.dictionary) == 0:
            return np.ones(len(self), dtype=np.int8)
        wanted = preferred.split("-")[0].lower()
        ranks = np.array(
            [0 if (tag or "").split("-")[0].lower() == wanted else 2 for tag in self.language.dictionary.to_pylist()]
            + [1],
            dtype=np.int8,
        )
        return np.asarray(ranks[np.asarray(self.language.indices.fill_null(len(ranks) - 1))])
