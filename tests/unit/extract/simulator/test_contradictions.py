"""Each contradiction: what it changes, what it leaves alone, what it says it touches."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.simulator import (
    FLOWS,
    AllocationShift,
    Cause,
    CloudGap,
    Contradiction,
    DuplicateInstants,
    GapStyle,
    InvertedCt,
    KilowattHours,
    MidnightZero,
    MissingColumns,
    MonthDropsDay,
    ProvisionalHours,
    RollupDrift,
    Series,
    SiteSpec,
    Truth,
    UnknownColumn,
    WrongWindow,
    inverted_ct,
)
from extract.simulator.measures import CHARGES, EXPORTS, HOME, SOURCES
from tests.unit.extract.simulator.conftest import Ask

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)  # 12:02:03 in Los Angeles
CLEAN = SiteSpec(site_id=5, installed_at=datetime(2024, 1, 1, 20, tzinfo=UTC), seed=11)
DAY = date(2026, 5, 24)
DAY_END = "2026-05-24T23:59:59-07:00"
MONTH_END = "2026-05-31T23:59:59-07:00"
Rows = list[dict[str, Any]]


def lying(*contradictions: Contradiction) -> SiteSpec:
    """The site with contradictions."""
    return replace(CLEAN, contradictions=contradictions)


def rows(ask: Ask, spec: SiteSpec, **params: str) -> Rows:
    """The rows of an answer."""
    return rows_at(ask, spec, NOW, **params)


def rows_at(ask: Ask, spec: SiteSpec, now: datetime, **params: str) -> Rows:
    """The rows of an answer at another moment."""
    found: Rows = ask(spec, now, **params)["time_series"] or []
    return found


def on(month: Rows, day: date) -> Rows:
    """The rows of a day."""
    return [row for row in month if row["timestamp"].startswith(str(day))]


def test_a_month_can_drop_a_day_that_week_and_day_still_have(ask: Ask) -> None:
    """Q19: 30 rows of May's 31; the others, the week and the day itself are untouched."""
    spec = lying(MonthDropsDay(DAY))
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    assert rows(ask, spec, **month) == [row for row in rows(ask, CLEAN, **month) if row not in on([row], DAY)]
    assert len(rows(ask, spec, **month)) == 30
    for period in ("week", "day"):
        asked = {"kind": "energy", "period": period, "end_date": DAY_END}
        assert rows(ask, spec, **asked) == rows(ask, CLEAN, **asked)
    (touched,) = MonthDropsDay(DAY).injections(CLEAN.zone)
    assert (touched.series, touched.dates, touched.cause) == (Series.MONTH, (DAY,), Cause.DROPPED_DAY)


def test_an_inverted_sensor_turns_the_sign_of_the_grid_and_the_month_leaves_the_day_out(ask: Ask) -> None:
    """Q19: the story of the misconfigured sensor: import told as export for the hours it was wrong, energy adjusted."""
    spec = lying(*inverted_ct(DAY))
    power = {"kind": "power", "end_date": DAY_END}
    told, true = rows(ask, spec, **power), rows(ask, CLEAN, **power)
    instants = {each.isoformat() for each in InvertedCt(DAY).injections(CLEAN.zone)[0].instants}
    assert len(instants) == 18 * 12
    for mine, real in zip(told, true, strict=True):
        is_wrong = datetime.fromisoformat(mine["timestamp"]).astimezone(UTC).isoformat() in instants
        assert mine["grid_power"] == (-real["grid_power"] if is_wrong else real["grid_power"])
    assert any(mine != real for mine, real in zip(told, true, strict=True))
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
def test_years_drift_by_up_to_four_percent_with_the_identities_intact(
    ask: Ask, *, series: Series, period: str, first: date, last: date, stamp: str
) -> None:
    """Q20: home use 4 % low in one row, the sources with it; every other row, and every other period, is right."""
    drift = RollupDrift(series, first, last, -4.0)
    spec = lying(drift)
    asked = {"kind": "energy", "period": period}
    for mine, real in zip(rows(ask, spec, **asked), rows(ask, CLEAN, **asked), strict=True):
        if mine["timestamp"] != stamp:
            assert mine == real
            continue
        assert mine["total_home_usage"] == pytest.approx(real["total_home_usage"] * 0.96, abs=4)
        assert mine["total_battery_charge"] == pytest.approx(real["total_battery_charge"] * 0.99, abs=4)
        for source, parts in SOURCES.items():
            assert mine[source] == sum(mine[name] for name in parts)
    assert drift.injections(CLEAN.zone)[0].dates == (first,)
    month = {"kind": "energy", "period": "month", "end_date": "2026-03-31T23:59:59-07:00"}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)


def test_only_years_drift() -> None:
    """A drift of anything else is refused."""
    with pytest.raises(ValueError, match=r"Series\.YEAR"):
        RollupDrift(Series.MONTH, DAY, DAY, 1.0)


def test_quarter_hours_allocate_otherwise_after_a_time_of_day(ask: Ask) -> None:
    """Q21: up to noon the same; after it the splits differ, while home, charge, export and each day's sources stay."""
    shift = AllocationShift(date(2026, 5, 20), date(2026, 5, 28))
    spec, differing = lying(shift), 0
    for ahead in range(9):
        end_date = f"{date(2026, 5, 20) + timedelta(days=ahead)}T23:59:59-07:00"
        asked = {"kind": "energy", "period": "day", "interval": "15m", "end_date": end_date}
        told, true = rows(ask, spec, **asked), rows(ask, CLEAN, **asked)
        assert told[:48] == true[:48]
        for mine, real in zip(told, true, strict=True):
            for parts in (HOME, CHARGES, EXPORTS):
                assert sum(mine[name] for name in parts) == sum(real[name] for name in parts)
            for source, parts in SOURCES.items():
                assert mine[source] == sum(mine[name] for name in parts)
            assert min(mine[name] for name in FLOWS) >= 0
        for source in SOURCES:
            assert sum(row[source] for row in told) == sum(row[source] for row in true)
        from_solar = "consumer_energy_imported_from_solar"
        differing += abs(sum(row[from_solar] for row in told) - sum(row[from_solar] for row in true)) > 100
        five_minutes = {name: value for name, value in asked.items() if name != "interval"}
        assert rows(ask, spec, **five_minutes) == rows(ask, CLEAN, **five_minutes)
    assert differing >= 2
    assert len(shift.injections(CLEAN.zone)[0].instants) == 9 * 48


def test_a_solar_only_site_has_nothing_to_allocate(ask: Ask) -> None:
    """Q43: without splits the contradictions that shift them, and the drift of provisional hours, leave solar alone."""
    spec = replace(CLEAN, battery_energy_wh=0, battery_power_w=0, has_grid_meter=False)
    liar = replace(spec, contradictions=(AllocationShift(DAY, NOW.date()), ProvisionalHours(DAY, NOW.date())))
    for asked in ({"interval": "15m", "end_date": DAY_END}, {}):
        params = {"kind": "energy", "period": "day", **asked}
        assert rows(ask, liar, **params) == rows(ask, spec, **params)
    drifting = replace(spec, contradictions=(RollupDrift(Series.YEAR, date(2026, 1, 1), date(2026, 1, 31), 2.0),))
    mine, real = (rows(ask, each, kind="energy", period="year")[0] for each in (drifting, spec))
    assert mine[FLOWS[0]] == round(real[FLOWS[0]] * 1.02)


def test_a_day_of_the_month_can_be_zero(ask: Ask) -> None:
    """Q2: as if the month had been cut at that day's midnight; its neighbours are right."""
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    told, true = rows(ask, lying(MidnightZero(DAY)), **month), rows(ask, CLEAN, **month)
    assert len(told) == 31
    assert not any(on(told, DAY)[0][name] for name in FLOWS)
    assert "total_home_usage" not in on(told, DAY)[0]
    assert [row for row in told if row not in on(told, DAY)] == [row for row in true if row not in on(true, DAY)]


START, END = datetime(2026, 5, 24, 16, tzinfo=UTC), datetime(2026, 5, 24, 20, tzinfo=UTC)  # 09:00 to 13:00


@pytest.mark.parametrize(("kind", "held"), [("power", 288), ("energy", 288), ("soe", 96)])
@pytest.mark.parametrize("style", list(GapStyle))
def test_a_cloud_gap_is_zero_or_absent_until_it_is_filled(ask: Ask, kind: str, held: int, style: GapStyle) -> None:
    """Q14: four hours without news from the gateway; the day's total knows them; later they can be filled."""
    spec = lying(CloudGap(START, END, style, filled_at=NOW + timedelta(days=2)))
    asked = {"kind": kind, "period": "day", "end_date": DAY_END}
    told, true = rows(ask, spec, **asked), rows(ask, CLEAN, **asked)
    is_gap = [START <= datetime.fromisoformat(row["timestamp"]) < END for row in true]
    assert sum(is_gap) == held // 6
    if style is GapStyle.ABSENT:
        assert told == [row for row, gap in zip(true, is_gap, strict=True) if not gap]
    else:
        assert len(told) == held
        for row, gap, real in zip(told, is_gap, true, strict=True):
            values = [value for name, value in row.items() if "timestamp" not in name]
            assert not any(values) if gap else row == real
    assert rows_at(ask, spec, NOW + timedelta(days=2), **asked) == true
    month = {"kind": "energy", "period": "month", "end_date": MONTH_END}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)
    by_series = {each.series: each for each in spec.contradictions[0].injections(CLEAN.zone)}
    assert len(by_series[Series.SOE].instants) == 16
    assert by_series[Series.POWER].cause is Cause.MISSING_INTERVALS


def test_a_gap_is_also_missing_from_quarter_hours(ask: Ask) -> None:
    """Q14: interval=15m loses the same four hours."""
    asked = {"kind": "energy", "period": "day", "interval": "15m", "end_date": DAY_END}
    assert len(rows(ask, lying(CloudGap(START, END)), **asked)) == 96 - 16


def test_the_last_hours_are_provisional_and_settle_up_and_down(ask: Ask) -> None:
    """Q12: rows of the last three hours are a few Wh off, some too high; asked later they are right; identities hold."""
    spec = lying(ProvisionalHours(date(2026, 7, 1), date(2026, 7, 31)))
    asked = {"kind": "energy", "period": "day", "end_date": "2026-07-20T23:59:59-07:00"}
    later = NOW + timedelta(hours=3)
    told, true = rows(ask, spec, **asked), rows(ask, CLEAN, **asked)
    settled = rows_at(ask, spec, later, **asked)[:144]
    assert settled == rows_at(ask, CLEAN, later, **asked)[:144]
    changes = [
        real.get("total_home_usage", 0) - mine.get("total_home_usage", 0) for mine, real in zip(told, true, strict=True)
    ]
    assert not any(changes[:108])
    assert not any(changes[144:])
    assert min(changes) < 0 < max(changes)
    for row in told:
        for source, parts in SOURCES.items():
            assert row[source] == sum(row[name] for name in parts)


@pytest.mark.parametrize(("kind", "held"), [("power", 288), ("energy", 288), ("soe", 96)])
def test_rows_can_come_twice_with_z_and_with_the_offset(ask: Ask, kind: str, held: int) -> None:
    """Q18: every 24th row twice: the same instant, once with the offset and once with Z."""
    twice = DuplicateInstants(DAY, DAY)
    asked = {"kind": kind, "period": "day", "end_date": DAY_END}
    told = rows(ask, lying(twice), **asked)
    assert len(told) == held + held // 24
    zulu = [index for index, row in enumerate(told) if row["timestamp"].endswith("Z")]
    for index in zulu:
        before, after = told[index - 1], told[index]
        assert datetime.fromisoformat(before["timestamp"]) == datetime.fromisoformat(after["timestamp"])
        assert {**before, "timestamp": 0, "raw_timestamp": 0} == {**after, "timestamp": 0, "raw_timestamp": 0}
    instants = {datetime.fromisoformat(told[index]["timestamp"]) for index in zulu}
    series = {"power": Series.POWER, "energy": Series.INTERVALS, "soe": Series.SOE}[kind]
    declared = {each.series: each for each in twice.injections(CLEAN.zone)}
    assert instants == set(declared[series].instants)


def test_of_two_rows_the_last_can_be_the_right_one(ask: Ask) -> None:
    """Q18: last wins: the first of a stale pair is zero, the second is the truth."""
    asked = {"kind": "power", "end_date": DAY_END}
    told = rows(ask, lying(DuplicateInstants(DAY, DAY, is_stale=True)), **asked)
    by_instant = {datetime.fromisoformat(row["timestamp"]): row for row in told}
    for real in rows(ask, CLEAN, **asked):
        mine = by_instant[datetime.fromisoformat(real["timestamp"])]
        assert {**mine, "timestamp": 0} == {**real, "timestamp": 0}
    assert not any(value for name, value in told[0].items() if name != "timestamp")


@pytest.mark.parametrize(
    ("asked", "is_kwh"),
    [
        ({"period": "day", "end_date": DAY_END}, True),
        ({"period": "day", "interval": "15m", "end_date": DAY_END}, True),
        ({"period": "month", "end_date": MONTH_END}, True),
        ({"period": "month", "end_date": "2026-06-30T23:59:59-07:00"}, False),
        ({"period": "lifetime"}, False),
    ],
)
def test_an_era_can_be_in_kilowatt_hours(ask: Ask, asked: dict[str, str], *, is_kwh: bool) -> None:
    """Fact 1: a thousandth of every energy in May, whatever the period; power stays in W, June in Wh."""
    spec = lying(KilowattHours(date(2026, 5, 1), date(2026, 5, 31)))
    told, true = rows(ask, spec, kind="energy", **asked), rows(ask, CLEAN, kind="energy", **asked)
    for mine, real in zip(told, true, strict=True):
        for name in FLOWS:
            assert mine[name] == pytest.approx(real[name] / 1000 if is_kwh else real[name])
    assert rows(ask, spec, kind="power", end_date=DAY_END) == rows(ask, CLEAN, kind="power", end_date=DAY_END)


def test_of_a_year_the_months_of_the_era_are_in_kilowatt_hours(ask: Ask) -> None:
    """Fact 1: the row of May in a year of Wh; a lifetime row changes when its whole year does."""
    may = rows(ask, lying(KilowattHours(date(2026, 5, 1), date(2026, 5, 31))), kind="energy", period="year")
    true = rows(ask, CLEAN, kind="energy", period="year")
    assert [round(real[FLOWS[0]] / mine[FLOWS[0]]) for mine, real in zip(may, true, strict=True)] == [1] * 4 + [
        1000,
        1,
        1,
    ]
    whole = rows(ask, lying(KilowattHours(date(2025, 1, 1), date(2025, 12, 31))), kind="energy", period="lifetime")
    assert whole[1][FLOWS[0]] == rows(ask, CLEAN, kind="energy", period="lifetime")[1][FLOWS[0]] / 1000


def test_columns_can_be_missing(ask: Ask) -> None:
    """Q24: no generator and no grid-services power, as in the samples of 2018; the next day has them."""
    spec = lying(MissingColumns(date(2026, 5, 1), DAY))
    (first, *_) = rows(ask, spec, kind="power", end_date=DAY_END)
    assert set(first) == {"timestamp", "solar_power", "battery_power", "grid_power"}
    (after, *_) = rows(ask, spec, kind="power", end_date="2026-05-25T23:59:59-07:00")
    assert "generator_power" in after
    ten = FLOWS[:1] + FLOWS[2:3] + FLOWS[5:6] + FLOWS[7:11] + FLOWS[12:15]
    dropped = tuple(name for name in FLOWS if name not in ten)
    old = lying(MissingColumns(date(2026, 5, 1), DAY, dropped))
    told = rows(ask, old, kind="energy", period="day", end_date=DAY_END)
    assert {name for name in told[0] if name in FLOWS} == set(ten)
    true = rows(ask, CLEAN, kind="energy", period="day", end_date=DAY_END)
    assert [row.get("total_home_usage") for row in told] == [row.get("total_home_usage") for row in true]


def test_an_unknown_column_can_appear(ask: Ask) -> None:
    """Q24: a measure that nobody has heard of, in power and energy, on its days only; soe stays as it is."""
    spec = lying(UnknownColumn(DAY, DAY))
    for kind in ("power", "energy"):
        asked = {"kind": kind, "period": "day"}
        told = rows(ask, spec, **asked, end_date=DAY_END)
        assert {row["heat_pump_energy_imported"] for row in told} == {1.0}
        assert "heat_pump_energy_imported" not in rows(ask, spec, **asked, end_date="2026-05-25T23:59:59-07:00")[0]
    assert set(rows(ask, spec, kind="soe", end_date=DAY_END)[0]) == {"timestamp", "soe"}


@pytest.mark.parametrize(
    "asked",
    [{"kind": "power"}, {"kind": "soe"}, {"kind": "energy", "period": "day"}],
    ids=["power", "soe", "energy"],
)
def test_a_day_can_be_answered_with_another(ask: Ask, asked: dict[str, str]) -> None:
    """Q22: asked for the 24th it answers the 23rd, whole; months and other days are not affected."""
    spec = lying(WrongWindow(DAY, DAY))
    told = rows(ask, spec, **asked, end_date=DAY_END)
    assert told == rows(ask, CLEAN, **asked, end_date="2026-05-23T23:59:59-07:00")
    after = "2026-05-25T23:59:59-07:00"
    assert rows(ask, spec, **asked, end_date=after) == rows(ask, CLEAN, **asked, end_date=after)
    month = {"kind": "energy", "period": "month", "end_date": DAY_END}
    assert rows(ask, spec, **month) == rows(ask, CLEAN, **month)


def test_the_truth_knows_every_injection() -> None:
    """What a site's contradictions touch is read from its truth, in order."""
    truth = Truth(lying(MidnightZero(DAY), WrongWindow(DAY, DAY)))
    assert [each.kind for each in truth.injections] == ["MidnightZero"] + ["WrongWindow"] * 4
    assert truth.daily_wh(DAY) == Truth(CLEAN).daily_wh(DAY)
