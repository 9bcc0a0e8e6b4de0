"""Graphs as tables of triples, and KGAT folders."""
