"""The bare shop, blended by weights: the whole is then the best of its grid, whatever is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import Config, read_config


@pytest.fixture(scope="session")
def bare(bare: Path) -> Path:
    text, old = bare.read_text(), "blend: {step: 0.25}"
    assert old in text
    path = bare.with_name("bare-shop-by-weights.yaml")
    path.write_text(text.replace(old, "blend: {step: 0.25, methods: [weights]}"))
    return path


@pytest.fixture
def config(bare: Path) -> Config:
    return read_config(bare)
