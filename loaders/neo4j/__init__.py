"""A Neo4j server: its graph read, embeddings and recommendations written back, searched in place."""
