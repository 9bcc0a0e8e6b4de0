"""The id of an entity out of the values of its node's key: the one way in which graphs are read and results written."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...kg import DataError
from .values import key_forms

__all__ = ["ids_of_keys"]

STRING = pa.large_string()


def ids_of_keys(
    parts: dict[str, list[Any]], *, label: str | None, separator: str, prefix: bool, remedy: str
) -> pa.Array:
    """Ids of nodes, null where a part of the key is absent or all of it is empty, large_string, one a node.

    Args:
        parts: for each property of the key, in order, its values, None where a node lacks it; at least one.
        label: of the nodes.
        separator: between the parts of a composite key.
        prefix: whether ids begin with the label, as LABEL/ID.
        remedy: what to do about a key that is none.

    Raises:
        DataError: if a value is a list, a point or bytes.
    """
    try:
        columns = [key_forms(values) for values in parts.values()]
    except TypeError as error:
        raise DataError(f"the key {' + '.join(parts)} of :{label} holds a {error}, which is no id; {remedy}") from None
    ids = pc.binary_join_element_wise(*columns, pa.scalar(separator, STRING))
    ids = pc.if_else(pc.equal(ids, ""), pa.scalar(None, STRING), ids)
    if prefix and label is not None:
        ids = pc.binary_join_element_wise(pa.scalar(label, STRING), ids, pa.scalar("/", STRING))
    return ids
