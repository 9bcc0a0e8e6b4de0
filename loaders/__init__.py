"""Sources and sinks: graphs, interaction logs, splits, the quality report, exports."""

from .amazon.reader import AmazonGraph, read_amazon
from .exports import ExportFormat, export_embeddings
from .files.tables import read_table
from .graph_sources import GraphConfig, read_graph
from .items import ItemsConfig, ItemTable, read_items
from .links import LinksConfig, read_links
from .logs.dropped import Dropped
from .logs.filters import FiltersConfig, filtered
from .logs.interactions import InteractionsConfig, InteractionsReport, read_interactions
from .logs.splits import Part, Split, SplitConfig, assembled, split_interactions
from .property.config import TableGraph
from .property.graphstorm import GraphStormGraph, read_graphstorm
from .property.tables import read_property_tables, read_table_graph
from .quality.describe import DataReport, describe
from .quality.finding import Finding
from .rdf.reader import RdfGraph, read_rdf, read_rdflib
from .rdf.store import StoreGraph, load_store, open_store, read_store
from .reviews import Reviews, ReviewsConfig, read_reviews
from .saved_graph import SavedGraph, read_saved_graph, save_graph
from .source import Catalogue, DataConfig, before_mapping, read_catalogue, read_log, read_split
from .sparql.endpoint import SparqlGraph, read_sparql
from .triples.kgat import KgatGraph, read_kgat
from .triples.tables import TripleGraph, read_triples
from .users import UsersConfig, UserTable, read_users

__all__ = [
    "AmazonGraph",
    "Catalogue",
    "DataConfig",
    "DataReport",
    "Dropped",
    "ExportFormat",
    "FiltersConfig",
    "Finding",
    "GraphConfig",
    "GraphStormGraph",
    "InteractionsConfig",
    "InteractionsReport",
    "ItemTable",
    "ItemsConfig",
    "KgatGraph",
    "LinksConfig",
    "Part",
    "RdfGraph",
    "Reviews",
    "ReviewsConfig",
    "SavedGraph",
    "SparqlGraph",
    "Split",
    "SplitConfig",
    "StoreGraph",
    "TableGraph",
    "TripleGraph",
    "UserTable",
    "UsersConfig",
    "assembled",
    "before_mapping",
    "describe",
    "export_embeddings",
    "filtered",
    "load_store",
    "open_store",
    "read_amazon",
    "read_catalogue",
    "read_graph",
    "read_graphstorm",
    "read_interactions",
    "read_items",
    "read_kgat",
    "read_links",
    "read_log",
    "read_property_tables",
    "read_rdf",
    "read_rdflib",
    "read_reviews",
    "read_saved_graph",
    "read_sparql",
    "read_split",
    "read_store",
    "read_table",
    "read_table_graph",
    "read_triples",
    "read_users",
    "save_graph",
    "split_interactions",
]
