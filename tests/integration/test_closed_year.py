"""Over New Year: the months of the year become one partition of the lake, and nothing is lost, doubled, or made again."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from extract.requests import history
from extract.simulator import SiteSpec, World, ZoneMode
from extract.windows import window
from flows.cli import run
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild, reconcile
from tests.simulated import Account, account
from tests.warehouse_rows import content
from warehouse.lake.lake import Lake
from warehouse.schema import TABLES
from wattlog import durable
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

WEST = SiteSpec(site_id=77, installed_at=datetime(2024, 12, 28, 20, tzinfo=UTC), wall_connectors=1, seed=7)
EAST = replace(
    WEST,
    site_id=78,
    wall_connectors=0,
    time_zone="Australia/Sydney",
    latitude=-33.0,
    longitude=150.0,
    zone_mode=ZoneMode.FIXED_OFFSET,
)
"""With a charge session that may straddle the end of the year, and with windows that may share an hour with it (Q7)."""

NIGHTS = tuple(datetime(2025, 12, 31, 20, tzinfo=UTC) + timedelta(days=days) for days in range(6))
"""The last evening of the year, and those after it. Three days after its end, 2025 is closed; in Sydney a night earlier."""

BEFORE, CLOSING, AFTER = 2, 3, 5
"""The night before the year of both sites is closed, the one that closes it, and the last one."""

SINCE = date(2025, 12, 12)


@dataclass(frozen=True)
class Year:
    """The account on each night.

    Attributes:
        root: Holds a copy of the data directory for each night.
    """

    root: Path

    def data_dir(self, night: int) -> Path:
        """The data directory as the night left it; not to be changed."""
        return self.root / str(night)

    def copy(self, night: int, target: Path) -> Path:
        """A copy of it, with the times of its files."""
        shutil.copytree(self.data_dir(night), target)
        return target


def sync(served: Account, data_dir: Path, now: datetime) -> Summary:
    """One night."""
    served.now = lambda: now
    return backfill(served.context(data_dir), ThreadExecutor(), BackfillRequest(since=SINCE), command="sync")


@pytest.fixture(scope="module")
def served() -> Iterator[Account]:
    with account(World((WEST, EAST)), now=lambda: NIGHTS[0]) as made:
        yield made


@pytest.fixture(scope="module")
def year(served: Account, tmp_path_factory: pytest.TempPathFactory) -> Year:
    """Every night, one after the other. January to December were fetched before: two short stretches of them are enough."""
    root = tmp_path_factory.mktemp("year")
    live = root / "live"
    served.now = lambda: NIGHTS[0] - timedelta(days=1)
    for first, last in ((date(2024, 12, 29), date(2025, 1, 3)), (date(2025, 6, 29), date(2025, 7, 2))):
        served.ask(live, BackfillRequest(since=first, until=last))
    for number, night in enumerate(NIGHTS):
        assert sync(served, live, night).exit_code == 0
        shutil.copytree(live, root / str(number))
    return Year(root)


def files(data_dir: Path) -> dict[str, Path]:
    """The lake's files of sites, by their place in the lake."""
    lake = data_dir / "lake"
    return {str(path.relative_to(lake)): path for path in sorted(lake.glob("table=*/site_id=7?/*/part.parquet"))}


def periods(data_dir: Path, site_id: int, table: str = "requests") -> list[str]:
    return [part.period or "" for part in Lake(data_dir / "lake").partitions(table, site_id=site_id)]


def with_rows(data_dir: Path) -> dict[str, bytes]:
    """The files of sites that have rows: one without a row may be there or not."""
    return {place: path.read_bytes() for place, path in files(data_dir).items() if pq.read_metadata(path).num_rows}


def is_of(place: str, period: str) -> bool:
    """Whether a file is that of a period."""
    return f"/month={period}/" in place


def test_the_months_of_the_year_become_one_partition(year: Year) -> None:
    """A night earlier for the site whose year ends earlier; the year before and the lifetime stay what they are."""
    months = ["2025-01", "2025-06", "2025-07", "2025-12"]
    open_years = ["2025-year", "2026-01", "2026-year"]
    assert periods(year.data_dir(BEFORE), WEST.site_id) == ["2024", *months, *open_years, "lifetime"]
    for night in range(CLOSING, AFTER + 1):
        for site_id in (WEST.site_id, EAST.site_id):
            assert periods(year.data_dir(night), site_id) == ["2024", "2025", "2026-01", "2026-year", "lifetime"]
    assert not [place for place in files(year.data_dir(CLOSING)) if "/month=2025-" in place]


def test_closing_changes_no_row(year: Year, served: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table by table: the closed year, and the same archive with every year left open."""
    data_dir = year.copy(CLOSING, tmp_path / "data")
    served.now = lambda: NIGHTS[CLOSING]
    monkeypatch.setattr("flows.tasks.partition.local_today", lambda *_: date(2000, 1, 1))
    assert rebuild(served.context(data_dir), ThreadExecutor()).exit_code == 0
    assert "2025-12" in periods(data_dir, WEST.site_id)
    open_years, closed = content(data_dir / "warehouse.duckdb"), content(year.data_dir(CLOSING) / "warehouse.duckdb")
    for name, rows in closed.items():
        assert rows == open_years[name], name


def test_days_that_had_settled_before_are_the_same_after(year: Year) -> None:
    """What the new requests of the night cannot change is as it was."""
    before, after = (content(year.data_dir(night) / "warehouse.duckdb") for night in (BEFORE, CLOSING))
    settled = date(2025, 12, 26)
    for name in ("power", "energy_intervals", "state_of_energy", "daily"):
        old, new = (
            [row for row in found[name] if any(type(value) is date and value <= settled for value in row)]
            for found in (before, after)
        )
        assert len(old) > 20, name
        assert old == new, name


@pytest.mark.parametrize("night", [pytest.param(CLOSING, marks=pytest.mark.exhaustive), AFTER])
def test_the_lake_is_what_a_rebuild_makes(year: Year, served: Account, tmp_path: Path, night: int) -> None:
    """Table by table the same rows, and file by file the same bytes; `verify` is sound before and after."""
    data_dir = year.copy(night, tmp_path / "data")
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
    served.now = lambda: NIGHTS[night]
    assert rebuild(served.context(data_dir), ThreadExecutor()).exit_code == 0
    assert content(data_dir / "warehouse.duckdb") == content(year.data_dir(night) / "warehouse.duckdb")
    assert with_rows(data_dir) == with_rows(year.data_dir(night))
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


def test_a_night_after_that_makes_no_file_of_a_closed_year(year: Year, served: Account, tmp_path: Path) -> None:
    """Neither the year of the installation, whose lifetime is requested every night, nor the one before an open January."""
    data_dir = year.copy(AFTER - 1, tmp_path / "data")
    before = {place: path.stat().st_ino for place, path in files(data_dir).items()}
    assert sync(served, data_dir, NIGHTS[AFTER]).exit_code == 0
    after = {place: path.stat().st_ino for place, path in files(data_dir).items()}
    closed = {place for place in before if is_of(place, "2025") or is_of(place, "2024")}
    assert len(closed) > 20
    assert {place for place in closed if after[place] != before[place]} == set()
    again = {place.split("/")[2] for place in after if after[place] != before.get(place)}
    assert again == {"month=2026-01", "month=2026-year", "month=lifetime"}
    assert with_rows(data_dir).keys() == with_rows(year.data_dir(AFTER)).keys()


def test_a_late_response_changes_its_year_and_no_other(year: Year, served: Account, tmp_path: Path) -> None:
    data_dir = year.copy(AFTER, tmp_path / "data")
    before = {place: path.stat().st_ino for place, path in files(data_dir).items()}
    served.now = lambda: NIGHTS[AFTER] + timedelta(hours=1)
    day = window(date(2025, 8, 1), date(2025, 8, 1), WEST.zone, today=date(2026, 1, 5))
    served.fetch(data_dir, [history(WEST.site_id, Series.POWER, day, WEST.zone)])
    assert reconcile(served.context(data_dir), ThreadExecutor()).exit_code == 0
    changed = {place for place, path in files(data_dir).items() if path.stat().st_ino != before.get(place)}
    assert f"table=power/site_id={WEST.site_id}/month=2025/part.parquet" in changed
    others = {place for place in changed if not (is_of(place, "2025") and f"/site_id={WEST.site_id}/" in place)}
    assert others <= {f"table=reconciliation/site_id={WEST.site_id}/month=lifetime/part.parquet"}, (
        "one day more in the sum"
    )
    days = Lake(data_dir / "lake").read("power", site_id=WEST.site_id, periods=["2025"])["local_date"]
    assert (days == date(2025, 8, 1)).sum() == 288
    assert run(["--data-dir", str(data_dir), "verify"]) == 0
    found = content(data_dir / "warehouse.duckdb")
    assert rebuild(served.context(data_dir), ThreadExecutor()).exit_code == 0
    assert content(data_dir / "warehouse.duckdb") == found


@pytest.mark.parametrize(
    "table",
    ["power", "requests", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("daily", "reconciliation"))],
)
def test_a_damaged_file_of_a_closed_year_is_made_again(year: Year, served: Account, tmp_path: Path, table: str) -> None:
    data_dir = year.copy(AFTER, tmp_path / "data")
    damaged = data_dir / f"lake/table={table}/site_id={WEST.site_id}/month=2025/part.parquet"
    body = bytearray(damaged.read_bytes())
    body[len(body) // 3] ^= 1
    damaged.write_bytes(bytes(body))
    assert run(["--data-dir", str(data_dir), "verify"]) == 1
    (data_dir / "warehouse.duckdb").unlink()
    served.now = lambda: NIGHTS[AFTER]
    assert reconcile(served.context(data_dir), ThreadExecutor()).exit_code == 0
    assert content(data_dir / "warehouse.duckdb") == content(year.data_dir(AFTER) / "warehouse.duckdb")
    assert with_rows(data_dir) == with_rows(year.data_dir(AFTER))
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


@pytest.mark.parametrize("period", ["2023-05", "2026-02"])
def test_files_of_a_period_without_responses_are_removed(
    year: Year, served: Account, tmp_path: Path, period: str
) -> None:
    """As an older wattlog left them, which stored lifetimes in the month of the installation."""
    data_dir = year.copy(AFTER, tmp_path / "data")
    for place, path in files(data_dir).items():
        if is_of(place, "lifetime"):
            other = data_dir / "lake" / place.replace("month=lifetime", f"month={period}")
            other.parent.mkdir()
            shutil.copy2(path, other)
    served.now = lambda: NIGHTS[AFTER]
    assert reconcile(served.context(data_dir), ThreadExecutor()).exit_code == 0
    assert not [place for place in files(data_dir) if is_of(place, period)]
    assert content(data_dir / "warehouse.duckdb") == content(year.data_dir(AFTER) / "warehouse.duckdb")
    assert run(["--data-dir", str(data_dir), "verify"]) == 0


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


class Kill:
    """Ends a process at one of its changes of the lake: no later change is made.

    Args:
        monkeypatch: Puts it in the place of the functions that change files.
        at: Number of the change, from 1; None to only count them.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int | None) -> None:
        self.changes = 0
        write, unlink = durable.replace, Path.unlink

        def changed(path: Path) -> None:
            if path.name == "part.parquet":
                self.changes += 1
                if at is not None and self.changes >= at:
                    raise Killed

        def replace_(path: Path, data: bytes) -> None:
            changed(path)
            write(path, data)

        def unlink_(path: Path, missing_ok: bool = False) -> None:
            changed(path)
            unlink(path, missing_ok)

        monkeypatch.setattr(durable, "replace", replace_)
        monkeypatch.setattr(Path, "unlink", unlink_)


LONG_HOURS = 24.0 * 60
"""With so many hours until a window settles, 2025 is open again."""

KILLS = (0.05, 0.5, 0.9, pytest.param(None, marks=pytest.mark.exhaustive))
"""Where in the changes of a run it is killed, as a share of them."""


@pytest.fixture
def killed(served: Account, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs until a change of the lake, and kills there, or runs to the end; returns the number of changes."""

    def run_and_kill(data_dir: Path, at: int | None, **settings: object) -> int:
        with monkeypatch.context() as patched:
            kill = Kill(patched, at)
            if at is None:
                reconcile(served.context(data_dir, **settings), ThreadExecutor())
            else:
                with pytest.raises(Killed):
                    reconcile(served.context(data_dir, **settings), ThreadExecutor())
        return kill.changes

    return run_and_kill


def no_row_is_twice(data_dir: Path) -> None:
    """For readers of the lake, whatever files a killed process left."""
    lake = Lake(data_dir / "lake")
    for name, table in TABLES.items():
        rows = lake.read(name)
        assert not rows.duplicated(list(table.primary_key)).any(), name


@pytest.fixture(scope="module")
def closing(year: Year, served: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The night that closes the year, with its responses archived, and nothing made of them yet."""
    data_dir = year.copy(BEFORE, tmp_path_factory.mktemp("closing") / "data")
    served.now = lambda: NIGHTS[CLOSING]
    served.ask(data_dir, BackfillRequest(since=SINCE))
    return data_dir


@pytest.mark.parametrize("share", KILLS)
def test_kills_while_a_year_closes_lose_nothing(
    closing: Path, served: Account, killed: Callable[..., int], tmp_path: Path, share: float | None
) -> None:
    """At any step: the year's file written and its months not yet removed, some tables done and not their marker."""
    shutil.copytree(closing, tmp_path / "whole")
    served.now = lambda: NIGHTS[CLOSING]
    changes = killed(tmp_path / "whole", None)
    expected, bytes_expected = content(tmp_path / "whole" / "warehouse.duckdb"), with_rows(tmp_path / "whole")
    assert changes > 100
    for number in range(1, changes + 1) if share is None else [1 + round(share * (changes - 1))]:
        data_dir = tmp_path / str(number)
        shutil.copytree(closing, data_dir)
        killed(data_dir, number)
        no_row_is_twice(data_dir)
        assert reconcile(served.context(data_dir), ThreadExecutor()).exit_code == 0
        assert content(data_dir / "warehouse.duckdb") == expected, number
        assert with_rows(data_dir) == bytes_expected, number
        shutil.rmtree(data_dir)


@pytest.mark.parametrize("share", KILLS)
def test_a_year_that_is_open_again(
    year: Year, served: Account, killed: Callable[..., int], tmp_path: Path, share: float | None
) -> None:
    """More hours until a window settles: months again, and as a rebuild makes them. A kill at any step, then the hours of
    before: the closed year, as it was.
    """
    data_dir = year.copy(AFTER, tmp_path / "data")
    served.now = lambda: NIGHTS[AFTER]
    changes = killed(data_dir, None, settle_hours=LONG_HOURS)
    assert "2025-12" in periods(data_dir, WEST.site_id)
    assert not [place for place in files(data_dir) if is_of(place, "2025")]
    found, of_files = content(data_dir / "warehouse.duckdb"), with_rows(data_dir)
    assert rebuild(served.context(data_dir, settle_hours=LONG_HOURS), ThreadExecutor()).exit_code == 0
    assert content(data_dir / "warehouse.duckdb") == found
    assert with_rows(data_dir) == of_files
    expected, places = content(year.data_dir(AFTER) / "warehouse.duckdb"), with_rows(year.data_dir(AFTER)).keys()
    for number in range(1, changes + 1) if share is None else [1 + round(share * (changes - 1))]:
        data_dir = year.copy(AFTER, tmp_path / str(number))
        killed(data_dir, number, settle_hours=LONG_HOURS)
        no_row_is_twice(data_dir)
        assert reconcile(served.context(data_dir), ThreadExecutor()).exit_code == 0
        assert content(data_dir / "warehouse.duckdb") == expected, number
        assert with_rows(data_dir).keys() == places, number
        shutil.rmtree(data_dir)
