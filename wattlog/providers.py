"""The services that serve this API: one record each, with every fact that differs between them.

A new provider is a new record in `PROVIDERS`. No other module compares a provider's name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from wattlog.addresses import origin
from wattlog.console_items import WEB_CONSOLE_ONLY
from wattlog.series_spec import Series

READ_SCOPE: Final = "energy_device_data"
"""The scope that every GET of an energy site needs (API.md#login)."""

COMMAND_SCOPE: Final = "energy_cmds"
"""The scope that every POST of an energy site needs (API.md#login). A login asks for it only with `--commands`."""

VEHICLE_SCOPE: Final = "vehicle_device_data"
"""The scope that reading a car needs (Q100). A login asks for the scopes of cars only with `--vehicles`."""

VEHICLE_CHARGING_SCOPE: Final = "vehicle_charging_cmds"
"""The scope of charging commands and of the history of public charging (Q92, Q113)."""

VEHICLE_SCOPES: Final = (VEHICLE_SCOPE, VEHICLE_CHARGING_SCOPE, "vehicle_cmds")
"""What a login asks for to use cars: either scope of commands is enough, and pages differ about which (Q92)."""


SCOPE_USES: Final[dict[str, str]] = {
    READ_SCOPE: "the history, site_info, and live_status of sites",
    COMMAND_SCOPE: "`wattlog set`, `wattlog apply-plan`",
    VEHICLE_SCOPE: "cars, and their keys and firmware in `wattlog account`",
}
"""The scopes that wattlog uses, and what for."""


class LoginKind(StrEnum):
    """How a person logs in."""

    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - a kind, not a token
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Authority:
    """The service that issues tokens.

    Attributes:
        name: Names the login in the token store; providers with the same authority share the login.
        authorize_url: Page where a person agrees; a path is relative to the provider's address; empty where there is none.
        token_url: Where codes and refresh tokens are exchanged for tokens; a path likewise; empty where there is none.
        client_id: The application, where it is always the same.
        retry_grace_s: How long a refresh token may be sent again after its response was lost.
    """

    name: str
    authorize_url: str = ""
    token_url: str = ""
    client_id: str | None = None
    retry_grace_s: float = 0.0

    def at(self, base_url: str) -> "Authority":
        """The same with whole addresses; a path has none while `base_url` is empty."""
        return replace(
            self, authorize_url=_absolute(self.authorize_url, base_url), token_url=_absolute(self.token_url, base_url)
        )


def _absolute(url: str, base_url: str) -> str:
    if not url.startswith("/"):
        return url
    return f"{base_url.rstrip('/')}{url}" if base_url else ""


@dataclass(frozen=True, slots=True)
class IdentityCall:
    """The request that identifies an account, and where its response has the facts.

    Attributes:
        path: Path below the base address.
        envelope: The key that holds the facts; empty where they are at the top.
        region_key: The key of the region.
        base_url_key: The key of the address to use; empty where there is none.
        scopes_key: The key of the scopes; empty where there is none.
        base_url_of_region: The address to use, with `{region}` for a region of two letters; empty where it is not derived.
        has_coverage: Whether it says what a subscription covers, under `subscription`, `energy_sites`, and `vehicles` (Q141).
    """

    path: str
    envelope: str = ""
    region_key: str = "region"
    base_url_key: str = ""
    scopes_key: str = ""
    base_url_of_region: str = ""
    has_coverage: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """How a provider charges for requests.

    Attributes:
        requests_per_usd: How many requests a dollar buys; None where single requests are not charged.
        monthly_credit_usd: What is free each month.
        note: The terms in one sentence.
        source: Where they are published.
        as_of: When they were read.
    """

    requests_per_usd: int | None
    monthly_credit_usd: float
    note: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class CarTerms:
    """How a provider serves cars.

    Attributes:
        signs: It signs commands itself (Q87).
        prices: Price of a `command`, of a reading (`data`), and of a `wake`, as text; empty where they are not charged.
        unit: What the prices are in; None where they are not charged.
        wake_poll_s: Pause between two looks at a car that is being woken (Q93).
    """

    signs: bool = False
    prices: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    wake_poll_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A service that serves the energy-site API.

    Attributes:
        name: The value of WATTLOG_PROVIDER.
        base_url: Scheme and host, without a trailing slash; empty where the setting WATTLOG_API_BASE_URL gives it.
        other_regions: Addresses at which an account with the same login may live.
        login: How a person logs in.
        authority: The service that issues tokens.
        identity: The request that identifies the account.
        terms: How requests are charged.
        requests_per_minute: The limit; None where there is none.
        concurrency: Requests in flight at once.
        docs: The page that describes it: an address, or a page of this repository.
        account_page: Where a person makes an application or an access token.
        only_on_account_page: What no request gives, and this page alone has.
        check_path: Path of a request that only checks the token; empty where there is none: then the identity call does.
        closed_because: Why there is no login, and what to do instead.
        public_token: A token that is no secret and is sent while no other is set or stored.
        refused_series: Series that it does not serve; requested only if named.
        has_quarter_hours: Energy is requested by quarter hours as well, in every run.
        read_back_s: How long after a command site_info may still show the old value.
        cars: How it serves cars.
        is_simulated: Its data are invented and never share a directory with those of a real account.
    """

    name: str
    base_url: str
    authority: Authority
    identity: IdentityCall
    terms: Terms
    requests_per_minute: int | None
    concurrency: int
    docs: str
    login: LoginKind = LoginKind.BROWSER
    other_regions: tuple[str, ...] = ()
    account_page: str = ""
    only_on_account_page: tuple[str, ...] = ()
    check_path: str = ""
    closed_because: str = ""
    public_token: str | None = None
    refused_series: frozenset[Series] = frozenset({Series.HISTORY})
    has_quarter_hours: bool = False
    read_back_s: float = 30.0
    cars: CarTerms = field(default_factory=CarTerms)
    is_simulated: bool = False


# --- facts that records share -----------------------------------------------------------------------------------------

USERS_REGION: Final = IdentityCall("/api/1/users/region", envelope="response", base_url_key="fleet_api_base_url")
"""Region and address of an account. A server of another region answers as well, or refuses with 421 (API.md#login)."""

TESLEMETRY_METADATA: Final = IdentityCall(
    "/api/metadata", scopes_key="scopes", base_url_of_region="https://{region}.teslemetry.com", has_coverage=True
)
"""Region and scopes of a Teslemetry account. It lists vehicles too, so the response is read and never kept."""

_GRACE_S: Final = 24 * 3600.0
"""Tesla's page on third-party tokens: for applications that fail to save a new refresh token, the one used last stays valid
for up to 24 hours. No other provider promises this."""

_TESLA: Final = Authority(
    "tesla",
    "https://auth.tesla.com/oauth2/v3/authorize",
    "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token",
    retry_grace_s=_GRACE_S,
)

_FLEET_TERMS: Final = Terms(
    500,
    10.0,
    "pay per use: 500 data requests a dollar, $10 of credit a month; every response below status 500 counts",
    "developer.tesla.com, Fleet API billing and limits",
    "2026-08",
)
"""API.md#limits. Whether the Fleet API charges for energy requests at all is not certain; these are its terms for data."""

_FREE: Final = Terms(None, 0.0, "not charged", "", "")

SIMULATOR_TOKEN: Final = "wattlog-demo-token"  # noqa: S105 - grants access to nothing but the simulator on this machine

_NA: Final = "https://fleet-api.prd.na.vn.cloud.tesla.com"
_EU: Final = "https://fleet-api.prd.eu.vn.cloud.tesla.com"

# --- the records ------------------------------------------------------------------------------------------------------

FLEET_NA: Final = Provider(
    name="fleet-na",
    base_url=_NA,
    other_regions=(_EU,),
    authority=_TESLA,
    identity=USERS_REGION,
    terms=_FLEET_TERMS,
    requests_per_minute=60,
    concurrency=4,
    docs="https://developer.tesla.com/docs/fleet-api",
    account_page="https://developer.tesla.com",
    only_on_account_page=("applications and their keys", "payment method and billing limit"),
    cars=CarTerms(prices={"command": "0.001", "data": "0.002", "wake": "0.02"}, unit="USD"),  # Q71
)

FLEET_EU: Final = replace(FLEET_NA, name="fleet-eu", base_url=_EU, other_regions=(_NA,))

FLEET_CN: Final = replace(
    FLEET_NA,
    name="fleet-cn",
    base_url="https://fleet-api.prd.cn.vn.cloud.tesla.cn",
    other_regions=(),
    authority=Authority(
        "tesla-cn",
        "https://auth.tesla.cn/oauth2/v3/authorize",
        "https://auth.tesla.cn/oauth2/v3/token",
        retry_grace_s=_GRACE_S,
    ),
)

TESLEMETRY: Final = Provider(
    name="teslemetry",
    base_url="https://api.teslemetry.com",
    login=LoginKind.TOKEN,
    authority=Authority("teslemetry"),
    identity=TESLEMETRY_METADATA,
    terms=Terms(
        None,
        0.0,
        "a subscription; history requests are not charged one by one",
        "teslemetry.com, console page",
        "2026-08",
    ),
    requests_per_minute=30,
    concurrency=4,
    docs="https://teslemetry.com/docs",
    account_page="https://teslemetry.com/console",
    only_on_account_page=WEB_CONSOLE_ONLY,
    check_path="/api/test",  # Q143
    cars=CarTerms(signs=True, prices={"command": "1", "data": "2", "wake": "20"}, unit="credits"),  # Q73, Q87
    read_back_s=90.0,  # its site_info is cached for a minute (Q65)
)

OWNER: Final = Provider(
    name="owner",
    base_url="https://owner-api.teslamotors.com",
    login=LoginKind.CLOSED,
    authority=Authority(
        "owner", "", "https://auth.tesla.com/oauth2/v3/token", client_id="ownerapi", retry_grace_s=_GRACE_S
    ),
    identity=USERS_REGION,
    terms=_FREE,
    requests_per_minute=60,
    concurrency=4,
    docs="docs/API.md#owner-api",
    closed_because="Tesla has closed the Owner API; set WATTLOG_PROVIDER to teslemetry or fleet-na, fleet-eu, fleet-cn",
    refused_series=frozenset(),
    has_quarter_hours=True,
)

SIMULATOR: Final = Provider(
    name="simulator",
    base_url="",
    authority=Authority("simulator", "/oauth2/v3/authorize", "/oauth2/v3/token", client_id="wattlog"),
    identity=USERS_REGION,
    terms=_FREE,
    requests_per_minute=None,
    concurrency=4,
    docs="extract/simulator/README.md",
    public_token=SIMULATOR_TOKEN,
    read_back_s=0.2,
    cars=CarTerms(wake_poll_s=0.02),
    is_simulated=True,
)

PROVIDERS: Final[dict[str, Provider]] = {
    provider.name: provider for provider in (FLEET_NA, FLEET_EU, FLEET_CN, TESLEMETRY, OWNER, SIMULATOR)
}
"""Name → record. Addresses: API.md#login. China has logins of its own. Limits: Teslemetry documents 30 calls in 60 s
(API.md#limits); the Fleet API publishes no figure for energy sites, and public clients run at 60 a minute."""

_REGION: Final = "{region}"

_OWN_ORIGINS: Final = frozenset(origin(provider.base_url) for provider in PROVIDERS.values() if provider.base_url)

_REGIONAL: Final = tuple(
    re.compile("[a-z]{2}".join(map(re.escape, provider.identity.base_url_of_region.split(_REGION))))
    for provider in PROVIDERS.values()
    if provider.identity.base_url_of_region
)


def is_known_address(url: str) -> bool:
    """Whether an address is that of a provider or of one of its regions; all of them are https addresses."""
    found = origin(url)
    if found is None or found in _OWN_ORIGINS:
        return found is not None
    scheme, host, port = found
    return port == 443 and any(pattern.fullmatch(f"{scheme}://{host}") for pattern in _REGIONAL)
