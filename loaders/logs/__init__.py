"""Interaction logs: read, filtered, made one row a pair, split."""
