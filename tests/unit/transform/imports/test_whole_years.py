"""A whole year of each format in every kind of zone: what really happened comes back, days of changed clocks among them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from extract.simulator.local_day import days_between
from tests.dashboard_database import dashboard_points, export_of
from tests.import_files import (
    House,
    dashboard_export,
    home_assistant_database,
    house,
    pypowerwall_database,
    shaped,
    tesla_app_period,
)
from tests.unit.transform.imports.test_solar_download import ZONES
from transform.time import days_of
from wattlog.series_spec import Series

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
Files = dict[str, str | bytes]


def _app(home: House, _: Path) -> Files:
    months = [date(2024, month, 1) for month in range(1, 13)]
    ends = [*(date.fromordinal(following.toordinal() - 1) for following in months[1:]), LAST]
    return {f"{begin:%Y-%m}.csv": tesla_app_period(home, begin, end) for begin, end in zip(months, ends, strict=True)}


def _dashboard(home: House, _: Path) -> Files:
    return {"export.csv": dashboard_export(home, days_between(FIRST, LAST))}


def _dashboard_database(home: House, _: Path) -> Files:
    points = dashboard_points(home, days_between(FIRST, LAST))
    return {"powerwall.txt": export_of({policy: points[policy] for policy in ("kwh", "daily")})}


def _pypowerwall(home: House, place: Path) -> Files:
    pypowerwall_database(home, place / "a.db", FIRST, LAST)
    return {"a.db": (place / "a.db").read_bytes()}


def _home_assistant(home: House, place: Path) -> Files:
    home_assistant_database(home, place / "a.db", FIRST, LAST)
    return {"a.db": (place / "a.db").read_bytes()}


FORMATS: dict[str, tuple[Series, Callable[[House, Path], Files], dict[str, float]]] = {
    "app": (Series.IMPORT_TESLA_APP, _app, {"days": 50.0}),
    "dashboard": (Series.IMPORT_POWERWALL_DASHBOARD, _dashboard, {"power": 0.5}),
    "dashboard database": (
        Series.IMPORT_POWERWALL_DASHBOARD,
        _dashboard_database,
        {"days": 1e-6, "intervals": 1e-6},
    ),
    "pypowerwall": (Series.IMPORT_PYPOWERWALL, _pypowerwall, {"days": 1e-3}),
    "home assistant": (Series.IMPORT_HOME_ASSISTANT, _home_assistant, {"intervals": 0.01}),
}
"""Name → its series, its writer, and by how many Wh each of its sources may differ on a day: its rounding."""

DERIVED_WH = 250.0
"""What charged the battery follows from five rounded values in exports of the app."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_year(name: str, zone: str, tmp_path: Path) -> None:
    """Every day of the year, to the format's rounding."""
    series, writer, allowed = FORMATS[name]
    home = house(zone)
    tables = shaped(series, writer(home, tmp_path), home.site)
    days = list(days_between(FIRST, LAST))
    expected = {measure: np.array([home.totals(day)[measure] for day in days]) for measure in home.totals(FIRST)}
    for kind, allowed_wh in allowed.items():
        found = tables["import_days"][tables["import_days"]["source"] == f"{series}/{kind}"].sort_values("local_date")
        assert days_of(found["local_date"]).tolist() == days
        for measure, wh in expected.items():
            is_derived = name == "app" and measure == "battery_charge_wh"
            most = DERIVED_WH if is_derived else allowed_wh
            given = found[measure].to_numpy(np.float64)
            assert np.nanmax(np.abs(given - wh)) <= most, (kind, measure)
            assert is_derived or not np.isnan(given).any()
    assert tables["quarantine"].empty
