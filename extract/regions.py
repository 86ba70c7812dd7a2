"""Where an account lives: each region of the Fleet API has its own address, and only the account knows which (API.md §1.0)."""

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from extract.archive import Exchange
from extract.series import ACCOUNT, Request, Series

REGION: Final = Request(ACCOUNT, Series.SNAPSHOT, "/api/1/users/region")
"""Which region the account lives in, and its address. A server of another region answers it, too, or says 421."""

METADATA: Final = Request(ACCOUNT, Series.SNAPSHOT, "/api/metadata")
"""Teslemetry's view of the account. It lists vehicles, so it is looked at and never kept."""


@dataclass(frozen=True, slots=True)
class Residence:
    """Where an account lives.

    Attributes:
        region: `na`, `eu` or `cn`; None when the answer does not say.
        base_url: The address to ask; None when the answer does not say.
        scopes: What the login may read, where the answer says so.
    """

    region: str | None
    base_url: str | None
    scopes: tuple[str, ...] = ()


def residence(exchange: Exchange) -> Residence:
    """What an answer to `REGION` says."""
    told = _object(exchange).get("response")
    told = told if isinstance(told, dict) else {}
    base_url, region = told.get("fleet_api_base_url"), told.get("region")
    return Residence(
        region.lower() if isinstance(region, str) else None,
        base_url.rstrip("/") if isinstance(base_url, str) and re.match(r"https?://[^/\s]+", base_url) else None,
    )


def teslemetry_residence(exchange: Exchange) -> Residence:
    """What an answer to `METADATA` says; its region is the first part of the host to ask."""
    told = _object(exchange)
    region, scopes = told.get("region"), told.get("scopes")
    name = region.lower() if isinstance(region, str) and re.fullmatch("[A-Za-z]{2}", region) else None
    return Residence(
        name,
        None if name is None else f"https://{name}.teslemetry.com",
        tuple(str(each) for each in scopes) if isinstance(scopes, list) else (),
    )


def _object(exchange: Exchange) -> dict[str, Any]:
    try:
        told = orjson.loads(exchange.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
