"""Each anomaly: what it changes, what it does not change, and the injections that it declares."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.simulator import (
    FLOWS,
    AllocationShift,
    Anomaly,
    CloudGap,
    DuplicateInstants,
    EarlierDays,
    EarlierZone,
    GapStyle,
    InvertedCt,
    KilowattHours,
    LaggingWindow,
    LateData,
    MeterOffset,
    MidnightZero,
    MissingColumns,
    MonthDropsDay,
    OddReadings,
    OddStyle,
    OmittedMeasures,
    ProvisionalHours,
    RollupDrift,
    Series,
    SiteSpec,
    Stamps,
    Truth,
    UnknownColumn,
    WrongWindow,
    inverted_ct,
)
from extract.simulator.measures import CHARGES, EXPORTS, HOME, SOURCES
from tests.unit.extract.simulator.conftest import Ask
from wattlog.causes import Cause

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)  # 12:02:03 in Los Angeles
CLEAN = SiteSpec(site_id=5, installed_at=datetime(2024, 1, 1, 20, tzinfo=UTC), seed=11)
DAY = date(2026, 5, 24)
DAY_END = "2026-05-24T23:59:59-07:00"
MONTH_END = "2026-05-31T23:59:59-07:00"
Rows = list[dict[str, Any]]


def site_with(*anomalies: Anomaly) -> SiteSpec:
    """The site with anomalies."""
    return replace(CLEAN, anomalies=anomalies)


def rows(ask: Ask, spec: SiteSpec, **params: str) -> Rows:
    """The rows of a response."""
    return rows_at(ask, spec, NOW, **params)


def rows_at(ask: Ask, spec: SiteSpec, now: datetime, **params: str) -> Rows:
    """The rows of a response at another instant."""
    found: Rows = ask(spec, now, **params)["time_series"] or []
    return found


def on(month: Rows, day: date) -> Rows:
    """The rows of a day."""
    return [row for row in month if row["timestamp"].startswith(str(day))]


def test_a_month_can_miss_a_day_that_week_and_day_have(ask: Ask) -> None:
    """Q19: 30 rows of the 31 of May; the other rows, the week, and the day itself are unchanged."""
    spec = site_with(MonthDropsDay(DAY))
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    assert rows(ask, spec, **month) == [row for row in rows(ask, CLEAN, **month) if row not in on([row], DAY)]
    assert len(rows(ask, spec, **month)) == 30
    for period in ("week", "day"):
        params = {"kind": "energy", "period": period, "end_date": DAY_END}
        assert rows(ask, spec, **params) == rows(ask, CLEAN, **params)
    (injection,) = MonthDropsDay(DAY).injections(CLEAN.zone)
    assert (injection.series, injection.dates, injection.cause) == (Series.MONTH, (DAY,), Cause.DROPPED_DAY)


def test_a_month_can_miss_a_day_until_an_instant_and_the_week_with_it(ask: Ask) -> None:
    """Q19: later the month has the day; zeros instead of the row can be in both, too (Q2)."""
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    week = {"kind": "energy", "period": "week", "end_date": DAY_END}
    past, future = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2040))
    for params in (month, week):
        clean = rows(ask, CLEAN, **params)
        assert rows(ask, site_with(MonthDropsDay(DAY, past, is_week_too=True)), **params) == clean
        lacking = rows(ask, site_with(MonthDropsDay(DAY, future, is_week_too=True)), **params)
        assert lacking == [row for row in clean if row not in on([row], DAY)]
        (zero,) = on(rows(ask, site_with(MidnightZero(DAY, is_week_too=True)), **params), DAY)
        assert {zero[name] for name in FLOWS} == {0}
    for anomaly in (MonthDropsDay(DAY, is_week_too=True), MidnightZero(DAY, is_week_too=True)):
        assert {found.series for found in anomaly.injections(CLEAN.zone)} == {Series.MONTH, Series.WEEK}


def test_an_inverted_sensor_changes_the_sign_of_grid_power_and_the_month_misses_the_day(ask: Ask) -> None:
    """Q19: import is reported as export during the hours of the inversion; energy is corrected."""
    spec = site_with(*inverted_ct(DAY))
    power = {"kind": "power", "end_date": DAY_END}
    actual, expected = rows(ask, spec, **power), rows(ask, CLEAN, **power)
    instants = {instant.isoformat() for instant in InvertedCt(DAY).injections(CLEAN.zone)[0].instants}
    assert len(instants) == 18 * 12
    for row, true_row in zip(actual, expected, strict=True):
        is_wrong = datetime.fromisoformat(row["timestamp"]).astimezone(UTC).isoformat() in instants
        assert row["grid_power"] == (-true_row["grid_power"] if is_wrong else true_row["grid_power"])
    assert any(row != true_row for row, true_row in zip(actual, expected, strict=True))
    day = {"kind": "energy", "period": "day", "end_date": DAY_END}
    assert rows(ask, spec, **day) == rows(ask, CLEAN, **day)
    assert on(rows(ask, spec, kind="energy", period="month", end_date=MONTH_END), DAY) == []


@pytest.mark.parametrize(
    ("series", "period", "first", "last", "stamp"),
    [
        (Series.YEAR, "year", date(2026, 3, 1), date(2026, 3, 31), "2026-03-01T01:00:00-08:00"),
        (Series.LIFETIME, "lifetime", date(2025, 1, 1), date(2025, 12, 31), "2025-01-01T01:00:00-08:00"),
    ],
)
def test_years_can_be_wrong_by_four_percent_with_valid_identities(
    ask: Ask, *, series: Series, period: str, first: date, last: date, stamp: str
) -> None:
    """Q20: home use is 4 % too low in one row, and so are its sources; all other rows and periods are right."""
    drift = RollupDrift(series, first, last, -4.0)
    spec = site_with(drift)
    params = {"kind": "energy", "period": period}
    for row, true_row in zip(rows(ask, spec, **params), rows(ask, CLEAN, **params), strict=True):
        if row["timestamp"] != stamp:
            assert row == true_row
            continue
        assert row["total_home_usage"] == pytest.approx(true_row["total_home_usage"] * 0.96, abs=4)
        assert row["total_battery_charge"] == pytest.approx(true_row["total_battery_charge"] * 0.99, abs=4)
        for source, parts in SOURCES.items():
            assert row[source] == sum(row[name] for name in parts)
    assert drift.injections(CLEAN.zone)[0].dates == (first,)
    month = {"kind": "energy", "period": "month", "end_date": "2026-03-31T23:59:59-07:00"}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)


def test_home_use_of_years_can_be_wrong_alone(ask: Ask) -> None:
    """Q20: the sources are right, so the identities do not hold."""
    drift = RollupDrift(Series.LIFETIME, date(2025, 1, 1), date(2025, 12, 31), -4.0, is_home_alone=True)
    params = {"kind": "energy", "period": "lifetime"}
    row, true_row = (
        next(found for found in rows(ask, spec, **params) if found["timestamp"].startswith("2025-01-01"))
        for spec in (site_with(drift), CLEAN)
    )
    assert row["total_home_usage"] == pytest.approx(true_row["total_home_usage"] * 0.96, abs=4)
    changed = {name for name in FLOWS if row[name] != true_row[name]}
    assert changed
    assert all(name.startswith("consumer_energy_imported_from_") for name in changed)


def test_only_years_and_lifetimes_can_be_wrong() -> None:
    """Another series is an error."""
    with pytest.raises(ValueError, match=r"Series\.YEAR"):
        RollupDrift(Series.MONTH, DAY, DAY, 1.0)


def test_quarter_hours_can_allocate_differently_after_a_time_of_day(ask: Ask) -> None:
    """Q21: up to noon nothing differs; after it flows differ, but home, charge, export, and the day's sources do not."""
    shift = AllocationShift(date(2026, 5, 20), date(2026, 5, 28))
    spec, differing = site_with(shift), 0
    for ahead in range(9):
        end_date = f"{date(2026, 5, 20) + timedelta(days=ahead)}T23:59:59-07:00"
        params = {"kind": "energy", "period": "day", "interval": "15m", "end_date": end_date}
        actual, expected = rows(ask, spec, **params), rows(ask, CLEAN, **params)
        assert actual[:48] == expected[:48]
        for row, true_row in zip(actual, expected, strict=True):
            for parts in (HOME, CHARGES, EXPORTS):
                assert sum(row[name] for name in parts) == sum(true_row[name] for name in parts)
            for source, parts in SOURCES.items():
                assert row[source] == sum(row[name] for name in parts)
            assert min(row[name] for name in FLOWS) >= 0
        for source in SOURCES:
            assert sum(row[source] for row in actual) == sum(row[source] for row in expected)
        from_solar = "consumer_energy_imported_from_solar"
        differing += abs(sum(row[from_solar] for row in actual) - sum(row[from_solar] for row in expected)) > 100
        five_minutes = {name: value for name, value in params.items() if name != "interval"}
        assert rows(ask, spec, **five_minutes) == rows(ask, CLEAN, **five_minutes)
    assert differing >= 2
    assert len(shift.injections(CLEAN.zone)[0].instants) == 9 * 48


def test_anomalies_of_flows_do_not_change_solar_without_splits(ask: Ask) -> None:
    """Q43: without flows from and to the grid, anomalies that change those flows do not change solar."""
    spec = replace(CLEAN, battery_energy_wh=0, battery_power_w=0, has_grid_meter=False)
    changed = replace(spec, anomalies=(AllocationShift(DAY, NOW.date()), ProvisionalHours(DAY, NOW.date())))
    for window in ({"interval": "15m", "end_date": DAY_END}, {}):
        params = {"kind": "energy", "period": "day", **window}
        assert rows(ask, changed, **params) == rows(ask, spec, **params)
    drifting = replace(spec, anomalies=(RollupDrift(Series.YEAR, date(2026, 1, 1), date(2026, 1, 31), 2.0),))
    row, true_row = (rows(ask, site, kind="energy", period="year")[0] for site in (drifting, spec))
    assert row[FLOWS[0]] == round(true_row[FLOWS[0]] * 1.02)


def test_solar_of_the_time_before_a_battery_stays_in_years_that_are_wrong(ask: Ask) -> None:
    """A year may have months without splits, and one in which they begin: only what they sum is wrong."""
    spec = replace(CLEAN, battery_since=date(2026, 2, 11))
    drift = RollupDrift(Series.YEAR, date(2026, 1, 1), date(2026, 2, 28), -4.0)
    pairs = zip(
        *(rows(ask, site, kind="energy", period="year") for site in (replace(spec, anomalies=(drift,)), spec)),
        strict=True,
    )
    january, february, march, *_ = pairs
    assert january[0][FLOWS[0]] == round(january[1][FLOWS[0]] * 0.96)
    for source, parts in SOURCES.items():
        split, true_split = (sum(row[name] for name in parts) for row in february)
        assert february[0][source] == february[1][source] + split - true_split
    assert february[0]["total_home_usage"] < february[1]["total_home_usage"]
    assert february[0][FLOWS[0]] > sum(february[0][name] for name in SOURCES[FLOWS[0]])
    assert march[0] == march[1]


def test_solar_of_the_time_before_a_battery_stays_in_a_window_with_both(ask: Ask) -> None:
    """A day by an earlier zone of the server begins before the battery, and ends after it."""
    late = (EarlierZone(datetime(2027, 1, 1, tzinfo=UTC), "Pacific/Honolulu"),)
    spec = replace(CLEAN, battery_since=DAY, earlier_zones=late)
    end = f"{DAY - timedelta(days=1)}T23:59:59-10:00"
    for anomaly, window in (
        (ProvisionalHours(DAY, DAY), {}),
        (AllocationShift(DAY - timedelta(days=1), DAY), {"interval": "15m"}),
    ):
        params = {"kind": "energy", "period": "day", "end_date": end, **window}
        found, usual = (rows(ask, site, **params) for site in (replace(spec, anomalies=(anomaly,)), spec))
        solar = [(row[FLOWS[0]], true_row[FLOWS[0]]) for row, true_row in zip(found, usual, strict=True)]
        assert sum(true for _, true in solar) > 0
        assert [wh for wh, _ in solar] == [true for _, true in solar]


def test_a_day_of_the_month_can_be_zero(ask: Ask) -> None:
    """Q2: as if `end_date` had been the midnight of that day; the days before and after are right."""
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    actual, expected = rows(ask, site_with(MidnightZero(DAY)), **month), rows(ask, CLEAN, **month)
    assert len(actual) == 31
    assert not any(on(actual, DAY)[0][name] for name in FLOWS)
    assert "total_home_usage" not in on(actual, DAY)[0]
    assert [row for row in actual if row not in on(actual, DAY)] == [
        row for row in expected if row not in on(expected, DAY)
    ]


START, END = datetime(2026, 5, 24, 16, tzinfo=UTC), datetime(2026, 5, 24, 20, tzinfo=UTC)  # 09:00 to 13:00


@pytest.mark.parametrize(("kind", "count"), [("power", 288), ("energy", 288), ("soe", 96)])
@pytest.mark.parametrize("style", list(GapStyle))
def test_a_cloud_gap_is_zero_or_absent_until_it_is_filled(ask: Ask, kind: str, count: int, style: GapStyle) -> None:
    """Q14: four hours without data from the gateway; the day's total includes them; later they can be filled."""
    spec = site_with(CloudGap(START, END, style, filled_at=NOW + timedelta(days=2)))
    params = {"kind": kind, "period": "day", "end_date": DAY_END}
    actual, expected = rows(ask, spec, **params), rows(ask, CLEAN, **params)
    is_gap = [START <= datetime.fromisoformat(row["timestamp"]) < END for row in expected]
    assert sum(is_gap) == count // 6
    if style is GapStyle.ABSENT:
        assert actual == [row for row, gap in zip(expected, is_gap, strict=True) if not gap]
    else:
        assert len(actual) == count
        for row, gap, true_row in zip(actual, is_gap, expected, strict=True):
            values = [value for name, value in row.items() if "timestamp" not in name]
            assert not any(values) if gap else row == true_row
    assert rows_at(ask, spec, NOW + timedelta(days=2), **params) == expected
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)
    by_series = {injection.series: injection for injection in spec.anomalies[0].injections(CLEAN.zone)}
    assert len(by_series[Series.SOE].instants) == 16
    assert by_series[Series.POWER].cause is Cause.MISSING_INTERVALS


@pytest.mark.parametrize(("kind", "step_s"), [("power", 300), ("energy", 300), ("soe", 900)])
def test_what_an_offline_gateway_measured_can_arrive_later(ask: Ask, kind: str, step_s: int) -> None:
    """Q14: two days and four hours are in no series until they arrive, and then they are in all of them."""
    late = LateData(START, START + timedelta(days=2, hours=4), arrives_at=NOW + timedelta(days=2))
    spec = site_with(late)
    for day, count in ((DAY, None), (DAY + timedelta(days=1), 0)):
        params = {"kind": kind, "period": "day", "end_date": f"{day}T23:59:59-07:00"}
        actual, expected = rows(ask, spec, **params), rows(ask, CLEAN, **params)
        assert actual == [row for row in expected if datetime.fromisoformat(row["timestamp"]) < START]
        assert count is None or len(actual) == count
        assert rows_at(ask, spec, NOW + timedelta(days=2), **params) == expected
    by_series = {injection.series: injection for injection in late.injections(CLEAN.zone)}
    assert len(by_series[Series.POWER].instants) * 300 == len(by_series[Series.SOE].instants) * 900 == 52 * 3600


def test_sums_leave_out_what_has_not_arrived(ask: Ask) -> None:
    """Q14: a month has no row of a day without measurements, and a year the sum of the others."""
    late = LateData(START, START + timedelta(days=2, hours=4), arrives_at=NOW + timedelta(days=2))
    spec, name = site_with(late), "solar_energy_exported"
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    missing = DAY + timedelta(days=1)
    assert [
        row["timestamp"][:10] for row in rows(ask, CLEAN, **month) if row not in on(rows(ask, CLEAN, **month), missing)
    ] == [row["timestamp"][:10] for row in rows(ask, spec, **month)]
    (of_month,) = (
        row for row in rows(ask, spec, kind="energy", period="year") if row["timestamp"].startswith("2026-05")
    )
    assert of_month[name] == sum(row[name] for row in rows(ask, spec, **month))
    whole_days = {injection.dates for injection in late.injections(CLEAN.zone) if injection.series is Series.MONTH}
    assert whole_days == {(missing,)}
    for period in ("week", "month", "year", "lifetime"):
        params = {"kind": "energy", "period": period, "end_date": MONTH_END}
        assert rows_at(ask, spec, NOW + timedelta(days=2), **params) == rows_at(
            ask, CLEAN, NOW + timedelta(days=2), **params
        )


def test_a_gap_is_also_missing_from_quarter_hours(ask: Ask) -> None:
    """Q14: interval=15m misses the same four hours."""
    params = {"kind": "energy", "period": "day", "interval": "15m", "end_date": DAY_END}
    assert len(rows(ask, site_with(CloudGap(START, END)), **params)) == 96 - 16


def test_the_last_hours_change_up_and_down(ask: Ask) -> None:
    """Q12: rows of the last three hours are wrong by a few Wh, some too high; later they are right. Identities hold."""
    spec = site_with(ProvisionalHours(date(2026, 7, 1), date(2026, 7, 31)))
    params = {"kind": "energy", "period": "day", "end_date": "2026-07-20T23:59:59-07:00"}
    later = NOW + timedelta(hours=3)
    actual, expected = rows(ask, spec, **params), rows(ask, CLEAN, **params)
    settled = rows_at(ask, spec, later, **params)[:144]
    assert settled == rows_at(ask, CLEAN, later, **params)[:144]
    changes = [
        true_row.get("total_home_usage", 0) - row.get("total_home_usage", 0)
        for row, true_row in zip(actual, expected, strict=True)
    ]
    assert not any(changes[:108])
    assert not any(changes[144:])
    assert min(changes) < 0 < max(changes)
    for row in actual:
        for source, parts in SOURCES.items():
            assert row[source] == sum(row[name] for name in parts)


@pytest.mark.parametrize(("kind", "count"), [("power", 288), ("energy", 288), ("soe", 96)])
def test_rows_can_come_twice_with_offset_and_with_z(ask: Ask, kind: str, count: int) -> None:
    """Q18: every 24th row comes twice: the same instant with the offset and with Z."""
    twice = DuplicateInstants(DAY, DAY)
    params = {"kind": kind, "period": "day", "end_date": DAY_END}
    actual = rows(ask, site_with(twice), **params)
    assert len(actual) == count + count // 24
    zulu_rows = [index for index, row in enumerate(actual) if row["timestamp"].endswith("Z")]
    for index in zulu_rows:
        before, after = actual[index - 1], actual[index]
        assert datetime.fromisoformat(before["timestamp"]) == datetime.fromisoformat(after["timestamp"])
        assert {**before, "timestamp": 0, "raw_timestamp": 0} == {**after, "timestamp": 0, "raw_timestamp": 0}
    instants = {datetime.fromisoformat(actual[index]["timestamp"]) for index in zulu_rows}
    series = {"power": Series.POWER, "energy": Series.INTERVALS, "soe": Series.SOE}[kind]
    declared = {injection.series: injection for injection in twice.injections(CLEAN.zone)}
    assert instants == set(declared[series].instants)


def test_the_last_of_two_rows_can_be_the_right_one(ask: Ask) -> None:
    """Q18: the last row counts: the first of two is zero, the second is right."""
    params = {"kind": "power", "end_date": DAY_END}
    actual = rows(ask, site_with(DuplicateInstants(DAY, DAY, is_stale=True)), **params)
    by_instant = {datetime.fromisoformat(row["timestamp"]): row for row in actual}
    for true_row in rows(ask, CLEAN, **params):
        row = by_instant[datetime.fromisoformat(true_row["timestamp"])]
        assert {**row, "timestamp": 0} == {**true_row, "timestamp": 0}
    assert not any(value for name, value in actual[0].items() if name != "timestamp")


@pytest.mark.parametrize(
    ("params", "is_kwh"),
    [
        ({"period": "day", "end_date": DAY_END}, True),
        ({"period": "day", "interval": "15m", "end_date": DAY_END}, True),
        ({"period": "month", "end_date": MONTH_END}, True),
        ({"period": "month", "end_date": "2026-06-30T23:59:59-07:00"}, False),
        ({"period": "lifetime"}, False),
    ],
)
def test_a_month_can_be_in_kilowatt_hours(ask: Ask, params: dict[str, str], *, is_kwh: bool) -> None:
    """API.md#units: all energy of May is in kWh, in every period; power stays in W, June in Wh."""
    spec = site_with(KilowattHours(date(2026, 5, 1), date(2026, 5, 31)))
    actual, expected = rows(ask, spec, kind="energy", **params), rows(ask, CLEAN, kind="energy", **params)
    for row, true_row in zip(actual, expected, strict=True):
        for name in FLOWS:
            assert row[name] == pytest.approx(true_row[name] / 1000 if is_kwh else true_row[name])
    assert rows(ask, spec, kind="power", end_date=DAY_END) == rows(ask, CLEAN, kind="power", end_date=DAY_END)


def test_a_year_can_have_a_month_in_kilowatt_hours(ask: Ask) -> None:
    """API.md#units: the row of May in a year is in kWh; a lifetime row is if its whole year is."""
    may = rows(ask, site_with(KilowattHours(date(2026, 5, 1), date(2026, 5, 31))), kind="energy", period="year")
    expected = rows(ask, CLEAN, kind="energy", period="year")
    assert [round(true_row[FLOWS[0]] / row[FLOWS[0]]) for row, true_row in zip(may, expected, strict=True)] == [
        1
    ] * 4 + [
        1000,
        1,
        1,
    ]
    whole = rows(ask, site_with(KilowattHours(date(2025, 1, 1), date(2025, 12, 31))), kind="energy", period="lifetime")
    assert whole[1][FLOWS[0]] == rows(ask, CLEAN, kind="energy", period="lifetime")[1][FLOWS[0]] / 1000


def test_columns_can_be_missing(ask: Ask) -> None:
    """Q24: no generator and no grid-services power, as in the samples of 2018; the next day has them."""
    spec = site_with(MissingColumns(date(2026, 5, 1), DAY))
    (first, *_) = rows(ask, spec, kind="power", end_date=DAY_END)
    assert set(first) == {"timestamp", "solar_power", "battery_power", "grid_power"}
    (after, *_) = rows(ask, spec, kind="power", end_date="2026-05-25T23:59:59-07:00")
    assert "generator_power" in after
    ten = FLOWS[:1] + FLOWS[2:3] + FLOWS[5:6] + FLOWS[7:11] + FLOWS[12:15]
    dropped = tuple(name for name in FLOWS if name not in ten)
    old = site_with(MissingColumns(date(2026, 5, 1), DAY, dropped))
    actual = rows(ask, old, kind="energy", period="day", end_date=DAY_END)
    assert {name for name in actual[0] if name in FLOWS} == set(ten)
    expected = rows(ask, CLEAN, kind="energy", period="day", end_date=DAY_END)
    assert [row.get("total_home_usage") for row in actual] == [row.get("total_home_usage") for row in expected]


def test_a_solar_meter_can_show_less_than_nothing_at_night(ask: Ask) -> None:
    spec = site_with(MeterOffset(DAY, DAY))
    for interval, offset in (({}, -1), ({"interval": "15m"}, -3)):
        found, usual = (
            [row[FLOWS[0]] for row in rows(ask, given, kind="energy", period="day", end_date=DAY_END, **interval)]
            for given in (spec, CLEAN)
        )
        assert found == [wh or offset for wh in usual]
        assert offset in found
    for params in (
        {"period": "day", "end_date": "2026-05-25T23:59:59-07:00"},
        {"period": "month", "end_date": MONTH_END},
    ):
        assert rows(ask, spec, kind="energy", **params) == rows(ask, CLEAN, kind="energy", **params)


@pytest.mark.parametrize("style", list(OddStyle))
def test_values_can_be_texts_and_rows_can_be_null(ask: Ask, style: OddStyle) -> None:
    anomaly = OddReadings(DAY, last_s=12 * 3600 + 600, style=style)
    found, usual = (
        rows(ask, spec, kind="energy", period="day", end_date=DAY_END) for spec in (site_with(anomaly), CLEAN)
    )
    odd = [None] * 2 if style is OddStyle.NULL_ROW else [{**row, FLOWS[0]: "n/a"} for row in usual[144:146]]
    assert found == [*usual[:144], *odd, *usual[146:]]
    (injection,) = anomaly.injections(CLEAN.zone)
    assert [instant.isoformat() for instant in injection.instants] == [
        "2026-05-24T19:00:00+00:00",
        "2026-05-24T19:05:00+00:00",
    ]


def test_a_measure_can_be_missing_in_one_series(ask: Ask) -> None:
    """Q24: the month has no key of it on one day; the day itself does."""
    spec = site_with(OmittedMeasures(Series.MONTH, DAY, DAY, FLOWS[:1]))
    found, usual = (rows(ask, given, kind="energy", period="month", end_date=MONTH_END) for given in (spec, CLEAN))
    day = DAY.day - 1
    assert [FLOWS[0] in row for row in found] == [number != day for number in range(len(found))]
    assert found[day] == {name: value for name, value in usual[day].items() if name != FLOWS[0]}
    assert rows(ask, spec, kind="energy", period="day", end_date=DAY_END) == rows(
        ask, CLEAN, kind="energy", period="day", end_date=DAY_END
    )


def test_a_response_can_have_the_days_before(ask: Ask) -> None:
    """Q22: two days more in a day, all since the installation in a month."""
    spec = site_with(EarlierDays(DAY, DAY), EarlierDays(date(2026, 5, 31), date(2026, 5, 31), 10_000))
    days = {row["timestamp"][:10]: row for row in rows(ask, spec, kind="energy", period="day", end_date=DAY_END)}
    assert sorted(days) == ["2026-05-22", "2026-05-23", "2026-05-24"]
    assert len(rows(ask, spec, kind="power", end_date=DAY_END)) == 3 * 288
    month = rows(ask, spec, kind="energy", period="month", end_date=MONTH_END)
    assert month[-31:] == rows(ask, CLEAN, kind="energy", period="month", end_date=MONTH_END)
    assert (month[0]["timestamp"][:10], len(month)) == ("2024-01-01", 882)


def test_an_undocumented_column_can_appear(ask: Ask) -> None:
    """Q24: an undocumented measure in power and energy, only on its days; soe does not have it."""
    spec = site_with(UnknownColumn(DAY, DAY))
    for kind in ("power", "energy"):
        params = {"kind": kind, "period": "day"}
        actual = rows(ask, spec, **params, end_date=DAY_END)
        assert {row["heat_pump_energy_imported"] for row in actual} == {1.0}
        assert "heat_pump_energy_imported" not in rows(ask, spec, **params, end_date="2026-05-25T23:59:59-07:00")[0]
    assert set(rows(ask, spec, kind="soe", end_date=DAY_END)[0]) == {"timestamp", "soe"}


@pytest.mark.parametrize(
    "params",
    [{"kind": "power"}, {"kind": "soe"}, {"kind": "energy", "period": "day"}],
    ids=["power", "soe", "energy"],
)
def test_a_response_can_be_of_another_day(ask: Ask, params: dict[str, str]) -> None:
    """Q22: the response to a request for the 24th is the whole 23rd; months and other days are not affected."""
    spec = site_with(WrongWindow(DAY, DAY))
    actual = rows(ask, spec, **params, end_date=DAY_END)
    assert actual == rows(ask, CLEAN, **params, end_date="2026-05-23T23:59:59-07:00")
    after = "2026-05-25T23:59:59-07:00"
    assert rows(ask, spec, **params, end_date=after) == rows(ask, CLEAN, **params, end_date=after)
    month = {"kind": "energy", "period": "month", "end_date": DAY_END}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)


def test_the_truth_lists_every_injection() -> None:
    """The truth of a site lists the injections of its anomalies, in order."""
    truth = Truth(site_with(MidnightZero(DAY), WrongWindow(DAY, DAY)))
    assert [injection.kind for injection in truth.injections] == ["MidnightZero"] + ["WrongWindow"] * 4
    assert truth.daily_wh(DAY) == Truth(CLEAN).daily_wh(DAY)


@pytest.mark.parametrize("stamps", list(Stamps))
@pytest.mark.parametrize(
    "params",
    [{"kind": "power"}, {"kind": "soe"}, {"kind": "energy", "period": "day"}],
    ids=["power", "soe", "energy"],
)
def test_rows_of_another_day_can_have_other_timestamps(ask: Ask, params: dict[str, str], stamps: Stamps) -> None:
    """Q18, Q22: the instants are those of the other day in every format; a request for that day gets it unchanged."""
    spec = site_with(WrongWindow(DAY, DAY, stamps=stamps))
    actual = [row["timestamp"] for row in rows(ask, spec, **params, end_date=DAY_END)]
    other = [row["timestamp"] for row in rows(ask, CLEAN, **params, end_date="2026-05-23T23:59:59-07:00")]
    assert {datetime.fromisoformat(stamp) for stamp in actual} == {datetime.fromisoformat(stamp) for stamp in other}
    assert len(actual) == len(other) + (stamps is Stamps.ONE_IN_UTC)
    suffixes = {"Z" if stamp.endswith("Z") else stamp[-6:] for stamp in actual}
    assert (
        suffixes
        == {
            Stamps.LOCAL: {"-07:00"},
            Stamps.UTC: {"Z"},
            Stamps.MIXED: {"-07:00", "+09:00"},
            Stamps.ONE_IN_UTC: {"-07:00", "Z"},
        }[stamps]
    )
    assert [row["timestamp"] for row in rows(ask, spec, **params, end_date="2026-05-23T23:59:59-07:00")] == other


@pytest.mark.parametrize(
    "params",
    [{"kind": "power"}, {"kind": "soe"}, {"kind": "energy", "period": "day"}],
    ids=["power", "soe", "energy"],
)
def test_a_response_can_begin_hours_too_early(ask: Ask, params: dict[str, str]) -> None:
    """Q22: the last six hours of the day before, and the first eighteen of the day; the truth lists the missing ones."""
    spec = site_with(LaggingWindow(DAY, DAY))
    before = rows(ask, CLEAN, **params, end_date="2026-05-23T23:59:59-07:00")
    day = rows(ask, CLEAN, **params, end_date=DAY_END)
    quarter = len(day) // 4
    assert rows(ask, spec, **params, end_date=DAY_END) == before[-quarter:] + day[:-quarter]
    missing = {instant for injection in Truth(spec).injections for instant in injection.instants}
    assert {datetime.fromisoformat(row["timestamp"]) for row in day[-quarter:]} <= missing
