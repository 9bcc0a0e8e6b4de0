"""Sources and sinks: RDF, tables, interaction logs, splits, exports."""

from .describe import DataReport, describe
from .exports import ExportFormat, export_embeddings
from .interactions import InteractionsConfig, InteractionsReport, read_interactions
from .items import ItemsConfig, ItemTable, read_items
from .links import LinksConfig, read_links
from .property_tables import read_property_tables
from .rdf import read_rdf, read_rdflib
from .source import (
    Catalogue,
    DataConfig,
    GraphConfig,
    RdfGraph,
    TableGraph,
    read_catalogue,
    read_graph,
    read_log,
    read_split,
)
from .splits import Part, Split, SplitConfig, assembled, split_interactions
from .tables import read_table

__all__ = [
    "Catalogue",
    "DataConfig",
    "DataReport",
    "ExportFormat",
    "GraphConfig",
    "InteractionsConfig",
    "InteractionsReport",
    "ItemTable",
    "ItemsConfig",
    "LinksConfig",
    "Part",
    "RdfGraph",
    "Split",
    "SplitConfig",
    "TableGraph",
    "assembled",
    "describe",
    "export_embeddings",
    "read_catalogue",
    "read_graph",
    "read_interactions",
    "read_items",
    "read_links",
    "read_log",
    "read_property_tables",
    "read_rdf",
    "read_rdflib",
    "read_split",
    "read_table",
    "split_interactions",
]
