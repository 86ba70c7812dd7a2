"""Hours and peaks beside pandas' own: another zone database, another way of grouping, holes in the rows."""

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from tests.unit.warehouse.conftest import Database
from warehouse.schema import FLOWS

ZONES = {
    "America/Los_Angeles": ("2025-03-08", "2025-11-01"),
    "Australia/Lord_Howe": ("2025-04-05", "2025-10-04"),
    "Pacific/Chatham": ("2025-04-05", "2025-09-27"),
    "Asia/Kathmandu": ("2025-01-01", "2025-06-30"),
    "America/Santiago": ("2025-04-05", "2025-09-06"),
    "Europe/Dublin": ("2025-03-29", "2025-10-25"),
}
"""Each with the days before the clocks change; Santiago's change at midnight, Kathmandu's never."""


def measured(zone: str, site_id: int) -> pd.DataFrame:
    """Three days around each change, a row in twenty missing, whole Wh at random, filed by pandas' zone database."""
    draw = np.random.default_rng(site_id)
    starts = [pd.Timestamp(day, tz=zone).tz_convert("UTC") for day in ZONES[zone]]
    instants = pd.DatetimeIndex(np.concatenate([pd.date_range(start, periods=864, freq="5min") for start in starts]))
    rows = pd.DataFrame({"interval_start": pd.Series(instants).dt.tz_convert("UTC"), "site_id": site_id})
    local = rows["interval_start"].dt.tz_convert(zone)
    rows["local"] = local.dt.tz_localize(None)
    rows["ahead"] = rows["local"] - rows["interval_start"].dt.tz_localize(None)
    rows["local_date"] = local.dt.date
    rows["import_wh"] = draw.integers(0, 500, len(rows)).astype(float)
    return rows[draw.random(len(rows)) > 0.05]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.concat([measured(zone, 1001 + number) for number, zone in enumerate(ZONES)], ignore_index=True)


@pytest.fixture
def tables(rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    sites = [{"site_id": 1001 + number, "timezone": zone, "has_battery": True} for number, zone in enumerate(ZONES)]
    named = rows[["site_id", "interval_start", "local_date"]].assign(**dict.fromkeys(FLOWS, 0.0))
    named = named.assign(interval_s=300, grid_energy_imported_wh=rows["import_wh"])
    return {"sites": sites, "energy_intervals": cast("list[dict[str, Any]]", named.to_dict("records"))}


def test_hours_are_those_of_pandas(
    database: Database, rows: pd.DataFrame, tables: dict[str, list[dict[str, Any]]]
) -> None:
    """Each hour of each clock, its energy and the stored part of it."""
    expected = (
        rows.assign(local_hour=rows["local"].dt.floor("h"))
        .groupby(["site_id", "local_hour", "ahead"])
        .agg(wh=("import_wh", "sum"), held_s=("import_wh", lambda stored: 300 * len(stored)))
        .reset_index()
    )
    found = database(tables, "hourly").execute(
        "select site_id, local_hour, round(grid_import_kwh * 1000), held_s from analytics.hourly order by all"
    )
    scope = expected.sort_values(["site_id", "local_hour", "wh", "held_s"])
    assert found.fetchall() == list(
        zip(scope["site_id"], scope["local_hour"].dt.to_pydatetime(), scope["wh"], scope["held_s"], strict=True)
    )


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_peaks_are_those_of_pandas(
    minutes: int, database: Database, rows: pd.DataFrame, tables: dict[str, list[dict[str, Any]]]
) -> None:
    """The highest whole window of each month, and the first instant at which it is reached."""
    windows = (
        rows.assign(window=rows["local"].dt.floor(f"{minutes}min"))
        .groupby(["site_id", "window", "ahead"])
        .agg(wh=("import_wh", "sum"), stored=("import_wh", "size"))
        .reset_index()
    )
    whole = windows[windows["stored"] == minutes // 5]
    whole = whole.assign(month=whole["window"].dt.to_period("M").dt.start_time, at=whole["window"] - whole["ahead"])
    peaks = whole.sort_values(["wh", "at"], ascending=[False, True]).drop_duplicates(["site_id", "month"])
    peaks = peaks.sort_values(["site_id", "month"])
    found = database(tables, "peak_demand").execute(
        "select site_id, month, round(peak_import_kw * window_minutes / 60 * 1000), timezone('UTC', peak_import_at), "
        "local_peak_import_at from analytics.peak_demand where window_minutes = ? order by site_id, month",
        [minutes],
    )
    assert found.fetchall() == list(
        zip(
            peaks["site_id"],
            peaks["month"].dt.date,
            peaks["wh"],
            peaks["at"].dt.to_pydatetime(),
            peaks["window"].dt.to_pydatetime(),
            strict=True,
        )
    )
