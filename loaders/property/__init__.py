"""Property graphs in node and edge tables, with headers of neo4j-admin, columns of any name, or a GraphStorm description."""
