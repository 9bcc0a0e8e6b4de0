"""What holds for all tests of this folder."""

from __future__ import annotations

from hypothesis import settings

# Time limits per example fail on a machine that does other work too; pytest-timeout guards against a hang.
settings.register_profile("plait", deadline=None)
settings.load_profile("plait")
