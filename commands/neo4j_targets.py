"""Where in a Neo4j database a model's items, users and entities are: from options, or else the model's configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from ..fusion import Config, Recommender, load
from ..fusion.model_identity import ModelIdentity, identity_of
from ..fusion.storage import read_record
from ..kg import ConfigError, ModelError, Update
from ..loaders import DataConfig
from ..loaders.neo4j.connection import Connection, Neo4jServer
from ..loaders.neo4j.interactions import Neo4jInteractions
from ..loaders.neo4j.node_ids import NoNodeFound
from ..loaders.neo4j.plans import key_of_label
from ..loaders.neo4j.read import Neo4jGraph

__all__ = ["SavedModel", "Target", "What"]

USERS = 1024
"""Users that are recommended to at once."""
What = Literal["items", "users", "entities"]


@dataclass(frozen=True)
class Target:
    """Nodes of one label, and how the ids of a model are made of them."""

    label: str
    key: tuple[str, ...]
    separator: str = "|"
    id_prefix: bool = False

    def __str__(self) -> str:
        return f":{self.label} by {' + '.join(self.key)}"


@dataclass(frozen=True)
class SavedModel:
    """A model in a folder, and what its configuration says of Neo4j."""

    folder: Path

    @cached_property
    def recommender(self) -> Recommender:
        """The model itself, checked."""
        return load(self.folder)

    @cached_property
    def identity(self) -> ModelIdentity:
        """Its id and time."""
        return identity_of(self.folder)

    @cached_property
    def data(self) -> DataConfig:
        """Where its data came from."""
        try:
            return Config.model_validate(read_record(self.folder).config).data
        except ValidationError as error:
            raise ModelError(
                "its configuration is of another version of plait; train anew", path=self.folder
            ) from error

    @property
    def graph(self) -> Neo4jGraph | None:
        """Its graph's source, if that is Neo4j."""
        return self.data.graph if isinstance(self.data.graph, Neo4jGraph) else None

    @property
    def log(self) -> Neo4jInteractions | None:
        """Its interactions' source, if that is Neo4j."""
        return self.data.interactions if isinstance(self.data.interactions, Neo4jInteractions) else None

    @property
    def server(self) -> Neo4jServer | None:
        """The server it was trained from."""
        return self.graph or self.log

    @property
    def by_entity(self) -> bool:
        """Whether nodes have the ids of the items' entities: the log comes from elsewhere, and links lead to the graph."""
        return self.graph is not None and self.log is None and self.data.links is not None

    def label(self, what: What, stated: str | None) -> str:
        """The label of the nodes.

        Raises:
            ConfigError: if neither an option nor the configuration states one.
        """
        known: list[str | None] = [stated]
        if what == "users" and self.log is not None:
            known.append(self.log.user_label)
        if what == "items":
            known += [source.item_label for source in (self.log, self.graph) if source is not None]
        for label in known:
            if label:
                return label
        raise ConfigError(f"which nodes are the {what}? name their label; the model's configuration tells none")

    def target(
        self, connection: Connection, what: What, label: str, key: Sequence[str] | None, *, by_entity: bool
    ) -> Target:
        """The nodes of a label, their key as stated, or as the configuration has it, or else guessed.

        Raises:
            ConfigError: if the database has no such label or property.
        """
        source = (self.log if what != "entities" else None) or self.graph or self.log
        stated = tuple(key or ()) or next((c.keys[label] for c in (source, self.graph) if c and label in c.keys), ())
        found = key_of_label(connection, label, stated)
        prefix = isinstance(source, Neo4jGraph) and source.id_prefix and label != source.item_label
        # Entities' ids have the label before them; those that users have in a log of another source do not.
        prefix = prefix and (what != "users" or by_entity)
        return Target(label, found, source.separator if source else "|", prefix)

    def entity_labels(self) -> list[str]:
        """Labels of the entities, where the graph came from Neo4j.

        Raises:
            ConfigError: if it did not.
        """
        if self.graph is None:
            raise ConfigError("which nodes are the entities? name their label; the graph did not come from Neo4j")
        return [label for label in pc.unique(self.recommender.graph.type_name).to_pylist() if label]

    def embeddings(self, what: What, *, by_entity: bool, label: str) -> pa.Table:
        """Columns `id`, as nodes have it, and `embedding`; those of entities of that type alone, if any is of it.

        Where several items have one entity, the first of them stands for it.
        """
        ids, matrix = self.recommender.embedding_tables()[what]
        names, rows = ids.to_arrow(), np.arange(len(ids))
        if what == "entities":
            of_label = np.flatnonzero(np.asarray(pc.equal(self.recommender.graph.type_name, label)))
            rows = of_label if len(of_label) else rows
        elif by_entity:
            names = self.node_ids(what, names)
            rows = _first_of_each(names)
        matrix = np.ascontiguousarray(matrix[rows], dtype=np.float32)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), max(matrix.shape[1], 1))
        return pa.table({"id": names.take(pa.array(rows)), "embedding": lists})

    def recommendations(
        self, users: Sequence[str] | None, k: int, *, by_entity: bool, on_progress: Update | None = None
    ) -> pa.Table:
        """The k best items of users, of all known ones by default: columns user_id, item_id, score, rank.

        Where two items are one entity, the better one stands for both.
        """
        wanted = list(users) if users else list(self.recommender.users)
        parts = []
        for start in range(0, len(wanted), USERS):
            found = self.recommender.recommend(wanted[start : start + USERS], k)
            parts.append(
                {
                    "user_id": pa.array([f.user_id for f in found], pa.large_string()),
                    "item_id": pa.array([f.item_id for f in found], pa.large_string()),
                    "score": pa.array([f.score for f in found], pa.float64()),
                    "rank": pa.array([f.rank for f in found], pa.int64()),
                }
            )
            if on_progress is not None:
                on_progress(min(start + USERS, len(wanted)), len(wanted), "users")
        table = pa.concat_tables([pa.table(part) for part in parts]).combine_chunks()
        if not by_entity:
            return table
        ids = {"users": table.column("user_id"), "items": table.column("item_id")}
        user, item = (self.node_ids(what, ids[what].combine_chunks()) for what in ("users", "items"))
        table = table.set_column(0, "user_id", user).set_column(1, "item_id", item)
        pairs = pc.binary_join_element_wise(user, item, pa.scalar("\0", pa.large_string()))
        return table.take(pa.array(_first_of_each(pairs)))

    @contextmanager
    def hinted(self, *, by_entity: bool) -> Iterator[None]:
        """Where no node is found, say that it may have its entity's id rather than the item's."""
        try:
            yield
        except NoNodeFound as error:
            entity = self.recommender.graph.item_entity
            other = pc.sum(pc.not_equal(entity, self.recommender.items.to_arrow())).as_py()
            if by_entity or not other:
                raise
            raise NoNodeFound(f"{error}, or --by-entity, as the items' entities have other ids") from error

    def node_ids(self, what: What, ids: pa.Array) -> pa.Array:
        """The ids of the entities that some items or users are in the graph; null where an item has none."""
        if what == "users":
            prefix = pa.scalar(self.data.user_prefix, pa.large_string())
            return pc.binary_join_element_wise(prefix, ids.cast(pa.large_string()), pa.scalar("", pa.large_string()))
        at = pa.array(self.recommender.items.numbers(ids, missing="negative"))
        return self.recommender.graph.item_entity.take(at).cast(pa.large_string())


def _first_of_each(names: pa.Array) -> npt.NDArray[np.int64]:
    """Rows of the first occurrence of each name, nulls left out."""
    codes = np.asarray(pc.dictionary_encode(names).indices.fill_null(-1), dtype=np.int64)
    values, first = np.unique(codes, return_index=True)
    return np.sort(first[values >= 0])
