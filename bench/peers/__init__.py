"""Recommenders of others to compare with, each tuned by the same number of trials on validation."""
