"""Which rows of models are computed again, and that all others stay where they are."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build import stale_models
from warehouse.build.build import Loading, build
from warehouse.build.stale_models import Days
from warehouse.lake.lake import Lake
from warehouse.models import MODELS, Period
from warehouse.schema import ENERGY_INTERVALS, GAPS, SITES

ZONE = "America/Los_Angeles"


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


def _read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def _is_as_built_anew(lake: Lake, destination: Path) -> None:
    whole = build(lake, destination.with_name("whole.duckdb"), anew=True)
    for model in MODELS:
        query = f"from analytics.{model} order by all"
        assert _read(destination, query) == _read(whole.path, query), model


def _write_intervals(lake: Lake, frame_of: FrameOf, month: int, wh: float) -> None:
    """Two hours of a month, far from the next one."""
    starts = [datetime(2025, month, 1, 8, tzinfo=UTC), datetime(2025, month, 1, 7, tzinfo=UTC) + timedelta(days=20)]
    rows = [
        {
            "site_id": 1,
            "interval_start": start,
            "interval_s": 3600,
            "local_date": (start - timedelta(hours=8)).date(),
            "grid_energy_imported_wh": wh,
        }
        for start in starts
    ]
    lake.write(
        "energy_intervals", frame_of(ENERGY_INTERVALS, *rows), site_id=1, period=f"2025-{month:02d}", digest=str(wh)
    )


def _write_site(lake: Lake, frame_of: FrameOf, zone: str) -> None:
    lake.write("sites", frame_of(SITES, {"site_id": 1, "timezone": zone, "has_battery": True}), digest=zone)


def test_rows_of_other_days_stay_where_they_are(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """The hours of the month that changed follow the others, which nothing was done with."""
    _write_site(lake, frame_of, ZONE)
    for month in range(1, 13):
        _write_intervals(lake, frame_of, month, 1000.0)
    build(lake, destination)
    _write_intervals(lake, frame_of, 5, 2000.0)
    assert build(lake, destination).loading is Loading.CHANGES
    stored = _read(destination, "select month(local_date), grid_import_kwh from analytics.hourly order by rowid")
    others = [month for month in range(1, 13) if month != 5 for _ in range(2)]
    assert stored == [(month, 1.0) for month in others] + [(5, 2.0)] * 2
    _is_as_built_anew(lake, destination)


def test_another_zone_of_a_site_moves_all_of_its_hours(lake: Lake, frame_of: FrameOf, destination: Path) -> None:
    """No row of the intervals changed, and each of them is in another hour of the site's clock."""
    _write_site(lake, frame_of, ZONE)
    for month in range(1, 13):
        _write_intervals(lake, frame_of, month, 1000.0)
    build(lake, destination)
    before = _read(destination, "select local_hour from analytics.hourly order by local_hour")
    _write_site(lake, frame_of, "Australia/Sydney")
    assert build(lake, destination).loading is Loading.CHANGES
    after = _read(destination, "select local_hour from analytics.hourly order by local_hour")
    assert len(before) == len(after) == 24
    assert not set(before) & set(after)
    _is_as_built_anew(lake, destination)


@pytest.mark.parametrize(("first_end", "second_end"), [(7, 3), (3, 7)])
def test_a_gap_is_counted_in_each_month_that_it_reaches_or_reached(
    lake: Lake,
    frame_of: FrameOf,
    destination: Path,
    monkeypatch: pytest.MonkeyPatch,
    first_end: int,
    second_end: int,
) -> None:
    """It is stored by the instant at which it begins, in February."""
    monkeypatch.setattr(stale_models, "DISORDER", 1.0)

    def write(month: int, end: int) -> None:
        row = {
            "site_id": 1,
            "series": "power",
            "gap_start": datetime(2025, month, 3, tzinfo=UTC),
            "gap_end": datetime(2025, end, 3, tzinfo=UTC),
            "cause": "no_data",
            "expected_rows": 9_000,
        }
        lake.write("gaps", frame_of(GAPS, row), site_id=1, period=f"2025-{month:02d}", digest=str(end))

    _write_site(lake, frame_of, ZONE)
    for month in range(1, 12):
        write(month, first_end if month == 2 else month + 1)
    build(lake, destination)
    before = _read(destination, "from analytics.coverage order by all")
    write(2, second_end)
    assert build(lake, destination).loading is Loading.CHANGES
    assert _read(destination, "from analytics.coverage order by all") != before
    _is_as_built_anew(lake, destination)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, date(2024, 2, 10), date(2024, 12, 3)),
        (Period.MONTH, date(2024, 2, 1), date(2024, 12, 31)),
        (Period.YEAR, date(2024, 1, 1), date(2024, 12, 31)),
        (Period.ALL, date.min, date.max),
    ],
)
def test_days_are_rounded_to_whole_periods(period: Period, first: date, last: date) -> None:
    assert Days(1, date(2024, 2, 10), date(2024, 12, 3)).whole(period) == Days(1, first, last)


def test_all_days_stay_all_days() -> None:
    """The calendar has no days before the first and after the last."""
    for period in Period:
        assert Days(1).widened(timedelta(days=2)).whole(period) == Days(1)
