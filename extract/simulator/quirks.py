"""The demo account with a contradiction of every kind, each on days of its own.

So that each day's disagreement has one cause, no two of them touch the same series on the same day.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from extract.simulator.contradiction import Contradiction
from extract.simulator.local_day import day_bounds, utc
from extract.simulator.rollup_contradictions import AllocationShift, MidnightZero, RollupDrift, inverted_ct
from extract.simulator.row_contradictions import CloudGap, DuplicateInstants, GapStyle, ProvisionalHours, WrongWindow
from extract.simulator.shape_contradictions import KilowattHours, MissingColumns, UnknownColumn
from extract.simulator.site import SettingsChange, SiteSpec
from extract.simulator.table import Series
from extract.simulator.world import World, demo_world


def quirky_world(today: date) -> World:
    """The demo account, whose two sites contradict what happened to them in every known way."""
    world = demo_world(today)
    first, second = world.sites
    return replace(
        world,
        sites=(
            replace(first, contradictions=_first(first, today), settings_changes=_settings(today)),
            replace(second, contradictions=_second(second, today)),
        ),
    )


def _first(spec: SiteSpec, today: date) -> tuple[Contradiction, ...]:
    """Roll-ups that disagree, gaps, last hours that are not final."""

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    def at(days: int, hour: int) -> datetime:
        return utc(day_bounds(spec.zone, ago(days))[0] + hour * 3600)

    return (
        *inverted_ct(ago(40)),
        MidnightZero(ago(47)),
        RollupDrift(Series.YEAR, _month(today, 5), _month(today, 4) - timedelta(days=1), -3.5),
        RollupDrift(Series.LIFETIME, date(today.year - 1, 1, 1), date(today.year - 1, 12, 31), -4.0),
        AllocationShift(ago(64), ago(53)),
        CloudGap(at(70, 9), at(70, 13), GapStyle.ZERO),
        CloudGap(at(75, 22), at(74, 5), GapStyle.ABSENT),
        CloudGap(at(1, 6), at(1, 9), GapStyle.ABSENT, filled_at=datetime.combine(ago(-2), time(), UTC)),
        ProvisionalHours(today, ago(-30)),
    )


def _second(spec: SiteSpec, today: date) -> tuple[Contradiction, ...]:
    """Rows that come twice or from another day, another unit, other columns."""

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    kwh_month = _month(today, 6)
    return (
        DuplicateInstants(ago(30), ago(29)),
        DuplicateInstants(ago(35), ago(35), is_stale=True),
        WrongWindow(ago(20), ago(20), times=1),
        WrongWindow(ago(24), ago(24), shift_days=1),
        KilowattHours(kwh_month, _month(today, 5) - timedelta(days=1)),
        MissingColumns(spec.installed_at.date(), ago(380)),
        UnknownColumn(ago(10), ago(9)),
    )


def _month(today: date, back: int) -> date:
    """First day of the month so many months ago."""
    number = today.year * 12 + today.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _settings(today: date) -> tuple[SettingsChange, ...]:
    """A firmware update a week ago and a storm of caution yesterday."""
    return (
        SettingsChange(datetime.combine(today - timedelta(days=7), time(3), UTC), (("version", "25.26.1 77aa0c15"),)),
        SettingsChange(datetime.combine(today - timedelta(days=1), time(9), UTC), (("backup_reserve_percent", 80),)),
    )
