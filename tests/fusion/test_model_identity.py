"""A model's id is of what it answers with, not of where or when it was saved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from plait.fusion.model_identity import identity_of


def test_the_id_of_a_model_is_that_of_its_weights(shop_model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shop_model, tmp_path / "copy"))
    assert identity_of(copy) == identity_of(shop_model)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["created"] = "2020-02-02T02:02:02+00:00"
    manifest["files"]["config.yaml"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert identity_of(copy).id == identity_of(shop_model).id
    assert identity_of(copy).created.year == 2020
    manifest["files"]["ease.safetensors"]["sha256"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert identity_of(copy).id != identity_of(shop_model).id
