"""TeslaPy, which knows nothing of the simulator, logs in, reads every energy endpoint it has, and meets the faults."""

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
from extract.simulator.authority import RefreshOutcome
from extract.simulator.faults import (
    INTERNAL_ERROR,
    UNAVAILABLE,
    ConnectionReset,
    ErrorAnswer,
    HtmlAnswer,
    TruncatedBody,
    Where,
    too_many_requests,
)
from tests.strangers import (
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
    """The demo account with the clock stopped."""
    with scenario("demo").serve(clock=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def battery(server: SimulatorServer) -> Iterator[teslapy.Battery]:
    """The first site as TeslaPy hands it out."""
    with open_teslapy(server) as tesla:
        yield tesla.battery_list()[0]


def test_the_products_are_sorted_by_what_they_are() -> None:
    """API.md §1.1: batteries, solar and wall connectors; a ghost without `resource_type` disturbs nobody."""
    with scenario("personalities").serve(clock=lambda: NOW) as server, open_teslapy(server) as tesla:
        found = {
            "battery": [each["energy_site_id"] for each in tesla.battery_list()],
            "solar": [each["energy_site_id"] for each in tesla.solar_list()],
            "wall_connector": [each["energy_site_id"] for each in tesla.wall_connector_list()],
        }
        sites = server.world.sites
        assert found["battery"] == [each.site_id for each in sites if each.has_battery]
        stale = [each.site_id for each in server.world.stale_sites]
        solar = [each.site_id for each in sites if each.has_solar and not each.has_battery]
        assert sorted(found["solar"]) == sorted(solar + stale)
        assert len(found["wall_connector"]) == 1


def test_a_site_describes_itself(battery: teslapy.Battery) -> None:
    """API.md §1.4, §1.5: settings and the present, as the truth has them; a 16-digit id survives."""
    info = battery.get_site_info()
    assert battery["energy_site_id"] == SPEC.site_id == 1689453203487921
    assert info["site_name"] == SPEC.site_name
    assert info["installation_time_zone"] == SPEC.time_zone
    assert datetime.fromisoformat(info["installation_date"]) == SPEC.installed_at
    assert (info["nameplate_power"], info["nameplate_energy"]) == (SPEC.battery_power_w, SPEC.battery_energy_wh)
    live = battery.get_site_data()
    local_now = NOW.astimezone(SPEC.zone)
    today = TRUTH.day(local_now.date())
    over = sum(each <= NOW.timestamp() - 300 for each in slots_s(today)) - 1
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
    """Q1: from the beginning of the period that holds `end_date` up to it; whatever `start_date` and `timezone` say."""
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
    """API.md §1.2: the first row at the installation, the sum of all the truth."""
    history = battery.get_calendar_history_data(period="lifetime", end_date=last_second(SPEC, DAY))
    years = {datetime.fromisoformat(row["timestamp"]).year for row in history["time_series"]}
    assert years == {2024, 2025, 2026}
    assert sums_wh(history["time_series"]) == TRUTH.total_wh(TRUTH.first_date, DAY)


def test_power_and_charge_are_the_truth_slot_by_slot(battery: teslapy.Battery) -> None:
    """Q33: stamps are the beginnings of the slots; W with a sign, integer percent."""
    truth = TRUTH.day(DAY)
    power = battery.get_calendar_history_data(kind="power", end_date=last_second(SPEC, DAY))["time_series"]
    assert instants_s(power) == slots_s(truth)
    for name in POWERS:
        assert [row[name] for row in power] == pytest.approx(truth.power[name].tolist())
    soe = battery.get_calendar_history_data(kind="soe", end_date=last_second(SPEC, DAY))["time_series"]
    assert [row["soe"] for row in soe] == truth.soe_pct.tolist()


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 11, 2), 300), (date(2025, 3, 9), 276)])
def test_days_on_which_the_clock_changes(battery: teslapy.Battery, day: date, rows: int) -> None:
    """Q5: 300 and 276 five-minute rows, every instant once, both offsets in one answer."""
    series = battery.get_calendar_history_data(kind="power", end_date=last_second(SPEC, day))["time_series"]
    assert len(series) == rows
    assert all(after - before == 300 for before, after in pairwise(instants_s(series)))
    assert {row["timestamp"][-6:] for row in series} == {"-07:00", "-08:00"}


def test_outages_are_told_in_milliseconds(battery: teslapy.Battery) -> None:
    """Q32: newest first, as long as the truth says, whatever the pages say of seconds."""
    history = battery.get_calendar_history_data(kind="backup", period="lifetime", end_date=last_second(SPEC, DAY))
    truth = TRUTH.outages(TRUTH.first_date, DAY)[::-1]
    assert 0 < len(history["events"]) <= len(truth)
    told = [(*instants_s([each]), each["duration"]) for each in history["events"]]
    assert told == [(each.start_s, each.duration_ms) for each in truth[: len(told)]]


def test_charging_is_told_with_both_dates(battery: teslapy.Battery) -> None:
    """API.md §1.3: sessions of the month, in Wh and nested seconds."""
    month = battery.api(
        "ENERGY_SITE_TELEMETRY_HISTORY",
        kind="charge",
        start_date="2025-12-01T00:00:00-08:00",
        end_date="2025-12-31T23:59:59-08:00",
    )["response"]["charge_history"]
    truth = TRUTH.charge_sessions(date(2025, 12, 1), date(2025, 12, 31))
    assert [(each["charge_start_time"]["seconds"], each["energy_added_wh"]) for each in month] == [
        (each.start_s, each.energy_wh) for each in truth
    ]
    assert len(truth) > 5


def test_shares_bands_and_savings_hang_together(battery: teslapy.Battery) -> None:
    """API.md §1.2: self-consumption is the truth's share; the bands of the tariff sum to the day; savings are a value a day."""
    asked = {"period": "day", "end_date": last_second(SPEC, DAY)}
    truth = TRUTH.daily_wh(DAY)
    home = sum(value for name, value in truth.items() if name.startswith("consumer_"))
    share = battery.get_calendar_history_data(kind="self_consumption", **asked)["time_series"][0]
    assert share["solar"] == pytest.approx(truth["consumer_energy_imported_from_solar"] * 100 / home)
    assert share["battery"] == pytest.approx(truth["consumer_energy_imported_from_battery"] * 100 / home)
    bands = battery.get_calendar_history_data(kind="time_of_use_energy", **asked)
    rows = [row for band in bands.values() for row in band["time_series"]]
    assert sums_wh(rows) == truth
    savings = battery.get_calendar_history_data(
        kind="savings", period="month", end_date=last_second(SPEC, DAY), installation_timezone=SPEC.time_zone
    )
    assert [each["timestamp"][:10] for each in savings] == [f"2026-01-{day:02d}" for day in range(1, 10)]
    assert all(each["value"] > 0 for each in savings)


def test_a_tariff_is_what_teslapy_would_have_made(battery: teslapy.Battery) -> None:
    """The names of the tariff's parts are those that TeslaPy sends when it sets one."""
    cost = teslapy.BatteryTariffPeriodCost(0.5, 0.1, "ON_PEAK")
    made = teslapy.Battery.create_tariff(
        teslapy.BatteryTariffPeriodCost(0.3, 0.05, "OFF_PEAK"),
        [teslapy.BatteryTariffPeriod(cost, time(16), time(21))],
        "Utility",
        "Plan",
    )
    told = battery.get_tariff()
    assert made.keys() <= told.keys()
    assert made["seasons"].keys() == told["seasons"].keys()
    assert {"ON_PEAK", "OFF_PEAK"} <= told["seasons"]["Summer"]["tou_periods"].keys()


def test_the_time_that_a_backup_would_last(battery: teslapy.Battery) -> None:
    """API.md §1.0: hours, the battery's energy by the home's power."""
    hours = battery.api("ENERGY_SITE_BACKUP_TIME_REMAINING")["response"]["time_remaining_hours"]
    live = battery.api("SITE_DATA")["response"]
    assert hours == pytest.approx(live["energy_left"] / live["load_power"])


def test_the_retired_history_still_speaks_where_it_is_served() -> None:
    """API.md §1.6, fact 10: yesterday and today, seven days, four weeks, twelve months; elsewhere 410."""
    with scenario("legacy-history").serve(clock=lambda: NOW) as server, open_teslapy(server) as tesla:
        battery = tesla.battery_list()[0]
        today = NOW.astimezone(SPEC.zone).date()
        week = battery.get_history_data(period="week")["time_series"]
        assert len(week) == 7
        assert sums_wh(week) == TRUTH.total_wh(today - timedelta(days=7), today - timedelta(days=1))
        assert [len(battery.get_history_data(period=each)["time_series"]) for each in ("day", "month", "year")] == [
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
    """What TeslaPy sends for `end_date` when it is not told: a text made when it was imported."""
    text: str = inspect.signature(teslapy.Product.get_calendar_history_data).parameters["end_date"].default
    return text


def test_the_default_end_date_is_the_day_of_the_import() -> None:
    """Q4: two days later the same client still asks for the day on which it was started."""
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


def test_the_default_end_date_calls_the_local_clock_utc() -> None:
    """Q4, Q3: where the clock is fourteen hours ahead, the `Z` is fourteen hours wrong; the server believes it."""
    script = (
        "import inspect, teslapy\n"
        "print(inspect.signature(teslapy.Product.get_calendar_history_data).parameters['end_date'].default)"
    )
    before = datetime.now(UTC).replace(microsecond=0)
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={"TZ": "Pacific/Kiritimati", "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    after = datetime.now(UTC)
    claimed = datetime.fromisoformat(told)
    assert told.endswith(".000Z")
    assert before <= claimed - timedelta(hours=14) <= after
    world = demo_world(before.date())
    spec = world.sites[1]
    with serve(world, clock=lambda: claimed + timedelta(days=3)) as server, open_teslapy(server) as tesla:
        series = tesla.battery_list()[1].get_calendar_history_data(kind="power", end_date=told)["time_series"]
        assert datetime.fromisoformat(series[0]["timestamp"]).date() == claimed.astimezone(spec.zone).date()


def test_a_day_asked_in_utc_may_be_another(battery: teslapy.Battery) -> None:
    """Q3: the last second of a day in UTC is afternoon in California, so the day comes back cut."""
    series = battery.get_calendar_history_data(kind="power", end_date="2026-01-10T23:59:59Z")["time_series"]
    assert instants_s(series) == [each for each in slots_s(TRUTH.day(DAY)) if each <= 1_768_089_599]
    early = battery.get_calendar_history_data(kind="power", end_date="2026-01-10T07:59:59Z")["time_series"]
    assert {row["timestamp"][:10] for row in early} == {"2026-01-09"}


def test_the_wrong_name_of_the_time_zone_breaks_nothing(battery: teslapy.Battery, server: SimulatorServer) -> None:
    """Q4: `timezone=` where the API knows `time_zone`; the answer is the same."""
    asked = {"kind": "soe", "end_date": last_second(SPEC, DAY)}
    plain = battery.get_calendar_history_data(**asked)
    assert battery.get_calendar_history_data(timezone="Asia/Tokyo", **asked) == plain
    assert server.requests[-1].params["timezone"] == "Asia/Tokyo"
    assert "time_zone" not in server.requests[-1].params


def test_parameters_in_the_body_of_a_get_are_not_read(battery: teslapy.Battery) -> None:
    """Q41: the period sent as JSON is as good as none."""
    path = f"api/1/energy_sites/{SPEC.site_id}/calendar_history"
    with pytest.raises(teslapy.HTTPError, match=r"400 Client Error: .*Period must either be 'day'"):
        battery.tesla.request("GET", path, params={"kind": "energy"}, json={"period": "day"})


def test_the_day_after_the_last_is_empty(battery: teslapy.Battery) -> None:
    """Q23: a day to come has no series."""
    tomorrow = NOW.astimezone(SPEC.zone).date() + timedelta(days=1)
    assert battery.get_calendar_history_data(period="day", end_date=last_second(SPEC, tomorrow))["time_series"] is None


def person(url: str) -> str:
    """Somebody who opens the page and presses the button; returns where the browser is sent."""
    page = requests.get(url, timeout=10)
    assert '<form method="post">' in page.text
    return requests.post(url, allow_redirects=False, timeout=10).headers["location"]


def test_a_person_logs_in_with_pkce() -> None:
    """API.md §1.0: authorization code with PKCE, back to `tesla://auth/callback`; the tokens are cached and read."""
    cache = TokenCache()
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        with open_teslapy(server, cache, authenticator=person) as tesla:
            assert not tesla.authorized
            assert len(tesla.battery_list()) == 2
            assert tesla.token["expires_in"] == 28_800
        assert len(cache.stored) == 1
        with open_teslapy(server, cache) as again:
            assert again.authorized
            assert len(again.battery_list()) == 2


def test_an_expired_token_is_refreshed_and_stored() -> None:
    """Q29: TeslaPy refreshes by its own clock before it asks; the new pair is stored and no token is sent twice."""
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        cache = logged_in_cache(server, expires_in_s=-60)
        with open_teslapy(server, cache) as tesla:
            assert len(tesla.battery_list()) == 2
        assert [each.outcome for each in server.authority.refreshes] == [RefreshOutcome.ROTATED]
        assert cache.stored[-1]["access_token"] != DEMO_TOKEN


def test_two_clients_with_one_cache_lock_each_other_out() -> None:
    """Q29: the second sends the spent refresh token and has to log in again."""
    with scenario("demo").serve(clock=lambda: datetime.now(UTC)) as server:
        with open_teslapy(server, logged_in_cache(server, expires_in_s=-60)) as first:
            first.battery_list()
        second = open_teslapy(server, logged_in_cache(server, expires_in_s=-60))
        with second, pytest.raises(teslapy.OAuth2Error, match="login_required"):
            second.battery_list()
        assert [each.outcome for each in server.authority.refreshes] == [RefreshOutcome.ROTATED, RefreshOutcome.SPENT]


def test_an_expiry_that_the_client_did_not_foresee() -> None:
    """API.md §1.7: the text of the 401 arrives, and a refresh heals it."""
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
def test_a_closed_door_is_an_http_error_with_its_text(name: str, text: str) -> None:
    """Fact 10, API.md §1.7: what TeslaPy shows to its user."""
    with (
        scenario(name).serve(clock=lambda: NOW) as server,
        open_teslapy(server) as tesla,
        pytest.raises(teslapy.HTTPError, match=text),
    ):
        tesla.battery_list()


def faulty(*rules: Rule) -> SimulatorServer:
    """The demo account with a plan of faults."""
    return serve(WORLD, clock=lambda: NOW, conditions=Conditions(faults=FaultPlan(rules)))


def test_a_burst_of_500_is_survived_by_retries() -> None:
    """Q30: two retries on 500, 502, 503 and 504, as a known downloader configures TeslaPy; the third failure is one."""
    retries = Retry(total=2, status_forcelist=(500, 502, 503, 504), backoff_factor=0)
    rules = Rule(INTERNAL_ERROR, first=1, last=2), Rule(UNAVAILABLE, first=4, last=6)
    with faulty(*rules) as server, open_teslapy(server, retries=retries) as tesla:
        assert len(tesla.battery_list()) == 2
        with pytest.raises(requests.exceptions.RetryError):
            tesla.battery_list()
        assert [each.status for each in server.requests] == [500, 500, 200, 503, 503, 503]


def test_retry_after_is_waited_for() -> None:
    """Q28: urllib3 reads `Retry-After` by itself; the second request comes a second later."""
    with faulty(Rule(too_many_requests(1), last=1)) as server:
        retries = Retry(total=1, status_forcelist=(429,), backoff_factor=0)
        with open_teslapy(server, retries=retries) as tesla:
            began = datetime.now(UTC)
            assert len(tesla.battery_list()) == 2
            assert datetime.now(UTC) - began >= timedelta(seconds=1)
        assert [each.status for each in server.requests] == [429, 200]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ConnectionReset(), requests.exceptions.ConnectionError),
        (ConnectionReset(share=0.5), requests.exceptions.RequestException),
        (TruncatedBody(), requests.exceptions.ChunkedEncodingError),
        (TruncatedBody(is_length_whole=False), requests.exceptions.JSONDecodeError),
        (HtmlAnswer(), requests.exceptions.JSONDecodeError),
        (ErrorAnswer(429, "Too Many Requests"), requests.exceptions.HTTPError),
    ],
)
def test_a_broken_answer_is_an_error_and_the_next_is_whole(fault: Any, error: type[Exception]) -> None:
    """Q30, API.md §1.7: each kind of broken answer is what `requests` takes it for; the session goes on."""
    with faulty(Rule(fault, Where(path="products"), last=1)) as server, open_teslapy(server) as tesla:
        with pytest.raises(error):
            tesla.battery_list()
        assert len(tesla.battery_list()) == 2


def test_months_of_a_year_are_walked_without_a_hole(battery: teslapy.Battery) -> None:
    """Q27, Q1: each month asked for at its own last second gives each of its days once."""
    day, found = date(2025, 1, 1), []
    while day < date(2026, 1, 1):
        after = first_of_next_month(day)
        end_date = last_second(SPEC, after - timedelta(days=1))
        series = battery.get_calendar_history_data(period="month", end_date=end_date)["time_series"]
        found += [row["timestamp"][:10] for row in series]
        day = after
    assert found == [f"{date(2025, 1, 1) + timedelta(days=ahead)}" for ahead in range(365)]
