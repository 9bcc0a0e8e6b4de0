"""The ground floor: ids, schema, the graph, interactions, neighbours, paths."""

from .categories import with_category_nodes
from .errors import ConfigError, DataError, ModelError, PlaitError, UnknownIdError
from .files import whole_directory, whole_file
from .graph import UNTYPED, KnowledgeGraph
from .ids import ExternalId, IdMap, InternalId, Numbers
from .interactions import Interactions
from .item_graph import ItemGraph, ItemGraphConfig
from .labels import labels
from .literals import Literals
from .names import local_name, readable_name, short_names
from .neighbours import Adjacency, Edges
from .paths import GraphPath, Step, find_paths
from .progress import Progress, SilentProgress, Stage, Update
from .schema import LiteralKind, LiteralType, NodeType, RelationType, Schema, SchemaConfig

__all__ = [
    "UNTYPED",
    "Adjacency",
    "ConfigError",
    "DataError",
    "Edges",
    "ExternalId",
    "GraphPath",
    "IdMap",
    "Interactions",
    "InternalId",
    "ItemGraph",
    "ItemGraphConfig",
    "KnowledgeGraph",
    "LiteralKind",
    "LiteralType",
    "Literals",
    "ModelError",
    "NodeType",
    "Numbers",
    "PlaitError",
    "Progress",
    "RelationType",
    "Schema",
    "SchemaConfig",
    "SilentProgress",
    "Stage",
    "Step",
    "UnknownIdError",
    "Update",
    "find_paths",
    "labels",
    "local_name",
    "readable_name",
    "short_names",
    "whole_directory",
    "whole_file",
    "with_category_nodes",
]
