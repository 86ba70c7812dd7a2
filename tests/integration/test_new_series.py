"""A series that does not exist, added by its spec, a shaper and a table alone, goes from the plan to the warehouse.

No other file names a series where it means any series, so nothing else has to be changed to add one.
"""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import duckdb
import httpx
import pytest

from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill
from flows.run_context import RunContext
from flows.settings import Settings
from transform.intervals import shape_intervals
from transform.shapers import SHAPERS
from warehouse.schema import POWER, TABLES, Field, Kind, Table, Unit
from wattlog.series import SERIES
from wattlog.series_spec import Grain, Intervals, Series, SeriesSpec
from wattlog.zones import Zone

HEAT = cast("Series", "heat")
ZONE = Zone("America/Los_Angeles")
NOW = datetime(2026, 1, 15, 20, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 5), date(2026, 1, 6)
MISSING = datetime(2026, 1, 6, 12, tzinfo=ZONE)
TOO_HOT = datetime(2026, 1, 6, 13, tzinfo=ZONE)
SITE_ID = 7001

SPEC = SeriesSpec(
    HEAT,
    "heat",
    grain=Grain.DAY,
    is_default=False,
    is_stamped_in_window=True,
    measures={"heat_power": "heat_w"},
    tables=("heat",),
    intervals=Intervals("heat", usual_s=300),
)
TABLE = Table(
    "heat",
    "One row per site and interval of the heat series.",
    ("site_id", "interval_start"),
    (
        *(POWER.field(name) for name in ("site_id", "interval_start", "interval_s", "local_date")),
        Field("heat_w", Kind.DOUBLE, "Mean heat.", Unit.W, bounds=(0, 10_000)),
        *(POWER.field(name) for name in ("_fetched_at", "_raw_id", "_run_id")),
    ),
)
DESCRIPTION = {
    "energy_site_id": SITE_ID,
    "resource_type": "battery",
    "site_name": "Ridge",
    "installation_date": "2026-01-01T00:00:00-08:00",
    "installation_time_zone": "America/Los_Angeles",
    "components": {"battery": True, "solar": True, "grid": True},
}


@pytest.fixture
def heat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a new series consists of."""
    monkeypatch.setitem(SERIES, HEAT, SPEC)
    monkeypatch.setitem(SHAPERS, HEAT, partial(shape_intervals, series=HEAT))
    monkeypatch.setitem(TABLES, "heat", TABLE)


def rows_of(day: date) -> list[dict[str, Any]]:
    """Quarter hours of a day: one is missing, one has a value that cannot be."""
    begins = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    stamps = [begins + timedelta(minutes=15 * index) for index in range(96)]
    return [
        {"timestamp": stamp.isoformat(), "heat_power": 20_000 if stamp == TOO_HOT else 500}
        for stamp in stamps
        if stamp != MISSING
    ]


def respond(request: httpx.Request) -> httpx.Response:
    """The API, as far as this series needs it."""
    question, last = request.url.params, request.url.path.rsplit("/", 1)[-1]
    if last == "calendar_history":
        assert question["kind"] == "heat"
        day = datetime.fromisoformat(question["end_date"]).date()
        response: Any = {"time_series": rows_of(day), "installation_time_zone": "America/Los_Angeles"}
    elif last == "products":
        response = [DESCRIPTION]
    else:
        response = DESCRIPTION if last == "site_info" else {"timestamp": "2026-01-15T12:00:00-08:00", "solar_power": 1}
    return httpx.Response(200, json={"response": response})


def run(data_dir: Path) -> Summary:
    settings = Settings.model_validate(
        {
            "data_dir": data_dir,
            "config_dir": data_dir / "config",
            "provider": "simulator",
            "api_base_url": "https://api.test",
            "access_token": "a-token-of-the-tests",
        }
    )
    context = RunContext(settings, "a-run", clock=lambda: NOW, transport=httpx.MockTransport(respond))
    return backfill(context, ThreadExecutor(), BackfillRequest(series=(HEAT,), since=FIRST, until=LAST))


@pytest.mark.usefixtures("heat")
def test_a_new_series_needs_a_spec_a_shaper_and_a_table(tmp_path: Path) -> None:
    """Planned and asked, kept and parsed, shaped and written, its gaps counted and its bad row quarantined, loaded."""
    summary = run(tmp_path)
    assert (summary.exit_code, summary.answered, summary.failures) == (0, 4, []), "two windows and two snapshots"
    assert summary.rows["heat"] == 2 * 96 - 2
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        stored = warehouse.execute(
            "select local_date, count(*), min(interval_s), sum(heat_w) from heat group by all order by all"
        ).fetchall()
        gaps = warehouse.execute(
            "select epoch(gap_start), cause, expected_rows from gaps where series = 'heat' order by 1"
        )
        assert gaps.fetchall() == [
            (MISSING.timestamp(), "no_data", 1),
            (TOO_HOT.timestamp(), "quarantined", 1),
        ]
        assert warehouse.execute("select reason, count(*) from quarantine group by all").fetchall() == [
            ("out_of_range", 1)
        ]
        comment = warehouse.execute("select comment from duckdb_tables() where table_name = 'heat'").fetchall()
    assert stored == [(FIRST, 96, 900, 96 * 500.0), (LAST, 94, 900, 94 * 500.0)]
    assert comment == [(TABLE.grain,)]


def test_the_series_is_gone_afterwards() -> None:
    assert HEAT not in SERIES
    assert HEAT not in SHAPERS
    assert "heat" not in TABLES
