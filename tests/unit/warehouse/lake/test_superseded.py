"""A file of a closed year and those of its months: only one of both counts, whatever a killed process left."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import build
from warehouse.errors import LakeFailed
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import POWER, SITES
from wattlog.lake_periods import LIFETIME, months_of_year, open_year

SITE = 1001
Fill = Callable[..., Path]


@pytest.fixture
def fill(lake: Lake, frame_of: FrameOf) -> Fill:
    """Writes a file of `power` with one row for each month of the period; its value is the number of the month."""

    def write(period: str, *months: str, site_id: int = SITE, digest: str = "d") -> Path:
        rows = [
            {
                "site_id": site_id,
                "interval_start": datetime.fromisoformat(f"{month}-10T12:00:00+00:00"),
                "local_date": date.fromisoformat(f"{month}-10"),
                "solar_w": float(month[5:]),
            }
            for month in months or [period]
        ]
        return lake.write("power", frame_of(POWER, *rows), site_id=site_id, period=period, digest=digest).path

    return write


def stored(lake: Lake, **scope: object) -> list[float]:
    return [float(value) for value in lake.read("power", **scope)["solar_w"]]  # type: ignore[arg-type]


def test_files_of_months_whose_year_has_a_file_do_not_count(lake: Lake, fill: Fill) -> None:
    """As a kill leaves it between the two steps."""
    for period in ("2025-01", "2025-02", "2024-12", "2026-01", LIFETIME):
        fill(period, *(["2025-11"] if period == LIFETIME else []))
    fill("2025-01", site_id=7)
    fill("2025", "2025-01", "2025-02")
    assert [(part.site_id, part.period) for part in lake.partitions("power")] == [
        (7, "2025-01"),
        (SITE, "2024-12"),
        (SITE, "2025"),
        (SITE, "2026-01"),
        (SITE, LIFETIME),
    ]
    assert sorted(stored(lake, site_id=SITE)) == [1.0, 1.0, 2.0, 11.0, 12.0]
    assert stored(lake, site_id=7) == [1.0]


def test_the_warehouse_has_no_row_twice(lake: Lake, fill: Fill, frame_of: FrameOf, tmp_path: Path) -> None:
    fill("2025-01")
    fill("2025", "2025-01", "2025-02")
    lake.write(SITES, frame_of(SITES, {}), digest="")
    build(lake, tmp_path / "warehouse.duckdb")
    with connect(tmp_path / "warehouse.duckdb") as connection:
        assert connection.execute("select count(*), count(distinct interval_start) from power").fetchall() == [(2, 2)]


@pytest.mark.parametrize("is_of_a_site", [True, False])
def test_a_month_of_a_closed_year_is_read_from_the_file_of_the_year(lake: Lake, fill: Fill, is_of_a_site: bool) -> None:
    """The week before New Year was requested in December, and the days after it need it."""
    scope = {"site_id": SITE} if is_of_a_site else {}
    fill("2024", "2024-11", "2024-12")
    fill("2025-01")
    assert stored(lake, **scope, periods=["2024-12", "2025-01"]) == [11.0, 12.0, 1.0]
    assert stored(lake, **scope, periods=["2024-12", "2024"]) == [11.0, 12.0], "once"
    assert stored(lake, **scope, periods=["2025-01"]) == [1.0]
    assert stored(lake, **scope, periods=["2025", "2023-12"]) == []


def test_a_year_supersedes_its_months_and_no_others(lake: Lake, fill: Fill) -> None:
    kept = [fill("2024-12"), fill("2026-01"), fill("2025-01", site_id=7), fill(LIFETIME, "2025-01")]
    superseded = [*map(fill, months_of_year("2025")), fill(open_year("2025"), "2025-01")]
    year = fill("2025", *months_of_year("2025"))
    assert [part.period for part in lake.partitions("power", site_id=SITE) if part.period in {"2025", "2025-year"}] == [
        "2025"
    ]
    assert lake.discard_superseded("power", SITE, "2025") == 13
    assert lake.discard_superseded("power", SITE, "2025") == 0
    assert all(path.exists() for path in (*kept, year))
    assert not any(path.exists() for path in superseded)


def test_a_month_supersedes_its_closed_year_and_nothing_else(lake: Lake, fill: Fill) -> None:
    """Where the hours until a window settles were raised, a closed year is open again."""
    year, others = fill("2025", "2025-01"), [fill("2025-01"), fill("2025-02"), fill("2024", "2024-01")]
    assert lake.discard_superseded("power", SITE, "2025-01") == 1
    assert not year.exists()
    assert all(path.exists() for path in others)


def test_the_lifetime_supersedes_nothing(lake: Lake, fill: Fill) -> None:
    kept = [fill(LIFETIME, "2025-01"), fill("2025", "2025-02"), fill("2026-01")]
    assert lake.discard_superseded("power", SITE, LIFETIME) == 0
    assert all(path.exists() for path in kept)


def test_a_sweep_removes_what_killed_processes_left(lake: Lake, fill: Fill) -> None:
    """Files that do not count, and temporary ones; a lake that is swept is left as it is."""
    months = [fill("2025-01"), fill("2025-02")]
    kept = [fill("2025", "2025-01", "2025-02"), fill("2026-01"), fill("2025-01", site_id=7), fill(LIFETIME, "2025-03")]
    before = stored(lake)
    assert lake.sweep() == 2
    assert not any(path.exists() for path in months)
    assert all(path.exists() for path in kept)
    assert (lake.sweep(), stored(lake)) == (0, before)


def test_a_file_that_cannot_be_removed_is_one_clear_error(
    lake: Lake, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = fill("2025-01")
    fill("2025", "2025-01")

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    for remove in (lake.sweep, lambda: lake.discard_superseded("power", SITE, "2025")):
        with pytest.raises(LakeFailed, match="Permission denied") as raised:
            remove()
        assert raised.value.path == month


def test_a_damaged_closed_year_is_removed_from_every_table(lake: Lake, fill: Fill) -> None:
    year, month = fill("2025", "2025-01"), fill("2026-01")
    assert lake.discard_damaged(year)
    assert (year.exists(), month.exists()) == (False, True)


def test_a_year_is_read_from_a_day_on_or_not_at_all(lake: Lake, frame_of: FrameOf) -> None:
    """A reader of some days leaves out row groups that end before them; a year of intervals is one row group."""
    begin = datetime(2025, 1, 1, 12, tzinfo=UTC)
    instants = [begin + timedelta(minutes=30 * number) for number in range(48 * 120)]
    rows = [
        {"interval_start": instant, "local_date": instant.date(), "solar_w": float(number)}
        for number, instant in enumerate(instants)
    ]
    lake.write("power", frame_of(POWER, *rows), site_id=SITE, period="2025", digest="d")
    whole = lake.read("power", site_id=SITE, periods=["2025"])
    assert whole["solar_w"].tolist() == [row["solar_w"] for row in rows], "every row, in its order"
    assert lake.read("power", site_id=SITE, periods=["2025"], reaching=date(2025, 3, 5)).equals(whole)
    assert lake.read("power", site_id=SITE, periods=["2025"], reaching=date(2026, 1, 1)).empty
