"""Who answers: base addresses and limits of the services that speak this API."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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

FLEET: Final = (ProviderName.FLEET_NA, ProviderName.FLEET_EU, ProviderName.FLEET_CN)
"""Tesla's own regions."""

NEIGHBOURS: Final[dict[ProviderName, tuple[str, ...]]] = {
    ProviderName.FLEET_NA: (PROVIDERS[ProviderName.FLEET_EU].base_url,),
    ProviderName.FLEET_EU: (PROVIDERS[ProviderName.FLEET_NA].base_url,),
}
"""Where else an account with the same login may live. China has logins of its own (API.md §1.0)."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who gives out tokens.

    Attributes:
        name: Names the login in the token store: providers with one authority share it.
        authorize_url: Where a person agrees; empty where nobody can.
        token_url: Where codes and refresh tokens become tokens; empty where tokens are handed out otherwise.
        client_id: The application, where it is always the same.
        retry_grace_s: How long a refresh token may be sent again when the answer to it was lost.
    """

    name: str
    authorize_url: str = ""
    token_url: str = ""
    client_id: str | None = None
    retry_grace_s: float = 0.0


_GRACE_S = 24 * 3600.0
"""Tesla's page on third-party tokens: for applications that fail to save a new refresh token, the one used last stays valid
for up to 24 hours. Nobody else promises it."""

_TESLA = Authority(
    "tesla",
    "https://auth.tesla.com/oauth2/v3/authorize",
    "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token",
    retry_grace_s=_GRACE_S,
)

AUTHORITIES: Final[dict[ProviderName, Authority]] = {
    ProviderName.FLEET_NA: _TESLA,
    ProviderName.FLEET_EU: _TESLA,
    ProviderName.FLEET_CN: Authority(
        "tesla-cn",
        "https://auth.tesla.cn/oauth2/v3/authorize",
        "https://auth.tesla.cn/oauth2/v3/token",
        retry_grace_s=_GRACE_S,
    ),
    ProviderName.TESLEMETRY: Authority("teslemetry"),
    ProviderName.OWNER: Authority(
        "owner", "", "https://auth.tesla.com/oauth2/v3/token", client_id="ownerapi", retry_grace_s=_GRACE_S
    ),
    ProviderName.SIMULATOR: Authority("simulator", client_id="wattlog"),
}
"""Who gives out the tokens for which provider. Hosts: API.md §1.0; the simulator is its own authority."""
