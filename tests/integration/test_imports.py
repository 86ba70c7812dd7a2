"""Histories of other tools, from the command line to the warehouse and back out again."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from extract.archive.imported import histories_in_force
from extract.simulator import SiteSpec, Truth, World
from flows import histories
from flows.executors.threads import ThreadExecutor
from flows.pipeline import rebuild
from tests.import_files import House, site_in, solar_download_power, tesla_app_period, with_offset
from tests.shell import run_here
from tests.simulated import Account, account
from tests.warehouse_rows import content
from transform.time import days_from
from warehouse.query.query import connect

SITE = SiteSpec(site_id=77, installed_at=datetime(2021, 3, 1, 20, tzinfo=UTC), seed=7)
API_SINCE, API_UNTIL = date(2025, 12, 28), date(2026, 1, 5)
"""The API has no more: the years before are in the files of another tool alone."""

MONTHS = [date(year, month, 1) for year in (2021, 2022, 2023) for month in range(1, 13) if (year, month) >= (2021, 4)]


def stored_in(place: Path) -> list[str]:
    """The files below a directory, without those of the lock."""
    return sorted(str(path) for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))


def end_of(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1).replace(day=1)


@dataclass
class Home:
    """A data directory, and what really happened at its site.

    Attributes:
        served: The account.
        place: The data directory.
        house: The site.
        secrets: Variables with secrets of services.
    """

    served: Account
    place: Path
    house: House
    secrets: dict[str, str] = field(default_factory=dict)

    def wattlog(self, *arguments: str) -> CompletedProcess[str]:
        """Run a command on it."""
        settings = self.served.settings(self.place)
        given = {"WATTLOG_PROVIDER": "simulator", "WATTLOG_API_BASE_URL": str(settings.api_base_url)}
        given |= self.secrets
        return run_here(["--data-dir", str(self.place), *arguments], self.place.parent, given)

    def imported(self, path: Path, *more: str) -> str:
        """Import a path; returns the id of the import."""
        found = self.wattlog("import", str(path), "--site", "77", "--json", *more)
        assert found.returncode == 0, found.stderr
        return str(json.loads(found.stdout)["import_id"])

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        with connect(self.place / "warehouse.duckdb") as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Some days from the API; not to be changed."""
    place = tmp_path_factory.mktemp("imports") / "data"
    with account(World((SITE,))) as served:
        served.backfill(place, API_SINCE, until=API_UNTIL)
        yield Home(served, place, House(Truth(SITE), site_in("America/Los_Angeles")))


@pytest.fixture(scope="module")
def exports(bare: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three years of exports of the app, and the month in which the API's days begin."""
    folder = tmp_path_factory.mktemp("exports")
    for month in [*MONTHS, date(2025, 12, 1)]:
        last = date.fromordinal(end_of(month).toordinal() - 1)
        (folder / f"{month:%Y-%m}.csv").write_text(tesla_app_period(bare.house, month, last))
    (folder / "NOTES.md").write_text("These are my years.\n")
    return folder


@pytest.fixture
def home(bare: Home, tmp_path: Path) -> Home:
    """A copy that a test may change."""
    shutil.copytree(bare.place, tmp_path / "data")
    return Home(bare.served, tmp_path / "data", bare.house)


@pytest.fixture(scope="module")
def full(bare: Home, exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy with the exports; not to be changed."""
    place = tmp_path_factory.mktemp("full") / "data"
    shutil.copytree(bare.place, place)
    found = Home(bare.served, place, bare.house)
    found.imported(exports)
    return found


API_DAYS = "select * from daily where source not like 'import:%' order by local_date"


@pytest.mark.slow
def test_years_that_the_api_does_not_have_come_from_the_files(full: Home, bare: Home) -> None:
    """Each day in `daily` and each month in `monthly`, marked by its source; rounding of tenths apart, what there was."""
    days = {day: row for day, *row in full.rows(
        "select local_date, source, status, home_wh, solar_energy_exported_wh from daily where source like 'import:%'"
    )}  # fmt: skip
    expected = days_from(MONTHS[0], date(2023, 12, 31)).tolist()
    assert [day for day in sorted(days) if day < date(2024, 1, 1)] == expected
    assert {(source, status) for source, status, *_ in days.values()} == {("import:tesla_app/days", "single_source")}
    for day in expected[::17]:
        totals = bare.house.totals(day)
        assert abs(days[day][2] - totals["home_wh"]) <= 50
        assert abs(days[day][3] - totals["solar_energy_exported_wh"]) <= 50
    months = dict(full.rows("select month, home_kwh from analytics.monthly where month < date '2024-01-01'"))
    counts = full.rows(
        "select month, days_held, days_imported from analytics.monthly where days_imported > 0 order by 1"
    )
    assert [month for month, stored, imported in counts if stored == imported] == MONTHS
    for month in MONTHS[::7]:
        of_month = [day for day in expected if (day.year, day.month) == (month.year, month.month)]
        assert months[month] == pytest.approx(sum(days[day][2] for day in of_month) / 1000)
    found = full.wattlog("report", "--out", str(full.place.parent / "report.html"))
    assert found.returncode == 0, found.stderr
    page = (full.place.parent / "report.html").read_text()
    assert '"2021-04"' in page
    assert "days_imported" in page


def test_no_value_of_the_api_changes(full: Home, bare: Home) -> None:
    """December 2025 is in the files and in the API; import_vs_day compares the two."""
    assert full.rows(API_DAYS) == bare.rows(API_DAYS)
    compared = full.rows(
        "select period_start, verdict, cause from reconciliation where check_name = 'import_vs_day' group by all"
    )
    assert {day for day, *_ in compared} >= {date(2025, 12, day) for day in range(1, 32)}
    assert {cause for _, _, cause in compared} <= {None, "rounding"}


def test_minutes_are_compared_with_the_intervals_of_the_api(home: Home, bare: Home, tmp_path: Path) -> None:
    """Five days of power, three of them seven hours off: the first agrees by quarter hours; no value of the API changes."""
    folder = tmp_path / "power"
    folder.mkdir()
    for day in days_from(date(2025, 12, 29), date(2026, 1, 2)).tolist():
        text = solar_download_power(home.house, day, with_offset)
        (folder / f"{day}.csv").write_text(
            text if day.month == 12 and day.day < 31 else text.replace("-08:00", "-01:00")
        )
    home.imported(folder)
    assert home.rows(API_DAYS) == bare.rows(API_DAYS)
    found = home.rows(
        "select period_start, check_name, coalesce(cause, verdict) from reconciliation "
        "where check_name = 'import_vs_interval' group by all order by all"
    )
    assert [row for row in found if row[0] == date(2025, 12, 29)] == [
        (date(2025, 12, 29), "import_vs_interval", "agree")
    ]
    assert (date(2026, 1, 1), "import_vs_interval", "wrong_zone") in found


@pytest.mark.slow
def test_a_rebuild_needs_no_original(full: Home, tmp_path: Path) -> None:
    """The bytes are in the archive: without the folder, the same tables."""
    place = tmp_path / "data"
    shutil.copytree(full.place / "raw", place / "raw")
    context = full.served.context(place)
    rebuild(context, ThreadExecutor())
    assert content(place / "warehouse.duckdb") == content(full.place / "warehouse.duckdb")
    found = Home(full.served, place, full.house).wattlog("verify")
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
def test_the_same_files_twice_change_nothing(full: Home, exports: Path, tmp_path: Path) -> None:
    """Recognised by their bytes: under another name, and only the one that is new is kept."""
    shutil.copytree(full.place, tmp_path / "data")
    home = Home(full.served, tmp_path / "data", full.house)
    shutil.copytree(exports, tmp_path / "again")
    (tmp_path / "again" / "2021-04.csv").rename(tmp_path / "again" / "april.csv")
    before = stored_in(home.place / "raw")
    found = home.wattlog("import", str(tmp_path / "again"), "--site", "77")
    assert found.returncode == 0
    assert "changes nothing" in found.stderr
    assert stored_in(home.place / "raw") == before
    more = tesla_app_period(home.house, date(2024, 1, 1), date(2024, 1, 31))
    (tmp_path / "again" / "2024-01.csv").write_text(more)
    home.imported(tmp_path / "again")
    assert home.rows("select files, rows from imports order by import_id")[-1] == (1, 31)


def test_a_large_file_is_kept_in_parts_byte_for_byte(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut between lines; the parts together are the file, and are recognised when it is imported again."""
    file = tmp_path / "2022-07-01.csv"
    file.write_text(solar_download_power(home.house, date(2022, 7, 1)))
    monkeypatch.setattr(histories, "PART_BYTES", 4_000)
    home.imported(file)
    archive = home.served.context(home.place).open_archive()
    bodies = [archive.load(entry).body for entry in histories_in_force(archive.histories(77))]
    assert len(bodies) > 3
    assert all(body.endswith(b"\n") for body in bodies)
    assert b"".join(bodies) == file.read_bytes()
    assert home.rows("select covered_s, is_partial from import_days") == [(86_400, False)]
    assert "changes nothing" in home.wattlog("import", str(file), "--site", "77").stderr


@pytest.mark.slow
def test_an_import_is_taken_out_again(home: Home, exports: Path, bare: Home) -> None:
    """Afterwards everything is as before, but for the ledger of runs and the archive, which keeps the files."""
    before = content(home.place / "warehouse.duckdb")
    import_id = home.imported(exports)
    assert content(home.place / "warehouse.duckdb") != before
    listed = json.loads(home.wattlog("import", "--list", "--json").stdout)
    assert [row["import_id"] for row in listed] == [import_id]
    found = home.wattlog("import", "--undo", import_id)
    assert found.returncode == 0, found.stderr
    after = content(home.place / "warehouse.duckdb")
    assert {name: rows for name, rows in after.items() if name != "runs"} == {
        name: rows for name, rows in before.items() if name != "runs"
    }
    again = home.wattlog("import", "--undo", import_id)
    assert (again.returncode, "taken out already" in again.stderr) == (2, True)
    assert home.imported(exports) != import_id, "what was taken out can be imported again"


def test_a_dry_run_shows_what_there_is_and_stores_nothing(home: Home, exports: Path) -> None:
    before = stored_in(home.place)
    found = home.wattlog("import", str(exports), "--site", "77", "--dry-run", "--json")
    assert found.returncode == 0, found.stderr
    shown = json.loads(found.stdout)
    assert (shown["import_id"], shown["format"], len(shown["files"])) == (None, "tesla_app", 34)
    table = shown["files"][0]["tables"][0]
    assert (table["first_day"], table["last_day"], table["step_s"]) == ("2021-04-01", "2021-04-30", 86_400)
    assert table["unit"] == "kWh, as its header says"
    assert list(shown["left_out"]) == ["NOTES.md"]
    assert stored_in(home.place) == before


def test_damaged_rows_are_in_quarantine_with_their_lines(home: Home, tmp_path: Path) -> None:
    """The other rows count, and the exit code says that some do not."""
    lines = solar_download_power(home.house, date(2022, 7, 1)).split("\n")
    lines[100] = "2022-07-01 08:15:00,many,0,0,0"
    lines[200] = "2022-07-01"
    (tmp_path / "2022-07-01.csv").write_text("\n".join(lines))
    found = home.wattlog("import", str(tmp_path / "2022-07-01.csv"), "--site", "77")
    assert found.returncode == 1
    assert "2 rows or values of rows cannot be used" in found.stderr
    quarantined = home.rows("select row_number, reason from quarantine where raw_id in (select raw_id from requests "
                            "where series = 'import:tesla_solar_download') order by all")  # fmt: skip
    assert quarantined == [(100, "not_a_number"), (200, "wrong_number_of_values")]
    ((source, covered_s, is_partial),) = home.rows("select source, covered_s, is_partial from import_days")
    assert (source, covered_s, is_partial) == ("import:tesla_solar_download/power", 86_100, False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["import"], "give a PATH to import"),
        (["import", "nothing.csv", "--site", "77"], "neither a file nor a folder"),
        (["import", "page.txt", "--site", "77"], "of no format that is known"),
        (["import", "page.txt"], "--site is needed"),
        (["import", "page.txt", "--site", "78"], "78"),
        (["import", "page.txt", "--site", "77", "--format", "toaster"], "toaster is no format"),
        (["import", "page.txt", "--site", "77", "--format", "mapped"], "needs --mapping"),
        (["import", "page.txt", "--site", "77", "--mapping", "page.txt"], "is no mapping"),
        (["import", "--undo", "20200101T000000.000000Z"], "there is no import"),
        (["import", "--list", "--dry-run"], "belong to a PATH"),
        (["import", "mixed", "--site", "77"], "several formats"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(bare: Home, arguments: list[str], reason: str) -> None:
    """Nothing is stored, and the line says what to do."""
    place = bare.place.parent
    (place / "page.txt").write_text("Dear diary,\n")
    (place / "mixed").mkdir(exist_ok=True)
    (place / "mixed" / "a.csv").write_text(tesla_app_period(bare.house, date(2022, 3, 1), date(2022, 3, 31)))
    (place / "mixed" / "b.csv").write_text(solar_download_power(bare.house, date(2022, 3, 1)))
    found = bare.wattlog(*arguments)
    assert found.returncode == 2, found.stderr
    assert reason in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1


MAPPING = """
[time]
column = "when"
zone = "America/Los_Angeles"
[rows]
are = "instants"
[[columns]]
column = "meter in"
measure = "grid_energy_imported_wh"
unit = "kWh"
cumulative = true
[[columns]]
column = "string 1"
measure = "power"
unit = "W"
device = "inverter"
"""


def test_a_mapping_brings_any_meter(home: Home, tmp_path: Path) -> None:
    """A counter read every quarter hour, over the hour that is missing in spring; and a reading that the API never had."""
    reading, lines = 1000.0, ["when,meter in,string 1"]
    for day in (date(2022, 3, 12), date(2022, 3, 13), date(2022, 3, 14)):
        imported = home.house.truth.day(day).flows["grid_energy_imported"]
        for at, local in enumerate(home.house.locals(day)):
            if at % 3 == 0:
                lines.append(f"{local:%Y-%m-%d %H:%M},{reading!r},{at}")
            reading += float(imported[at]) / 1000
    lines.append(f"2022-03-15 00:00,{reading!r},0")
    (tmp_path / "meter.csv").write_text("\n".join([*lines, ""]))
    (tmp_path / "meter.toml").write_text(MAPPING)
    home.imported(tmp_path / "meter.csv", "--mapping", str(tmp_path / "meter.toml"))
    found = dict(home.rows("select local_date, grid_energy_imported_wh from daily where source like 'import:mapped/%'"))
    assert set(found) == {date(2022, 3, day) for day in (12, 13, 14)}
    for day, wh in found.items():
        assert wh == pytest.approx(home.house.truth.daily_wh(day)["grid_energy_imported"], abs=1e-3)
    assert home.rows("select device, reading, unit, count(*) from device_readings group by all") == [
        ("inverter", "power", "W", 96 + 92 + 96 + 1)
    ]
