"""Who a saved model is: an id and a time, to stand beside whatever it writes elsewhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..kg import ModelError
from .storage import MANIFEST

__all__ = ["ModelIdentity", "identity_of"]

SHOWN = 12


@dataclass(frozen=True)
class ModelIdentity:
    """A model's id, and when it was saved, in UTC."""

    id: str
    created: datetime


def identity_of(folder: str | Path) -> ModelIdentity:
    """The identity of a saved model, out of its manifest.

    The id is a digest of the weights, and of the ids of users, items and entities: a copied folder keeps it, and so does
    a model that is saved anew with notes beside.

    Raises:
        ModelError: if the folder has no manifest that can be read.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        digests = {name: str(entry["sha256"]) for name, entry in manifest["files"].items()}
        created = datetime.fromisoformat(manifest["created"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("no plait model, or one with a damaged manifest; train it anew", path=Path(folder)) from error
    told = [
        f"{name} {digest}" for name, digest in sorted(digests.items()) if name.endswith((".safetensors", ".parquet"))
    ]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
    return ModelIdentity(f"plait-{digest[:SHOWN]}", created.replace(tzinfo=created.tzinfo or UTC))
