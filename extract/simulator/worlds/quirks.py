"""The demo account with anomalies of every kind, each on different days.

No two anomalies affect the same series on the same day, so that each difference has one cause.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from extract.simulator.anomalies.anomaly import Anomaly
from extract.simulator.anomalies.events import OutageInParts
from extract.simulator.anomalies.readings import MeterOffset, OddReadings
from extract.simulator.anomalies.rollups import AllocationShift, MidnightZero, RollupDrift, WeeklySundays, inverted_ct
from extract.simulator.anomalies.rows import CloudGap, DuplicateInstants, GapStyle, ProvisionalHours
from extract.simulator.anomalies.shapes import KilowattHours, MissingColumns, OmittedMeasures, UnknownColumn
from extract.simulator.anomalies.windows import EarlierDays, LaggingWindow, WrongWindow
from extract.simulator.local_day import day_bounds, utc
from extract.simulator.site import SettingsChange, SiteSpec
from extract.simulator.table import Series
from extract.simulator.worlds.trips import trips
from extract.simulator.worlds.vehicle import CarState, Plug
from extract.simulator.worlds.world import World, demo_world
from wattlog.providers import VEHICLE_SCOPES


def quirky_world(today: date) -> World:
    """The demo account; its two sites together have every known anomaly, and its car is awake and has been away."""
    world = demo_world(today)
    first, second = world.sites
    (car,) = world.vehicles
    return replace(
        world,
        scopes=(*world.scopes, *VEHICLE_SCOPES),
        vehicles=(replace(car, state=CarState.ONLINE, plug=Plug(first.site_id)),),
        public_sessions=trips(
            car.vin, first.time_zone, first.installed_at.date(), today - timedelta(days=1), first.seed
        ),
        sites=(
            replace(first, anomalies=_rollup_anomalies(first, today), settings_changes=_settings(today)),
            replace(second, anomalies=_row_anomalies(second, today)),
        ),
    )


def _rollup_anomalies(spec: SiteSpec, today: date) -> tuple[Anomaly, ...]:
    """Wrong rollups, gaps, provisional last hours, and outages that were restated since yesterday."""

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
        OutageInParts(ago(90), ago(1), at(1, 0)),
    )


def _row_anomalies(spec: SiteSpec, today: date) -> tuple[Anomaly, ...]:
    """Duplicate rows, rows of another day, another unit, other columns."""

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    kwh_month = _month(today, 6)
    return (
        DuplicateInstants(ago(30), ago(29)),
        DuplicateInstants(ago(35), ago(35), is_stale=True),
        WrongWindow(ago(20), ago(20), times=1),
        WrongWindow(ago(24), ago(24), shift_days=1),
        LaggingWindow(ago(17), ago(17), times=1),
        KilowattHours(kwh_month, _month(today, 5) - timedelta(days=1)),
        MissingColumns(spec.installed_at.date(), ago(380)),
        UnknownColumn(ago(10), ago(9)),
        MeterOffset(ago(7), ago(7)),
        OddReadings(ago(13), last_s=15 * 3600),
        OmittedMeasures(Series.INTERVALS, ago(15), ago(15), ("generator_energy_exported",)),
        EarlierDays(ago(26), ago(26)),
        WeeklySundays(_month(today, 3), _month(today, 2) - timedelta(days=1)),
    )


def _month(today: date, back: int) -> date:
    """First day of the month `back` months ago."""
    number = today.year * 12 + today.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _settings(today: date) -> tuple[SettingsChange, ...]:
    """A firmware update a week ago, and a higher backup reserve since yesterday."""
    return (
        SettingsChange(datetime.combine(today - timedelta(days=7), time(3), UTC), (("version", "25.26.1 77aa0c15"),)),
        SettingsChange(datetime.combine(today - timedelta(days=1), time(9), UTC), (("backup_reserve_percent", 80),)),
    )
