"""The account with a site of every kind, and the demo account with every contradiction."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.simulator import (
    Contradiction,
    Injection,
    Series,
    SiteSpec,
    World,
    ZoneMode,
    demo_world,
    personality_world,
    quirky_world,
)
from extract.simulator.account import products
from extract.simulator.calendar_history import calendar_history
from extract.simulator.query import Query

TODAY = date(2026, 7, 20)
NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
EVERY_KIND = personality_world(TODAY)
TRUE, QUIRKY = demo_world(TODAY), quirky_world(TODAY)


def asked(series: Series, day: date, spec: SiteSpec) -> dict[str, str]:
    """The request whose answer holds a series' rows of a day."""
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=spec.zone).isoformat()
    if series in {Series.POWER, Series.SOE}:
        return {"kind": series.value, "end_date": end}
    if series is Series.QUARTERS:
        return {"kind": "energy", "period": "day", "interval": "15m", "end_date": end}
    return {"kind": "energy", "period": series.value.rpartition("/")[2].replace("intervals", "day"), "end_date": end}


def answer(world: World, spec: SiteSpec, params: dict[str, str], now: datetime = NOW) -> list[dict[str, Any]]:
    """The rows of an answer, by instant; a duplicate's last row counts."""
    told = calendar_history(Query(world, world.truth(spec.site_id), params, now))
    assert isinstance(told, dict)
    return told["time_series"] or []


def differences(told: list[dict[str, Any]], true: list[dict[str, Any]]) -> dict[datetime, set[str]]:
    """Measures that differ by instant; a row that is not there differs in nothing but its being."""
    mine = {datetime.fromisoformat(row["timestamp"]): row for row in told}
    real = {datetime.fromisoformat(row["timestamp"]): row for row in true}
    found = {}
    for instant in mine.keys() | real.keys():
        left, right = mine.get(instant, {}), real.get(instant, {})
        names = {each for each in left.keys() | right.keys() if left.get(each) != right.get(each)}
        if names:
            found[instant] = {each for each in names if not each.startswith(("total_", "raw_", "timestamp"))}
    return found


def test_there_is_a_site_of_every_kind() -> None:
    """Issue list: every zone, every way to tell it, every equipment, both ages."""
    sites = EVERY_KIND.sites
    assert {each.time_zone for each in sites} >= {
        "America/Los_Angeles",
        "Europe/London",
        "Australia/Sydney",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Chatham",
        "America/St_Johns",
        "America/Phoenix",
    }
    assert {each.zone_mode for each in sites} == set(ZoneMode)
    assert {(each.has_solar, each.has_battery) for each in sites} == {
        (a, b) for a in (True, False) for b in (True, False)
    }
    assert any(each.generator_w for each in sites)
    assert any(each.vpp_events_per_year for each in sites)
    assert any(not each.has_grid_meter and each.power_interval_s == 900 for each in sites)
    ages = [(NOW - each.installed_at).days for each in sites]
    assert min(ages) <= 3
    assert max(ages) >= 3_650


@pytest.mark.parametrize("spec", EVERY_KIND.sites, ids=lambda each: each.site_name)
def test_every_site_answers_every_kind(spec: SiteSpec) -> None:
    """Each kind of site gives rows where it has equipment, and the interval sums are its truth."""
    day = TODAY - timedelta(days=1)
    power = answer(EVERY_KIND, spec, asked(Series.POWER, day, spec))
    assert bool(answer(EVERY_KIND, spec, asked(Series.SOE, day, spec))) == spec.has_battery
    assert 0 < len(power) <= 86_400 // spec.power_interval_s
    truth = EVERY_KIND.truth(spec.site_id).daily_wh(day)
    intervals = answer(EVERY_KIND, spec, asked(Series.INTERVALS, day, spec))
    if spec.zone_mode is not ZoneMode.FIXED_OFFSET:
        assert {name: sum(row[name] for row in intervals) for name in truth} == truth
    assert len(answer(EVERY_KIND, spec, asked(Series.MONTH, day, spec))) >= 2


def test_months_can_come_as_five_minute_rows() -> None:
    """Q10: week and month of a site of that kind are the rows of their days, one after the other."""
    (spec,) = (each for each in EVERY_KIND.sites if each.has_sub_daily_periods)
    day = TODAY - timedelta(days=1)
    week = answer(EVERY_KIND, spec, asked(Series.WEEK, day, spec))
    assert len(week) == 7 * 288
    assert week[-288:] == answer(EVERY_KIND, spec, asked(Series.INTERVALS, day, spec))
    assert len(answer(EVERY_KIND, spec, asked(Series.MONTH, day, spec))) == 19 * 288


def test_the_products_of_every_kind() -> None:
    """API.md §1.1: cars, sites by resource type, stale sites that look real, ghosts that look like nothing."""
    listed = products(EVERY_KIND)
    kinds = Counter(each.get("resource_type", "none") for each in listed)
    assert kinds == {"none": 4, "battery": 10, "solar": 5, "wall_connector": 1}


@pytest.mark.parametrize("index", [0, 1])
def test_quirks_are_where_the_truth_says_and_nowhere_else(index: int) -> None:
    """Every declared row differs from the clean account's only in the declared measures, and no other row differs."""
    spec, truth = QUIRKY.sites[index], QUIRKY.truth(QUIRKY.sites[index].site_id)
    seen: Counter[str] = Counter()
    declared: dict[tuple[Series, date], list[Injection]] = {}
    for each in truth.injections:
        for day in each.dates:
            declared.setdefault((each.series, day), []).append(each)
    for (series, day), injections in declared.items():
        if any(each.kind in {"WrongWindow", "KilowattHours"} for each in injections) or day > TODAY:
            continue
        params = asked(series, day, spec)
        found = differences(answer(QUIRKY, spec, params), answer(TRUE, TRUE.sites[index], params))
        instants = {instant for each in injections for instant in each.instants}
        measures = {name for each in injections for name in each.measures}
        for instant, names in found.items():
            here = instant.astimezone(spec.zone).date()
            assert here == day or (series, here) in declared
            assert here != day or not instants or instant in instants
            assert here != day or not measures or names <= measures
        seen.update(each.kind for each in injections if found)
    expected = {
        0: {
            "InvertedCt",
            "MonthDropsDay",
            "MidnightZero",
            "RollupDrift",
            "AllocationShift",
            "CloudGap",
            "ProvisionalHours",
        },
        1: {"DuplicateInstants", "MissingColumns", "UnknownColumn"},
    }
    assert set(seen) >= expected[index]


@pytest.mark.parametrize("index", [0, 1])
def test_days_without_a_quirk_are_clean(index: int) -> None:
    """On days that no contradiction names, all series are the clean account's to the byte."""
    spec, truth = QUIRKY.sites[index], QUIRKY.truth(QUIRKY.sites[index].site_id)
    touched = {day for each in truth.injections for day in each.dates}
    clean = [day for back in range(1, 200, 7) if (day := TODAY - timedelta(days=back)) not in touched]
    assert len(clean) > 8
    for day in clean:
        for series in (Series.POWER, Series.SOE, Series.INTERVALS, Series.QUARTERS, Series.WEEK):
            params = asked(series, day, spec)
            if series is Series.WEEK and {day - timedelta(days=back) for back in range(7)} & touched:
                continue
            assert answer(QUIRKY, spec, params) == answer(TRUE, TRUE.sites[index], params)


def test_every_contradiction_there_is_happens_in_the_quirky_account() -> None:
    """The demo of every quirk leaves none out."""
    used = {type(each) for spec in QUIRKY.sites for each in spec.contradictions}
    ours = {each for each in Contradiction.__subclasses__() if each.__module__.startswith("extract.simulator.")}
    assert used == ours, "tests have some of their own, which are none of the demo's"


@pytest.mark.parametrize("index", [0, 1])
def test_no_two_quirks_meet(index: int) -> None:
    """Each day of a series has one contradiction at most, so that each disagreement has one cause."""
    truth = QUIRKY.truth(QUIRKY.sites[index].site_id)
    kinds: dict[tuple[Series, date], set[str]] = {}
    for each in truth.injections:
        for day in each.dates:
            kinds.setdefault((each.series, day), set()).add(each.kind)
    assert {key: names for key, names in kinds.items() if len(names) > 1} == {}
