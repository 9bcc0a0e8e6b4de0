"""What a saved model needs to be searched: which encoder reads queries, and what items cost."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from ..kg import ModelError
from ..text import TextConfig
from .item_prices import ItemPrices
from .query_encoder import QueryEncoder

__all__ = ["read_encoder", "read_prices", "write_for_search"]

ENCODER = "encoder.json"
PRICES = "prices.parquet"
ADAPTER = "adapter_model.safetensors"


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TextConfig
    fingerprint: str
    dimension: int


def write_for_search(encoder: QueryEncoder | None, prices: ItemPrices | None, folder: Path) -> None:
    """Write how the encoder is got again, what tuning added to it, and what items cost, where either is known."""
    if encoder is not None:
        stored = _Stored(config=encoder.config, fingerprint=encoder.fingerprint, dimension=encoder.dimension)
        text = json.dumps(stored.model_dump(mode="json"), indent=2, ensure_ascii=False)
        (folder / ENCODER).write_text(text + "\n", encoding="utf-8")
        if encoder.adapter is not None:
            from ..text.lora_adapter import Adapter, read_adapter, write_files

            tuned = encoder.adapter
            write_files(tuned if isinstance(tuned, Adapter) else read_adapter(tuned), folder)
    if prices is not None:
        pq.write_table(pa.table({"amount": prices.amount, "currency": prices.currency}), folder / PRICES)


def read_encoder(folder: Path, files: Collection[str]) -> QueryEncoder | None:
    """The encoder of a model; None where its files hold none. Nothing of it is loaded yet.

    Raises:
        ModelError: if what is said of it cannot be read.
    """
    if ENCODER not in files:
        return None
    try:
        stored = _Stored.model_validate_json((folder / ENCODER).read_bytes())
    except ValidationError as error:
        raise ModelError(
            "what it says of its text encoder cannot be read; train anew", path=folder / ENCODER
        ) from error
    adapter = folder if ADAPTER in files else None
    return QueryEncoder(stored.config, stored.fingerprint, stored.dimension, adapter, sends=False)


def read_prices(folder: Path, files: Collection[str]) -> ItemPrices | None:
    """What items cost; None where the model's files do not say."""
    if PRICES not in files:
        return None
    table = pq.read_table(folder / PRICES)
    amount = np.asarray(table.column("amount"), dtype=np.float64)
    return ItemPrices(amount, table.column("currency").combine_chunks())
