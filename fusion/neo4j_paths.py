"""Paths of explanations as a Neo4j database has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from ..kg import GraphPath, IdMap, ItemGraph
from ..loaders import Catalogue, DataConfig
from ..loaders.logs.interactions import InteractionsReport
from ..loaders.neo4j.interactions import Neo4jInteractions
from ..loaders.neo4j.places import Direction, GraphPlaces, Neo4jPlaces
from ..loaders.neo4j.read import Neo4jGraph
from ..loaders.neo4j.show_path import CypherPath, PathNode, cypher_of

if TYPE_CHECKING:
    from ..loaders.neo4j.push import PushReport

__all__ = ["Neo4jPaths", "places_of", "tell_pushed"]


def places_of(data: DataConfig, catalogue: Catalogue, report: InteractionsReport) -> Neo4jPlaces | None:
    """Where a database has what was read; None if none of it came from one."""
    places = catalogue.places
    if report.stored is None or not isinstance(data.interactions, Neo4jInteractions):
        return places
    log, graph = data.interactions, data.graph
    together = isinstance(graph, Neo4jGraph) and (graph.address(), graph.database) == (log.address(), log.database)
    return (places or Neo4jPlaces()).model_copy(update={"log": report.stored, "together": together})


def tell_pushed(folder: str | Path, report: PushReport, *, label: str = "Entity", key: str = "id") -> None:
    """Let a saved model know that `push_graph` has put its graph into a database: its explanations give Cypher then.

    Args:
        folder: of the model; it is written anew.
        report: what the push of the model's graph, shaped as for its training, reported.
        label, key: what that push was told.

    Raises:
        ModelError: if the model cannot be read.
    """
    from .storage import load, read_record, save

    recommender = load(folder)
    graph = GraphPlaces.pushed(report, label=label, key=key)
    made = _made_of_values(recommender.graph)
    relations = {name: types for name, types in graph.relations.items() if name not in made}
    graph = graph.model_copy(update={"relations": relations})
    # Whatever came out of a database as well may be in another one.
    places = (recommender.places or Neo4jPlaces()).model_copy(update={"graph": graph, "together": False})
    save(replace(recommender, places=places), read_record(folder), folder)


def _made_of_values(graph: ItemGraph) -> set[str]:
    """Relations that lead to nodes made of values of properties, which no push writes: these are of the type so called."""
    entity = graph.tail >= graph.n_items
    to = graph.type_name.take(pa.array(graph.tail[entity] - graph.n_items))
    by = pa.array(graph.relations, pa.large_string()).take(pa.array(graph.relation[entity]))
    return set(by.filter(pc.equal(to, by)).unique().to_pylist())


@dataclass(frozen=True, eq=False)
class Neo4jPaths:
    """Makes the Cypher of paths.

    Attributes:
        graph: the graph around the items, where the paths are.
        places: where a database has it.
        users: ids of the users known.
        seen: their interactions that are known, shape (users, items).
    """

    graph: ItemGraph
    places: Neo4jPlaces
    users: IdMap
    seen: sp.csr_array

    def through_graph(self, user_id: str, path: GraphPath) -> CypherPath | None:
        """The Cypher of a path from an item to another, begun at the user where the database has the interaction too.

        None where the database does not have the path as such: a relation or node that the mapping made, two items that
        are one node, or an id that does not tell its node.
        """
        places = self.places.graph
        nodes = [self._node(node) for node in path.nodes]
        found = [node for node in nodes if node is not None]
        if places is None or len(found) < len(nodes) or len({(n.place.label, n.id) for n in found}) < len(nodes):
            return None
        edges: list[Sequence[Direction]] = []
        for step in path.steps:
            types = places.relations.get(self.graph.relations[step.relation], ())
            edges.append([(kind, backwards != step.inverse) for kind, backwards in types])
        user = self._user(user_id, path.source)
        if user is not None and self._is_item_of_log(found[0], path.source):
            return cypher_of([user, *found], [self._interacted(), *edges])
        return cypher_of(found, edges)

    def through_users(self, user_id: str, source: int, item: int) -> CypherPath | None:
        """The Cypher of the way from an item over the users who met another one too."""
        log = self.places.log
        if log is None:
            return None
        ends = [PathNode(log.item, self.graph.items.id(node)) for node in (source, item)]
        nodes = [ends[0], PathNode(log.user), ends[1]]
        forwards = self._interacted()
        edges: list[Sequence[Direction]] = [[(kind, True) for kind, _ in forwards], forwards]
        user = self._user(user_id, source)
        return cypher_of(nodes, edges) if user is None else cypher_of([user, *nodes], [forwards, *edges])

    def _node(self, node: int) -> PathNode | None:
        places, n_items = self.places.graph, self.graph.n_items
        if places is None:
            return None
        if node < n_items:
            name, type_name = self.graph.item_entity[node].as_py(), self.places.type_of_item(self.graph.items.id(node))
        else:
            name, type_name = self.graph.node_id(node), str(self.graph.type_name[node - n_items].as_py())
        place = places.of_type(type_name)
        if name is None or place is None or name in self._merged:
            return None
        return PathNode(place, str(name))

    @cached_property
    def _merged(self) -> frozenset[str]:
        return frozenset() if self.places.graph is None else frozenset(self.places.graph.merged)

    def _user(self, user_id: str, item: int) -> PathNode | None:
        """The user, if the database has the interaction with this item: not if the caller has told of it just now."""
        number = self.users.number(user_id)
        if self.places.log is None or number is None:
            return None
        met = self.seen.indices[self.seen.indptr[number] : self.seen.indptr[number + 1]]
        return PathNode(self.places.log.user, user_id) if item in met else None

    def _is_item_of_log(self, node: PathNode, item: int) -> bool:
        """Whether the node of the graph is the one that the interactions lead to."""
        log = self.places.log
        return (
            log is not None
            and self.places.together
            and node.id == self.graph.items.id(item)
            and node.place.same_nodes(log.item)
        )

    def _interacted(self) -> list[Direction]:
        return [] if self.places.log is None else [(kind, False) for kind in self.places.log.types]
