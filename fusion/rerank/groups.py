"""Groups of items that have exposure due: the values of a relation, or those of a table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from ...kg import ConfigError, DataError, IdMap, ItemGraph
from ...loaders.files.tables import find_column, read_table, words_of
from .config import ExposureConfig
from .item_knowledge import ItemKnowledge

__all__ = ["exposure_groups"]

Names = list[tuple[str, ...]]
Shares = npt.NDArray[np.float64]


def exposure_groups(config: ExposureConfig, known: ItemKnowledge) -> tuple[sp.csr_array, Shares]:
    """The groups that have exposure due, shape (items, groups), and the share due to each, shape (groups,).

    Raises:
        ConfigError: if there is no such relation, or no group of a name.
        DataError: if the table cannot be used.
    """
    if config.table is None:
        assert config.relation is not None
        members, names = _of_relation(config.relation, known)
    else:
        members, names = _of_table(config.table, config.item_column, config.group_column, known.graph.items)
    kept, shares = _named(config.share, names) if isinstance(config.share, dict) else _by_size(config, members)
    return sp.csr_array(members[:, kept]), shares * config.strength


def _of_relation(relation: str, known: ItemKnowledge) -> tuple[sp.csr_array, Names]:
    values = known.values(relation)
    used = np.unique(values.indices)
    return sp.csr_array(values[:, used]), [_names(known.graph, int(node)) for node in used]


def _names(graph: ItemGraph, node: int) -> tuple[str, ...]:
    return (graph.node_id(node),) if node < graph.n_items else (graph.node_id(node), graph.node_label(node))


def _of_table(path: Path, item_column: str, group_column: str, items: IdMap) -> tuple[sp.csr_array, Names]:
    """Groups of a table; rows without a group, and of items that the model does not know, say nothing."""
    table = read_table(path)
    item_of, group_of = (
        words_of(table.column(str(find_column(table, name, (), what, path))), what, path).combine_chunks()
        for name, what in ((item_column, "item"), (group_column, "group"))
    )
    names = IdMap.numbering(group_of.drop_null())
    item = items.numbers(item_of, missing="negative")
    group = names.numbers(group_of, missing="negative")
    there = (item >= 0) & (group >= 0)
    if not there.any():
        raise DataError(
            f"no row has a group and an item of the model; items are called as {items.id(0)!r} is", path=path
        )
    entries = np.ones(int(there.sum()), dtype=np.float32), (item[there], group[there])
    members = sp.csr_array(entries, shape=(len(items), len(names)))
    members.data[:] = 1
    return members, [(name,) for name in names]


def _named(shares: dict[str, float], names: Names) -> tuple[npt.NDArray[np.int64], Shares]:
    """The groups that somebody has named, by their ids or else their labels."""
    labels = Counter(both[-1] for both in names)
    number = {both[-1]: group for group, both in enumerate(names)} | {both[0]: g for g, both in enumerate(names)}
    ids = {both[0] for both in names}
    for name in shares:
        if name not in number:
            some = ", ".join(repr(both[-1]) for both in names[:5])
            raise ConfigError(f"share names the group {name!r}, and no item is of it; there are {some or 'none'}")
        if name not in ids and labels[name] > 1:
            raise ConfigError(f"share names the group {name!r}, and {labels[name]} are called so; give an id instead")
    kept = np.array([number[name] for name in shares])
    if len(np.unique(kept)) < len(kept):
        raise ConfigError("share names one group twice, by its id and by its label; give one of them")
    return kept, np.array(list(shares.values()), dtype=np.float64)


def _by_size(config: ExposureConfig, members: sp.csr_array) -> tuple[npt.NDArray[np.int64], Shares]:
    """The groups that are large enough, with their shares of the catalogue, or the same for each."""
    counts = np.bincount(members.indices, minlength=members.shape[1])
    # An item of several groups counts for each of them, and the shares must not sum to more than 1.
    share = counts / max(int(counts.sum()), members.shape[0], 1)
    kept = np.flatnonzero(share >= config.least)
    if len(kept) == 0:
        raise ConfigError(
            f"none of {members.shape[1]:,} groups has {config.least:.1%} of the catalogue; lower least, "
            "or name groups in share"
        )
    return kept, share[kept] if config.share == "catalogue" else np.full(len(kept), 1 / len(kept))
