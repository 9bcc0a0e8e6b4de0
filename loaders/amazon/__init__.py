"""Amazon-style product metadata into a graph."""
