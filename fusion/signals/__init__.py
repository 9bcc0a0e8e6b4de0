"""Signals: sources of evidence that each score the whole catalogue for users with a history."""
