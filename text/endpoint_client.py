"""One request to an embedding endpoint: again where that helps, read with mistrust, without the key in any message."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..kg import DataError
from .encoder import TextVectors
from .endpoint_answer import BrokenAnswer, read_answer
from .endpoint_pace import Pace

if TYPE_CHECKING:
    import httpx

__all__ = ["EmbeddingClient"]

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_EXCERPT = 200
_SENTENCES = {
    400: "refuses the request (HTTP 400); check `model`, `dimensions`, `max_tokens` and `base64`",
    401: "wants a key, or another one (HTTP 401); put it into the environment variable that `key_env` names",
    403: "forbids this (HTTP 403); ask its owner for the right to use the model",
    404: "is not there or does not have the model (HTTP 404); check `url`, which often ends in /v1, and `model`",
    413: "finds the request too large (HTTP 413); make `batch` or `tokens_per_request` smaller",
    422: "refuses the request (HTTP 422); check `model`, `dimensions`, `batch` and `base64`",
}

_BYTES_A_NUMBER = 32
_MOST_DIMENSIONS = 16_384
_BYTES_BESIDE = 1 << 20


class EmbeddingClient:
    """Asks for vectors; a context, which closes its connections. Threads may share it.

    Args:
        url: where to.
        fields: that every request has beside its texts.
        key: bearer token, if any.
        timeout: seconds without a byte after which an attempt is given up.
        retry_seconds: how long a request is tried again.
        pace: of all requests.
        rng: draws the jitter.

    Attributes:
        stop: ends all pauses, when no answer is wanted any more.
    """

    def __init__(
        self,
        url: str,
        fields: Mapping[str, object],
        *,
        key: str | None,
        timeout: float,
        retry_seconds: float,
        pace: Pace,
        rng: np.random.Generator,
    ) -> None:
        try:
            import httpx
        except ImportError as error:
            raise DataError("embedding endpoints need httpx: pip install 'plait[endpoint]'") from error
        self.url, self.fields, self.timeout, self.retry_seconds = url, fields, timeout, retry_seconds
        self.stop = Event()
        self._pace, self._rng, self._lock = pace, rng, Lock()
        self._hidden = key or ""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        # Redirects are not followed: texts and key might go elsewhere.
        self._http = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._http.close()

    def embed(self, texts: Sequence[str], tokens: int) -> tuple[TextVectors, int]:
        """Vectors of the texts in their order, shape (len(texts), any), and the tokens that the server counted.

        Args:
            texts: none of them empty.
            tokens: estimated, for the pace.

        Raises:
            DataError: if the server cannot be reached, refuses, or answers with something else, in one sentence.
        """
        import httpx

        body = json.dumps({"input": list(texts), **self.fields}).encode()
        begun, attempt = time.monotonic(), 0
        while True:
            self._wait(self._pace.reserve(tokens))
            asked = None
            try:
                status, headers, answer = self._post(body, len(texts))
                if status == 200:
                    vectors, counted = read_answer(answer, len(texts))
                    return vectors, tokens if counted is None else counted
                if status not in _PASSING:
                    raise self._refused(status, headers, answer)
                trouble, asked = f"HTTP {status}{self._excerpt(headers, answer)}", _asked_pause(headers)
            except httpx.TimeoutException:
                trouble = (
                    f"no answer within {self.timeout:g} s; a larger `timeout_seconds` or a smaller `batch` may help"
                )
            except (httpx.TransportError, httpx.DecodingError, BrokenAnswer) as error:
                trouble = str(error) or type(error).__name__
                if "CERTIFICATE_VERIFY_FAILED" in trouble:
                    raise DataError(f"{self.url} cannot be reached: {trouble}") from None
            attempt += 1
            self._pause(attempt, trouble, asked, time.monotonic() - begun)

    def _post(self, body: bytes, texts: int) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers, and the whole answer, which is read no further than vectors of this many texts can be long."""
        most = texts * _MOST_DIMENSIONS * _BYTES_A_NUMBER + _BYTES_BESIDE
        dimensions = self.fields.get("dimensions")
        if isinstance(dimensions, int):
            most = texts * dimensions * _BYTES_A_NUMBER + _BYTES_BESIDE
        headers = {"Content-Type": "application/json"}
        answer = bytearray()
        with self._http.stream("POST", self.url, content=body, headers=headers) as response:
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > most:
                    raise DataError(f"{self.url} gives an answer of more than {most:,} bytes, which is not read")
                if self.stop.is_set():
                    raise _Stopped
        return response.status_code, response.headers, bytes(answer)

    def _pause(self, attempt: int, trouble: str, asked: float | None, passed: float) -> None:
        """Wait twice as long each time, as long as the server asks at least; jitter keeps many clients apart."""
        with self._lock:
            jitter = float(self._rng.uniform(0.5, 1.5))
        seconds = max(min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * jitter, asked or 0.0)
        if passed + seconds > self.retry_seconds:
            wish = f", and asks to come back in {asked:,.0f} s" if asked else ""
            times = "once" if attempt == 1 else f"{attempt} times"
            raise DataError(
                f"{self.url} did not answer, asked {times} in {passed:.0f} s: {trouble}{wish}; what came before is kept "
                "if there is a cache, so try again later"
            )
        if asked:
            self._pace.hold(seconds)
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(seconds) if seconds > 0 else self.stop.is_set():
            raise _Stopped

    def _refused(self, status: int, headers: httpx.Headers, answer: bytes) -> DataError:
        if 300 <= status < 400 and "location" in headers:
            return DataError(f"{self.url} has moved (HTTP {status}) to another address; state the right `url`")
        sentence = _SENTENCES.get(status, f"answers HTTP {status}; check `url`")
        return DataError(f"{self.url} {sentence}{self._excerpt(headers, answer)}")

    def _excerpt(self, headers: Mapping[str, str], answer: bytes) -> str:
        """What the server says, shortened; nothing for a web page."""
        if "html" in headers.get("content-type", ""):
            return ""
        text = _message(answer) or answer[: 8 * _EXCERPT].decode("utf-8", errors="replace")
        if self._hidden:
            # A server may repeat what it was sent.
            text = text.replace(self._hidden, "***")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f": {text[:_EXCERPT]}{'...' if len(text) > _EXCERPT else ''}" if text else ""


class _Stopped(Exception):
    """Nobody wants the answer any more."""


def _message(answer: bytes) -> str:
    """The sentence in an error as OpenAI words it: {"error": {"message": ...}}."""
    try:
        told: Any = json.loads(answer)
        return str(told["error"]["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def _asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for: a number, or a date."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        return float(asked)
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
