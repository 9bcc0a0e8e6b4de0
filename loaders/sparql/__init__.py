"""A graph read from a SPARQL endpoint."""
