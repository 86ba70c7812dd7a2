"""Which addresses may get a token: https addresses, and plain http on this machine only.

Everyone on the way can read what is sent by plain http to another machine. Programs of a home, such as Home Assistant, are
mostly reached by plain http within its own network; that has a test of its own.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

_LOCAL_NAMES: Final = (".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that are given out within a network (RFC 6762, RFC 8375, ICANN)."""

_PORTS: Final = {"http": 80, "https": 443}


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine, which no packet leaves."""
    parts = _split(url)
    return parts is not None and _is_loopback_host(parts.hostname or "")


def is_private(url: str) -> bool:
    """Whether no third party can read what is sent to an address: by https, or to this machine."""
    parts = _split(url)
    return parts is not None and (parts.scheme == "https" or _is_loopback_host(parts.hostname or ""))


def is_local_network(url: str) -> bool:
    """Whether an address is within the local network: a private IP address, or a name that no public server can have."""
    parts = _split(url)
    host = "" if parts is None else (parts.hostname or "")
    try:
        return ip_address(host).is_private
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_NAMES))


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address; None where it has none, or has a user name, which could hide its host."""
    parts = _split(url)
    if parts is None or not parts.hostname or "@" in parts.netloc or parts.scheme not in _PORTS:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # it raises where the port is no number
    except ValueError:
        return None
    return parts


def _is_loopback_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
