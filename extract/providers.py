"""Who answers: base addresses and limits of the services that speak this API."""

from dataclasses import dataclass
from enum import StrEnum


class ProviderName(StrEnum):
    """Values of WATTLOG_PROVIDER."""

    FLEET_NA = "fleet-na"
    FLEET_EU = "fleet-eu"
    FLEET_CN = "fleet-cn"
    TESLEMETRY = "teslemetry"
    OWNER = "owner"
    SIMULATOR = "simulator"


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that speaks the energy-site API.

    Attributes:
        name: The value of WATTLOG_PROVIDER.
        base_url: Scheme and host, without a trailing slash; empty where only the caller knows it.
        requests_per_minute: The pace to keep; None where nobody counts.
        concurrency: Requests in flight at once.
    """

    name: ProviderName
    base_url: str
    requests_per_minute: int | None
    concurrency: int


PROVIDERS: dict[ProviderName, Provider] = {
    each.name: each
    for each in (
        Provider(ProviderName.FLEET_NA, "https://fleet-api.prd.na.vn.cloud.tesla.com", 60, 4),
        Provider(ProviderName.FLEET_EU, "https://fleet-api.prd.eu.vn.cloud.tesla.com", 60, 4),
        Provider(ProviderName.FLEET_CN, "https://fleet-api.prd.cn.vn.cloud.tesla.cn", 60, 4),
        Provider(ProviderName.TESLEMETRY, "https://api.teslemetry.com", 30, 4),
        Provider(ProviderName.OWNER, "https://owner-api.teslamotors.com", 60, 4),
        Provider(ProviderName.SIMULATOR, "", None, 4),
    )
}
"""Hosts: API.md §1.0. Pace: Teslemetry documents 30 calls every 60 s (API.md §1.8); Fleet API publishes no figure for energy
sites, and 60 a minute is what public clients live with."""
