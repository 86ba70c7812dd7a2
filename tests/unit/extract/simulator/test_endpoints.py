"""The endpoints other than power, soe, and energy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from extract.simulator import FLOWS, ChargeKey, Mode, OutageInParts, SettingsChange, SiteSpec, World
from extract.simulator.endpoints.app import SITE_ENDPOINTS
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.measures import HOME
from wattlog.local_days import first_instant

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)  # a Monday, 12:02:03 in Los Angeles
SITE = SiteSpec(
    site_id=6,
    installed_at=datetime(2024, 10, 1, 20, tzinfo=UTC),
    wall_connectors=2,
    outages_per_year=30,
    mode=Mode.AUTONOMOUS,
    has_tariff=True,
    seed=12,
)
Get = Callable[..., Any]


@pytest.fixture
def get() -> Get:
    """`get(spec, endpoint, now=…, **params)` returns the `response`."""

    def get_response(spec: SiteSpec, endpoint: str, now: datetime = NOW, *, legacy: bool = False, **params: str) -> Any:
        world = World((spec,), has_legacy_history=legacy)
        return SITE_ENDPOINTS[endpoint](Query(world, world.truth(spec.site_id), params, now))

    return get_response


def outages() -> list[tuple[datetime, int]]:
    """Beginning and milliseconds of every outage in the truth, newest first."""
    found = World((SITE,)).truth(SITE.site_id).outages(date(2024, 10, 1), NOW.date())
    return [(datetime.fromtimestamp(outage.start_s, UTC), outage.duration_ms) for outage in found[::-1]]


def events(response: Any) -> list[tuple[datetime, int]]:
    """Beginning and duration of every event."""
    return [(datetime.fromisoformat(event["timestamp"]), event["duration"]) for event in response["events"]]


def test_backup_pages_list_every_outage_newest_first_in_milliseconds(get: Get) -> None:
    """Q32: following next_end_date to the end gives each outage once; the counts are always 0."""
    collected, params, pages = [], {"kind": "backup", "period": "lifetime"}, 0
    while True:
        response = get(SITE, "calendar_history", **params)
        assert (response["events_count"], response["total_events"]) == (0, 0)
        collected += events(response)
        pages += 1
        if "next_end_date" not in response:
            break
        params["end_date"] = response["next_end_date"]
    assert collected == outages()
    assert pages == -(-len(collected) // 20) > 1
    assert min(duration for _, duration in collected) >= 38_000


def test_backup_can_list_outages_in_parts_until_an_instant(get: Get) -> None:
    """Q32: two parts of each, neither of which begins when the outage did; later the list is right."""
    parts = OutageInParts(date(2026, 1, 1), NOW.date(), NOW)
    spec = replace(SITE, backup_page_size=1000, anomalies=(parts,))
    listed = events(get(spec, "calendar_history", NOW - timedelta(hours=1), kind="backup"))
    whole = [outage for outage in outages() if outage[0] >= datetime(2026, 1, 2, tzinfo=UTC)]
    assert len(listed) == len(outages()) + len(whole) > len(whole) > 3
    assert not {start for start, _ in whole} & {start for start, _ in listed}
    assert events(get(spec, "calendar_history", NOW, kind="backup")) == outages()


def test_backup_durations_in_seconds_would_overlap(get: Get) -> None:
    """Q32: as milliseconds no outage overlaps the next one; as seconds many would."""
    found = events(get(replace(SITE, backup_page_size=1000), "calendar_history", kind="backup"))[::-1]
    gaps = [(after - start).total_seconds() for (start, _), (after, _) in pairwise(found)]
    lengths = [duration for _, duration in found[:-1]]
    assert all(length / 1000 < gap for length, gap in zip(lengths, gaps, strict=True))
    assert sum(length > gap for length, gap in zip(lengths, gaps, strict=True)) > len(gaps) / 3


def test_backup_follows_the_window_of_its_period(get: Get) -> None:
    """Q1: period=month gives only the outages of that month."""
    start = outages()[3][0].astimezone(SITE.zone)
    end_date = start.replace(day=28, hour=23, minute=59, second=59)
    response = get(SITE, "calendar_history", kind="backup", period="month", end_date=end_date.isoformat())
    months = {(start.astimezone(SITE.zone).year, start.astimezone(SITE.zone).month) for start, _ in events(response)}
    assert months <= {(start.year, start.month)}


def test_an_outage_is_listed_after_its_end(get: Get) -> None:
    """An outage that lasts is not in the history, but in live_status."""
    start, duration = max(outages(), key=lambda outage: outage[1])
    during, after = start + timedelta(seconds=600), start + timedelta(milliseconds=duration + 1)
    assert (start, duration) not in events(get(SITE, "calendar_history", during, kind="backup"))
    assert (start, duration) in events(get(SITE, "calendar_history", after, kind="backup"))
    assert get(SITE, "live_status", during)["island_status"] == "off_grid_unintentional"
    assert get(SITE, "live_status", during)["grid_status"] == "Inactive"
    assert get(SITE, "live_status", after)["grid_status"] == "Active"


def test_a_last_page_can_point_to_itself(get: Get) -> None:
    """Q32: a bug of the server that needs a loop guard: the next page is the same page again."""
    spec = replace(SITE, has_backup_loop=True, backup_page_size=1000)
    first = get(spec, "calendar_history", kind="backup", end_date="2026-07-01T00:00:00-07:00")
    again = get(spec, "calendar_history", kind="backup", end_date=first["next_end_date"])
    assert again == first


def test_self_consumption_is_the_share_of_solar_and_battery(get: Get) -> None:
    """API.md#requests: percent of home use of each day at 00:00, without zone and serial number."""
    end_date = "2026-06-14T23:59:59-07:00"
    response = get(SITE, "calendar_history", kind="self_consumption", period="week", end_date=end_date)
    assert set(response) == {"period", "time_series"}
    assert len(response["time_series"]) == 7
    for ahead, row in enumerate(response["time_series"]):
        day = date(2026, 6, 8) + timedelta(days=ahead)
        assert row["timestamp"] == f"{day}T00:00:00-07:00"
        wh = World((SITE,)).truth(SITE.site_id).daily_wh(day)
        home = sum(wh[name] for name in HOME)
        assert row["solar"] == pytest.approx(100 * wh["consumer_energy_imported_from_solar"] / home)
        assert row["battery"] == pytest.approx(100 * wh["consumer_energy_imported_from_battery"] / home)


def test_self_consumption_has_no_default_period(get: Get) -> None:
    """API.md#requests: without a period the request fails."""
    with pytest.raises(ApiError, match="400"):
        get(SITE, "calendar_history", kind="self_consumption")


def test_time_of_use_buckets_add_up_to_the_day(get: Get) -> None:
    """The sum of off-peak, partial peak, and peak is the day, in all sixteen flows."""
    end_date = "2026-06-14T23:59:59-07:00"
    response = get(SITE, "calendar_history", kind="time_of_use_energy", period="day", end_date=end_date)
    assert set(response) == {"off_peak", "partial_peak", "peak"}
    total = {name: sum(band["time_series"][0][name] for band in response.values()) for name in FLOWS}
    assert total == World((SITE,)).truth(SITE.site_id).daily_wh(date(2026, 6, 14))
    month = get(SITE, "calendar_history", kind="time_of_use_energy", period="month", end_date=end_date)
    assert len(month["peak"]["time_series"]) == 14
    assert month["peak"]["time_series"][13] == response["peak"]["time_series"][0]


def test_time_of_use_is_an_empty_string_in_other_modes(get: Get) -> None:
    """Q23: the response for a site in self-powered mode is an empty string; a band without energy is left out."""
    spec = replace(SITE, mode=Mode.SELF_CONSUMPTION)
    assert get(spec, "calendar_history", kind="time_of_use_energy", period="day") == ""
    early = get(SITE, "calendar_history", kind="time_of_use_energy", period="day", end_date="2026-06-14T09:00:00-07:00")
    assert set(early) == {"off_peak"}


@pytest.mark.parametrize(("endpoint", "kind"), [("calendar_history", {"kind": "savings"}), ("savings_forecast", {})])
def test_savings_are_a_day_behind_and_need_a_tariff(get: Get, endpoint: str, kind: dict[str, str]) -> None:
    """API.md#requests: a list with UTC timestamps that ends yesterday; without a tariff a 400 with the reason."""
    response = get(SITE, endpoint, **kind, period="month")
    assert [row["timestamp"] for row in response][::18] == ["2026-07-01T07:00:00Z", "2026-07-19T07:00:00Z"]
    assert len(response) == 19
    assert all(0 < row["value"] < 50 for row in response)
    with pytest.raises(ApiError, match="Tariff not found by tariffID"):
        get(replace(SITE, has_tariff=False), endpoint, **kind, period="month")


BOUNDS = {"kind": "charge", "start_date": "2026-06-01T00:00:00-07:00", "end_date": "2026-06-30T23:59:59-07:00"}


@pytest.mark.parametrize("key", list(ChargeKey))
def test_charge_sessions_have_one_of_two_keys(get: Get, key: ChargeKey) -> None:
    """API.md#charge-sessions: epoch seconds and Wh in nested objects, below charge_history or time_series."""
    response = get(replace(SITE, charge_key=key), "telemetry_history", **BOUNDS)
    sessions = World((SITE,)).truth(SITE.site_id).charge_sessions(date(2026, 6, 1), date(2026, 6, 30))
    assert [
        (session["charge_start_time"]["seconds"], session["charge_duration"]["seconds"], session["energy_added_wh"])
        for session in response[key.value]
    ] == [(session.start_s, session.duration_s, session.energy_wh) for session in sessions]
    assert len(sessions) > 5
    assert {session["target_id"]["text"] for session in response[key.value]} == {
        session["target_id"]["text"] for session in get(SITE, "telemetry_history", **BOUNDS)["charge_history"]
    }
    assert ("period" in response) == (key is ChargeKey.TIME_SERIES)


def test_charge_history_needs_both_dates(get: Get) -> None:
    """API.md#charge-sessions: start_date and end_date are required, and kind=charge is the only one."""
    for name in ("start_date", "end_date"):
        with pytest.raises(ApiError, match="required"):
            get(SITE, "telemetry_history", **{key: value for key, value in BOUNDS.items() if key != name})
    with pytest.raises(ApiError, match="not supported"):
        get(SITE, "telemetry_history", **BOUNDS | {"kind": "drive"})


def test_a_session_belongs_to_the_window_of_its_beginning(get: Get) -> None:
    """A session is in the window in which it began, after its end."""
    first, second, *_ = World((SITE,)).truth(SITE.site_id).charge_sessions(date(2026, 6, 1), date(2026, 6, 30))
    begin = datetime.fromtimestamp(first.start_s, UTC)
    bounds = {"kind": "charge", "start_date": begin.isoformat(), "end_date": begin.isoformat()}
    assert len(get(SITE, "telemetry_history", **bounds)["charge_history"]) == 1
    after = (begin + timedelta(seconds=1)).isoformat()
    end = datetime.fromtimestamp(second.start_s - 1, UTC).isoformat()
    assert get(SITE, "telemetry_history", **bounds | {"start_date": after, "end_date": end})["charge_history"] == []
    during = begin + timedelta(seconds=first.duration_s - 1)
    assert get(SITE, "telemetry_history", during, **bounds)["charge_history"] == []
    charging = [connector["wall_connector_power"] for connector in get(SITE, "live_status", during)["wall_connectors"]]
    assert sorted(charging) == [0, 7200]


def test_the_old_history_is_retired(get: Get) -> None:
    """API.md#owner-api: /history is 410 with a hint; kind=backup is also 410 where the rest is still served."""
    with pytest.raises(ApiError, match="410") as raised:
        get(SITE, "history", kind="energy", period="day")
    assert "calendar_history" in raised.value.error
    with pytest.raises(ApiError, match="410"):
        get(SITE, "history", legacy=True, kind="backup")


@pytest.mark.parametrize(
    ("period", "stamps"),
    [
        ("day", ["2026-07-19T01:00:00-07:00", "2026-07-20T01:00:00-07:00"]),
        ("week", [f"2026-07-{day}T01:00:00-07:00" for day in range(13, 20)]),
        ("month", [f"2026-{day}T01:00:00-07:00" for day in ("06-27", "07-04", "07-11", "07-18")]),
    ],
)
def test_the_old_history_ends_now(get: Get, period: str, stamps: list[str]) -> None:
    """API.md#legacy, Q9: two days, seven days without today, four weeks at their Saturday; end_date is ignored."""
    response = get(SITE, "history", legacy=True, kind="energy", period=period, end_date="2020-01-01T00:00:00Z")
    rows = response["time_series"]
    assert [row["timestamp"] for row in rows] == stamps
    assert all(set(row) == {"timestamp", *FLOWS} for row in rows)
    truth = World((SITE,)).truth(SITE.site_id)
    if period == "month":
        assert {name: rows[-1][name] for name in FLOWS} == truth.total_wh(date(2026, 7, 12), date(2026, 7, 18))
    else:
        assert {name: rows[0][name] for name in FLOWS} == truth.daily_wh(date.fromisoformat(stamps[0][:10]))


def test_the_old_history_of_a_year_is_twelve_months(get: Get) -> None:
    """API.md#legacy: twelve months without the current one, and none before the installation."""
    rows = get(SITE, "history", legacy=True, kind="energy", period="year")["time_series"]
    assert [row["timestamp"][:7] for row in rows][::11] == ["2025-07", "2026-06"]
    assert len(rows) == 12
    two_months_old = replace(SITE, installed_at=datetime(2026, 5, 10, 20, tzinfo=UTC))
    assert len(get(two_months_old, "history", legacy=True, kind="energy", period="year")["time_series"]) == 2
    installed_today = replace(SITE, installed_at=datetime(2026, 7, 20, 16, tzinfo=UTC))
    assert get(installed_today, "history", legacy=True, kind="energy", period="year")["time_series"] == []


def test_the_old_power_history_runs_from_yesterday_to_now(get: Get) -> None:
    """API.md#legacy: always from yesterday 00:00 on."""
    rows = get(SITE, "history", legacy=True, kind="power")["time_series"]
    assert rows[0]["timestamp"] == "2026-07-19T00:00:00-07:00"
    assert rows[-1]["timestamp"] == "2026-07-20T12:00:00-07:00"
    assert len(rows) == 288 + 145


@pytest.mark.parametrize("params", [{"kind": "soe"}, {"kind": "energy"}, {"kind": "energy", "period": "lifetime"}, {}])
def test_the_old_history_has_fewer_kinds_and_periods(get: Get, params: dict[str, str]) -> None:
    """Unknown kinds and periods are 400."""
    with pytest.raises(ApiError, match="400"):
        get(SITE, "history", legacy=True, **params)


def test_the_tariff_covers_every_hour_once_and_sells_at_most_at_the_buy_price(get: Get) -> None:
    """A valid time-of-use tariff: no gaps, no overlaps, prices for all periods, buy ≥ sell ≥ 0."""
    tariff = get(SITE, "site_info")["tariff_content_v2"]
    for name, season in tariff["seasons"].items():
        hours = [
            hour
            for band in season["tou_periods"].values()
            for period in band["periods"]
            for hour in range(period.get("fromHour", 0), period["toHour"])
        ]
        assert sorted(hours) == list(range(24))
        buy = tariff["energy_charges"][name]["rates"]
        sell = tariff["sell_tariff"]["energy_charges"][name]["rates"]
        assert buy.keys() == sell.keys() == season["tou_periods"].keys()
        assert all(0 <= sell[band] <= buy[band] for band in buy)


def test_tariff_rate_is_the_tariff_in_the_first_form(get: Get) -> None:
    """Q122, Q123: lists of periods with their zeros, and prices without `rates`."""
    second, first = get(SITE, "site_info")["tariff_content_v2"], get(SITE, "tariff_rate")
    assert first["energy_charges"]["Summer"] == second["energy_charges"]["Summer"]["rates"]
    (period,) = first["seasons"]["Winter"]["tou_periods"]["OFF_PEAK"]
    assert period == {
        "fromDayOfWeek": 0,
        "toDayOfWeek": 6,
        "fromHour": 0,
        "fromMinute": 0,
        "toHour": 15,
        "toMinute": 0,
    }
    assert first["sell_tariff"]["demand_charges"] == {"ALL": {"ALL": 0}, "Summer": {}, "Winter": {}}
    assert get(replace(SITE, has_tariff=False), "tariff_rate") is None


def test_a_tariff_changes_on_its_day(get: Get) -> None:
    """Q138: the present one alone is served, from the local midnight of the change."""
    spec = replace(SITE, tariff_changes_on=NOW.astimezone(SITE.zone).date())
    midnight = first_instant(NOW.astimezone(SITE.zone).date(), SITE.zone)
    before, after = (
        get(spec, "site_info", instant)["tariff_content_v2"]["code"]
        for instant in (midnight - timedelta(seconds=1), midnight)
    )
    assert (before, after) == ("SIM-TOU-1", "SIM-TOU-2")


def test_site_status_and_time_remaining_agree_with_live_status(get: Get) -> None:
    """API.md#live-status: the endpoints have the same values."""
    live, status = get(SITE, "live_status"), get(SITE, "site_status")
    for name in ("energy_left", "total_pack_energy", "percentage_charged", "battery_power"):
        assert status[name] == live[name]
    hours = get(SITE, "backup_time_remaining")["time_remaining_hours"]
    assert hours == pytest.approx(live["energy_left"] / live["load_power"])


def test_settings_change_at_the_instant_of_the_command(get: Get) -> None:
    """site_info has the values that a control command set, from that instant on."""
    change = SettingsChange(NOW, (("backup_reserve_percent", 80), ("version", "26.1.0 00000000")))
    spec = replace(SITE, settings_changes=(change,))
    before, after = get(spec, "site_info", NOW - timedelta(seconds=1)), get(spec, "site_info")
    assert (before["backup_reserve_percent"], before["version"]) == (20, SITE.firmware_version)
    assert (after["backup_reserve_percent"], after["version"]) == (80, "26.1.0 00000000")
