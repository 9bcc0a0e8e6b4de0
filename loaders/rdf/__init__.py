"""RDF in every syntax, from files, from rdflib, and from an Oxigraph store on disk."""
