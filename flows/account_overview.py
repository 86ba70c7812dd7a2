"""The provider's console as requests: what the account has, and timed checks. Nothing of the responses is kept.

Responses name vehicles, so they are not archived; VINs leave this module shortened.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from extract.api.client import Client, Clock
from extract.api.fetch import judge
from extract.api.rate_limit import RateLimiter
from extract.api.regions import identity_request, object_in
from extract.archive.raw_archive import Response
from extract.auth.credentials import Credentials
from extract.errors import ExtractError, Refused
from extract.requests import ACCOUNT, PRODUCTS, Request, live_status, site_info
from extract.vehicles import fleet_status
from flows.errors import UsageError
from flows.identity import Identity, anything, identify, sent, user_agent
from flows.settings import Settings
from transform.account_items import (
    SOURCE_OF_GRANT,
    Item,
    covers,
    scope_items,
    site_items,
    subscription_items,
    vehicle_items,
    vehicles_in,
    vins_of,
)
from transform.errors import ResponseNotUnderstood
from transform.products import energy_products
from transform.sites import Site, SiteStatus, site_from
from wattlog.series_spec import Series

HTTP_FORBIDDEN: Final = 403

NOT_COVERED: Final = "the subscription does not cover the site, so it is not requested"  # Q146


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of an account.

    Attributes:
        items: The facts, each with its source.
        failures: Requests that failed; what they would have given is not reported.
        notes: What else there is to know, one sentence each.
    """

    items: tuple[Item, ...]
    failures: tuple[ExtractError, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One request of `wattlog account test`.

    Attributes:
        name: token, products, site_info or live_status.
        site_id: The site; None for the account.
        status: The HTTP status; None where no response came, or nothing was sent.
        elapsed_ms: From the request to the end of the response; None where nothing was sent.
        error: Why it failed; None where it did not.
        skipped_because: Why nothing was sent; None where something was.
    """

    name: str
    site_id: int | None
    status: int | None
    elapsed_ms: float | None
    error: ExtractError | None = None
    skipped_because: str | None = None


class AccountReader:
    """Sends the requests of one account, one after another.

    Args:
        settings: The settings.
        credentials: The login.
        client: A client that keeps bodies whole.
        identity: The account.
    """

    def __init__(self, settings: Settings, credentials: Credentials, client: Client, identity: Identity) -> None:
        self._credentials, self._client, self.identity = credentials, client, identity
        self._provider = settings.resolved_provider
        self._limiter = RateLimiter(self._provider.requests_per_minute)

    def overview(self) -> Overview:
        """Read what the account has.

        Raises:
            AuthExpired: The login ended.
        """
        identity, call = self.identity, self._provider.identity
        failures: list[ExtractError] = [] if identity.refusal is None else [identity.refusal]
        notes: list[str] = []
        response, error = self._ask(PRODUCTS)
        failures += [] if error is None else [error]
        document = identity.document if call.has_coverage else {}
        products = {} if error is not None else object_in(response)
        sites = [] if error is not None else self._sites(response, failures)
        vehicles = vehicles_in(products)
        status = self._fleet_status(vins_of(vehicles, document), notes)
        scopes_from = SOURCE_OF_GRANT if self._credentials.tokens().granted_scopes else call.path.rsplit("/", 1)[-1]
        items = [
            Item("account", "provider", self._provider.name, "settings"),
            Item("account", "region", identity.region, call.path.rsplit("/", 1)[-1]),
            *scope_items(identity.scopes, scopes_from),
            *subscription_items(document, call),
            *site_items(sites, document, call),
            *vehicle_items(vehicles, document, status, call),
        ]
        return Overview(tuple(items), tuple(failures), tuple(notes))

    def checks(self) -> Iterator[Check]:
        """The console's basic checks: the token, then site_info and live_status of each site."""
        call = self._provider.identity
        path = self._provider.check_path
        yield self._check("token", None, Request(ACCOUNT, Series.SNAPSHOT, path) if path else identity_request(call))[0]
        if self.identity.refusal is not None:
            yield Check(call.path.rsplit("/", 1)[-1], None, HTTP_FORBIDDEN, None, self.identity.refusal)
        check, response = self._check("products", None, PRODUCTS)
        failures: list[ExtractError] = []
        sites = [] if check.error is not None else self._sites(response, failures)
        yield Check(check.name, None, check.status, check.elapsed_ms, check.error or next(iter(failures), None))
        for site in sites:
            requests = {"site_info": site_info(site.site_id), "live_status": live_status(site.site_id)}
            for name, request in requests.items():
                if call.has_coverage and covers(self.identity.document, site.site_id) is False:
                    yield Check(name, site.site_id, None, None, skipped_because=NOT_COVERED)
                else:
                    yield self._check(name, site.site_id, request)[0]

    def _check(self, name: str, site_id: int | None, request: Request) -> tuple[Check, Response]:
        response, error = self._ask(request)
        return Check(name, site_id, response.status, response.elapsed_ms, error), response

    def _ask(self, request: Request) -> tuple[Response, ExtractError | None]:
        self._limiter.wait()
        response = sent(replace(request, is_kept=False), self._credentials, self._client)
        return response, judge(response)

    def _sites(self, response: Response, failures: list[ExtractError]) -> list[Site]:
        """The sites in a products list; ghosts have nothing to show."""
        try:
            found = energy_products(response.body).sites
        except ResponseNotUnderstood as error:
            failures.append(Refused(PRODUCTS.what, str(error), response.status or 0))
            return []
        sites = [site_from(product, None, None) for product in found.values()]
        return [site for site in sites if site.status is not SiteStatus.GHOST]

    def _fleet_status(self, vins: list[str], notes: list[str]) -> Mapping[str, Any] | None:
        """The `response` of fleet_status; None, with a note, where it cannot be had: energy sites do not need it."""
        if not vins:
            return None
        self._limiter.wait()
        response = sent(fleet_status(vins), self._credentials, self._client)
        found = object_in(response).get("response")
        if response.status == 200 and isinstance(found, Mapping):
            return found
        why = "no response" if response.status is None else f"status {response.status}"
        notes.append(f"keys and firmware of vehicles are not reported: fleet_status gave {why}")
        return None


@contextmanager
def account_reader(settings: Settings, credentials: Credentials, clock: Clock) -> Iterator[AccountReader]:
    """A reader of the account that a login belongs to, at the address of its region.

    Raises:
        AuthExpired: There is no login.
        PaymentRequired: The provider wants to be paid.
        Retryable: No answer.
        UsageError: The provider has no address.
    """
    credentials.token()
    if not settings.resolved_provider.base_url:
        raise UsageError(f"provider {settings.provider} has no address; set WATTLOG_API_BASE_URL")
    identity = identify(settings, credentials, clock)
    with Client(
        identity.base_url,
        credentials.token,
        user_agent=user_agent(),
        classify=anything,
        clock=clock,
    ) as client:
        yield AccountReader(settings, credentials, client, identity)
