"""However the lake changes from night to night, every model is what computing it from everything gives."""

import calendar
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from warehouse.build import build as building
from warehouse.build import load, manifest, stale_models
from warehouse.build.build import Loading, build
from warehouse.lake.lake import Lake
from warehouse.models import MODELS
from warehouse.schema import TABLES, Kind, Table

pytestmark = pytest.mark.slow

HOMES = {1: "America/Los_Angeles", 2: "Australia/Lord_Howe", 3: "Pacific/Kiritimati"}
"""Behind UTC; half an hour of summer time, in the other half of the year; fourteen hours ahead."""
ZONES = (*HOMES.values(), "Pacific/Apia", "UTC-05:30", None)
MONTHS = ("2024-11", "2024-12", "2025-01", "2025-03", "2025-04")
"""The end of a year, and changes of the clocks: on 3 November, 9 March and 6 April."""
DAYS = (1, 2, 3, 6, 9, 16, 27, 31)
"""Of a month: those at its ends, those on which clocks change, and some between. The 31st stands for the last."""
MOVED = (
    *("power", "state_of_energy", "energy_intervals", "daily", "energy_periods", "gaps", "reconciliation"),
    *("hourly_costs", "daily_costs", "bills"),
)
OF_DAYS = ("daily", "energy_periods", "reconciliation", "daily_costs", "bills")
EVENTS = ("backup_events", "charge_sessions")
STEP_S = 900
NIGHTS = 2

Change = tuple[str, int, str, int, int, bool]
"""Table, site, month, a seed of its numbers, how many of its days have no rows (the later ones), and whether it is removed."""

CHANGES = st.tuples(
    st.sampled_from((*MOVED, *EVENTS)),
    st.sampled_from(sorted(HOMES)),
    st.sampled_from(MONTHS),
    st.integers(1, 5),
    st.integers(0, len(DAYS)),
    st.integers(0, 9).map(lambda number: number == 0),
)
Site = tuple[int, str | None, bool]
"""A site, its zone, and whether it has a battery."""
SITE_CHANGES = st.none() | st.tuples(st.sampled_from(sorted(HOMES)), st.sampled_from(ZONES), st.booleans())


def _days(month: str, missing: int) -> list[date]:
    year, number = int(month[:4]), int(month[5:])
    last = calendar.monthrange(year, number)[1]
    return sorted({date(year, number, min(day, last)) for day in DAYS})[: len(DAYS) - missing]


def _midnight(day: date, zone: str) -> pd.Timestamp:
    return pd.Timestamp(day).tz_localize(zone).tz_convert("UTC")


def _numbers(count: int, seed: int, step: float) -> Any:
    """Sums of such numbers have no rounding, in whatever order; some are unknown, and a seed may have zeros alone."""
    drawn = np.random.default_rng(seed).integers(0, 8, count) * (step if seed % 4 else 0.0)
    return pd.Series(drawn).mask(np.random.default_rng(seed + 1).random(count) < 0.02)


def _frame(table: Table, given: dict[str, Any], count: int, seed: int) -> pd.DataFrame:
    """Columns that are given; numbers in the others that are measures."""
    plain = {Kind.VARCHAR: "x", Kind.BIGINT: 1, Kind.INTEGER: 1, Kind.BOOLEAN: False}
    columns: dict[str, Any] = {}
    for at, field in enumerate(table.fields):
        if field.name in given:
            values = given[field.name]
        elif field.type is Kind.DOUBLE:
            values = _numbers(count, seed + at, 250.0)
        elif field.type in {Kind.DECIMAL, Kind.MONEY}:
            values = [
                None if pd.isna(number) else Decimal(number) / 1_000 for number in _numbers(count, seed + at, 250.0)
            ]
        elif field.type is Kind.TIMESTAMPTZ:
            values = pd.Timestamp("2025-01-01T20:00", tz="UTC")
        else:
            values = None if field.nullable else plain[field.type]
        columns[field.name] = pd.Series(values, index=range(count))
    return pd.DataFrame(columns).astype(table.dtypes)


def _intervals(table: Table, site: int, month: str, seed: int, missing: int) -> pd.DataFrame:
    zone = HOMES[site]
    starts = [
        start
        for day in _days(month, missing)
        for start in pd.date_range(
            _midnight(day, zone), _midnight(day + timedelta(days=1), zone), freq=f"{STEP_S}s", inclusive="left"
        )
    ]
    local = [start.tz_convert(zone) for start in starts]
    # In the afternoon the battery only discharges, and its level falls: its capacity follows from that.
    is_afternoon = pd.Series([clock.hour >= 12 for clock in local])
    falling = pd.Series([100.0 - 2 * (4 * (clock.hour - 12) + clock.minute // 15) for clock in local])
    charges = ("grid", "solar", "generator")
    given = {
        **{
            f"battery_energy_imported_from_{source}_wh": _numbers(len(starts), seed + at, 250.0).mask(is_afternoon, 0.0)
            for at, source in enumerate(charges)
        },
        "site_id": site,
        "interval_start": starts,
        "starts_at": starts,
        "interval_s": STEP_S,
        "local_date": [clock.date() for clock in local],
        "soe_pct": _numbers(len(starts), seed, 25.0).clip(upper=100.0).mask(is_afternoon, falling),
    }
    return _frame(table, given, len(starts), seed)


def _gaps(table: Table, site: int, month: str, seed: int, missing: int) -> pd.DataFrame:
    """One begins in the month and ends in it or months later."""
    starts = [pd.Timestamp(f"{month}-10T05:00", tz="UTC") + timedelta(days=missing)]
    given = {
        "site_id": site,
        "series": f"series {seed % 2}",
        "gap_start": starts,
        "gap_end": [start + timedelta(days=20 * seed) for start in starts],
        "cause": "no_data",
        "expected_rows": 100 * seed,
    }
    return _frame(table, given, len(starts), seed)


def _dates(table: Table, site: int, month: str, seed: int, missing: int) -> pd.DataFrame:
    days = _days(month, missing)
    given = {
        "site_id": site,
        "local_date": days,
        "period_start": days,
        "cycle_start": days,
        "cycle_end": days,
        "status": "agreed",
        "coverage_pct": 100.0,
        "granularity": "day",
        **dict.fromkeys(("grid_services_energy_imported_wh", "grid_services_energy_exported_wh"), 0.0),
        "source": "calendar_history/day",
        "check_name": "check",
        "measure": "solar_wh",
        "verdict": ["agree" if (day.day + seed) % 3 else "differ" for day in days],
    }
    if table.name == "energy_periods" and days:  # a month of Tesla's stands with the year, which is on another page
        given |= {"granularity": ["month", *["day"] * (len(days) - 1)]}
        given |= {"source": ["calendar_history/year", *["calendar_history/day"] * (len(days) - 1)]}
    return _frame(table, given, len(days), seed)


def _events(table: Table, site: int, month: str, seed: int, missing: int) -> pd.DataFrame:
    """Around midnight, and one of days."""
    days = _days(month, missing)[::3]
    starts = [_midnight(day, HOMES[site]) - timedelta(hours=1) for day in days]
    lengths = [timedelta(hours=3 + seed) if at else timedelta(days=2) for at in range(len(days))]
    given = {
        "site_id": site,
        "started_at": starts,
        "ended_at": [start + length for start, length in zip(starts, lengths, strict=True)],
        "duration_s": [length.total_seconds() for length in lengths],
        "energy_added_wh": 8_000.0,
    }
    return _frame(table, given, len(days), seed)


def _write(lake: Lake, change: Change) -> None:
    name, site, month, seed, missing, is_removed = change
    if is_removed:
        lake.path(name, site, month).unlink(missing_ok=True)
        return
    makers = {"gaps": _gaps} | dict.fromkeys(OF_DAYS, _dates)
    make = makers.get(name, _events if name in EVENTS else _intervals)
    lake.write(name, make(TABLES[name], site, month, 10 * seed, missing), site_id=site, period=month, digest="d")


def _write_sites(lake: Lake, *sites: Site) -> None:
    given = {
        "site_id": [site for site, _, _ in sites],
        "site_name": [f"Site {site}" for site, _, _ in sites],
        "timezone": [zone for _, zone, _ in sites],
        "installed_at": pd.Timestamp("2024-11-02T20:00", tz="UTC"),
        "has_battery": [has_battery for _, _, has_battery in sites],
        "nameplate_energy_wh": 16_000.0,
        "status": "ok",
    }
    lake.write("sites", _frame(TABLES["sites"], given, len(sites), 0), digest="d")


def _write_command_to_car(lake: Lake) -> None:
    """It belongs to no site."""
    given = {"site_id": 0, "command_id": "c", "vehicle": "vin-000001", "name": "charge", "outcome": "done"}
    lake.write("commands", _frame(TABLES["commands"], given, 1, 0), site_id=0, period=MONTHS[0], digest="d")


def _content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table and model, and the comments."""
    relations = [f'main."{name}"' for name in TABLES]
    relations += [f'analytics."{name}"' for name in MODELS] + ["meta.zone_offsets", "meta.zone_days"]
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = {name: connection.execute(f"from {name} order by all").fetchall() for name in relations}
        for relation in ("duckdb_columns()", "duckdb_tables()", "duckdb_views()"):
            column = "column_name" if relation == "duckdb_columns()" else "null"
            found[relation] = connection.execute(
                f"select schema_name, {relation[7:-3].replace('column', 'table')}_name, {column}, comment "
                f"from {relation} where not internal order by all"
            ).fetchall()
    return found


def _write_setting_changes(lake: Lake) -> None:
    """One for each site, at a midnight, whose day is stored, as is the one a week before: their hours are compared."""
    table = TABLES["setting_changes"]
    instants = [_midnight(date(2025, 1, 16), zone) for zone in HOMES.values()]
    given = {"site_id": list(HOMES), "changed_at": instants, "not_before": instants, "outcome": "applied"}
    lake.write(table, _frame(table, given, len(instants), 1), digest="d")


@pytest.fixture(scope="module")
def before() -> Iterator[Path]:
    """A lake of every table, and its warehouse."""
    with TemporaryDirectory() as directory:
        lake = Lake(Path(directory) / "lake")
        for name, site, month in product((*MOVED, *EVENTS), HOMES, MONTHS):
            _write(lake, (name, site, month, 1, 0, False))
        _write_sites(lake, *((site, zone, site != 2) for site, zone in HOMES.items()))
        _write_setting_changes(lake)
        _write_command_to_car(lake)
        built = build(lake, Path(directory) / "warehouse.duckdb")
        with duckdb.connect(built.path, read_only=True) as connection:
            for model in MODELS:
                assert connection.execute(f'select count(*) from analytics."{model}"').fetchall() > [(0,)], model
            compared = "select count(*) from analytics.command_effects where status <> 'not_enough_data'"
            assert connection.execute(compared).fetchall() > [(0,)]
        yield Path(directory)


def _publish_nights(before: Path, nights: list[tuple[list[Change], Site | None]]) -> None:
    with TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        shutil.copytree(before, data)
        lake, path = Lake(data / "lake"), data / "warehouse.duckdb"
        for changes, site in nights:
            for change in changes:
                _write(lake, change)
            if site is not None:
                homes = {number: (number, zone, number != 2) for number, zone in HOMES.items()}
                _write_sites(lake, *(homes | {site[0]: site}).values())
            assert build(lake, path).loading is not Loading.WHOLE
        whole = build(lake, path.with_name("whole.duckdb"), anew=True)
        found, expected = _content(path), _content(whole.path)
        for relation, rows in expected.items():
            assert found[relation] == rows, relation


@examples(4)
@given(
    nights=st.lists(
        st.tuples(st.lists(CHANGES, min_size=1, max_size=4), SITE_CHANGES), min_size=NIGHTS, max_size=NIGHTS
    )
)
def test_nights_of_changes_come_to_the_models_of_a_whole_build(
    before: Path, nights: list[tuple[list[Change], Site | None]]
) -> None:
    """Files change, lose rows and go, sites move: what is out of order is never too much here, so that models are updated."""
    with (
        patch.object(building, "WORTH_COPYING", 1.0),
        patch.object(load, "DISORDER", 1.0),
        patch.object(stale_models, "DISORDER", 1.0),
        patch.object(manifest, "RACE_NS", 0),
    ):
        _publish_nights(before, nights)


ONE_TABLE = [
    pytest.param(at, name, marks=[] if at % 3 == 0 else pytest.mark.exhaustive)
    for at, name in enumerate([*MOVED, *EVENTS])
]


@pytest.mark.parametrize(("at", "name"), ONE_TABLE)
def test_one_changed_file_of_each_table(before: Path, at: int, name: str) -> None:
    """With the real limits for what is out of order."""
    with patch.object(manifest, "RACE_NS", 0):
        _publish_nights(before, [([(name, 1 + at % 3, MONTHS[at % len(MONTHS)], 3, 1, False)], None)])
