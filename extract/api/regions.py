"""Region and address of an account: each region of the Fleet API has its own address (API.md#login).

The token is sent to that address, so an address that a response names is used only where it is trusted.
"""

import logging
import re
from dataclasses import dataclass
from typing import Any, Final

from extract.archive.raw_archive import Response
from extract.requests import ACCOUNT, Request
from wattlog.addresses import is_loopback, origin
from wattlog.api_json import UnreadableJson, read
from wattlog.providers import USERS_REGION, IdentityCall, is_known_address
from wattlog.series_spec import Series

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AccountRegion:
    """What the response to an identity call says about an account; a field is None or empty where it says nothing.

    Attributes:
        region: `na`, `eu`, or `cn`.
        base_url: The address to send requests to.
        scopes: What the login may read.
    """

    region: str | None
    base_url: str | None
    scopes: tuple[str, ...] = ()


def identity_request(call: IdentityCall) -> Request:
    """The request that identifies an account."""
    return Request(ACCOUNT, Series.SNAPSHOT, call.path)


REGION: Final = identity_request(USERS_REGION)
"""Sent when a server refuses an account of another region with 421."""


def is_trusted(base_url: str, asked: str) -> bool:
    """Whether the token may be sent to an address that `asked` names.

    It may where the address is a provider's, or has the origin of `asked`, which has the token already. A simulator on this
    machine may name another one on this machine.
    """
    if is_known_address(base_url) or (is_loopback(base_url) and is_loopback(asked)):
        return True
    return origin(base_url) is not None and origin(base_url) == origin(asked)


def account_region(response: Response, call: IdentityCall, asked: str) -> AccountRegion:
    """Read the response to `identity_request(call)`.

    A region that becomes part of a host name has two letters; any other text is not used.

    Args:
        response: The response.
        call: The identity call.
        asked: The address that sent it, which was set by the user or is a provider's.
    """
    facts = object_in(response)
    if call.envelope:
        inner = facts.get(call.envelope)
        facts = inner if isinstance(inner, dict) else {}
    region, base_url, scopes = (facts.get(key) for key in (call.region_key, call.base_url_key, call.scopes_key))
    region = region.lower() if isinstance(region, str) else None
    if call.base_url_of_region:
        region = region if region is not None and re.fullmatch("[a-z]{2}", region) else None
        derived = None if region is None else call.base_url_of_region.format(region=region)
        return AccountRegion(region, derived, _scopes(scopes))
    return AccountRegion(region, _trusted(base_url, asked), _scopes(scopes))


def _trusted(base_url: object, asked: str) -> str | None:
    """The address, where it is a text and is trusted."""
    if not isinstance(base_url, str) or not base_url:
        return None
    if not is_trusted(base_url, asked):
        log.warning(
            "%s names %s as the address of the account, which is not a known one, so nothing is sent there: "
            "set WATTLOG_API_BASE_URL to it if it is right",
            asked,
            base_url[:200],
        )
        return None
    return base_url.rstrip("/")


def _scopes(scopes: object) -> tuple[str, ...]:
    return tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else ()


def object_in(response: Response) -> dict[str, Any]:
    """The JSON object in a response; empty where it has none."""
    try:
        document = read(response.body)
    except UnreadableJson:
        return {}
    return document if isinstance(document, dict) else {}
