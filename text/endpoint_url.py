"""The address of an embedding endpoint: checked at the door, since texts and a key go there."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ..kg.addresses import split_address

__all__ = ["checked_url", "host_of", "is_local"]


def checked_url(text: str) -> str:
    """The URL that requests are posted to.

    Raises:
        ValueError: if it is none, holds secrets, or would send texts and key unencrypted over a network.
    """
    parts, named = split_address(text, "URL", "https://api.openai.com/v1")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not text.isprintable()
        or " " in text
        or "\\" in text
    ):
        raise ValueError("an https URL is wanted, such as https://api.openai.com/v1")
    if named or "?" in text or "#" in text:
        raise ValueError("a URL with a user, a password or a query string is refused; name the key in `key_env`")
    if parts.scheme == "http" and not is_local(text):
        raise ValueError("over http, everybody on the way reads texts and key; use https, or a server on this machine")
    path = text.rstrip("/")
    return path if path.endswith("/embeddings") else f"{path}/embeddings"


def host_of(url: str) -> str:
    """Host and port."""
    return urlsplit(url).netloc.lower()


def is_local(url: str) -> bool:
    """Whether what is sent there stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
