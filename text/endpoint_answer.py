"""The answer of an embedding endpoint as vectors, checked: each text has one, of one length, of finite numbers."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from .encoder import TextVectors

__all__ = ["BrokenAnswer", "read_answer"]


class BrokenAnswer(ValueError):
    """An answer that is not what was asked for; another attempt may bring a whole one."""


def read_answer(body: bytes, count: int) -> tuple[TextVectors, int | None]:
    """Vectors by their `index`, shape (count, any), and the tokens that the server says it counted, if it does.

    Args:
        body: {"data": [{"index": 0, "embedding": [numbers] or base64 of float32}, ...], "usage": {"total_tokens": n}}.
        count: texts that were sent.

    Raises:
        BrokenAnswer: if it is anything else.
    """
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswer(
            "the answer is no JSON; perhaps it was cut off, or `url` is not of such an endpoint"
        ) from error
    data = told.get("data") if isinstance(told, dict) else None
    if not isinstance(data, list):
        raise BrokenAnswer('the answer has no "data"; perhaps `url` is not of such an endpoint')
    rows: dict[int, npt.NDArray[np.float32]] = {}
    for entry in data:
        index = entry.get("index") if isinstance(entry, dict) else None
        if type(index) is not int or not 0 <= index < count or index in rows:
            raise BrokenAnswer(f'the answer has an "index" that is wrong or twice there: {str(index)[:20]}')
        rows[index] = _vector(entry.get("embedding"))
    if len(rows) != count:
        raise BrokenAnswer(f"the answer has {len(rows)} vectors for {count} texts")
    lengths = {len(row) for row in rows.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise BrokenAnswer("the answer has vectors of several lengths, or empty ones")
    return np.stack([rows[index] for index in range(count)]), _tokens(told.get("usage"))


def _vector(told: object) -> npt.NDArray[np.float32]:
    try:
        if isinstance(told, str):
            vector = np.frombuffer(base64.b64decode(told, validate=True), dtype="<f4").astype(np.float32)
        elif isinstance(told, list) and all(type(number) in (float, int) for number in told):
            with np.errstate(over="ignore"):  # infinite then, and refused below
                vector = np.array(told, dtype=np.float64).astype(np.float32)
        else:
            raise BrokenAnswer("the answer has an embedding that is no list of numbers")
    except (ValueError, OverflowError) as error:
        raise BrokenAnswer(f"the answer has an embedding that cannot be read: {error}") from None
    if not np.isfinite(vector).all():
        raise BrokenAnswer("the answer has a vector with a number that is not finite")
    return vector


def _tokens(usage: object) -> int | None:
    counted = usage.get("total_tokens") if isinstance(usage, dict) else None
    return counted if type(counted) is int and counted >= 0 else None
