"""Sites with random mixtures of all known faults of the API; each follows from a seed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

import numpy as np

from extract.simulator import (
    AllocationShift,
    Anomaly,
    CloudGap,
    DuplicateInstants,
    EarlierDays,
    EarlierZone,
    GapStyle,
    InvertedCt,
    KilowattHours,
    LaggingWindow,
    LateData,
    MeterOffset,
    MidnightZero,
    MissingColumns,
    MonthDropsDay,
    OddReadings,
    OddStyle,
    OmittedMeasures,
    ProvisionalHours,
    RollupDrift,
    Series,
    SettingsChange,
    SiteSpec,
    Stamps,
    UnknownColumn,
    WeeklySundays,
    WrongWindow,
    inverted_ct,
)
from extract.simulator.local_day import day_bounds, days_between
from tests.mixture_requests import INSTALLATION_KEY

NOW = datetime(2026, 1, 6, 20, 7, tzinfo=UTC)
SETTLED = NOW + timedelta(days=2)
"""When the last day with faults has settled, too."""

FIRST, LAST = date(2025, 12, 27), date(2026, 1, 5)
"""Days that may have faults: after the installation, before today."""

MONTH_ENDS: Final = {12: (date(2025, 12, 1), date(2025, 12, 31)), 1: (date(2026, 1, 1), date(2026, 1, 31))}

BATTERY = SiteSpec(site_id=101, installed_at=datetime(2025, 12, 25, 20, tzinfo=UTC), seed=3)
OLD = replace(BATTERY, five_minute_since=date(2026, 6, 1))
SITES = (
    BATTERY,
    replace(OLD, seed=5, generator_w=5_000),
    replace(BATTERY, seed=7, battery_energy_wh=0, has_grid_meter=False, time_zone="Australia/Sydney", latitude=-33.5),
    replace(OLD, seed=9, battery_energy_wh=0, has_grid_meter=False),
)
"""Both kinds of site and both eras (Q10): 5-minute rows, and rows of a day with quarter hours."""

T = TypeVar("T")


class Chance:
    """Choices that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def number(self, first: int, after: int | None = None) -> int:
        """One of the numbers from `first` on and before `after`; with one argument, from 0 on and before it."""
        return int(self._random.integers(first, after))

    def coin(self) -> bool:
        """Yes or no."""
        return self.number(2) == 1

    def one(self, of: Sequence[T]) -> T:
        """One of several."""
        return of[self.number(len(of))]

    def several(self, of: Sequence[T], count: int) -> list[T]:
        """`count` of several, each at most once."""
        return [of[index] for index in self._random.choice(len(of), count, replace=False).tolist()]


Draw = Callable[[Chance, SiteSpec], tuple[Anomaly, ...]]


def a_day(chance: Chance) -> date:
    return FIRST + timedelta(days=chance.number((LAST - FIRST).days + 1))


def inverted(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    first_s = chance.number(0, 12) * 3600
    day, last_s = a_day(chance), first_s + chance.number(3, 12) * 3600
    return (InvertedCt(day, first_s, last_s),) if chance.coin() else inverted_ct(day)


def wrong_window(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    """Not at the edge of a month: of a day that is the first or last in kWh, only its own power could prove it."""
    days = [day for day in days_between(FIRST, LAST) if day not in {MONTH_ENDS[12][1], MONTH_ENDS[1][0]}]
    day, shift, times = chance.one(days), chance.one([-1, 1]), chance.one([None, None, 1])
    if times and day.day % 2:
        return (LaggingWindow(day, day, times=times),)
    return (WrongWindow(day, day, shift, times, list(Stamps)[day.day % len(Stamps)]),)


def gap(chance: Chance, spec: SiteSpec) -> tuple[Anomaly, ...]:
    start = datetime.fromtimestamp(day_bounds(spec.zone, a_day(chance))[0] + chance.number(0, 80) * 900, UTC)
    return (CloudGap(start, start + timedelta(hours=chance.number(1, 12)), chance.one(list(GapStyle))),)


def shift(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    first = a_day(chance)
    return (AllocationShift(first, min(first + timedelta(days=3), LAST), chance.number(0, 20) * 3600),)


def drift(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    """Of home use alone at every other percentage; the identities of the row do not hold then."""
    percent = chance.one([-4.0, -3.0, 2.5, 4.0])
    is_home_alone = percent in (-4.0, 2.5)
    if chance.coin():
        return (RollupDrift(Series.LIFETIME, date(2025, 1, 1), date(2025, 12, 31), percent, is_home_alone),)
    return (RollupDrift(Series.YEAR, *MONTH_ENDS[12], percent, is_home_alone),)


def unit(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    return (KilowattHours(*MONTH_ENDS[chance.one([1, 12])]),)


def odd(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    """So many rows that the day is not whole: with fewer it is compared with its week, where that is asked for."""
    first_s = chance.number(0, 80) * 900
    last_s = first_s + chance.number(6, 40) * 300
    name = chance.one(["solar_energy_exported", "consumer_energy_imported_from_solar", "grid_energy_imported"])
    return (OddReadings(a_day(chance), first_s, last_s, chance.one(list(OddStyle)), name),)


def omitted(chance: Chance, spec: SiteSpec) -> tuple[Anomaly, ...]:
    series = chance.one([Series.MONTH, Series.INTERVALS if spec.five_minute_since <= FIRST else Series.DAY])
    names = ["solar_energy_exported", "consumer_energy_imported_from_solar", "generator_energy_exported"]
    day = a_day(chance)
    return (OmittedMeasures(series, day, day, (chance.one(names),)),)


def late(chance: Chance, spec: SiteSpec) -> tuple[Anomaly, ...]:
    """Hours of a day that have not arrived in any series; the sums of the day are those of the rest."""
    start_s = day_bounds(spec.zone, a_day(chance))[0] + chance.number(0, 60) * 900
    start = datetime.fromtimestamp(start_s, UTC)
    return (LateData(start, start + timedelta(hours=chance.number(1, 9))),)


def earlier(chance: Chance, _: SiteSpec) -> tuple[Anomaly, ...]:
    day = a_day(chance)
    return (EarlierDays(day, day, chance.number(1, 4)),)


KINDS: Final[tuple[Draw, ...]] = (
    lambda chance, _: (MonthDropsDay(a_day(chance)),),
    lambda chance, _: (MidnightZero(a_day(chance)),),
    wrong_window,
    lambda chance, _: (DuplicateInstants(*(a_day(chance),) * 2, chance.one([7, 24]), chance.coin()),),
    lambda chance, _: (MissingColumns(*(a_day(chance),) * 2),),
    lambda chance, _: (UnknownColumn(*(a_day(chance),) * 2),),
    lambda chance, _: (MeterOffset(*(a_day(chance),) * 2),),
    lambda _chance, _spec: (ProvisionalHours(LAST + timedelta(days=1), date(2026, 2, 1)),),
    inverted,
    odd,
    omitted,
    gap,
    gap,
    shift,
    drift,
    unit,
)

BESIDE: Final[tuple[Draw, ...]] = (late, earlier)
"""One of these is added to every second mixture."""


def mixture(seed: int) -> SiteSpec:
    """A site with two to five random kinds of faults; the unit of a response is changed last."""
    chance, spec = Chance(seed), SITES[seed % len(SITES)]
    kinds = chance.several(KINDS, chance.number(2, 6))
    drawn = [fault for kind in kinds for fault in kind(chance, spec)]
    drawn += [fault for kind in chance.several(BESIDE, chance.number(2)) for fault in kind(chance, spec)]
    return replace(spec, anomalies=tuple(sorted(drawn, key=lambda fault: isinstance(fault, KilowattHours))))


WEEKS: Final = WeeklySundays(date(2025, 12, 1), MONTH_ENDS[1][1])


def with_weeks(seed: int) -> SiteSpec:
    """A site since the beginning of December whose months have sums of weeks at Sundays, and up to two kinds of other faults.

    Only two whole weeks of a month show such sums, so the site of the other mixtures is too young. The other faults are of
    December: the first days of January are too few to show that their only Sunday is a sum.
    """
    chance, site = Chance(seed), SITES[seed % len(SITES)]
    spec = replace(site, installed_at=datetime(2025, 12, 1, 20, tzinfo=UTC))
    drawn = [fault for kind in chance.several(KINDS, chance.number(3)) for fault in kind(chance, spec)]
    last = MONTH_ENDS[12][1]
    of_december = [
        fault for fault in drawn if all(day <= last for found in fault.injections(spec.zone) for day in found.dates)
    ]
    return replace(spec, anomalies=(WEEKS, *sorted(of_december, key=lambda fault: isinstance(fault, KilowattHours))))


Facts = Callable[[Chance, SiteSpec], SiteSpec]


def battery_added(chance: Chance, spec: SiteSpec) -> SiteSpec:
    """From some day on the site has a battery, and the meter that comes with it; a site without one stays as it is."""
    since = FIRST + timedelta(days=chance.number(1, (LAST - FIRST).days))
    return replace(spec, battery_since=since) if spec.has_battery else spec


def installation_moved(chance: Chance, spec: SiteSpec) -> SiteSpec:
    """site_info has a later day than the first with energy (Q17)."""
    start = datetime.fromtimestamp(day_bounds(spec.zone, a_day(chance))[0] + chance.number(0, 24) * 3600, UTC)
    change = SettingsChange(spec.installed_at, ((INSTALLATION_KEY, start.isoformat()),))
    return replace(spec, settings_changes=(change,))


def zone_corrected(chance: Chance, spec: SiteSpec) -> SiteSpec:
    """Until some instant the server divided time into days by another zone (Q8)."""
    until = datetime.fromtimestamp(day_bounds(spec.zone, a_day(chance))[0] + chance.number(0, 24) * 3600, UTC)
    return replace(spec, earlier_zones=(EarlierZone(until, chance.one(OTHER_ZONES[spec.time_zone])),))


OTHER_ZONES: Final = {
    "America/Los_Angeles": ("America/New_York", "Pacific/Honolulu"),
    "Australia/Sydney": ("Australia/Perth", "Pacific/Auckland"),
}

DATED: Final[tuple[Facts, ...]] = (battery_added, installation_moved, zone_corrected)


def dated(seed: int) -> SiteSpec:
    """A mixture with one or two dated facts."""
    chance, spec = Chance(1_000_000 + seed), mixture(seed)
    for fact in chance.several(DATED, chance.number(1, 3)):
        spec = fact(chance, spec)
    return spec
