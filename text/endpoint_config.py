"""Which embedding endpoint, how fast, and for how much."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from .endpoint_url import checked_url

__all__ = ["EndpointConfig"]


class EndpointConfig(BaseModel):
    """An embedding endpoint that speaks OpenAI's protocol: OpenAI's own, vLLM, TEI, Ollama, llama.cpp and others."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(checked_url)]
    """Where it is, such as https://api.openai.com/v1; "/embeddings" follows unless it is there. https, except to this
    machine itself; without user, password and query string."""

    model: str = Field(min_length=1, max_length=200)
    """Name of the model, as the server knows it."""

    key_env: str | None = Field(default="OPENAI_API_KEY", min_length=1)
    """Environment variable that holds the key; null sends none."""

    dimensions: PositiveInt | None = None
    """Length of the vectors to ask for, where the model can shorten them; its own length if absent."""

    normalise: bool = True
    """Whether vectors are scaled to length 1."""

    passage_prompt: str = ""
    """What goes before each text of the catalogue, such as "passage: "."""

    query_prompt: str = ""
    """What goes before each query."""

    max_tokens: PositiveInt = 8000
    """Longest text, in estimated tokens; the rest is cut off. Servers refuse what is longer than the model's limit."""

    batch: int = Field(default=64, ge=1, le=2048)
    """Most texts in a request."""

    tokens_per_request: PositiveInt = 16_384
    """Most estimated tokens in a request; a longer text goes alone."""

    base64: bool = False
    """Whether to ask for vectors in base64, which travels faster; not every server knows it. Either form is read."""

    requests_per_minute: PositiveFloat | None = None
    """Most requests a minute, evenly spread; no bound if absent."""

    tokens_per_minute: PositiveFloat | None = None
    """Most estimated tokens a minute; no bound if absent."""

    timeout_seconds: PositiveFloat = 60.0
    """Seconds without a byte after which an attempt is given up."""

    retry_seconds: float = Field(default=120.0, ge=0)
    """How long a request is tried again, pauses included, where the connection fails or the server is busy."""

    price_per_million_tokens: float | None = Field(default=None, ge=0)
    """What a million tokens cost, in any currency."""

    max_cost: float | None = Field(default=None, ge=0)
    """Most that texts may cost, in the same currency: refused beforehand by the estimate, and stopped on the way if the
    server counts more tokens than estimated. Cached texts cost nothing."""

    @model_validator(mode="after")
    def _no_bound_without_price(self) -> Self:
        if self.max_cost is not None and self.price_per_million_tokens is None:
            raise ValueError("`max_cost` needs `price_per_million_tokens`; state it too")
        return self
