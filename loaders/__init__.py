"""Sources and sinks: RDF, tables, interaction logs, splits, exports."""

from .describe import DataReport, describe
from .exports import ExportFormat, export_embeddings
from .graph_sources import GraphConfig, read_graph
from .interactions import InteractionsConfig, InteractionsReport, read_interactions
from .items import ItemsConfig, ItemTable, read_items
from .links import LinksConfig, read_links
from .property_tables import read_property_tables
from .rdf import RdfGraph, read_rdf, read_rdflib
from .source import Catalogue, DataConfig, read_catalogue, read_log, read_split
from .splits import Part, Split, SplitConfig, assembled, split_interactions
from .store import StoreGraph, load_store, open_store, read_store
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
    "StoreGraph",
    "TableGraph",
    "assembled",
    "describe",
    "export_embeddings",
    "load_store",
    "open_store",
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
    "read_store",
    "read_table",
    "split_interactions",
]
