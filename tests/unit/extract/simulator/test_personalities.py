"""The account with a site of every kind, and the demo account with every anomaly."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.simulator import (
    Anomaly,
    Injection,
    LateData,
    Series,
    SiteSpec,
    World,
    ZoneMode,
    demo_world,
    personality_world,
    quirky_world,
)
from extract.simulator.endpoints.account import products
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.query import Query

TODAY = date(2026, 7, 20)
NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
EVERY_KIND = personality_world(TODAY)
TRUE, QUIRKY = demo_world(TODAY), quirky_world(TODAY)


def params_of(series: Series, day: date, spec: SiteSpec) -> dict[str, str]:
    """Parameters of the request whose response has a series' rows of a day."""
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=spec.zone).isoformat()
    if series in {Series.POWER, Series.SOE}:
        return {"kind": series.value, "end_date": end}
    if series is Series.QUARTERS:
        return {"kind": "energy", "period": "day", "interval": "15m", "end_date": end}
    return {"kind": "energy", "period": series.value.rpartition("/")[2].replace("intervals", "day"), "end_date": end}


def rows_of(world: World, spec: SiteSpec, params: dict[str, str], now: datetime = NOW) -> list[dict[str, Any]]:
    """The rows of a response."""
    response = calendar_history(Query(world, world.truth(spec.site_id), params, now))
    assert isinstance(response, dict)
    return response["time_series"] or []


def differences(response: list[dict[str, Any]], expected: list[dict[str, Any]]) -> dict[datetime, set[str]]:
    """Measures that differ, by instant; the set is empty for a row that only one of the two has."""
    left_rows = {datetime.fromisoformat(row["timestamp"]): row for row in response}
    right_rows = {datetime.fromisoformat(row["timestamp"]): row for row in expected}
    found = {}
    for instant in left_rows.keys() | right_rows.keys():
        left, right = left_rows.get(instant, {}), right_rows.get(instant, {})
        names = {name for name in left.keys() | right.keys() if left.get(name) != right.get(name)}
        if names:
            found[instant] = {name for name in names if not name.startswith(("total_", "raw_", "timestamp"))}
    return found


def test_there_is_a_site_of_every_kind() -> None:
    """Every zone, every form of the zone, all equipment, old and new sites."""
    sites = EVERY_KIND.sites
    assert {site.time_zone for site in sites} >= {
        "America/Los_Angeles",
        "Europe/London",
        "Australia/Sydney",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "Pacific/Chatham",
        "America/St_Johns",
        "America/Phoenix",
    }
    assert {site.zone_mode for site in sites} == set(ZoneMode)
    assert {(site.has_solar, site.has_battery) for site in sites} == {
        (a, b) for a in (True, False) for b in (True, False)
    }
    assert any(site.generator_w for site in sites)
    assert any(site.vpp_events_per_year for site in sites)
    assert any(not site.has_grid_meter and site.power_interval_s == 900 for site in sites)
    ages = [(NOW - site.installed_at).days for site in sites]
    assert min(ages) <= 3
    assert max(ages) >= 3_650


@pytest.mark.parametrize("spec", EVERY_KIND.sites, ids=lambda site: site.site_name)
def test_every_site_has_data_of_every_kind(spec: SiteSpec) -> None:
    """Each site has rows for its equipment, and the sums of intervals are its truth."""
    day = TODAY - timedelta(days=1)
    power = rows_of(EVERY_KIND, spec, params_of(Series.POWER, day, spec))
    assert bool(rows_of(EVERY_KIND, spec, params_of(Series.SOE, day, spec))) == spec.has_battery
    assert 0 < len(power) <= 86_400 // spec.power_interval_s
    truth = EVERY_KIND.truth(spec.site_id).daily_wh(day)
    intervals = rows_of(EVERY_KIND, spec, params_of(Series.INTERVALS, day, spec))
    if spec.zone_mode is not ZoneMode.FIXED_OFFSET:
        assert {name: sum(row[name] for row in intervals) for name in truth} == truth
    assert len(rows_of(EVERY_KIND, spec, params_of(Series.MONTH, day, spec))) >= 2


def test_months_can_have_five_minute_rows() -> None:
    """Q10: week and month of such a site are the rows of their days, in order."""
    (spec,) = (site for site in EVERY_KIND.sites if site.has_sub_daily_periods)
    day = TODAY - timedelta(days=1)
    week = rows_of(EVERY_KIND, spec, params_of(Series.WEEK, day, spec))
    assert len(week) == 7 * 288
    assert week[-288:] == rows_of(EVERY_KIND, spec, params_of(Series.INTERVALS, day, spec))
    assert len(rows_of(EVERY_KIND, spec, params_of(Series.MONTH, day, spec))) == 19 * 288


def test_the_products_of_every_kind() -> None:
    """API.md#products: vehicles, sites by resource type, stale sites that look real, ghosts without a type."""
    listed = products(EVERY_KIND)
    kinds = Counter(product.get("resource_type", "none") for product in listed)
    assert kinds == {"none": 4, "battery": 10, "solar": 5, "wall_connector": 1}


@pytest.mark.parametrize("index", [0, 1])
def test_responses_differ_exactly_where_injections_are_declared(index: int) -> None:
    """Declared rows differ from those of the demo account only in the declared measures; no other row differs."""
    spec, truth = QUIRKY.sites[index], QUIRKY.truth(QUIRKY.sites[index].site_id)
    seen: Counter[str] = Counter()
    declared: dict[tuple[Series, date], list[Injection]] = {}
    for injection in truth.injections:
        for day in injection.dates:
            declared.setdefault((injection.series, day), []).append(injection)
    for (series, day), injections in declared.items():
        if (
            any(
                injection.kind in {"WrongWindow", "LaggingWindow", "EarlierDays", "KilowattHours"}
                for injection in injections
            )
            or day > TODAY
        ):
            continue
        params = params_of(series, day, spec)
        found = differences(rows_of(QUIRKY, spec, params), rows_of(TRUE, TRUE.sites[index], params))
        instants = {instant for injection in injections for instant in injection.instants}
        measures = {name for injection in injections for name in injection.measures}
        for instant, names in found.items():
            here = instant.astimezone(spec.zone).date()
            assert here == day or (series, here) in declared
            assert here != day or not instants or instant in instants
            assert here != day or not measures or names <= measures
        seen.update(injection.kind for injection in injections if found)
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
def test_days_without_an_anomaly_are_unchanged(index: int) -> None:
    """On days without an injection, all series equal those of the demo account."""
    spec, truth = QUIRKY.sites[index], QUIRKY.truth(QUIRKY.sites[index].site_id)
    touched = {day for injection in truth.injections for day in injection.dates}
    clean = [day for back in range(1, 200, 7) if (day := TODAY - timedelta(days=back)) not in touched]
    assert len(clean) > 8
    for day in clean:
        for series in (Series.POWER, Series.SOE, Series.INTERVALS, Series.QUARTERS, Series.WEEK):
            params = params_of(series, day, spec)
            if series is Series.WEEK and {day - timedelta(days=back) for back in range(7)} & touched:
                continue
            assert rows_of(QUIRKY, spec, params) == rows_of(TRUE, TRUE.sites[index], params)


def test_the_quirky_account_has_every_anomaly() -> None:
    """No class of anomalies is left out but data that come late, which need many nights."""
    used = {type(anomaly) for spec in QUIRKY.sites for anomaly in spec.anomalies}
    defined = {kind for kind in Anomaly.__subclasses__() if kind.__module__.startswith("extract.simulator.")}
    assert used == defined - {LateData}, "classes of tests do not count"


@pytest.mark.parametrize("index", [0, 1])
def test_no_day_of_a_series_has_two_anomalies(index: int) -> None:
    """Each day of a series has at most one anomaly, so that each difference has one cause."""
    truth = QUIRKY.truth(QUIRKY.sites[index].site_id)
    kinds: dict[tuple[Series, date], set[str]] = {}
    for injection in truth.injections:
        for day in injection.dates:
            kinds.setdefault((injection.series, day), set()).add(injection.kind)
    assert {key: names for key, names in kinds.items() if len(names) > 1} == {}
