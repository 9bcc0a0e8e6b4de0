"""The commands of `plait`, one module a group; `cli.py` puts them together."""
