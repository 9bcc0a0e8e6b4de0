"""Sample data for the demos."""
