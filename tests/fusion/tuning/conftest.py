"""A shop without texts, quickly trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from plait.fusion import Config, read_config


@pytest.fixture
def config(bare: Path) -> Config:
    return read_config(bare)
