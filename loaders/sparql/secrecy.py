"""Keeping what authenticates a client out of messages and logs."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["Secrecy", "is_local"]

# Shorter ones, which are hardly secrets, would blot out parts of ordinary words.
SHORTEST = 4
# Tells the whole URL of each request.
LOGGER = logging.getLogger("httpx")


class Secrecy(logging.Filter):
    """Blots out secrets, as they are or as a URL holds them.

    Args:
        secrets: what is never to be shown.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = {
            form for text in secrets if len(text) >= SHORTEST for form in (text, quote(text, ""), quote_plus(text))
        }
        self._forms = sorted(forms, key=len, reverse=True)

    def hidden(self, text: str) -> str:
        """A text with *** for each secret in it."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Blot out secrets in a log line."""
        record.msg, record.args = self.hidden(record.getMessage()), ()
        return True


def is_local(host: str) -> bool:
    """Whether what is sent to a host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
