"""Every kind of site and every anomaly, fetched over HTTP and compared with what really happened."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from extract.simulator import FLOWS, POWERS, SiteSpec, World, ZoneMode, personality_world, quirky_world
from flows.cli import run
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from flows.run_context import RunContext
from flows.settings import Settings
from tests.recordings import QUIRKS, Recording, Recordings, Visit
from tests.simulated import NOW
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import TABLES
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

ERAS = (
    (date(2024, 4, 5), date(2024, 4, 9)),
    (date(2025, 4, 4), date(2025, 4, 7)),
    (date(2025, 10, 31), date(2025, 11, 3)),
)
"""Around the change to five-minute rows, the end of summer time in the south, and in the north."""

ASKED = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY, Series.BACKUP, Series.CHARGE)


PERSONALITIES = Recording(
    World(sites=personality_world(NOW.date()).sites),
    tuple(
        Visit(BackfillRequest(series=ASKED, since=first, until=last), is_whole=(first, last) == ERAS[-1])
        for first, last in ERAS
    ),
)


@dataclass
class Fetched:
    """What was fetched of a world."""

    world: World
    data_dir: Path
    warehouse: duckdb.DuckDBPyConnection

    def frame(self, query: str, *values: object) -> pd.DataFrame:
        """Rows of the warehouse."""
        rows: pd.DataFrame = self.warehouse.sql(query, params=list(values)).to_arrow_table().to_pandas()
        return rows


@pytest.fixture(scope="module")
def personalities(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    recorded = recordings.copy(PERSONALITIES, tmp_path_factory.mktemp("personalities") / "data")
    with connect(recorded.data_dir / "warehouse.duckdb") as warehouse:
        yield Fetched(PERSONALITIES.world, recorded.data_dir, warehouse)


SITES = personality_world(NOW.date()).sites
EVERY_SITE = pytest.mark.parametrize("spec", SITES, ids=lambda spec: spec.site_name)


def days_of(spec: SiteSpec) -> list[date]:
    """The days asked for that are whole; of a fixed-offset site's eras the first and last are not (Q7)."""
    cut = timedelta(days=1 if spec.zone_mode is ZoneMode.FIXED_OFFSET else 0)
    installed = spec.installed_at.astimezone(spec.zone).date()
    return [
        first + timedelta(days=ahead)
        for first, last in ((first + cut, last - cut) for first, last in ERAS)
        for ahead in range((last - first).days + 1)
        if first + timedelta(days=ahead) > installed
    ]


@EVERY_SITE
def test_each_day_has_the_energy_that_flowed(personalities: Fetched, spec: SiteSpec) -> None:
    """0 Wh of error in sixteen flows: both eras, both hemispheres, every way to give a zone (Q5, Q7, Q8, Q10, Q37)."""
    columns = ", ".join(f"sum({name}_wh) as {name}" for name in FLOWS)
    stored = personalities.frame(
        f"""select local_date, {columns} from energy_intervals where site_id = $1 group by 1
        union all by name
        select period_start as local_date, {columns} from energy_periods
        where site_id = $1 and source = 'calendar_history/day' group by 1""",
        spec.site_id,
    ).set_index("local_date")
    truth = personalities.world.truth(spec.site_id)
    for day in days_of(spec):
        row = stored.loc[day]
        assert {name: row[name] for name in FLOWS} == truth.daily_wh(day), day


@EVERY_SITE
def test_power_is_the_power_that_was(personalities: Fetched, spec: SiteSpec) -> None:
    """Every instant and value, so that every integral is right; nights that were left out were nights (Q15)."""
    stored = personalities.frame("select * from power where site_id = ? order by interval_start", spec.site_id)
    truth = personalities.world.truth(spec.site_id)
    for day in days_of(spec):
        rows = stored[stored["local_date"] == day]
        step = spec.power_interval_s // 300
        expected = {name: truth.day(day).power[name].reshape(-1, step).mean(axis=1) for name in POWERS}
        if not spec.omits_night_rows:
            starts = truth.day(day).interval_start.astype("datetime64[us]")[::step]
            np.testing.assert_array_equal(rows["interval_start"].dt.tz_localize(None).to_numpy(), starts)
        for name in POWERS:
            column = rows[f"{name.removesuffix('_power')}_w"].to_numpy()
            assert column.sum() == pytest.approx(expected[name].sum(), abs=1e-6), (day, name)
        assert set(rows["interval_s"]) == {spec.power_interval_s}


@EVERY_SITE
def test_months_are_the_days_that_were(personalities: Fetched, spec: SiteSpec) -> None:
    """Q9, Q10: rows stamped 01:00, or five minutes in a month's response; not days that the server cuts by another clock."""
    days = personalities.frame(
        "select * from energy_periods where site_id = ? and source = 'calendar_history/month' and not is_partial",
        spec.site_id,
    )
    if spec.zone_mode is not ZoneMode.FIXED_OFFSET:
        truth = personalities.world.truth(spec.site_id)
        for row in days.to_dict("records"):
            assert {name: row[f"{name}_wh"] for name in FLOWS} == truth.daily_wh(row["period_start"]), row[
                "period_start"
            ]
    elif spec.installed_at.date() < date(2024, 4, 1):
        assert len(days) == 30 + 30 + 31 + 30


@EVERY_SITE
def test_the_zone_is_the_real_one_whatever_the_site_says_of_it(personalities: Fetched, spec: SiteSpec) -> None:
    """Q7, Q8: a name, or where the site stands."""
    (row,) = personalities.frame("select * from sites where site_id = ?", spec.site_id).to_dict("records")
    assert row["timezone"] == spec.time_zone
    assert row["timezone_source"] == ("installation_time_zone" if spec.zone_mode is ZoneMode.NAMED else "geolocation")


def test_nothing_is_missing_changed_or_different_that_was_not(personalities: Fetched) -> None:
    """No false difference on fourteen sites without anomalies: nights are dark, the rest was not asked or not yet there.

    By a fixed offset the last hour that was asked is the first of the next real day, of which no more was asked (Q7). Years of
    sites whose site_info names no clock were asked, and not all of their days (Q8).
    """
    causes = personalities.frame("select distinct site_id, cause from gaps")
    dark = {spec.site_id for spec in SITES if spec.omits_night_rows}
    assert set(causes["cause"]) == {"not_fetched", "before_install", "night"}
    assert set(causes.loc[causes["cause"] == "night", "site_id"]) == dark
    for table in ("revisions", "quarantine"):
        assert len(personalities.frame(f"select * from {table}")) == 0, table
    differing = personalities.frame(
        "select * from reconciliation where verdict <> 'agree' and granularity not in ('year', 'lifetime')"
    )
    shifted = {spec.site_id for spec in SITES if spec.zone_mode is ZoneMode.FIXED_OFFSET}
    assert set(differing["cause"]) == {"missing_intervals"}
    assert set(differing["site_id"]) == shifted
    assert set(differing["period_start"]) <= {last + timedelta(days=1) for _, last in ERAS}


@EVERY_SITE
def test_outages_and_charge_sessions_are_those_that_happened(personalities: Fetched, spec: SiteSpec) -> None:
    """Q32, API.md#charge-sessions: to the millisecond over all pages; under either key."""
    truth = personalities.world.truth(spec.site_id)
    stored = personalities.frame("select * from backup_events where site_id = ? order by started_at", spec.site_id)
    expected = truth.outages(truth.first_date, NOW.date() + timedelta(days=1))
    expected = [event for event in expected if event.start_s + event.duration_ms / 1000 <= NOW.timestamp()]
    assert stored["duration_s"].tolist() == [event.duration_ms / 1000 for event in expected]
    assert [event.timestamp() for event in stored["started_at"]] == [event.start_s for event in expected]
    sessions = personalities.frame("select * from charge_sessions where site_id = ? order by started_at", spec.site_id)
    months = (
        (date(2024, 4, 1), date(2024, 4, 30)),
        (date(2025, 4, 1), date(2025, 4, 30)),
        (date(2025, 10, 1), date(2025, 11, 30)),
    )
    real = [session for first, last in months for session in truth.charge_sessions(first, last)]
    assert sessions["energy_added_wh"].tolist() == [session.energy_wh for session in real]
    assert sessions["duration_s"].tolist() == [session.duration_s for session in real]


# --- anomalies --------------------------------------------------------------------------------------------------------

FIRST, SECOND = (site.site_id for site in quirky_world(NOW.date()).sites)
LATER = NOW + timedelta(days=3)


@pytest.fixture(scope="module")
def quirks(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    """The account as it was asked; three days later the rest of the days around the kWh month, and what had not settled."""
    recorded = recordings.copy(QUIRKS, tmp_path_factory.mktemp("quirks") / "data")
    daily = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
    with recorded.served() as served:
        served.now = lambda: LATER
        served.ask(recorded.data_dir, BackfillRequest(series=daily, since=date(2025, 6, 29), until=date(2025, 8, 2)))
        served.run(recorded.data_dir, BackfillRequest(series=daily, since=date(2025, 10, 30)))
    with connect(recorded.data_dir / "warehouse.duckdb") as warehouse:
        yield Fetched(QUIRKS.world, recorded.data_dir, warehouse)


def test_a_month_in_kilowatt_hours_is_recognised_scaled_and_reported(quirks: Fetched) -> None:
    """API.md#units: July of one site, and not a day more; 0 Wh of error in what was scaled."""
    columns = ", ".join(f"sum({name}_wh) as {name}" for name in FLOWS)
    truth = quirks.world.truth(SECOND)
    for relation in (
        "(select local_date as day, * from energy_intervals)",
        "(select period_start as day, * from energy_periods where source = 'calendar_history/month')",
    ):
        days = "day between '2025-06-29' and '2025-08-02'"
        query = f"select day, {columns} from {relation} where site_id = ? and {days} group by 1"
        stored = quirks.frame(query, SECOND)
        assert len(stored) == 35
        for row in stored.to_dict("records"):
            assert {name: row[name] for name in FLOWS} == truth.daily_wh(row["day"]), (relation, row["day"])
    found = quirks.frame("select * from reconciliation where cause = 'unit_mismatch'")
    assert set(found["site_id"]) == {SECOND}
    assert set(found["period_start"]) == {date(2025, 7, day) for day in range(1, 32)}
    ratios = found["right_wh"] / found["left_wh"]
    assert ratios.between(0.0005, 0.002).all()


def test_each_injected_gap_is_found_with_its_cause_and_no_other(quirks: Fetched) -> None:
    """Q14, Q19, Q22: an absent night, a dropped day, a day answered with another; a gap that was filled later is none."""
    found = quirks.frame(
        """select site_id, series, cause, gap_start, expected_rows from gaps
        where cause not in ('future', 'not_fetched', 'before_install') order by all"""
    )
    night = datetime(2025, 11, 2, 5, tzinfo=UTC)
    wrong = datetime(2025, 12, 21, 13, tzinfo=UTC)
    expected = {
        (FIRST, "power", "no_data", night, 84),
        (FIRST, "energy_interval", "no_data", night, 84),
        (FIRST, "soe", "no_data", night, 28),
        (FIRST, "energy_day", "no_data", datetime(2025, 12, 6, 8, tzinfo=UTC), 1),
        (SECOND, "power", "wrong_window", wrong, 288),
        (SECOND, "energy_interval", "wrong_window", wrong, 288),
        (SECOND, "soe", "wrong_window", wrong, 96),
    }
    assert {tuple(row) for row in found.itertuples(index=False)} == expected


def test_rows_of_another_day_and_odd_readings_are_in_quarantine(quirks: Fetched) -> None:
    """Q22: three days, two of them healed by asking again; of the third hours alone were wrong. A fourth has odd readings."""
    found = quirks.frame("select distinct site_id, reason, payload[15:24] as day from quarantine")
    assert set(found["site_id"]) == {SECOND}
    assert set(zip(found["reason"], found["day"], strict=True)) == {
        ("wrong_window", "2025-12-23"),
        ("wrong_window", "2025-12-25"),
        ("wrong_window", "2025-12-28"),
        ("not_a_number", "2026-01-02"),
    }


def test_what_was_provisional_is_revised_to_the_truth(quirks: Fetched) -> None:
    """Q12: only intervals of the three hours before the first asking, up and down, and every new value is the true one."""
    found = quirks.frame("select * from revisions order by interval_start, measure")
    assert set(found["site_id"]) == {FIRST}
    assert set(found["series"]) == {"energy_interval"}
    assert found["interval_start"].between(NOW - timedelta(hours=3, minutes=5), NOW).all()
    assert (found["new_value"] > found["old_value"]).any()
    assert (found["new_value"] < found["old_value"]).any()
    day = quirks.world.truth(FIRST).day(date(2026, 1, 15))
    at = {int(start): index for index, start in enumerate(day.interval_start.astype("datetime64[s]").astype(int))}
    for row in found.to_dict("records"):
        truth = day.flows[row["measure"].removesuffix("_wh")][at[int(row["interval_start"].timestamp())]]
        assert row["new_value"] == truth


def test_instants_that_came_twice_are_there_once(quirks: Fetched) -> None:
    """Q18: thirty-five days ago the first of two rows was zero; the last is right."""
    for days in (30, 35):
        day = NOW.date() - timedelta(days=days)
        (wh,) = quirks.frame(
            "select sum(solar_energy_exported_wh) as wh from energy_intervals where site_id = ? and local_date = ?",
            SECOND,
            day,
        )["wh"]
        assert wh == quirks.world.truth(SECOND).daily_wh(day)["solar_energy_exported"]


def test_settings_that_changed_between_two_askings_are_two_rows(quirks: Fetched) -> None:
    """Only the site whose reserve or firmware changed in between has a second row."""
    rows = quirks.frame("select site_id, count(*) as n, count(valid_to) as ended from site_settings group by 1")
    assert set(rows["n"]) <= {1, 2}
    assert (rows["ended"] == rows["n"] - 1).all()


def test_a_rebuild_makes_the_same_tables_without_a_request_and_verify_finds_nothing(
    quirks: Fetched, tmp_path: Path
) -> None:
    """Everything right of raw is a function of raw: table by table the same rows; what raw does not explain is gone."""
    data_dir = tmp_path / "copy"
    shutil.copytree(quirks.data_dir, data_dir)
    before = contents(data_dir)
    stale = data_dir / "lake/table=power/site_id=77/month=2025-01/part.parquet"
    stale.parent.mkdir(parents=True)
    shutil.copy(next((data_dir / "lake/table=power").glob("*/*/part.parquet")), stale)
    assert run(["--data-dir", str(data_dir), "verify"]) == 1, "the stale file holds another site's rows"
    settings = Settings.model_validate({"data_dir": data_dir, "provider": "simulator"})
    summary = rebuild(RunContext(settings, "a-rebuild", transport=Refusing()), ThreadExecutor())
    assert summary.exit_code == 0
    assert contents(data_dir) == before
    assert not stale.exists()
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


class Refusing(httpx.BaseTransport):
    """A network that must not be used."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a rebuild asked {request.url}")


def contents(data_dir: Path) -> dict[str, tuple[object, ...]]:
    """Rows and a checksum of each table, and the lake's files: one without a row left may be there or not."""
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        tables = {
            name: warehouse.execute(f'select count(*), sum(hash(t)::hugeint) from "{name}" as t').fetchall()[0]
            for name in TABLES
        }
    lake = Lake(data_dir / "lake")
    files = {
        str(part.path.relative_to(data_dir)): (part.path.read_bytes(),)
        for name in TABLES
        for part in lake.partitions(name)
        if pq.read_metadata(part.path).num_rows
    }
    return {**tables, **files}


def test_verify_names_what_is_wrong(quirks: Fetched, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A byte of raw, a file of the lake, rows of the warehouse: each is found, and the exit code shows it."""
    data_dir = tmp_path / "copy"
    shutil.copytree(quirks.data_dir, data_dir)
    segment = sorted((data_dir / "raw").glob(f"site_id={FIRST}/series=soe/*.zst"))[0]
    body = bytearray(segment.read_bytes())
    body[len(body) // 2] ^= 0xFF
    segment.write_bytes(bytes(body))
    (data_dir / f"lake/table=power/site_id={SECOND}/month=2025/part.parquet").unlink()
    assert run(["--data-dir", str(data_dir), "verify", "--json"]) == 1
    differences = json.loads(capsys.readouterr().out)["findings"]
    assert {problem["part"] for problem in differences} == {"raw", "warehouse"}
    assert any(problem["where"] == "power" and "rows in the warehouse" in problem["what"] for problem in differences)


def test_gaps_are_shown_in_each_sites_time(quirks: Fetched, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--data-dir",
        str(quirks.data_dir),
        "gaps",
        "--site",
        str(FIRST),
        "--series",
        "power",
        "--since",
        "2025-10-30",
    ]
    assert run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [gap["cause"] for gap in found] == ["no_data", "future"]
    assert found[0] == {
        "site_id": FIRST,
        "series": "power",
        "gap_start": "2025-11-01T22:00:00-07:00",
        "gap_end": "2025-11-02T04:00:00-08:00",
        "cause": "no_data",
        "expected_rows": 84,
    }
    assert run(arguments) == 0
    assert "2025-11-01 22:00-07" in capsys.readouterr().out
