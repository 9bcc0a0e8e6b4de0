"""The ground floor: ids, schema, the graph, interactions, neighbours, paths."""

from .categories import with_category_nodes
from .collapse import Collapse
from .cores import available_cores
from .errors import ConfigError, DataError, ModelError, PlaitError, UnknownIdError
from .files import whole_directory, whole_file
from .graph import UNTYPED, KnowledgeGraph
from .hierarchy import Hierarchy, find_hierarchies
from .ids import ExternalId, IdMap, InternalId, Numbers
from .interactions import Interactions
from .item_graph import ItemGraph, ItemGraphConfig
from .labels import labels
from .literals import Literals
from .mapping import Mapped, MappingConfig, apply_mapping
from .mapping_step import MappingStep
from .names import local_name, readable_name, short_names
from .nary import EdgesFromNodes
from .neighbours import Adjacency, Edges
from .paths import GraphPath, Paths, Step, find_paths
from .progress import Progress, SilentProgress, Stage, Update
from .schema import LiteralKind, LiteralType, NodeType, RelationType, Schema, SchemaConfig

__all__ = [
    "UNTYPED",
    "Adjacency",
    "Collapse",
    "ConfigError",
    "DataError",
    "Edges",
    "EdgesFromNodes",
    "ExternalId",
    "GraphPath",
    "Hierarchy",
    "IdMap",
    "Interactions",
    "InternalId",
    "ItemGraph",
    "ItemGraphConfig",
    "KnowledgeGraph",
    "LiteralKind",
    "LiteralType",
    "Literals",
    "Mapped",
    "MappingConfig",
    "MappingStep",
    "ModelError",
    "NodeType",
    "Numbers",
    "Paths",
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
    "apply_mapping",
    "available_cores",
    "find_hierarchies",
    "find_paths",
    "labels",
    "local_name",
    "readable_name",
    "short_names",
    "whole_directory",
    "whole_file",
    "with_category_nodes",
]
