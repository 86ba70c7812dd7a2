"""tesla-fleet-api, for the Fleet API and for Teslemetry, reads every energy endpoint it has and raises for every fault."""

import asyncio
import json
import time
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
from extract.simulator.authority import RefreshOutcome
from extract.simulator.faults import (
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
    EmptyAnswer,
    EmptySpelling,
    ErrorAnswer,
    Fault,
    HtmlAnswer,
    SlowBody,
    TruncatedBody,
)
from extract.simulator.server import NO_STATUS
from tests.strangers import (
    instants_s,
    last_second,
    slots_s,
    sums_wh,
    turned,
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
    """The demo account with the clock stopped."""
    with scenario("demo").serve(clock=lambda: NOW) as running:
        yield running


@pytest.fixture(params=["fleet", "teslemetry"])
def ask(request: pytest.FixtureRequest, server: SimulatorServer) -> Callable[[Work], Json]:
    """Either client of the library, asking the demo account."""
    if request.param == "fleet":
        return lambda work: with_fleet(server, work)
    return lambda work: with_teslemetry(server, work)


def test_the_products_are_listed(ask: Callable[[Work], Json]) -> None:
    """API.md §1.1: a car, two sites, and a ghost that has no name and no type; large ids survive."""
    listed = ask(lambda api: api.products())
    assert listed["count"] == len(listed["response"]) == 4
    sites = {
        each["energy_site_id"]: each.get("resource_type") for each in listed["response"] if "energy_site_id" in each
    }
    assert sites == {each.site_id: "battery" for each in WORLD.sites} | {WORLD.ghosts[0]: None}


def test_a_site_describes_itself(ask: Callable[[Work], Json]) -> None:
    """API.md §1.4, §1.5, Q38: with its sentinels, its wall connectors and its present."""
    info = ask(lambda api: api.energySites.create(SPEC.site_id).site_info())["response"]
    assert info["site_name"] == SPEC.site_name
    assert info["max_site_meter_power_ac"] == -info["min_site_meter_power_ac"] == 1_000_000_000
    assert len(info["components"]["wall_connectors"]) == SPEC.wall_connectors == 2
    live = ask(lambda api: api.energySites.create(SPEC.site_id).live_status())["response"]
    assert live["total_pack_energy"] == SPEC.battery_energy_wh
    sources = ("solar_power", "battery_power", "grid_power", "generator_power")
    assert live["load_power"] == pytest.approx(sum(live[name] for name in sources))
    assert [each["din"] for each in live["wall_connectors"]] == [
        each["din"] for each in info["components"]["wall_connectors"]
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
    """Q1: by `end_date` alone; `start_date` and `time_zone` change nothing."""
    history = ask(
        lambda api: api.energySites.create(SPEC.site_id).energy_history(
            period, "2020-01-01T00:00:00Z", END, "Europe/Brussels"
        )
    )["response"]
    assert history["period"] == period
    assert sums_wh(history["time_series"]) == TRUTH.total_wh(first, DAY)


def test_a_day_has_a_row_for_each_slot(ask: Callable[[Work], Json]) -> None:
    """Q10, Q42, fact 4: five-minute rows; a total is there exactly when it is not zero."""
    rows = ask(lambda api: api.energySites.create(SPEC.site_id).energy_history("day", end_date=END))["response"][
        "time_series"
    ]
    assert instants_s(rows) == slots_s(TRUTH.day(DAY))
    assert all(("total_solar_generation" in row) == (row["solar_energy_exported"] > 0) for row in rows)
    assert {"total_solar_generation" in row for row in rows} == {True, False}


def test_without_dates_today_is_told_up_to_now(ask: Callable[[Work], Json]) -> None:
    """API.md §1.2: no dates at all is what some clients send; the answer begins with the site's midnight."""
    rows = ask(lambda api: api.energySites.create(SPEC.site_id).energy_history("day"))["response"]["time_series"]
    assert rows[0]["timestamp"] == "2026-01-15T00:00:00-08:00"
    assert instants_s(rows)[-1] <= NOW.timestamp() < instants_s(rows)[-1] + 300


def test_outages_are_told_in_milliseconds(ask: Callable[[Work], Json]) -> None:
    """Q32: the library's own text says seconds; taken so, the events would overlap."""
    told = ask(lambda api: api.energySites.create(SPEC.site_id).backup_history("lifetime", end_date=END))["response"]
    truth = TRUTH.outages(TRUTH.first_date, DAY)[::-1]
    assert [each["duration"] for each in told["events"]] == [each.duration_ms for each in truth[: len(told["events"])]]
    assert len(told["events"]) > 2


def test_charging_needs_both_dates(ask: Callable[[Work], Json]) -> None:
    """API.md §1.3: sessions between them, in Wh."""
    told = ask(
        lambda api: api.energySites.create(SPEC.site_id).charge_history(
            "2025-12-01T00:00:00-08:00", "2025-12-31T23:59:59-08:00", "America/Los_Angeles"
        )
    )["response"]["charge_history"]
    truth = TRUTH.charge_sessions(date(2025, 12, 1), date(2025, 12, 31))
    assert [each["energy_added_wh"] for each in told] == [each.energy_wh for each in truth]


def test_a_tariff_stands_in_the_site_info(ask: Callable[[Work], Json]) -> None:
    """API.md §1.5: `tariff_content_v2`, which the library sends back by `time_of_use_settings`."""
    info = ask(lambda api: api.energySites.create(SPEC.site_id).site_info())["response"]
    tariff = info["tariff_content_v2"]
    assert {"seasons", "energy_charges", "demand_charges", "daily_charges", "sell_tariff"} <= tariff.keys()
    assert set(tariff["energy_charges"]) - {"ALL"} == set(tariff["seasons"])


def test_a_region_names_its_server(server: SimulatorServer) -> None:
    """API.md §1.0: `fleet_api_base_url` and `region`."""
    told = with_fleet(server, lambda api: api.user.region())
    assert told["response"] == {"region": "na", "fleet_api_base_url": server.base_url}


def turns_to(server: SimulatorServer) -> dict[str, str]:
    """The library's fixed hosts, each with its place in the simulator."""
    hosts = {region: url.removeprefix("https://") for region, url in SERVERS.items()}
    return {
        hosts["na"]: server.base_url,
        hosts["eu"]: f"{server.base_url}/eu",
        hosts["cn"]: f"{server.base_url}/cn",
        "fleet-auth.prd.vn.cloud.tesla.com": server.base_url,
    }


def test_the_library_finds_the_region_by_trying() -> None:
    """API.md §1.0: `find_server` asks one server after the other, takes 421 for a no, and stops at the right one."""

    async def find(session: aiohttp.ClientSession) -> tuple[str, str | None]:
        api = TeslaFleetApi(turned(session, turns_to(here)), access_token=DEMO_TOKEN, region="na")
        region = await api.find_server()
        return region, api.server

    with scenario("hidden-region").serve(clock=lambda: NOW) as here:
        assert with_session(find) == ("eu", f"{here.base_url}/eu")
        assert [(each.status, each.path) for each in here.requests] == [
            (421, "/api/1/users/region"),
            (200, "/eu/api/1/users/region"),
        ]


def test_the_wrong_region_is_refused_and_the_right_one_answers() -> None:
    """API.md §1.0: 421 is `InvalidRegion`; the address that the region names holds the account."""

    async def move(api: TeslaFleetApi) -> Json:
        with pytest.raises(exceptions.InvalidRegion):
            await api.products()
        api.server = (await api.user.region())["response"]["fleet_api_base_url"]
        return await api.products()

    with scenario("wrong-region").serve(clock=lambda: NOW) as server:
        assert with_fleet(server, move)["count"] == 2


def test_teslemetry_tells_region_and_scopes(server: SimulatorServer) -> None:
    """API.md §1.0: without an envelope; the region is in capitals, and the library takes its host from it."""
    metadata = with_teslemetry(server, lambda api: api.metadata(update_region=False))
    assert metadata["region"] == "NA"
    assert with_session(lambda session: Teslemetry(session, DEMO_TOKEN, server.base_url).scopes()) == list(WORLD.scopes)

    async def find(session: aiohttp.ClientSession) -> tuple[str, str | None, Json]:
        turns = {"na.teslemetry.com": server.base_url, "api.teslemetry.com": server.base_url}
        api = Teslemetry(turned(session, turns), access_token=DEMO_TOKEN)
        return await api.find_server(), api.server, await api.products()

    region, address, listed = with_session(find)
    assert (region, address, listed["count"]) == ("na", "https://na.teslemetry.com", 4)


def test_teslemetry_refuses_the_thirty_first_request() -> None:
    """Q28, API.md §1.8: `RateLimited` with the seconds to wait."""

    async def hurry(api: Teslemetry) -> Json:
        for _ in range(30):
            await api.products()
        with pytest.raises(exceptions.RateLimited) as caught:
            await api.products()
        assert isinstance(caught.value.data, dict)
        return caught.value.data

    with scenario("teslemetry").serve(clock=lambda: NOW) as server:
        assert with_teslemetry(server, hurry) == {"reset": "60", "after": "60"}


def oauth(session: aiohttp.ClientSession, server: SimulatorServer, refresh_token: str | None = None) -> TeslaFleetOAuth:
    """The library's own OAuth client, a confidential one."""
    return TeslaFleetOAuth(
        turned(session, turns_to(server)),
        region="na",
        client_id="wattlog",
        client_secret="not-much-of-a-secret",
        redirect_uri="http://localhost:8123/callback",
        refresh_token=refresh_token,
    )


def test_the_library_logs_in_and_refreshes() -> None:
    """Q29: code, tokens, region by the code's prefix; after expiry one refresh, and no refresh token is sent twice."""
    clock = [datetime.now(UTC)]

    async def work(session: aiohttp.ClientSession) -> tuple[Json, Json, str | None]:
        api = oauth(session, here)
        page = api.get_login_url([Scope.OPENID, Scope.OFFLINE_ACCESS, Scope.ENERGY_DEVICE_DATA])
        url = page.replace("https://auth.tesla.com", here.base_url)
        async with session.get(url, allow_redirects=False) as answer:
            location = answer.headers["location"]
        assert location.endswith("&state=login")
        await api.get_refresh_token(location.partition("code=")[2].partition("&")[0])
        first = await api.products()
        api.expires = 0
        return first, await api.products(), api.refresh_token

    with scenario("demo").serve(clock=lambda: clock[0]) as here:
        first, second, refresh_token = with_session(work)
        assert first == second
        assert [each.outcome for each in here.authority.refreshes] == [RefreshOutcome.ROTATED]
        assert refresh_token is not None
        assert refresh_token.startswith("NA_")


def test_a_spent_refresh_token_is_a_failure_with_its_key() -> None:
    """Q29: `login_required`."""

    async def twice(session: aiohttp.ClientSession) -> None:
        await oauth(session, here, DEMO_REFRESH_TOKEN).refresh_access_token()
        with pytest.raises(ValueError, match="login_required"):
            await oauth(session, here, DEMO_REFRESH_TOKEN).refresh_access_token()

    with scenario("demo").serve(clock=lambda: NOW) as here:
        with_session(twice)
        assert len(here.authority.refreshes) == 2


def test_a_token_that_expires_between_two_requests() -> None:
    """Q29: `OAuthExpired` by the clock of the server, with a token that was good a second before."""
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
    """What the library raises for a fault; the request after it must succeed."""

    async def meet(api: TeslaFleetApi) -> BaseException:
        try:
            await api.products()
        except (exceptions.TeslaFleetError, aiohttp.ClientError, json.JSONDecodeError) as error:
            assert (await api.products())["count"] == 4
            return error
        raise AssertionError(f"{fault} was not noticed")

    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan((Rule(fault, last=1),)))) as server:
        error = with_fleet(server, meet)
        assert [each.faults for each in server.requests] == [(fault,), ()]
        return error


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ErrorAnswer(400, "invalid_request"), exceptions.InvalidRequest),
        (EXPIRED_TOKEN, exceptions.OAuthExpired),
        (EXPIRED_WITHOUT_BODY, exceptions.OAuthExpired),
        (ErrorAnswer(401, "login_required"), exceptions.LoginRequired),
        (ErrorAnswer(401, "invalid_token"), exceptions.InvalidToken),
        (SUBSCRIPTION_REQUIRED, exceptions.SubscriptionRequired),
        (INSUFFICIENT_CREDITS, exceptions.InsufficientCredits),
        (MISSING_SCOPES, exceptions.Forbidden),
        (ErrorAnswer(403, "invalid_scope"), exceptions.InvalidScope),
        (OWNER_API_CLOSED, exceptions.Forbidden),
        (ErrorAnswer(404, "not_found"), exceptions.NotFound),
        (TIMED_OUT, exceptions.VehicleOffline),
        (WRONG_REGION, exceptions.InvalidRegion),
        (ErrorAnswer(423, "locked"), exceptions.Locked),
        (UPSTREAM_INVALID, exceptions.InvalidResponse),
        (ErrorAnswer(429, "Too Many Requests"), exceptions.RateLimited),
        (INTERNAL_ERROR, exceptions.InternalServerError),
        (UNAVAILABLE, exceptions.ServiceUnavailable),
        (GATEWAY_TIMEOUT, exceptions.GatewayTimeout),
        (HtmlAnswer(), exceptions.ResponseError),
        (ConnectionReset(share=0.5), aiohttp.ClientError),
        (TruncatedBody(), aiohttp.ClientPayloadError),
        (TruncatedBody(is_length_whole=False), json.JSONDecodeError),
    ],
)
def test_every_fault_is_what_the_library_calls_it(fault: Fault, error: type[BaseException]) -> None:
    """API.md §1.7, Q28, Q29, Q30: status and key are those by which a client of the real API tells them apart."""
    assert isinstance(raised(fault), error)


def test_one_reset_is_healed_below_the_library() -> None:
    """aiohttp asks again once by itself when a connection is reset; the second reset is an error."""

    async def twice(api: TeslaFleetApi) -> Json:
        listed = await api.products()
        with pytest.raises(aiohttp.ClientOSError):
            await api.products()
        return listed

    rules = Rule(ConnectionReset(), last=1), Rule(ConnectionReset(), first=3, last=4)
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan(rules))) as server:
        assert with_fleet(server, twice)["count"] == 4
        deadline = time.monotonic() + 5
        while len(server.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)  # a connection torn down is noted after its client has learnt of it
        assert [each.status for each in server.requests] == [NO_STATUS, 200, NO_STATUS, NO_STATUS]


@pytest.mark.parametrize(
    ("path", "error"),
    [(WORLD.ghosts[0], exceptions.InternalServerError), (5, exceptions.NotFound)],
)
def test_a_site_that_is_not_there(server: SimulatorServer, path: int, error: type[BaseException]) -> None:
    """API.md §1.1: a ghost is 500 for ever, an unknown site 404."""
    for _ in range(2):
        with pytest.raises(error):
            with_fleet(server, lambda api: api.energySites.create(path).live_status())


@pytest.mark.parametrize("spelling", EmptySpelling)
def test_an_empty_answer_is_no_error(spelling: EmptySpelling) -> None:
    """Q23: the library hands all six out as answers; whoever takes `time_series` of a string fails later."""
    plan = FaultPlan((Rule(EmptyAnswer(spelling)),))
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=plan)) as server:
        response = with_fleet(
            server, lambda api: api.energySites.create(SPEC.site_id).energy_history("day", end_date=END)
        )["response"]
    if spelling in {EmptySpelling.EMPTY_STRING, EmptySpelling.OTHER_STRING}:
        assert isinstance(response, str)
    elif spelling is EmptySpelling.NULL:
        assert response is None
    else:
        assert not response.get("time_series")


def test_a_slow_body_is_whole(server: SimulatorServer) -> None:
    """Patience gives the same answer."""
    plan = FaultPlan((Rule(SlowBody(pieces=3, pause_s=0.02)),))
    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=plan)) as slow:
        assert with_fleet(slow, lambda api: api.products()) == with_fleet(server, lambda api: api.products())


def test_many_at_once_meet_one_limit() -> None:
    """Q28: forty requests in flight together; exactly the limit is answered."""

    async def crowd(api: TeslaFleetApi) -> list[bool]:
        async def one() -> bool:
            try:
                await api.products()
            except exceptions.RateLimited:
                return False
            return True

        return list(await asyncio.gather(*(one() for _ in range(40))))

    with serve(WORLD, clock=lambda: NOW, conditions=Conditions(limit=RateLimit(requests=25))) as server:
        assert sum(with_fleet(server, crowd)) == 25
