"""`plait text cache`: what it prints, and what it removes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from plait.commands.text_cache import app, bytes_of, days_of, size_text
from plait.kg import ConfigError
from plait.text.cache_keys import keys_of
from plait.text.cache_store import VectorStore


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    VectorStore(tmp_path, "[red] model").add(keys_of([str(n) for n in range(1234)], ""), np.ones((1234, 2), np.float32))
    return tmp_path


def test_show_then_prune_then_show(cache: Path) -> None:
    run = CliRunner()
    shown = run.invoke(app, ["show", "--folder", str(cache)])
    assert shown.exit_code == 0
    assert "[red] model" in shown.output
    assert "1,234" in shown.output
    told = json.loads(run.invoke(app, ["show", "--folder", str(cache), "--json"]).output)
    assert told["models"][0]["texts"] == 1234
    would = run.invoke(app, ["prune", "--folder", str(cache), "--model", "[red]", "--dry-run"])
    assert would.output.startswith("Would remove 1,234 vectors")
    done = run.invoke(app, ["prune", "--folder", str(cache), "--larger-than", "20KB"])
    assert done.exit_code == 0
    left = json.loads(run.invoke(app, ["show", "--folder", str(cache), "--json"]).output)
    assert 0 < left["models"][0]["texts"] < 1234
    assert left["size"] < 20_500


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("12w", 84), ("1y", 365), (" 0d", 0)])
def test_times(text: str, days: int) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2 * 10**9), ("500mb", 5 * 10**8), ("1.5 K", 1500), ("0", 0), ("7B", 7), ("1TB", 10**12)]
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "2 apples", "1e9", "٣GB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError, match="is no size; state"):
        bytes_of(text)


@pytest.mark.parametrize("text", ["", "90", "d", "-3d", "3 months", "٣d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match="is no time; state"):
        days_of(text)


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (1_540_000_000, "1.5 GB")])
def test_size_in_words(size: int, text: str) -> None:
    assert size_text(size) == text
