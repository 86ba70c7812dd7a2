"""Bad rows, rows that come twice, and eras in another unit: each is found for what it is, and nothing else is."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from extract.requests import week_cross_check
from extract.simulator import DuplicateInstants, KilowattHours, SiteSpec, World
from extract.simulator.anomalies import anomaly
from extract.simulator.table import Series as Served
from extract.simulator.table import Table
from extract.windows import local_today, period_end, window
from flows.pipeline import BackfillRequest
from tests.simulated import NOW, account
from tests.truth import wrong_periods
from transform.day_sums import POWERS
from warehouse.query.query import connect
from warehouse.schema import FLOWS
from wattlog.series_spec import Grain, Series

BAD_DAY = date(2025, 8, 1)
TWICE = date(2025, 8, 2)


@dataclass(frozen=True)
class Nonsense(anomaly.Anomaly):
    """10 MW of sun on a site of 8 kW, a battery at 140 %, less than no energy: two rows of each series in one day."""

    day: date

    def apply(self, table: Table, moment: anomaly.RequestTiming) -> Table:
        """With the numbers that cannot be, in the hundredth row of the day and in that before it."""
        impossible = {
            Served.POWER: ("solar_power", 10_000_000.0),
            Served.SOE: ("soe", 140),
            Served.INTERVALS: ("solar_energy_exported", -5),
        }
        if table.series not in impossible or not table.between(self.day, self.day).all():
            return table
        name, value = impossible[table.series]
        is_bad = np.isin(np.arange(len(table.epochs_s)), [70, 71])
        return table.with_columns({name: np.where(is_bad, value, table.columns[name])})

    def injections(self, clock: tzinfo) -> tuple[anomaly.Injection, ...]:
        """The day, in three series."""
        series = (Served.POWER, Served.SOE, Served.INTERVALS)
        return tuple(anomaly.Injection("Nonsense", name, (self.day,)) for name in series)


SUMMER = SiteSpec(
    site_id=81,
    installed_at=datetime(2025, 5, 1, 20, tzinfo=UTC),
    seed=3,
    anomalies=(
        KilowattHours(date(2025, 6, 1), date(2025, 7, 31)),
        Nonsense(BAD_DAY),
        DuplicateInstants(TWICE, TWICE),
    ),
)
"""Two months in kWh, bad rows the day after, rows that come twice the day after that."""

WHOLE_YEAR = SiteSpec(
    site_id=82,
    installed_at=datetime(2025, 11, 10, 20, tzinfo=UTC),
    seed=4,
    anomalies=(KilowattHours(date(2025, 1, 1), date(2025, 12, 31)),),
)
"""All of the year of its installation in kWh, the year itself among it."""

WEEK = date(2025, 6, 9)


@dataclass(frozen=True)
class Stored:
    """What was fetched of the two sites."""

    world: World
    data_dir: Path
    log: str

    def frame(self, query: str, *values: object) -> pd.DataFrame:
        """Rows of the warehouse."""
        with connect(self.data_dir / "warehouse.duckdb") as warehouse:
            rows: pd.DataFrame = warehouse.sql(query, params=list(values)).to_arrow_table().to_pandas()
        return rows


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A few days of power at both ends of each era, and every roll-up of both sites."""
    data_dir = tmp_path_factory.mktemp("faults")
    world = World(sites=(SUMMER, WHOLE_YEAR))
    periods = (Series.ENERGY_DAY, Series.ENERGY_MONTH, Series.ENERGY_YEAR)
    days = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL)
    with account(world) as served, listening() as lines:
        span = window(WEEK, period_end(WEEK, Grain.WEEK), SUMMER.zone, today=local_today(NOW, SUMMER.zone))
        served.fetch(data_dir, [week_cross_check(SUMMER.site_id, span, SUMMER.zone)])
        for site, first, last in (
            (SUMMER, date(2025, 5, 31), date(2025, 6, 1)),
            (SUMMER, date(2025, 7, 31), TWICE),
            (WHOLE_YEAR, date(2025, 11, 30), date(2025, 12, 1)),
            (WHOLE_YEAR, date(2025, 12, 31), date(2026, 1, 2)),
        ):
            scope = BackfillRequest(sites=(site.site_id,), series=(*days, *periods), since=first, until=last)
            assert served.run(data_dir, scope).exit_code == 0
    return Stored(world, data_dir, "\n".join(lines))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


@contextmanager
def listening() -> Iterator[list[str]]:
    """What the transform logs at INFO; `setLevel`, since loggers remember what earlier tests let them say."""
    lines: list[str] = []
    logger, listener = logging.getLogger("transform"), Listener(lines)
    before = logger.level
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(before)
        logger.removeHandler(listener)


class Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(record.getMessage())


@pytest.mark.slow
def test_rows_that_cannot_be_are_in_quarantine_with_what_they_said(stored: Stored) -> None:
    """Each of the six, and no other; what they said is there to be read, and the rest of their responses is kept."""
    found = stored.frame(
        "select q.*, r.series from quarantine q join requests r using (raw_id) order by series, row_number"
    )
    said = [
        (row["series"], row["row_number"], row["reason"], orjson.loads(row["payload"]))
        for row in found.to_dict("records")
    ]
    expected = {
        "energy_interval": ("solar_energy_exported", -5),
        "power": ("solar_power", 10_000_000.0),
        "soe": ("soe", 140),
    }
    assert [(series, number, reason) for series, number, reason, _ in said] == [
        (series, number, "out_of_range") for series in expected for number in (70, 71)
    ]
    for series, _, _, payload in said:
        name, value = expected[series]
        assert payload[name] == value
        assert payload["timestamp"].startswith(BAD_DAY.isoformat())
    for table, rows, measures, odd in (
        ("power", 288, POWERS, {"solar_w", "home_w"}),
        ("state_of_energy", 94, ("soe_pct",), set[str]()),
        ("energy_intervals", 288, FLOWS, {"solar_energy_exported_wh"}),
    ):
        query = f"select * from {table} where site_id = ? and local_date = ?"
        nulls = stored.frame(query, SUMMER.site_id, BAD_DAY)[list(measures)].isna().sum()
        assert stored.frame(f"select count(*) as n from ({query})", SUMMER.site_id, BAD_DAY)["n"].tolist() == [rows]
        assert nulls[nulls > 0].to_dict() == dict.fromkeys(odd, 2), table


def test_a_row_of_which_nothing_can_be_used_is_a_gap_and_there_is_no_other(stored: Stored) -> None:
    """Rows of power and of energy have other values, which are stored; a row of soe has one value."""
    found = stored.frame("select * from gaps where cause not in ('not_fetched', 'before_install', 'future')")
    assert set(found["cause"]) == {"quarantined"}
    assert [(row["series"], row["expected_rows"]) for row in found.to_dict("records")] == [("soe", 2)]


def test_rows_that_come_twice_are_counted_and_change_nothing(stored: Stored) -> None:
    """Q18: once with `Z` and once with an offset; how many is said, of each response that repeats itself."""
    injected = [
        injection
        for injection in stored.world.truth(SUMMER.site_id).injections
        if injection.kind == "DuplicateInstants"
    ]
    repeats = sum(
        len(injection.instants)
        for injection in injected
        if injection.series in (Served.POWER, Served.SOE, Served.INTERVALS)
    )
    counted = [line for line in stored.log.splitlines() if line.startswith("rows repeated in one response")]
    assert sum(int(line.rpartition("=")[2]) for line in counted) == repeats > 0
    assert all(f"site_id={SUMMER.site_id}" in line for line in counted)
    day = stored.frame(
        "select count(*) as n, sum(solar_energy_exported_wh) as wh from energy_intervals where local_date = ?", TWICE
    )
    assert day["n"].tolist() == [288]
    assert day["wh"].tolist() == [stored.world.truth(SUMMER.site_id).daily_wh(TWICE)["solar_energy_exported"]]
    assert len(stored.frame("select * from revisions")) == 0


@pytest.mark.parametrize("spec", [SUMMER, WHOLE_YEAR], ids=["two months", "a whole year"])
def test_every_day_of_an_era_in_kilowatt_hours_is_scaled_to_the_watt_hour(stored: Stored, spec: SiteSpec) -> None:
    """API.md#units: from whichever source; 0 Wh of error, in the era and beside it."""
    rows = stored.frame("select * from energy_periods where site_id = ? and granularity = 'day'", spec.site_id)
    assert {"calendar_history/month"} <= set(rows["source"])
    assert wrong_periods(records(rows), stored.world.truth(spec.site_id)) == []


def test_every_day_that_was_scaled_is_reported_and_no_other(stored: Stored) -> None:
    found = stored.frame("select * from reconciliation where cause = 'unit_mismatch' and granularity = 'day'")
    for spec, first, last in (
        (SUMMER, date(2025, 6, 1), date(2025, 7, 31)),
        (WHOLE_YEAR, date(2025, 11, 10), date(2025, 12, 31)),
    ):
        days = {first + timedelta(days=ahead) for ahead in range((last - first).days + 1)}
        assert set(found.loc[found["site_id"] == spec.site_id, "period_start"]) == days


@pytest.mark.parametrize(
    ("spec", "eras"),
    [
        (
            SUMMER,
            {("month", date(2025, 6, 1)), ("month", date(2025, 7, 1))},
        ),
        (
            WHOLE_YEAR,
            {("month", date(2025, 11, 1)), ("month", date(2025, 12, 1)), ("year", date(2025, 1, 1))},
        ),
    ],
    ids=["two months", "a whole year"],
)
def test_rollups_in_kilowatt_hours_are_scaled_and_reported_and_no_other(
    stored: Stored, spec: SiteSpec, eras: set[tuple[str, date]]
) -> None:
    """API.md#units: months and the year of the installation; 0 Wh of error, in the era and beside it."""
    rows = stored.frame("select * from energy_periods where site_id = ? and granularity <> 'day'", spec.site_id)
    assert {"calendar_history/year", "calendar_history/lifetime"} == set(rows["source"])
    assert wrong_periods(records(rows), stored.world.truth(spec.site_id)) == []
    found = stored.frame(
        "select * from reconciliation where site_id = ? and cause = 'unit_mismatch' and granularity <> 'day'",
        spec.site_id,
    )
    assert {(row["granularity"], row["period_start"]) for row in records(found)} == eras
    assert set(found["verdict"]) == {"differs"}


def test_nothing_else_differs_but_what_was_never_asked_for(stored: Stored) -> None:
    """No false difference: a year and a lifetime of which only a few months' days are stored are called partial."""
    found = stored.frame("select * from reconciliation where verdict <> 'agree' and cause <> 'unit_mismatch'")
    assert set(found["cause"]) <= {"partial_period"}
    assert set(found["granularity"]) <= {"year", "lifetime"}
    assert set(stored.frame("select * from reconciliation where verdict = 'agree'")["check_name"]) >= {"month_vs_days"}
