"""Sites, rows and responses to test with, in the shapes that API.md describes; every value is made up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import orjson
import pandas as pd

from transform.intervals import SUPERSEDED
from transform.site_zone import ServerClock
from transform.sites import Site
from warehouse.lake.conform import conform
from warehouse.schema import API_FLOWS, TABLES
from wattlog.zones import Zone

TABLE_OF = {SUPERSEDED: "energy_intervals"}
"""Frames that are no table of the lake → the table whose columns they have."""

LOS_ANGELES = Zone("America/Los_Angeles")

BATTERY_SITE = Site(
    site_id=101,
    site_name="Ridge",
    resource_type="battery",
    timezone="America/Los_Angeles",
    timezone_source="installation_time_zone",
    installed_at=datetime(2019, 5, 14, 17, 30, tzinfo=UTC),
    has_solar=True,
    has_battery=True,
    has_grid=True,
    wall_connectors=0,
    nameplate_power_w=5000.0,
    nameplate_energy_wh=13500.0,
    battery_count=1,
    status="ok",
)

SOLAR_SITE = replace(
    BATTERY_SITE, site_id=202, resource_type="solar", timezone="UTC-07:00", has_battery=False, battery_count=None
)


def cut_by(site: Site, name: str) -> Site:
    """The site, with a clock by which the server always cut its days."""
    return replace(
        site, server_clocks=(ServerClock(name, datetime(2019, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),)
    )


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A response as the raw archive keeps it."""

    raw_id: str
    series: str
    window_start: date
    window_end: date
    requested_at: datetime
    body: bytes
    site_id: int = 101
    run_id: str = "run-1"
    status: int = 200
    path: str = ""


def answer(
    series: str,
    rows: object,
    *,
    day: date = date(2025, 6, 10),
    until: date | None = None,
    asked: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    raw_id: str = "raw-1",
    site_id: int = 101,
    envelope: Mapping[str, object] | None = None,
) -> KeptAnswer:
    """A response whose time series is `rows`."""
    named: Mapping[str, object] = {"installation_time_zone": "America/Los_Angeles"}
    response = {**(named if envelope is None else envelope), "time_series": rows}
    body = orjson.dumps({"response": response})
    return KeptAnswer(raw_id, series, day, until or day, asked, body, site_id=site_id)


def slots(day: date, zone: tzinfo, *, step_s: int = 300) -> list[datetime]:
    """Beginnings of a local day's intervals, each with the offset in force."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)
    count = int((end - start) / timedelta(seconds=step_s))
    return [(start + timedelta(seconds=step_s) * index).astimezone(zone) for index in range(count)]


def energy_row(stamp: datetime | str, **flows: object) -> dict[str, Any]:
    """One row of kind=energy; flows that are not given are 0."""
    text = stamp if isinstance(stamp, str) else stamp.isoformat()
    return {"timestamp": text, **dict.fromkeys(API_FLOWS, 0), **flows}


def power_row(stamp: datetime | str, solar: object = 0, battery: object = 0, grid: object = 0) -> dict[str, Any]:
    """One row of kind=power without the keys that only some sites have."""
    text = stamp if isinstance(stamp, str) else stamp.isoformat()
    return {"timestamp": text, "solar_power": solar, "battery_power": battery, "grid_power": grid}


def checked(tables: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """The same tables, every one of which the lake would take, with the declared columns in order."""
    for name, frame in ((TABLE_OF.get(name, name), frame) for name, frame in tables.items()):
        assert tuple(frame.columns) == TABLES[name].columns
        assert conform(frame, name).num_rows == len(frame)
    return tables


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The frame's rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def reasons(tables: Mapping[str, pd.DataFrame]) -> list[tuple[int, str]]:
    """Row number and reason of everything in quarantine."""
    frame = tables["quarantine"]
    return list(zip(frame["row_number"].tolist(), frame["reason"].tolist(), strict=True))


def instants(frame: pd.DataFrame) -> list[str]:
    """The frame's instants as UTC text, to the minute."""
    return [str(text) for text in frame["interval_start"].dt.strftime("%Y-%m-%d %H:%M")]


def shuffled(responses: Iterable[KeptAnswer]) -> list[KeptAnswer]:
    """The responses in another order."""
    return sorted(responses, key=lambda response: response.raw_id[::-1], reverse=True)
