"""The folder format of KGAT's data sets: numbered triples, and lists that say what the numbers stand for.

    kg_final.txt        HEAD RELATION TAIL            numbers, one triple a line
    entity_list.txt     org_id remap_id               id and number of each entity
    relation_list.txt   org_id remap_id               name and number of each relation
    item_list.txt       org_id remap_id [freebase_id] id and number of each item; item i is entity i

The format: https://github.com/xiangwang1223/knowledge_graph_attention_network
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ...kg import DataError, IdMap, KnowledgeGraph, Numbers, Update
from ..files.streams import check_file, not_text
from ..files.tables import line_of
from ..graph_options import GraphOptions

__all__ = ["ITEMS", "NUMBERED_ITEM", "KgatGraph", "numbered_list", "read_kgat"]

TRIPLES, ENTITIES, RELATIONS, ITEMS = FILES = ("kg_final.txt", "entity_list.txt", "relation_list.txt", "item_list.txt")
# An id may hold blanks: what counts are the number at the end, and behind it perhaps the entity's own id.
NUMBERED = r"^(?P<id>.+)[ \t](?P<number>\d{1,9})$"
# The published Amazon-Book has an entity whose id is empty.
NUMBERED_ENTITY = r"^(?P<id>.*)[ \t](?P<number>\d{1,9})$"
NUMBERED_ITEM = r"^(?P<id>\S+)[ \t](?P<number>\d{1,9})(?:[ \t](?P<entity>.+))?$"


class KgatGraph(GraphOptions):
    """The graph of a data set in the folder format of KGAT."""

    source: Literal["kgat"]

    folder: Path
    """Folder with kg_final.txt, entity_list.txt, relation_list.txt and item_list.txt."""

    def paths(self) -> list[Path]:
        """All files read."""
        return [self.folder / name for name in FILES]


@dataclass(frozen=True, eq=False)
class _List:
    """The rows of a list in the order of their numbers; `entity` is null where the file has none."""

    ids: Any
    entity: Any


def read_kgat(config: KgatGraph, *, on_progress: Update | None = None) -> KnowledgeGraph:
    """Read a folder; repeated triples count once.

    Entities and items go by their own ids: an item's entity has the item's id, every other that of entity_list.txt
    (`entity/NUMBER` where that is empty), so that interactions with the items' own ids link without a map. Items have the node type "item".

    Raises:
        DataError: if a file is missing, a line is damaged, numbers repeat, leave gaps or lie beyond the lists, or
            the lists contradict each other.
    """
    for path in config.paths():
        check_file(path, f"no such file; a folder of KGAT's format has {', '.join(FILES)}")
    folder = config.folder
    entities, items = numbered_list(folder / ENTITIES, NUMBERED_ENTITY), numbered_list(folder / ITEMS, NUMBERED_ITEM)
    relations = numbered_list(folder / RELATIONS, NUMBERED)
    ids = _entity_ids(entities, items, folder)
    distinct = pc.count_distinct(relations.ids).as_py()
    if distinct != len(relations.ids):
        raise DataError("two relations have the same name; rename one", path=folder / RELATIONS)
    if on_progress is not None:
        on_progress(1, 2, TRIPLES)
    head, relation, tail = _triples(folder / TRIPLES, len(ids), len(relations.ids))
    graph = KnowledgeGraph.build(
        ids,
        relations.ids.to_pylist(),
        head,
        relation,
        tail,
        types=("item",),
        type_of=np.where(np.arange(len(ids)) < len(items.ids), 0, -1).astype(np.int32),
    )
    if on_progress is not None:
        on_progress(2, 2, f"{graph.n_triples:,} triples")
    return graph


def _entity_ids(entities: _List, items: _List, folder: Path) -> IdMap:
    n_items = len(items.ids)
    if n_items > len(entities.ids):
        text = f"there are {n_items:,} items and only {len(entities.ids):,} entities; every item is an entity"
        raise DataError(text, path=folder / ITEMS)
    differ = pc.fill_null(pc.not_equal(items.entity, entities.ids.slice(0, n_items)), False)
    at = pc.index(differ, True).as_py()
    if at >= 0:
        raise DataError(
            f"item {items.ids[at].as_py()!r} has number {at} and the entity {items.entity[at].as_py()!r}, but in "
            f"{ENTITIES} number {at} is {entities.ids[at].as_py()!r}; the files belong to different versions",
            path=folder / ITEMS,
        )
    others = entities.ids.slice(n_items)
    empty = pc.equal(others, "")
    numbered = [f"entity/{n_items + at}" for at in np.flatnonzero(np.asarray(empty))]
    joined = pa.concat_arrays([items.ids, pc.replace_with_mask(others, empty, pa.array(numbered, pa.large_string()))])
    try:
        return IdMap(joined)
    except ValueError as error:
        raise DataError(f"two entities would go by one id: {error}", path=folder / ENTITIES) from None


def numbered_list(path: Path, pattern: str) -> _List:
    """The ids of a list by their numbers, which must be 0 to n-1."""
    lines = _lines(path)
    parts = pc.extract_regex(lines, pattern)
    at = pc.index(pc.is_valid(parts), False).as_py()
    if at >= 0:
        text = f"{lines[at].as_py()[:60]!r} is no `org_id remap_id`; correct the line"
        raise DataError(text, path=path, line=line_of(path, at, quoted=False))
    number = np.asarray(pc.struct_field(parts, "number").cast(pa.int64()))
    order = np.argsort(number, kind="stable")
    wrong = np.flatnonzero(number[order] != np.arange(len(number)))
    if len(wrong):
        row = int(order[wrong[0]])
        text = f"the number {number[row]} repeats or leaves a gap; they run from 0 to {len(number) - 1}"
        raise DataError(text, path=path, line=line_of(path, row, quoted=False))
    fields = {field.name for field in parts.type}
    none = pa.nulls(len(number), pa.large_string())
    entity = pc.struct_field(parts, "entity") if "entity" in fields else none
    # A group that matched nothing is an empty string.
    entity = pc.if_else(pc.equal(entity, ""), pa.scalar(None, entity.type), entity)
    return _List(pc.struct_field(parts, "id").take(pa.array(order)), entity.take(pa.array(order)))


def _lines(path: Path) -> Any:
    """The lines after the header, blank ones left out."""
    read = pacsv.ReadOptions(column_names=["line"], skip_rows=1)
    # No line holds the separator, so that each is one cell.
    parse = pacsv.ParseOptions(delimiter="\x1f", quote_char=False)
    convert = pacsv.ConvertOptions(column_types={"line": pa.large_string()})
    try:
        table = pacsv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowException, OSError) as error:
        if "UTF8" in str(error):
            raise not_text(path) from error
        # An empty file, or a header without a line break behind it.
        if "Empty CSV" not in str(error) and "Could not skip" not in str(error):
            raise DataError(f"cannot be read: {str(error).splitlines()[0][:200]}", path=path) from error
        table = None
    if not table:
        raise DataError("the file lists nothing below its header", path=path)
    return table.column("line").combine_chunks()


def _triples(path: Path, n_entities: int, n_relations: int) -> tuple[Numbers, Numbers, Numbers]:
    names = ["head", "relation", "tail"]
    with path.open("rb") as file:
        tabs = b"\t" in file.readline(200)
    read = pacsv.ReadOptions(column_names=names, use_threads=path.stat().st_size > 50_000_000)
    parse = pacsv.ParseOptions(delimiter="\t" if tabs else " ", quote_char=False)
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.int64()), null_values=[])
    try:
        table = pacsv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowException, OSError) as error:
        brief = "it is empty" if "Empty CSV" in str(error) else str(error).splitlines()[0][:200]
        row = re.search(r"Row #(\d+)", brief)
        text = "rows of three numbers are wanted, HEAD RELATION TAIL: " + re.sub(r"^.*Row #\d+: ", "", brief)
        raise DataError(text, path=path, line=line_of(path, int(row[1]) - 2, quoted=False) if row else None) from error
    if len(table) == 0:
        raise DataError("the file holds no triple", path=path)
    columns = [np.asarray(table.column(name), dtype=np.int64) for name in names]
    for name, column, limit in zip(names, columns, (n_entities, n_relations, n_entities), strict=True):
        _within(name, column, limit, path)
    return columns[0], columns[1], columns[2]


def _within(name: str, numbers: npt.NDArray[np.int64], limit: int, path: Path) -> None:
    beyond = np.flatnonzero((numbers < 0) | (numbers >= limit))
    if len(beyond):
        row, listed = int(beyond[0]), RELATIONS if name == "relation" else ENTITIES
        text = f"the {name} {numbers[row]} is not in {listed}, which ends at {limit - 1}"
        # line_of takes the first line for a header.
        raise DataError(text, path=path, line=line_of(path, row - 1, quoted=False))
