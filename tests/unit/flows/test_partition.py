"""Which partitions a site has: closed years, months of open years, and its lifetime; by the archive alone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.archive.raw_archive import RawArchive
from flows.tasks.partition import SitePartition, by_year, partitions_of
from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE
from wattlog.lake_periods import LIFETIME
from wattlog.zones import Zone

SITE = replace(BATTERY_SITE, site_id=101, installed_at=None)
ZONES = ("America/Los_Angeles", "Australia/Sydney", "Pacific/Apia", "Europe/London", "UTC")
SETTLE_HOURS = 72.0


@dataclass(frozen=True)
class Entry:
    """What is looked at of an index entry."""

    month: str
    requested_at: datetime
    series: str = "power"
    raw_id: str = ""


def holding(*entries: Entry) -> RawArchive:
    def of(site_id: int, month: str | None = None) -> list[Entry]:
        return [entry for entry in entries if month in {None, entry.month}]

    return cast(
        "RawArchive",
        SimpleNamespace(
            entries=of,
            months=lambda _: sorted({entry.month for entry in entries}),
            legacy=lambda _: [],
            histories=lambda _: [],
            newest_request=lambda _: max((entry.requested_at for entry in entries), default=None),
        ),
    )


def requested(*months: str, newest: datetime) -> RawArchive:
    """Months that were requested in their course, and one request at last."""
    entries = [Entry(month, datetime.fromisoformat(f"{month}-28T12:00:00+00:00")) for month in months]
    return holding(*(entry for entry in entries if entry.requested_at < newest), Entry(months[-1], newest))


def periods(archive: RawArchive, zone: str = "UTC", settle_hours: float = SETTLE_HOURS) -> list[str]:
    return [part.period for part in partitions_of(archive, replace(SITE, timezone=zone), settle_hours)]


def year_ends_at(year: int, zone: str) -> datetime:
    return datetime.combine(date(year + 1, 1, 1), time(), Zone(zone)).astimezone(UTC)


@pytest.mark.parametrize("zone", ZONES)
@examples(30)
@given(settle_hours=st.floats(0, 400), seconds=st.integers(-90_000, 90_000))
def test_a_year_is_closed_once_a_request_is_later_than_its_end_by_the_hours_it_takes_to_settle(
    zone: str, settle_hours: float, seconds: int
) -> None:
    closes = year_ends_at(2025, zone) + timedelta(hours=settle_hours)
    newest = closes + timedelta(seconds=seconds)
    archive = requested("2024-11", "2025-02", "2025-12", newest=newest)
    expected = ["2025"] if seconds >= 0 else ["2025-02", "2025-12"]
    assert periods(archive, zone, settle_hours) == ["2024", *expected]


def test_a_site_that_left_stays_open() -> None:
    """Its last year gets no later request; how much time passes has no effect, so that a rebuild makes the same files."""
    archive = requested("2024-12", "2025-02", "2025-03", newest=datetime(2025, 3, 30, tzinfo=UTC))
    assert periods(archive) == ["2024", "2025-02", "2025-03"]


def test_the_months_of_a_closed_year_are_those_with_records() -> None:
    (year, month) = partitions_of(
        requested("2024-11", "2024-12", "2025-02", newest=datetime(2025, 2, 3, tzinfo=UTC)), SITE, SETTLE_HOURS
    )
    assert (year.period, year.months, year.year) == ("2024", ("2024-11", "2024-12"), "2024")
    assert (month.period, month.months, month.year) == ("2025-02", ("2025-02",), "2025")
    assert (str(year), str(month)) == ("site 101 2024", "site 101 2025-02")


def test_an_empty_archive_has_no_partition() -> None:
    assert partitions_of(holding(), SITE, SETTLE_HOURS) == []


def test_the_lifetime_is_a_partition_of_its_own() -> None:
    """Requested every night: otherwise the closed year of the installation would be made again every night."""
    now = datetime(2026, 2, 1, tzinfo=UTC)
    of_lifetime = [Entry("2024-03", now, series, series) for series in ("backup", "energy_year")]
    of_power = Entry("2024-03", now, raw_id="p")
    archive = holding(of_power, *of_lifetime)
    year, lifetime = partitions_of(archive, SITE, SETTLE_HOURS)
    assert (year.period, lifetime.period, lifetime.months) == ("2024", LIFETIME, ())
    by_month: dict[str, object] = {**year.entries_by_month(archive), **lifetime.entries_by_month(archive)}
    assert by_month == {"2024-03": [of_power], LIFETIME: of_lifetime}
    assert [entry.raw_id for part in (year, lifetime) for entry in part.entries(archive)] == [
        "p",
        "backup",
        "energy_year",
    ]
    assert periods(holding(*of_lifetime)) == [LIFETIME]


def test_responses_about_an_open_year_are_a_partition_of_their_own() -> None:
    """Requested every night, too: otherwise January would be made again every night."""
    now = datetime(2026, 2, 1, tzinfo=UTC)
    closed, is_open = (Entry(month, now, "energy_month", month) for month in ("2025-01", "2026-01"))
    power = Entry("2026-01", now, raw_id="p")
    archive = holding(closed, is_open, power)
    year, month, of_open = partitions_of(archive, SITE, SETTLE_HOURS)
    assert [part.period for part in (year, month, of_open)] == ["2025", "2026-01", "2026-year"]
    assert [part.year for part in (year, month, of_open)] == ["2025", "2026", "2026"], "one process makes all of a year"
    entries: list[object] = [part.entries(archive) for part in (year, month, of_open)]
    assert entries == [[closed], [power], [is_open]]
    windows: dict[str, object] = {**month.windows_by_month(archive)}
    assert windows == {"2026-01": [is_open, power]}, "a day's present instant may be theirs"
    assert periods(holding(is_open)) == ["2026-year"], "a month with no other response has no rows"


def test_partitions_by_year() -> None:
    found = by_year(
        SitePartition(replace(SITE, site_id=site_id), period, ())
        for site_id in (1, 2)
        for period in ("2024", "2025-01", "2025-02", LIFETIME)
    )
    assert [(of.site.site_id, of.year, [part.period for part in of.partitions]) for of in found] == [
        (site_id, year, of_year)
        for site_id in (1, 2)
        for year, of_year in (("2024", ["2024"]), ("2025", ["2025-01", "2025-02"]), (LIFETIME, [LIFETIME]))
    ]
