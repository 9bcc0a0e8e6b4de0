"""How text vectors are made smaller."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

__all__ = ["ReduceConfig"]


class ReduceConfig(BaseModel):
    """How text vectors are made smaller."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["none", "pca", "truncate"] = "none"
    """none: keep all dimensions. pca: the directions that hold most of the vectors; for any model. truncate: the first
    dimensions; only for models trained for it (Matryoshka)."""

    dimension: PositiveInt | Literal["auto"] = "auto"
    """Dimensions to keep. auto: the fewest with which `min_overlap` holds; of vectors of 64 or more, a multiple of 8."""

    min_overlap: float = Field(default=0.9, gt=0, le=1)
    """For `dimension: auto`: share of the ten nearest neighbours that must still be found, in the numbers as stored."""

    storage: Literal["float32", "float16", "int8"] = "float32"
    """Numbers that are stored: 4, 2 or 1 bytes each. int8 has a scale for each dimension."""

    @model_validator(mode="after")
    def _nothing_to_choose(self) -> Self:
        if self.method == "none" and self.dimension != "auto":
            raise ValueError("`method: none` keeps all dimensions; leave `dimension` out, or state `pca` or `truncate`")
        return self
