"""Every series: which endpoint, which parameters, which window."""

from datetime import date
from urllib.parse import urlencode

import pytest

from extract.requests import QUARTER_HOUR, chosen, history, legacy_history, question_of, site_info, week_cross_check
from extract.windows import windows
from wattlog.providers import OWNER, SIMULATOR, TESLEMETRY
from wattlog.series import SERIES, series_of_cars, series_with_windows
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

ZONE = Zone("Europe/London")
DAY = date(2025, 3, 30)


@pytest.mark.parametrize(
    ("series", "endpoint", "question", "start", "end"),
    [
        (Series.POWER, "calendar_history", "kind=power", "2025-03-30", "2025-03-30"),
        (Series.SOE, "calendar_history", "kind=soe", "2025-03-30", "2025-03-30"),
        (Series.ENERGY_INTERVAL, "calendar_history", "kind=energy&period=day", "2025-03-30", "2025-03-30"),
        (Series.ENERGY_DAY, "calendar_history", "kind=energy&period=month", "2025-03-01", "2025-03-31"),
        (Series.ENERGY_MONTH, "calendar_history", "kind=energy&period=year", "2025-01-01", "2025-12-31"),
        (Series.ENERGY_YEAR, "calendar_history", "kind=energy&period=lifetime", "2020-05-05", "2026-02-01"),
        (Series.BACKUP, "calendar_history", "kind=backup&period=lifetime", "2020-05-05", "2026-02-01"),
        (Series.CHARGE, "telemetry_history", "kind=charge", "2025-03-01", "2025-03-31"),
        (Series.SELF_CONSUMPTION, "calendar_history", "kind=self_consumption&period=month", "2025-03-01", "2025-03-31"),
    ],
)
def test_how_each_series_is_requested(series: Series, endpoint: str, question: str, start: str, end: str) -> None:
    """API.md#charge-sessions: both dates are always sent; the end is the last second of the window (Q1, Q2)."""
    grain = SERIES[series].grain
    assert grain is not None
    (window,) = windows(grain, DAY, DAY, ZONE, today=date(2026, 2, 1), installed_on=date(2020, 5, 5))
    request = history(1001, series, window, ZONE)
    params = dict(request.params)
    assert request.path == f"/api/1/energy_sites/1001/{endpoint}"
    assert question_of(params) == question
    assert params["start_date"].startswith(f"{start}T00:00:00")
    assert params["end_date"].startswith(f"{end}T23:59:59")
    assert params["time_zone"] == "Europe/London"


def test_every_series_is_in_this_table() -> None:
    files = {spec.name for spec in SERIES.values() if spec.is_imported}
    assert set(series_with_windows()) | {
        Series.SNAPSHOT,
        Series.HISTORY,
        Series.TARIFF_RATE,
        Series.COMMAND,
    } | files | set(series_of_cars()) == set(Series)


def test_quarter_hours_are_another_question() -> None:
    (window,) = windows(Grain.DAY, DAY, DAY, ZONE, today=DAY)
    request = history(1001, Series.ENERGY_INTERVAL, window, ZONE, interval=QUARTER_HOUR)
    assert "kind=energy&period=day&interval=15m&start_date" in urlencode(request.params)


def test_a_week_is_a_cross_check_of_the_month() -> None:
    """Q19: Monday to Sunday (API.md#requests), in series energy_day."""
    (window,) = windows(Grain.WEEK, DAY, DAY, ZONE, today=date(2026, 2, 1))
    assert (window.start, window.end) == (date(2025, 3, 24), date(2025, 3, 30))
    request = week_cross_check(1001, window, ZONE)
    assert (request.series, question_of(dict(request.params))) == (Series.ENERGY_DAY, "kind=energy&period=week")


def test_the_legacy_endpoint_takes_no_dates() -> None:
    """API.md#legacy."""
    requests = legacy_history(1001)
    assert [question_of(dict(request.params)) for request in requests] == [
        "kind=power",
        *(f"kind=energy&period={period}" for period in ("day", "week", "month", "year")),
    ]
    assert {request.path for request in requests} == {"/api/1/energy_sites/1001/history"}
    assert all(request.window is None and "end_date" not in dict(request.params) for request in requests)
    assert requests[1].what == "site 1001 history energy day"


def test_the_series_of_a_run_that_names_none() -> None:
    usual = {
        *(Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY, Series.ENERGY_MONTH),
        *(Series.ENERGY_YEAR, Series.BACKUP, Series.CHARGE),
    }
    assert set(chosen((), TESLEMETRY)) == usual
    assert set(chosen((), OWNER)) == usual | {Series.HISTORY}
    assert chosen((Series.SELF_CONSUMPTION, Series.POWER), OWNER) == (
        Series.POWER,
        Series.SELF_CONSUMPTION,
    )
    assert chosen((Series.HISTORY,), SIMULATOR) == (Series.HISTORY,)


def test_snapshots_have_no_parameters() -> None:
    assert question_of(dict(site_info(1001).params)) == ""
    assert site_info(1001).days == "any"
