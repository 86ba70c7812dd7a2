"""Lakes to publish, and what a published warehouse holds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import Built, build
from warehouse.checks.consistency import verify_warehouse
from warehouse.lake.lake import Lake
from warehouse.schema import POWER, SITES, TABLES

Content = dict[str, list[tuple[object, ...]]]
PROJECT = Path(__file__).parents[4]


def content_of(path: Path, models: Sequence[str] = ()) -> Content:
    """Every table, the models named, and every comment; rows in the order of the key."""
    found: Content = {}
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in TABLES.values():
            key = ", ".join(f'"{name}"' for name in table.primary_key)
            found[table.name] = connection.execute(f'select * from main."{table.name}" order by {key}').fetchall()
        for name in models:
            rows = connection.execute(f'select * from analytics."{name}"').fetchall()
            found[f"analytics.{name}"] = sorted(rows, key=repr)
        found["comments"] = connection.execute(
            "select schema_name, table_name, column_name, comment from duckdb_columns() where not internal order by all"
        ).fetchall()
        manifest = "select table_name, site_id, period, digest, rows from meta.manifest order by all"
        found["manifest"] = connection.execute(manifest).fetchall()
    return found


def days_of_power(frame_of: FrameOf, site: int, month: int, *, value: float = 1.0, days: int = 2) -> Any:
    start = datetime(2025, month, 1, 8, tzinfo=UTC)
    return frame_of(
        POWER,
        *(
            {
                "site_id": site,
                "interval_start": start + timedelta(days=day),
                "local_date": (start + timedelta(days=day)).date(),
                "solar_w": value + day,
            }
            for day in range(days)
        ),
    )


def fill(lake: Lake, frame_of: FrameOf, months: Sequence[int] = range(1, 13), sites: Sequence[int] = (1, 2)) -> None:
    for site in sites:
        for month in months:
            lake.write(
                "power", days_of_power(frame_of, site, month), site_id=site, period=f"2025-{month:02d}", digest="a"
            )
    lake.write("sites", frame_of(SITES, *({"site_id": site, "timezone": "UTC"} for site in sites)), digest="a")


def assert_as_built_anew(lake: Lake, destination: Path, built: Built, models: Sequence[str] = ()) -> None:
    whole = build(lake, destination.with_name("whole.duckdb"), anew=True)
    assert content_of(destination, models) == content_of(whole.path, models)
    assert built.rows == whole.rows
    assert list(verify_warehouse(lake, destination)) == []
