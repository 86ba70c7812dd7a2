"""What a day is estimated from: responses about its year change nothing of it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import cast

from flows.tasks.estimate import Sources, sources_of
from flows.tasks.partition import SitePartition
from flows.tasks.session import TransformSession
from tests.unit.transform.answers import BATTERY_SITE
from wattlog.series_spec import Series

SITE = replace(BATTERY_SITE, site_id=101, installed_at=None, timezone="Europe/London")
JANUARY = SitePartition(SITE, "2026-01", ("2026-01",))
SETTLE_HOURS = 48.0
SETTLED = datetime(2026, 2, 3, tzinfo=UTC)
"""When the last day of January settles."""


@dataclass(frozen=True)
class Entry:
    """What is looked at of an index entry."""

    series: Series
    window_start: date
    window_end: date
    requested_at: datetime
    outcome: str = "data"

    @property
    def closes_at(self) -> datetime:
        """By the clock of London in winter."""
        return datetime.combine(self.window_end + timedelta(days=1), time(), UTC)

    @property
    def raw_id(self) -> str:
        return f"{self.series} {self.requested_at}"


def of_day(day: date, requested_at: datetime = SETTLED) -> Entry:
    return Entry(Series.ENERGY_INTERVAL, day, day, requested_at)


def of_year(requested_at: datetime) -> Entry:
    return Entry(Series.ENERGY_MONTH, date(2026, 1, 1), date(2026, 12, 31), requested_at)


def sources(*entries: Entry) -> Sources:
    archive = SimpleNamespace(
        histories=lambda _site_id: [],
        entries=lambda _site_id, month: [entry for entry in entries if f"{entry.window_start:%Y-%m}" == month],
        lost=lambda _: {},
    )
    session = SimpleNamespace(archive=archive, settle_hours=SETTLE_HOURS, lake=None)
    found = sources_of(cast("TransformSession", session), JANUARY)
    assert found is not None
    return found


def test_a_month_is_not_estimated_again_for_a_response_about_its_year() -> None:
    last_day = of_day(date(2026, 1, 31))
    night = SETTLED + timedelta(days=30)
    nights = [sources(last_day, of_year(night + timedelta(days=days))) for days in range(3)]
    assert nights[0] == nights[1] == nights[2]


def test_a_month_is_estimated_again_for_another_response_about_a_day() -> None:
    last_day, again = of_day(date(2026, 1, 31)), of_day(date(2026, 1, 30), SETTLED + timedelta(days=40))
    assert sources(last_day).digest != sources(last_day, again).digest


def test_until_its_days_have_settled_a_month_is_as_old_as_its_newest_response() -> None:
    """A day that is not over in one response may be final because of what is known at the time of the next one."""
    early = [SETTLED - timedelta(hours=hours) for hours in (60, 30, 0)]
    days = [sources(of_day(date(2026, 1, 31), early[0]), of_year(at)) for at in early]
    assert [found.asked_at["2026-01"] for found in days] == early
    assert len({found.digest for found in days}) == len(early)
    late = sources(of_day(date(2026, 1, 31), early[0]), of_year(SETTLED + timedelta(days=30)))
    assert SETTLED <= late.asked_at["2026-01"] <= SETTLED + timedelta(days=1)
