"""Addresses of servers, taken apart at the door."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

__all__ = ["split_address"]


def split_address(text: str, kind: str, example: str) -> tuple[SplitResult, bool]:
    """The parts of an address, and whether it names a user or a password.

    No message repeats the address, which perhaps holds a password.

    Args:
        text: the address.
        kind: what it should be: "URL".
        example: one that is.

    Raises:
        ValueError: if it is none.
    """
    try:
        parts = urlsplit(text)
        # Asking for host and port is what finds out that they are none.
        _ = parts.hostname, parts.port
        return parts, parts.username is not None or parts.password is not None
    except ValueError as error:
        raise ValueError(f"this is no {kind}; {example} is one") from error
