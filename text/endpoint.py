"""Embedding endpoints that speak OpenAI's protocol, as text encoders: batched, paced, with the cost known first."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..kg import ConfigError, DataError
from .encoder import OnProgress, Role, TextVectors
from .endpoint_client import EmbeddingClient
from .endpoint_config import EndpointConfig
from .endpoint_pace import Pace
from .endpoint_tokens import estimated_tokens, shortened
from .endpoint_url import host_of, is_local
from .endpoint_workers import in_parallel

__all__ = ["EndpointConfig", "EndpointEncoder", "Estimate"]

_log = logging.getLogger(__name__)

_SECONDS_AN_ANSWER = 0.5
"""Assumed in an estimate of the time; what servers of this kind take, about."""

_CONCURRENCY = 4


@dataclass(frozen=True)
class Estimate:
    """What encoding texts will take.

    Attributes:
        texts: to be sent.
        tokens: estimated, rather too many than too few.
        requests: to be made.
        seconds: at least, from the bounds per minute, and half a second an answer, four at a time.
        cost: in the currency of the price; None without one.
    """

    texts: int
    tokens: int
    requests: int
    seconds: float
    cost: float | None


class EndpointEncoder:
    """Vectors of texts by a server. Wrap it in a `CachedEncoder`, so that each text is paid once.

    Texts are stripped; an empty one is not sent and gets the zero vector. Four requests run at once; their answers are
    put in the order of the texts. The key is read at the first request, and is in no error, log or attribute.

    Args:
        config: which server and how.
        rng: draws the jitter of pauses between attempts, which changes no vector.

    Attributes:
        tokens: that the server says it has read so far; estimated where it does not say.
        cut: texts cut at `max_tokens` so far.
    """

    def __init__(self, config: EndpointConfig, *, rng: np.random.Generator | None = None) -> None:
        self.config = config
        self.tokens = 0
        self.cut = 0
        self._rng = np.random.default_rng() if rng is None else rng
        self._dimension = config.dimensions
        self._pace = Pace(config.requests_per_minute, config.tokens_per_minute)

    @property
    def dimension(self) -> int:
        """Length of each vector; if the configuration does not say, one word is sent to find out."""
        if self._dimension is None:
            with self._client() as client:
                vectors, tokens = client.embed(["dimension"], estimated_tokens("dimension"))
            self._dimension = vectors.shape[1]
            self.tokens += tokens
        return self._dimension

    @cached_property
    def fingerprint(self) -> str:
        """Of the server's host, the model, and what changes vectors."""
        config = self.config
        parts = (
            "endpoint 1",
            host_of(config.url),
            config.model,
            config.dimensions,
            config.normalise,
            config.max_tokens,
        )
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    @property
    def cost(self) -> float | None:
        """What `tokens` cost; None without a price."""
        return self._price(self.tokens)

    def prompt(self, role: Role) -> str:
        """What goes before a text of that role."""
        return self.config.query_prompt if role == "query" else self.config.passage_prompt

    def estimate(self, texts: Sequence[str], *, role: Role = "passage") -> Estimate:
        """What encoding these texts would take; nothing is sent."""
        ready, _ = self._ready(texts, role)
        lengths = [estimated_tokens(text) for text in ready if text]
        requests, tokens = sum(1 for _ in self._batches(lengths)), sum(lengths)
        seconds = max(
            requests * 60 / (self.config.requests_per_minute or np.inf),
            tokens * 60 / (self.config.tokens_per_minute or np.inf),
            requests * _SECONDS_AN_ANSWER / _CONCURRENCY,
        )
        return Estimate(len(lengths), tokens, requests, seconds, self._price(tokens))

    def check_cost(self, texts: Sequence[str], *, role: Role = "passage") -> None:
        """Refuse texts that would cost more than `max_cost`, together with what has been spent.

        Raises:
            DataError: with the estimate in words.
        """
        self._refuse_cost(self.estimate(texts, role=role), tell=logging.INFO)

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", on_progress: OnProgress | None = None
    ) -> TextVectors:
        """Vectors of the texts in their order, shape (len(texts), dimension).

        Raises:
            ConfigError: if the environment variable of the key is not set.
            DataError: if it would cost too much; if the server cannot be reached or refuses, or answers with vectors
                that are too few, too many, not finite or of another length.
        """
        self._refuse_cost(self.estimate(texts, role=role), tell=logging.DEBUG)
        ready, cut = self._ready(texts, role)
        rows = [row for row, text in enumerate(ready) if text]
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        lengths = [estimated_tokens(ready[row]) for row in rows]
        done = len(texts) - len(rows)
        with self._client() as client:

            def ask(part: slice) -> tuple[slice, TextVectors, int]:
                return part, *client.embed([ready[row] for row in rows[part]], sum(lengths[part]))

            for part, found, tokens in in_parallel(ask, self._batches(lengths), _CONCURRENCY, client.stop):
                self._check_dimension(found)
                vectors[rows[part]] = found
                self._count(tokens)
                done += len(found)
                if on_progress is not None:
                    on_progress(done, len(texts))
        self.cut += cut
        return _scaled(vectors) if self.config.normalise else vectors

    def _refuse_cost(self, estimate: Estimate, *, tell: int) -> None:
        most = self.config.max_cost
        price = "" if estimate.cost is None else f", {estimate.cost:,.4g} in all"
        told = f"{estimate.texts:,} texts are about {estimate.tokens:,} tokens in {estimate.requests:,} requests{price}"
        _log.log(tell, "%s: %s; at least %.0f s", host_of(self.config.url), told, estimate.seconds)
        if most is not None and (estimate.cost or 0.0) + (self.cost or 0.0) > most:
            spent = f" after {self.cost:,.4g} spent" if self.cost else ""
            raise DataError(f"{told}{spent}: more than `max_cost` ({most:,.4g}); raise it, or encode fewer texts")

    def _ready(self, texts: Sequence[str], role: Role) -> tuple[list[str], int]:
        """Texts as they are sent, "" for those that are not, and how many were cut."""
        prompt, ready, cut = self.prompt(role), [], 0
        for text in texts:
            # Half of a surrogate pair cannot be sent as JSON.
            own = text.encode("utf-8", errors="replace").decode("utf-8").strip()
            whole = prompt + own if own else ""
            short = shortened(whole, self.config.max_tokens)
            cut += short != whole
            ready.append(short)
        return ready, cut

    def _batches(self, lengths: Sequence[int]) -> Iterator[slice]:
        """Runs of texts that fit one request, in their order."""
        start = tokens = 0
        for row, length in enumerate(lengths):
            full = row - start == self.config.batch or tokens + length > self.config.tokens_per_request
            if row > start and full:
                yield slice(start, row)
                start, tokens = row, 0
            tokens += length
        if start < len(lengths):
            yield slice(start, len(lengths))

    def _check_dimension(self, found: TextVectors) -> None:
        if found.shape[1] != self.dimension:
            asked = "asked for" if self.config.dimensions else "given before"
            raise DataError(
                f"{self.config.url} gives vectors of {found.shape[1]} dimensions, {self.dimension} were {asked}; state "
                "`dimensions` that the model has"
            )

    def _count(self, tokens: int) -> None:
        self.tokens += tokens
        most = self.config.max_cost
        if most is not None and (self.cost or 0.0) > most:
            raise DataError(
                f"{self.config.url} has counted {self.tokens:,} tokens, which cost {self.cost:,.4g}: more than "
                f"`max_cost` ({most:,.4g}); raise it to go on"
            )

    def _price(self, tokens: int) -> float | None:
        price = self.config.price_per_million_tokens
        return None if price is None else tokens / 1e6 * price

    def _client(self) -> EmbeddingClient:
        config = self.config
        return EmbeddingClient(
            config.url,
            {"model": config.model}
            | ({} if config.dimensions is None else {"dimensions": config.dimensions})
            | ({"encoding_format": "base64"} if config.base64 else {"encoding_format": "float"}),
            key=_key(config),
            timeout=config.timeout_seconds,
            retry_seconds=config.retry_seconds,
            pace=self._pace,
            rng=self._rng,
        )


def _key(config: EndpointConfig) -> str | None:
    if config.key_env is None:
        return None
    key = os.environ.get(config.key_env, "").strip()
    if not key:
        local = "; state `key_env: null` if the server wants none" if is_local(config.url) else ""
        raise ConfigError(f"the environment variable {config.key_env} is not set; it should hold the key{local}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the environment variable {config.key_env} holds no key: a key is one word of ASCII")
    return key


def _scaled(vectors: TextVectors) -> TextVectors:
    """Rows of length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: TextVectors = np.divide(vectors, length, out=vectors, where=length > 0)
    return scaled
