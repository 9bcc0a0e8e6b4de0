"""Sources and sinks: RDF, tables, interaction logs, splits, exports."""

from .interactions import InteractionsConfig, InteractionsReport, read_interactions
from .links import LinksConfig, read_links
from .property_tables import read_property_tables
from .rdf import read_rdf, read_rdflib
from .splits import Part, Split, SplitConfig, assembled, split_interactions
from .tables import read_table

__all__ = [
    "InteractionsConfig",
    "InteractionsReport",
    "LinksConfig",
    "Part",
    "Split",
    "SplitConfig",
    "assembled",
    "read_interactions",
    "read_links",
    "read_property_tables",
    "read_rdf",
    "read_rdflib",
    "read_table",
    "split_interactions",
]
