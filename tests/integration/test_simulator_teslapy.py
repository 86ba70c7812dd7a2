"""TeslaPy, a third-party client, logs in, uses every energy endpoint that it has, and gets the faults."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests
import teslapy
from urllib3.util.retry import Retry

from extract.simulator import (
    DEMO_TOKEN,
    POWERS,
    Conditions,
    FaultPlan,
    Rule,
    SimulatorServer,
    demo_world,
    scenario,
    serve,
)
from extract.simulator.faults.plan import (
    INTERNAL_ERROR,
    UNAVAILABLE,
    ConnectionReset,
    ErrorResponse,
    HtmlResponse,
    TruncatedBody,
    Where,
    too_many_requests,
)
from extract.simulator.login.authority import RefreshOutcome
from tests.patience import PATIENCE_S
from tests.third_party_clients import (
    EMAIL,
    TokenCache,
    first_of_next_month,
    instants_s,
    last_second,
    logged_in_cache,
    open_teslapy,
    slots_s,
    sums_wh,
)

NOW = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SPEC = WORLD.sites[0]
TRUTH = WORLD.truth(SPEC.site_id)
DAY = date(2026, 1, 10)


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """The demo account with a clock that does not move."""
    with scenario("demo").serve(clock=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def battery(server: SimulatorServer) -> Iterator[teslapy.Battery]:
    """The first site as an object of TeslaPy."""
    with open_teslapy(server) as tesla:
        yield tesla.battery_list()[0]


def test_products_are_sorted_by_type() -> None:
    """API.md#products: batteries, solar, and wall connectors; a ghost without `resource_type` causes no error."""
    with scenario("personalities").serve(clock=lambda: NOW) as server, open_teslapy(server) as tesla:
        found = {
            "battery": [product["energy_site_id"] for product in tesla.battery_list()],
            "solar": [product["energy_site_id"] for product in tesla.solar_list()],
            "wall_connector": [product["energy_site_id"] for product in tesla.wall_connector_list()],
        }
        sites = server.world.sites
        assert found["battery"] == [site.site_id for site in sites if site.has_battery]
        stale = [site.site_id for site in server.world.stale_sites]
        solar = [site.site_id for site in sites if site.has_solar and not site.has_battery]
        assert sorted(found["solar"]) == sorted(solar + stale)
        assert len(found["wall_connector"]) == 1


def test_site_info_and_live_status(battery: teslapy.Battery) -> None:
    """API.md#live-status, API.md#site-info: settings and present values equal the truth; an id of 16 digits is unchanged."""
    info = battery.get_site_info()
    assert battery["energy_site_id"] == SPEC.site_id == 1689453203487921
    assert info["site_name"] == SPEC.site_name
    assert info["installation_time_zone"] == SPEC.time_zone
    assert datetime.fromisoformat(info["installation_date"]) == SPEC.installed_at
    assert (info["nameplate_power"], info["nameplate_energy"]) == (SPEC.battery_power_w, SPEC.battery_energy_wh)
    live = battery.get_site_data()
    local_now = NOW.astimezone(SPEC.zone)
    today = TRUTH.day(local_now.date())
    over = sum(start_s <= NOW.timestamp() - 300 for start_s in slots_s(today)) - 1
    for name in POWERS:
        assert live[name] == pytest.approx(today.power[name][over])
    assert live["load_power"] == pytest.approx(sum(live[name] for name in POWERS if name != "grid_services_power"))
    status = battery.api("SITE_SUMMARY")["response"]
    assert status["percentage_charged"] == live["percentage_charged"] == live["energy_left"] * 100 / 27_000


@pytest.mark.parametrize(
    ("period", "first", "rows"),
    [("day", DAY, 288), ("week", date(2026, 1, 5), 6), ("month", date(2026, 1, 1), 10), ("year", date(2026, 1, 1), 1)],
)
def test_energy_is_the_truth_to_the_watt_hour(battery: teslapy.Battery, period: str, first: date, rows: int) -> None:
    """Q1: from the beginning of the period that contains `end_date` up to it; `start_date` and `timezone` have no effect."""
    history = battery.get_calendar_history_data(
        kind="energy",
        period=period,
        start_date="2019-01-01T00:00:00Z",
        end_date=last_second(SPEC, DAY),
        timezone="Europe/Brussels",
    )
    assert history["period"] == period
    assert len(history["time_series"]) == rows
    assert sums_wh(history["time_series"]) == TRUTH.total_wh(first, DAY)


def test_a_lifetime_is_a_row_a_year(battery: teslapy.Battery) -> None:
    """API.md#requests: the first row is at the installation; the sum is that of the truth."""
    history = battery.get_calendar_history_data(period="lifetime", end_date=last_second(SPEC, DAY))
    years = {datetime.fromisoformat(row["timestamp"]).year for row in history["time_series"]}
    assert years == {2024, 2025, 2026}
    assert sums_wh(history["time_series"]) == TRUTH.total_wh(TRUTH.first_date, DAY)


def test_power_and_charge_are_the_truth_slot_by_slot(battery: teslapy.Battery) -> None:
    """Q33: timestamps are the beginnings of the slots; W with a sign, integer percent."""
    truth = TRUTH.day(DAY)
    power = battery.get_calendar_history_data(kind="power", end_date=last_second(SPEC, DAY))["time_series"]
    assert instants_s(power) == slots_s(truth)
    for name in POWERS:
        assert [row[name] for row in power] == pytest.approx(truth.power[name].tolist())
    soe = battery.get_calendar_history_data(kind="soe", end_date=last_second(SPEC, DAY))["time_series"]
    assert [row["soe"] for row in soe] == truth.soe_pct.tolist()


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 11, 2), 300), (date(2025, 3, 9), 276)])
def test_days_on_which_the_clock_changes(battery: teslapy.Battery, day: date, rows: int) -> None:
    """Q5: 300 and 276 five-minute rows, every instant once, both offsets in one response."""
    series = battery.get_calendar_history_data(kind="power", end_date=last_second(SPEC, day))["time_series"]
    assert len(series) == rows
    assert all(after - before == 300 for before, after in pairwise(instants_s(series)))
    assert {row["timestamp"][-6:] for row in series} == {"-07:00", "-08:00"}


def test_outages_are_in_milliseconds(battery: teslapy.Battery) -> None:
    """Q32: newest first, with the durations of the truth, although the documentation says seconds."""
    history = battery.get_calendar_history_data(kind="backup", period="lifetime", end_date=last_second(SPEC, DAY))
    truth = TRUTH.outages(TRUTH.first_date, DAY)[::-1]
    assert 0 < len(history["events"]) <= len(truth)
    events = [(*instants_s([event]), event["duration"]) for event in history["events"]]
    assert events == [(outage.start_s, outage.duration_ms) for outage in truth[: len(events)]]


def test_charging_needs_both_dates(battery: teslapy.Battery) -> None:
    """API.md#charge-sessions: sessions of the month, in Wh and nested seconds."""
    month = battery.api(
        "ENERGY_SITE_TELEMETRY_HISTORY",
        kind="charge",
        start_date="2025-12-01T00:00:00-08:00",
        end_date="2025-12-31T23:59:59-08:00",
    )["response"]["charge_history"]
    truth = TRUTH.charge_sessions(date(2025, 12, 1), date(2025, 12, 31))
    assert [(session["charge_start_time"]["seconds"], session["energy_added_wh"]) for session in month] == [
        (session.start_s, session.energy_wh) for session in truth
    ]
    assert len(truth) > 5


def test_self_consumption_bands_and_savings_match_the_truth(battery: teslapy.Battery) -> None:
    """API.md#requests: shares equal the truth; the bands of a tariff sum to the day; savings have one value a day."""
    params = {"period": "day", "end_date": last_second(SPEC, DAY)}
    truth = TRUTH.daily_wh(DAY)
    home = sum(value for name, value in truth.items() if name.startswith("consumer_"))
    share = battery.get_calendar_history_data(kind="self_consumption", **params)["time_series"][0]
    assert share["solar"] == pytest.approx(truth["consumer_energy_imported_from_solar"] * 100 / home)
    assert share["battery"] == pytest.approx(truth["consumer_energy_imported_from_battery"] * 100 / home)
    bands = battery.get_calendar_history_data(kind="time_of_use_energy", **params)
    rows = [row for band in bands.values() for row in band["time_series"]]
    assert sums_wh(rows) == truth
    savings = battery.get_calendar_history_data(
        kind="savings", period="month", end_date=last_second(SPEC, DAY), installation_timezone=SPEC.time_zone
    )
    assert [row["timestamp"][:10] for row in savings] == [f"2026-01-{day:02d}" for day in range(1, 10)]
    assert all(row["value"] > 0 for row in savings)


def test_a_tariff_has_the_keys_of_teslapys_tariffs(battery: teslapy.Battery) -> None:
    """The keys of the tariff are those that TeslaPy sends when it sets one."""
    cost = teslapy.BatteryTariffPeriodCost(0.5, 0.1, "ON_PEAK")
    expected = teslapy.Battery.create_tariff(
        teslapy.BatteryTariffPeriodCost(0.3, 0.05, "OFF_PEAK"),
        [teslapy.BatteryTariffPeriod(cost, time(16), time(21))],
        "Utility",
        "Plan",
    )
    tariff = battery.get_tariff()
    assert expected.keys() <= tariff.keys()
    assert expected["seasons"].keys() == tariff["seasons"].keys()
    assert {"ON_PEAK", "OFF_PEAK"} <= tariff["seasons"]["Summer"]["tou_periods"].keys()


def test_the_time_that_a_backup_would_last(battery: teslapy.Battery) -> None:
    """API.md#live-status: hours, the battery's energy divided by the home's power."""
    hours = battery.api("ENERGY_SITE_BACKUP_TIME_REMAINING")["response"]["time_remaining_hours"]
    live = battery.api("SITE_DATA")["response"]
    assert hours == pytest.approx(live["energy_left"] / live["load_power"])


def test_the_retired_history_where_it_is_served() -> None:
    """API.md#legacy, API.md#owner-api: yesterday and today, seven days, four weeks, twelve months; elsewhere 410."""
    with scenario("legacy-history").serve(clock=lambda: NOW) as server, open_teslapy(server) as tesla:
        battery = tesla.battery_list()[0]
        today = NOW.astimezone(SPEC.zone).date()
        week = battery.get_history_data(period="week")["time_series"]
        assert len(week) == 7
        assert sums_wh(week) == TRUTH.total_wh(today - timedelta(days=7), today - timedelta(days=1))
        assert [len(battery.get_history_data(period=period)["time_series"]) for period in ("day", "month", "year")] == [
            2,
            4,
            12,
        ]
        power = battery.get_history_data(kind="power")["time_series"]
        assert instants_s(power)[0] == slots_s(TRUTH.day(today - timedelta(days=1)))[0]
    with scenario("calm").serve(clock=lambda: NOW) as server, open_teslapy(server) as tesla:
        battery = tesla.battery_list()[0]
        with pytest.raises(teslapy.HTTPError, match=r"410 Client Error: No longer supported: Use 'calendar_history'"):
            battery.get_history_data(period="week")


def default_end_date() -> str:
    """TeslaPy's default of `end_date`: a text made when it was imported."""
    text: str = inspect.signature(teslapy.Product.get_calendar_history_data).parameters["end_date"].default
    return text


def test_the_default_end_date_is_the_day_of_the_import() -> None:
    """Q4: two days later the same client still requests the day on which it was started."""
    clock = [datetime.now(UTC)]
    world = demo_world(clock[0].date())
    with serve(world, clock=lambda: clock[0]) as server, open_teslapy(server) as tesla:
        battery = tesla.battery_list()[0]
        clock[0] += timedelta(days=2)
        series = battery.get_calendar_history_data(kind="power")["time_series"]
        assert server.requests[-1].params["end_date"] == default_end_date()
        spec = world.sites[0]
        imported = datetime.fromisoformat(default_end_date()).astimezone(spec.zone)
        days = {datetime.fromisoformat(row["timestamp"]).astimezone(spec.zone).date() for row in series}
        assert days == {imported.date()}
        assert days != {clock[0].astimezone(spec.zone).date()}


def test_the_default_end_date_is_local_time_with_z() -> None:
    """Q4, Q3: where local time is fourteen hours ahead, the `Z` is wrong by fourteen hours; the server accepts it."""
    script = (
        "import inspect, teslapy\n"
        "print(inspect.signature(teslapy.Product.get_calendar_history_data).parameters['end_date'].default)"
    )
    before = datetime.now(UTC).replace(microsecond=0)
    end_date = subprocess.run(
        [sys.executable, "-c", script],
        env={"TZ": "Pacific/Kiritimati", "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    after = datetime.now(UTC)
    claimed = datetime.fromisoformat(end_date)
    assert end_date.endswith(".000Z")
    assert before <= claimed - timedelta(hours=14) <= after
    world = demo_world(before.date())
    spec = world.sites[1]
    with serve(world, clock=lambda: claimed + timedelta(days=3)) as server, open_teslapy(server) as tesla:
        series = tesla.battery_list()[1].get_calendar_history_data(kind="power", end_date=end_date)["time_series"]
        assert datetime.fromisoformat(series[0]["timestamp"]).date() == claimed.astimezone(spec.zone).date()


def test_an_end_date_in_utc_can_be_another_local_day(battery: teslapy.Battery) -> None:
    """Q3: the last second of a day in UTC is afternoon in California, so the response ends there."""
    series = battery.get_calendar_history_data(kind="power", end_date="2026-01-10T23:59:59Z")["time_series"]
    assert instants_s(series) == [start_s for start_s in slots_s(TRUTH.day(DAY)) if start_s <= 1_768_089_599]
    early = battery.get_calendar_history_data(kind="power", end_date="2026-01-10T07:59:59Z")["time_series"]
    assert {row["timestamp"][:10] for row in early} == {"2026-01-09"}


def test_an_unknown_time_zone_parameter_is_ignored(battery: teslapy.Battery, server: SimulatorServer) -> None:
    """Q4: `timezone=` instead of the API's `time_zone`; the response is the same."""
    params = {"kind": "soe", "end_date": last_second(SPEC, DAY)}
    plain = battery.get_calendar_history_data(**params)
    assert battery.get_calendar_history_data(timezone="Asia/Tokyo", **params) == plain
    assert server.requests[-1].params["timezone"] == "Asia/Tokyo"
    assert "time_zone" not in server.requests[-1].params


def test_body_parameters_of_a_get_are_ignored(battery: teslapy.Battery) -> None:
    """Q41: a period sent as JSON has no effect."""
    path = f"api/1/energy_sites/{SPEC.site_id}/calendar_history"
    with pytest.raises(teslapy.HTTPError, match=r"400 Client Error: .*Period must either be 'day'"):
        battery.tesla.request("GET", path, params={"kind": "energy"}, json={"period": "day"})


def test_the_day_after_the_last_is_empty(battery: teslapy.Battery) -> None:
    """Q23: a future day has no series."""
    tomorrow = NOW.astimezone(SPEC.zone).date() + timedelta(days=1)
    assert battery.get_calendar_history_data(period="day", end_date=last_second(SPEC, tomorrow))["time_series"] is None


def owner(url: str) -> str:
    """Open the page and submit its form, as the owner does; returns the address of the redirect."""
    page = requests.get(url, timeout=PATIENCE_S)
    assert '<form method="post">' in page.text
    return requests.post(url, allow_redirects=False, timeout=PATIENCE_S).headers["location"]


def test_a_person_logs_in_with_pkce() -> None:
    """API.md#login: authorization code with PKCE, redirect to `tesla://auth/callback`; the tokens are cached and loaded."""
    cache = TokenCache()
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        with open_teslapy(server, cache, authenticator=owner) as tesla:
            assert not tesla.authorized
            assert len(tesla.battery_list()) == 2
            assert tesla.token["expires_in"] == 28_800
        assert len(cache.stored) == 1
        with open_teslapy(server, cache) as again:
            assert again.authorized
            assert len(again.battery_list()) == 2


def test_an_expired_token_is_refreshed_and_stored() -> None:
    """Q29: TeslaPy refreshes by its own clock before a request; the new pair is stored, and no token is sent twice."""
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        cache = logged_in_cache(server, expires_in_s=-60)
        with open_teslapy(server, cache) as tesla:
            assert len(tesla.battery_list()) == 2
        assert [refresh.outcome for refresh in server.authority.refreshes] == [RefreshOutcome.ROTATED]
        assert cache.stored[-1]["access_token"] != DEMO_TOKEN


def test_two_clients_with_the_same_refresh_token() -> None:
    """Q29: the second client sends the used refresh token and has to log in again."""
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        with open_teslapy(server, logged_in_cache(server, expires_in_s=-60)) as first:
            first.battery_list()
        second = open_teslapy(server, logged_in_cache(server, expires_in_s=-60))
        with second, pytest.raises(teslapy.OAuth2Error, match="login_required"):
            second.battery_list()
        assert [refresh.outcome for refresh in server.authority.refreshes] == [
            RefreshOutcome.ROTATED,
            RefreshOutcome.REUSED,
        ]


def test_an_unexpected_expiry() -> None:
    """API.md#status-codes: the text of the 401 arrives, and a refresh repairs it."""
    with scenario("expiring-token").serve(clock=lambda: NOW) as server:
        cache = logged_in_cache(server)
        with open_teslapy(server, cache) as tesla:
            with pytest.raises(teslapy.HTTPError, match=r"401 Client Error: token expired \(401\)"):
                tesla.battery_list()
            tesla.refresh_token()
            assert len(tesla.battery_list()) == 2
            assert cache.content[EMAIL]["sso"]["expires_in"] == 20


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("owner-closed", "403 Client Error: forbidden, see https://developer.tesla.com/docs/fleet-api"),
        ("missing-scope", "403 Client Error: Unauthorized missing scopes"),
        ("payment", "402 Client Error: subscription_required"),
        ("wrong-region", "421 Client Error: user out of region"),
    ],
)
def test_an_error_status_is_an_http_error_with_its_text(name: str, text: str) -> None:
    """API.md#owner-api, API.md#status-codes: the error that TeslaPy raises."""
    with (
        scenario(name).serve(clock=lambda: NOW) as server,
        open_teslapy(server) as tesla,
        pytest.raises(teslapy.HTTPError, match=text),
    ):
        tesla.battery_list()


def faulty(*rules: Rule) -> SimulatorServer:
    """The demo account with a fault plan."""
    return serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan(rules)))


def test_retries_get_past_a_burst_of_500() -> None:
    """Q30: two retries after 500, 502, 503, and 504, as a known downloader configures TeslaPy; a third failure is an error."""
    retries = Retry(total=2, status_forcelist=(500, 502, 503, 504), backoff_factor=0)
    rules = Rule(INTERNAL_ERROR, first=1, last=2), Rule(UNAVAILABLE, first=4, last=6)
    with faulty(*rules) as server, open_teslapy(server, retries=retries) as tesla:
        assert len(tesla.battery_list()) == 2
        with pytest.raises(requests.exceptions.RetryError):
            tesla.battery_list()
        assert [request.status for request in server.requests] == [500, 500, 200, 503, 503, 503]


def test_retry_after_is_waited_for() -> None:
    """Q28: urllib3 reads `Retry-After` itself; the second request comes a second later."""
    with faulty(Rule(too_many_requests(1), last=1)) as server:
        retries = Retry(total=1, status_forcelist=(429,), backoff_factor=0)
        with open_teslapy(server, retries=retries) as tesla:
            began = datetime.now(UTC)
            assert len(tesla.battery_list()) == 2
            assert datetime.now(UTC) - began >= timedelta(seconds=1)
        assert [request.status for request in server.requests] == [429, 200]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ConnectionReset(), requests.exceptions.ConnectionError),
        (ConnectionReset(share=0.5), requests.exceptions.RequestException),
        (TruncatedBody(), requests.exceptions.ChunkedEncodingError),
        (TruncatedBody(is_length_whole=False), requests.exceptions.JSONDecodeError),
        (HtmlResponse(), requests.exceptions.JSONDecodeError),
        (ErrorResponse(429, "Too Many Requests"), requests.exceptions.HTTPError),
    ],
)
def test_a_damaged_response_is_an_error_and_the_next_request_succeeds(fault: Any, error: type[Exception]) -> None:
    """Q30, API.md#status-codes: each damaged response raises the error of `requests`; the session can be used further."""
    with faulty(Rule(fault, Where(path="products"), last=1)) as server, open_teslapy(server) as tesla:
        with pytest.raises(error):
            tesla.battery_list()
        assert len(tesla.battery_list()) == 2


def test_the_months_of_a_year_have_every_day_once(battery: teslapy.Battery) -> None:
    """Q27, Q1: requests for each month with its own last second give each of its days once."""
    day, found = date(2025, 1, 1), []
    while day < date(2026, 1, 1):
        after = first_of_next_month(day)
        end_date = last_second(SPEC, after - timedelta(days=1))
        series = battery.get_calendar_history_data(period="month", end_date=end_date)["time_series"]
        found += [row["timestamp"][:10] for row in series]
        day = after
    assert found == [f"{date(2025, 1, 1) + timedelta(days=ahead)}" for ahead in range(365)]
