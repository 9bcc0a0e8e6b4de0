"""Asking a server over HTTP, again after a pause where that can help, and a plain sentence where it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
import numpy as np

from ...kg import DataError
from .secrecy import LOGGER, Secrecy

__all__ = ["BrokenAnswer", "PatientClient"]

PASSING = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 60.0
LONGEST_ASKED_PAUSE = 600.0
EXCERPT = 200
SENTENCES = {
    400: "refuses the query (HTTP 400); it perhaps does not speak SPARQL 1.1",
    401: "wants a user and a password, or other ones (HTTP 401); name the environment variables that hold them in "
    "`user_env` and `password_env`, or in `token_env`",
    403: "forbids this (HTTP 403); ask its owner for the right to read",
    404: "is not there (HTTP 404); check the path of the URL, which often ends in /sparql or /query",
    405: "takes no questions by POST (HTTP 405); check the path of the URL, which often ends in /sparql or /query",
    413: "finds the query too long (HTTP 413); make `page_size` smaller",
    500: "failed over the query (HTTP 500); a smaller `page_size` may help",
}
T = TypeVar("T")


class BrokenAnswer(ValueError):
    """An answer that cannot be read; it may have been cut off, or have been wrong from the start."""


class PatientClient:
    """Posts forms to one URL; a context, which closes its connections.

    Args:
        url: where to.
        auth: user and password, if any.
        token: bearer token, if any.
        params: parameters that every request has behind the URL; neither their values nor password and token are ever
            in an error or a note.
        timeout: seconds without a byte after which an attempt is given up.
        retries: attempts after the first one.
        backoff: seconds before the second attempt; each further pause is twice as long, all with jitter.
        rng: draws the jitter.
        on_pause: told in a few words why, and how long, it pauses.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None,
        token: str | None,
        params: Mapping[str, str] | None = None,
        timeout: float,
        retries: int,
        backoff: float,
        rng: np.random.Generator,
        on_pause: Callable[[str], None] | None = None,
    ) -> None:
        self.url, self.timeout, self.retries, self.backoff = url, timeout, retries, backoff
        self._rng, self._on_pause = rng, on_pause
        secrets = [*(params or {}).values(), *(() if auth is None else auth[1:]), *(() if token is None else [token])]
        self._secrecy = Secrecy(secrets)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # Redirects are not followed: a POST would become a GET, and the password might go elsewhere.
        self._client = httpx.Client(auth=auth, headers=headers, params=params, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        LOGGER.addFilter(self._secrecy)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        LOGGER.removeFilter(self._secrecy)

    def post(self, form: Mapping[str, str], *, accept: str, read: Callable[[httpx.Response], T]) -> T:
        """What `read` makes of the whole answer to a form.

        Raises:
            DataError: if the server cannot be reached or refuses, in one sentence; or if `read` raises it.
        """
        try:
            return self._post(form, accept, read)
        except DataError as error:
            # A server may repeat in its answer what it was sent.
            shown = self._secrecy.hidden(str(error))
            if shown == str(error):
                raise
            raise DataError(shown) from None

    def _post(self, form: Mapping[str, str], accept: str, read: Callable[[httpx.Response], T]) -> T:
        for attempt in range(self.retries + 1):
            trouble, pause = "", None
            try:
                response = self._client.post(self.url, data=dict(form), headers={"Accept": accept})
                if response.status_code == 200:
                    return self._read(response, read)
                if response.status_code not in PASSING:
                    raise self._refused(response)
                trouble, pause = f"HTTP {response.status_code}{_excerpt(response)}", _asked_pause(response)
            except httpx.TimeoutException:
                trouble = f"no answer within {self.timeout:g} s; a larger `timeout` or a smaller `page_size` may help"
            except (httpx.TransportError, httpx.DecodingError, _CutAnswer) as error:
                trouble = str(error) or type(error).__name__
                if "CERTIFICATE_VERIFY_FAILED" in trouble or isinstance(error, httpx.UnsupportedProtocol):
                    raise DataError(f"{self.url} cannot be reached: {trouble}") from error
            if attempt < self.retries:
                self._pause(attempt, trouble, pause)
        raise DataError(
            f"{self.url} did not answer, asked {self.retries + 1} times: {trouble}; check that the server runs, and "
            "try again later"
        )

    def _read(self, response: httpx.Response, read: Callable[[httpx.Response], T]) -> T:
        try:
            return read(response)
        except BrokenAnswer as error:
            # Only an answer that told neither its length nor its end can have been cut without a trace.
            if "content-length" in response.headers or "transfer-encoding" in response.headers:
                raise DataError(f"{self.url} gives an answer that cannot be read: {error}") from error
            raise _CutAnswer(f"an answer cannot be read: {error}") from error

    def _pause(self, attempt: int, trouble: str, asked: float | None) -> None:
        """Wait twice as long each time, as long as the server asks at least; jitter keeps many clients apart."""
        if asked is not None and asked > LONGEST_ASKED_PAUSE:
            raise DataError(f"{self.url} asks to come back in {asked:,.0f} s ({trouble}); try again then")
        seconds = min(self.backoff * 2**attempt, LONGEST_PAUSE) * self._rng.uniform(0.5, 1.5)
        seconds = max(seconds, asked or 0.0)
        if self._on_pause is not None:
            self._on_pause(self._secrecy.hidden(f"waits {seconds:.1f} s, attempt {attempt + 1} failed: {trouble}"))
        time.sleep(seconds)

    def _refused(self, response: httpx.Response) -> DataError:
        code = response.status_code
        if 300 <= code < 400 and "location" in response.headers:
            target = httpx.URL(self.url).join(response.headers["location"]).copy_with(query=None)
            return DataError(f"{self.url} has moved to {target}; state that URL")
        sentence = SENTENCES.get(code, f"answers HTTP {code}; check the URL")
        return DataError(f"{self.url} {sentence}{_excerpt(response)}")


class _CutAnswer(Exception):
    """An answer that perhaps was cut off."""


def _excerpt(response: httpx.Response) -> str:
    """What the server says, shortened; nothing for a web page."""
    if "html" in response.headers.get("content-type", ""):
        return ""
    text = "".join(c if c.isprintable() else " " for c in response.text[: 4 * EXCERPT])
    text = " ".join(text.split())
    return f": {text[:EXCERPT]}{'...' if len(text) > EXCERPT else ''}" if text else ""


def _asked_pause(response: httpx.Response) -> float | None:
    """Seconds that Retry-After asks for: a number, or a date."""
    asked = response.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        when = parsedate_to_datetime(asked)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
