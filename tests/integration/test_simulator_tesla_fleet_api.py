"""tesla-fleet-api, a third-party client of the Fleet API and Teslemetry, uses every energy endpoint and gets every fault."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, date, datetime
from typing import Any

import aiohttp
import pytest
from tesla_fleet_api import TeslaFleetApi, TeslaFleetOAuth, Teslemetry, exceptions
from tesla_fleet_api.const import SERVERS, Scope

from extract.simulator import (
    DEMO_REFRESH_TOKEN,
    DEMO_TOKEN,
    Conditions,
    FaultPlan,
    OAuthSetup,
    RateLimit,
    Rule,
    SimulatorServer,
    demo_world,
    scenario,
    serve,
)
from extract.simulator.faults.plan import (
    EXPIRED_TOKEN,
    EXPIRED_WITHOUT_BODY,
    GATEWAY_TIMEOUT,
    INSUFFICIENT_CREDITS,
    INTERNAL_ERROR,
    MISSING_SCOPES,
    OWNER_API_CLOSED,
    SUBSCRIPTION_REQUIRED,
    TIMED_OUT,
    UNAVAILABLE,
    UPSTREAM_INVALID,
    WRONG_REGION,
    ConnectionReset,
    EmptyForm,
    EmptyResponse,
    ErrorResponse,
    Fault,
    HtmlResponse,
    SlowBody,
    TruncatedBody,
)
from extract.simulator.login.authority import RefreshOutcome
from extract.simulator.server import NO_STATUS
from tests.patience import wait_until
from tests.third_party_clients import (
    instants_s,
    last_second,
    redirected_session,
    slots_s,
    sums_wh,
    with_fleet,
    with_session,
    with_teslemetry,
)

NOW = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SPEC = WORLD.sites[0]
TRUTH = WORLD.truth(SPEC.site_id)
DAY = date(2026, 1, 10)
END = last_second(SPEC, DAY)

Json = dict[str, Any]
Work = Callable[[TeslaFleetApi], Coroutine[Any, Any, Json]]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """The demo account with a clock that does not move."""
    with scenario("demo").serve(clock=lambda: NOW) as running:
        yield running


@pytest.fixture(params=["fleet", "teslemetry"])
def ask(request: pytest.FixtureRequest, server: SimulatorServer) -> Callable[[Work], Json]:
    """Either client of the library, for the demo account."""
    if request.param == "fleet":
        return lambda work: with_fleet(server, work)
    return lambda work: with_teslemetry(server, work)


def test_the_products_are_listed(ask: Callable[[Work], Json]) -> None:
    """API.md#products: a vehicle, two sites, and a ghost without name and type; large ids are unchanged."""
    listed = ask(lambda api: api.products())
    assert listed["count"] == len(listed["response"]) == 4
    sites = {
        product["energy_site_id"]: product.get("resource_type")
        for product in listed["response"]
        if "energy_site_id" in product
    }
    assert sites == {site.site_id: "battery" for site in WORLD.sites} | {WORLD.ghosts[0]: None}


def test_site_info_and_live_status(ask: Callable[[Work], Json]) -> None:
    """API.md#live-status, API.md#site-info, Q38: sizes, limits, wall connectors, and present values."""
    info = ask(lambda api: api.energySites.create(SPEC.site_id).site_info())["response"]
    assert info["site_name"] == SPEC.site_name
    assert info["max_site_meter_power_ac"] == -info["min_site_meter_power_ac"] == 1_000_000_000
    assert len(info["components"]["wall_connectors"]) == SPEC.wall_connectors == 2
    live = ask(lambda api: api.energySites.create(SPEC.site_id).live_status())["response"]
    assert live["total_pack_energy"] == SPEC.battery_energy_wh
    sources = ("solar_power", "battery_power", "grid_power", "generator_power")
    assert live["load_power"] == pytest.approx(sum(live[name] for name in sources))
    assert [connector["din"] for connector in live["wall_connectors"]] == [
        connector["din"] for connector in info["components"]["wall_connectors"]
    ]


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("day", DAY),
        ("week", date(2026, 1, 5)),
        ("month", date(2026, 1, 1)),
        ("year", date(2026, 1, 1)),
        ("lifetime", TRUTH.first_date),
    ],
)
def test_energy_is_the_truth_to_the_watt_hour(ask: Callable[[Work], Json], period: str, first: date) -> None:
    """Q1: only `end_date` counts; `start_date` and `time_zone` have no effect."""
    history = ask(
        lambda api: api.energySites.create(SPEC.site_id).energy_history(
            period, "2020-01-01T00:00:00Z", END, "Europe/Brussels"
        )
    )["response"]
    assert history["period"] == period
    assert sums_wh(history["time_series"]) == TRUTH.total_wh(first, DAY)


def test_a_day_has_a_row_for_each_slot(ask: Callable[[Work], Json]) -> None:
    """Q10, Q42: five-minute rows; a total is present exactly if it is not zero."""
    rows = ask(lambda api: api.energySites.create(SPEC.site_id).energy_history("day", end_date=END))["response"][
        "time_series"
    ]
    assert instants_s(rows) == slots_s(TRUTH.day(DAY))
    assert all(("total_solar_generation" in row) == (row["solar_energy_exported"] > 0) for row in rows)
    assert {"total_solar_generation" in row for row in rows} == {True, False}


def test_without_dates_the_response_is_today_up_to_now(ask: Callable[[Work], Json]) -> None:
    """API.md#requests: some clients send no dates; the response begins with the site's midnight."""
    rows = ask(lambda api: api.energySites.create(SPEC.site_id).energy_history("day"))["response"]["time_series"]
    assert rows[0]["timestamp"] == "2026-01-15T00:00:00-08:00"
    assert instants_s(rows)[-1] <= NOW.timestamp() < instants_s(rows)[-1] + 300


def test_outages_are_in_milliseconds(ask: Callable[[Work], Json]) -> None:
    """Q32: the library's documentation says seconds; in seconds the events would overlap."""
    response = ask(lambda api: api.energySites.create(SPEC.site_id).backup_history("lifetime", end_date=END))[
        "response"
    ]
    truth = TRUTH.outages(TRUTH.first_date, DAY)[::-1]
    assert [event["duration"] for event in response["events"]] == [
        outage.duration_ms for outage in truth[: len(response["events"])]
    ]
    assert len(response["events"]) > 2


def test_charging_needs_both_dates(ask: Callable[[Work], Json]) -> None:
    """API.md#charge-sessions: sessions between them, in Wh."""
    response = ask(
        lambda api: api.energySites.create(SPEC.site_id).charge_history(
            "2025-12-01T00:00:00-08:00", "2025-12-31T23:59:59-08:00", "America/Los_Angeles"
        )
    )["response"]["charge_history"]
    truth = TRUTH.charge_sessions(date(2025, 12, 1), date(2025, 12, 31))
    assert [session["energy_added_wh"] for session in response] == [session.energy_wh for session in truth]


def test_site_info_has_the_tariff(ask: Callable[[Work], Json]) -> None:
    """API.md#site-info: `tariff_content_v2`, which the library sends back by `time_of_use_settings`."""
    info = ask(lambda api: api.energySites.create(SPEC.site_id).site_info())["response"]
    tariff = info["tariff_content_v2"]
    assert {"seasons", "energy_charges", "demand_charges", "daily_charges", "sell_tariff"} <= tariff.keys()
    assert set(tariff["energy_charges"]) - {"ALL"} == set(tariff["seasons"])


def test_a_region_names_its_server(server: SimulatorServer) -> None:
    """API.md#login: `fleet_api_base_url` and `region`."""
    response = with_fleet(server, lambda api: api.user.region())
    assert response["response"] == {"region": "na", "fleet_api_base_url": server.base_url}


def simulator_addresses(server: SimulatorServer) -> dict[str, str]:
    """The library's fixed hosts, each with an address of the simulator."""
    hosts = {region: url.removeprefix("https://") for region, url in SERVERS.items()}
    return {
        hosts["na"]: server.base_url,
        hosts["eu"]: f"{server.base_url}/eu",
        hosts["cn"]: f"{server.base_url}/cn",
        "fleet-auth.prd.vn.cloud.tesla.com": server.base_url,
    }


def test_the_library_finds_the_region_by_trying() -> None:
    """API.md#login: `find_server` tries one server after the other, goes on after 421, and stops at the right one."""

    async def find(session: aiohttp.ClientSession) -> tuple[str, str | None]:
        api = TeslaFleetApi(
            redirected_session(session, simulator_addresses(simulator)), access_token=DEMO_TOKEN, region="na"
        )
        region = await api.find_server()
        return region, api.server

    with scenario("hidden-region").serve(clock=lambda: NOW) as simulator:
        assert with_session(find) == ("eu", f"{simulator.base_url}/eu")
        assert [(request.status, request.path) for request in simulator.requests] == [
            (421, "/api/1/users/region"),
            (200, "/eu/api/1/users/region"),
        ]


def test_the_wrong_region_is_an_error_and_the_right_one_works() -> None:
    """API.md#login: 421 is `InvalidRegion`; the address that `users/region` returns has the account."""

    async def move(api: TeslaFleetApi) -> Json:
        with pytest.raises(exceptions.InvalidRegion):
            await api.products()
        api.server = (await api.user.region())["response"]["fleet_api_base_url"]
        return await api.products()

    with scenario("wrong-region").serve(clock=lambda: NOW) as server:
        assert with_fleet(server, move)["count"] == 2


def test_teslemetry_gives_region_and_scopes(server: SimulatorServer) -> None:
    """API.md#login: without an envelope; the region is in capitals, and the library derives its host from it."""
    metadata = with_teslemetry(server, lambda api: api.metadata(update_region=False))
    assert metadata["region"] == "NA"
    assert with_session(lambda session: Teslemetry(session, DEMO_TOKEN, server.base_url).scopes()) == list(WORLD.scopes)

    async def find(session: aiohttp.ClientSession) -> tuple[str, str | None, Json]:
        turns = {"na.teslemetry.com": server.base_url, "api.teslemetry.com": server.base_url}
        api = Teslemetry(redirected_session(session, turns), access_token=DEMO_TOKEN)
        return await api.find_server(), api.server, await api.products()

    region, address, listed = with_session(find)
    assert (region, address, listed["count"]) == ("na", "https://na.teslemetry.com", 4)


def test_teslemetry_rejects_the_thirty_first_request() -> None:
    """Q28, API.md#limits: `RateLimited` with the seconds to wait."""

    async def too_many(api: Teslemetry) -> Json:
        for _ in range(30):
            await api.products()
        with pytest.raises(exceptions.RateLimited) as caught:
            await api.products()
        assert isinstance(caught.value.data, dict)
        return caught.value.data

    with scenario("teslemetry").serve(clock=lambda: NOW) as server:
        assert with_teslemetry(server, too_many) == {"reset": "60", "after": "60"}


def oauth(session: aiohttp.ClientSession, server: SimulatorServer, refresh_token: str | None = None) -> TeslaFleetOAuth:
    """The library's own OAuth client, a confidential one."""
    return TeslaFleetOAuth(
        redirected_session(session, simulator_addresses(server)),
        region="na",
        client_id="wattlog",
        client_secret="not-much-of-a-secret",
        redirect_uri="http://localhost:8123/callback",
        refresh_token=refresh_token,
    )


def test_the_library_logs_in_and_refreshes() -> None:
    """Q29: code, tokens, region from the code's prefix; after the expiry one refresh, and no refresh token is sent twice."""
    clock = [datetime.now(UTC)]

    async def work(session: aiohttp.ClientSession) -> tuple[Json, Json, str | None]:
        api = oauth(session, simulator)
        page = api.get_login_url([Scope.OPENID, Scope.OFFLINE_ACCESS, Scope.ENERGY_DEVICE_DATA])
        url = page.replace("https://auth.tesla.com", simulator.base_url)
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers["location"]
        assert location.endswith("&state=login")
        await api.get_refresh_token(location.partition("code=")[2].partition("&")[0])
        first = await api.products()
        api.expires = 0
        return first, await api.products(), api.refresh_token

    with scenario("demo").serve(clock=lambda: clock[0]) as simulator:
        first, second, refresh_token = with_session(work)
        assert first == second
        assert [refresh.outcome for refresh in simulator.authority.refreshes] == [RefreshOutcome.ROTATED]
        assert refresh_token is not None
        assert refresh_token.startswith("NA_")


def test_a_used_refresh_token_is_an_error() -> None:
    """Q29: `login_required`."""

    async def twice(session: aiohttp.ClientSession) -> None:
        await oauth(session, simulator, DEMO_REFRESH_TOKEN).refresh_access_token()
        with pytest.raises(ValueError, match="login_required"):
            await oauth(session, simulator, DEMO_REFRESH_TOKEN).refresh_access_token()

    with scenario("demo").serve(clock=lambda: NOW) as simulator:
        with_session(twice)
        assert len(simulator.authority.refreshes) == 2


def test_a_token_that_expires_between_two_requests() -> None:
    """Q29: `OAuthExpired` by the server's clock, for a token that was valid a second before."""
    clock = [NOW]

    async def wait(api: TeslaFleetApi) -> Json:
        listed = await api.products()
        clock[0] = datetime(2026, 1, 15, 20, 8, 30, tzinfo=UTC)
        with pytest.raises(exceptions.OAuthExpired):
            await api.products()
        return listed

    conditions = Conditions(oauth=OAuthSetup(static_token_s=60))
    with serve(WORLD, clock=lambda: clock[0], conditions=conditions) as server:
        assert with_fleet(server, wait)["count"] == 4


def raised(fault: Fault) -> BaseException:
    """The error that the library raises for a fault; the next request must succeed."""

    async def meet(api: TeslaFleetApi) -> BaseException:
        try:
            await api.products()
        except (exceptions.TeslaFleetError, aiohttp.ClientError, json.JSONDecodeError) as error:
            assert (await api.products())["count"] == 4
            return error
        raise AssertionError(f"{fault} was not noticed")

    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan((Rule(fault, last=1),)))) as server:
        error = with_fleet(server, meet)
        assert [request.faults for request in server.requests] == [(fault,), ()]
        return error


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ErrorResponse(400, "invalid_request"), exceptions.InvalidRequest),
        (EXPIRED_TOKEN, exceptions.OAuthExpired),
        (EXPIRED_WITHOUT_BODY, exceptions.OAuthExpired),
        (ErrorResponse(401, "login_required"), exceptions.LoginRequired),
        (ErrorResponse(401, "invalid_token"), exceptions.InvalidToken),
        (SUBSCRIPTION_REQUIRED, exceptions.SubscriptionRequired),
        (INSUFFICIENT_CREDITS, exceptions.InsufficientCredits),
        (MISSING_SCOPES, exceptions.Forbidden),
        (ErrorResponse(403, "invalid_scope"), exceptions.InvalidScope),
        (OWNER_API_CLOSED, exceptions.Forbidden),
        (ErrorResponse(404, "not_found"), exceptions.NotFound),
        (TIMED_OUT, exceptions.VehicleOffline),
        (WRONG_REGION, exceptions.InvalidRegion),
        (ErrorResponse(423, "locked"), exceptions.Locked),
        (UPSTREAM_INVALID, exceptions.InvalidResponse),
        (ErrorResponse(429, "Too Many Requests"), exceptions.RateLimited),
        (INTERNAL_ERROR, exceptions.InternalServerError),
        (UNAVAILABLE, exceptions.ServiceUnavailable),
        (GATEWAY_TIMEOUT, exceptions.GatewayTimeout),
        (HtmlResponse(), exceptions.ResponseError),
        (ConnectionReset(share=0.5), aiohttp.ClientError),
        (TruncatedBody(), aiohttp.ClientPayloadError),
        (TruncatedBody(is_length_whole=False), json.JSONDecodeError),
    ],
)
def test_every_fault_raises_the_librarys_error(fault: Fault, error: type[BaseException]) -> None:
    """API.md#status-codes, Q28, Q29, Q30: status and key are those that clients of the real API distinguish."""
    assert isinstance(raised(fault), error)


def test_aiohttp_retries_after_one_reset() -> None:
    """aiohttp itself retries once when a connection is reset; a second reset is an error."""

    async def twice(api: TeslaFleetApi) -> Json:
        listed = await api.products()
        with pytest.raises(aiohttp.ClientOSError):
            await api.products()
        return listed

    rules = Rule(ConnectionReset(), last=1), Rule(ConnectionReset(), first=3, last=4)
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan(rules))) as server:
        assert with_fleet(server, twice)["count"] == 4
        wait_until(lambda: len(server.requests) == 4)  # one torn down is noted after its client has learnt of it
        assert [request.status for request in server.requests] == [NO_STATUS, 200, NO_STATUS, NO_STATUS]


@pytest.mark.parametrize(
    ("path", "error"),
    [(WORLD.ghosts[0], exceptions.InternalServerError), (5, exceptions.NotFound)],
)
def test_ghosts_and_unknown_sites(server: SimulatorServer, path: int, error: type[BaseException]) -> None:
    """API.md#products: a ghost is always 500, an unknown site 404."""
    for _ in range(2):
        with pytest.raises(error):
            with_fleet(server, lambda api: api.energySites.create(path).live_status())


@pytest.mark.parametrize("form", EmptyForm)
def test_an_empty_response_is_no_error(form: EmptyForm) -> None:
    """Q23: the library returns all six forms; code that reads `time_series` of a string fails later."""
    plan = FaultPlan((Rule(EmptyResponse(form)),))
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=plan)) as server:
        response = with_fleet(
            server, lambda api: api.energySites.create(SPEC.site_id).energy_history("day", end_date=END)
        )["response"]
    if form in {EmptyForm.EMPTY_STRING, EmptyForm.OTHER_STRING}:
        assert isinstance(response, str)
    elif form is EmptyForm.NULL:
        assert response is None
    else:
        assert not response.get("time_series")


def test_a_slow_body_is_complete(server: SimulatorServer) -> None:
    """The response is the same as without pauses."""
    plan = FaultPlan((Rule(SlowBody(pieces=3, pause_s=0.02)),))
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=plan)) as slow:
        assert with_fleet(slow, lambda api: api.products()) == with_fleet(server, lambda api: api.products())


def test_concurrent_requests_share_the_limit() -> None:
    """Q28: of forty concurrent requests, exactly as many as the limit succeed."""

    async def many_requests(api: TeslaFleetApi) -> list[bool]:
        async def one() -> bool:
            try:
                await api.products()
            except exceptions.RateLimited:
                return False
            return True

        return list(await asyncio.gather(*(one() for _ in range(40))))

    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(limit=RateLimit(requests=25))) as server:
        assert sum(with_fleet(server, many_requests)) == 25
