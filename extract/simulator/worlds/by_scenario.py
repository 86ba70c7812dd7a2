"""The accounts of the scenarios, made from the demo account, the personalities, and the anomalies."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from extract.simulator.anomalies.anomaly import Anomaly
from extract.simulator.anomalies.events import OutageInParts
from extract.simulator.anomalies.readings import MeterOffset, OddReadings
from extract.simulator.anomalies.rollups import (
    AllocationShift,
    InvertedCt,
    MidnightZero,
    MonthDropsDay,
    RollupDrift,
    WeeklySundays,
)
from extract.simulator.anomalies.rows import CloudGap, DuplicateInstants, ProvisionalHours
from extract.simulator.anomalies.shapes import KilowattHours, MissingColumns, OmittedMeasures, UnknownColumn
from extract.simulator.anomalies.windows import EarlierDays, LaggingWindow, Stamps, WrongWindow
from extract.simulator.site import FIVE_MINUTE_SINCE, SiteSpec, ZoneMode
from extract.simulator.worlds.personalities import personality_world
from extract.simulator.worlds.quirks import quirky_world
from extract.simulator.worlds.vehicle import CarState, Plug, Signing
from extract.simulator.worlds.world import StaleResponse, StaleSite, World, demo_world

NEW_DAYS = 30
"""A site that was installed less than this many days ago is new."""

ODD_ZONES = {"Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"}
"""Zones with an offset that is not a whole number of hours; one has half an hour of DST (Q36, Q37)."""

SITE_KINDS: dict[str, tuple[str, Callable[[SiteSpec, date], bool]]] = {
    "solar-only": ("Sites without a battery.", lambda site, _: site.has_solar and not site.has_battery),
    "battery-only": ("A battery without solar.", lambda site, _: site.has_battery and not site.has_solar),
    "wall-connectors": ("Sites with wall connectors that charge vehicles.", lambda site, _: site.wall_connectors > 0),
    "generator": ("A site with a generator and many outages.", lambda site, _: site.generator_w > 0),
    "grid-services": ("A battery in a virtual power plant (Q31).", lambda site, _: site.vpp_events_per_year > 0),
    "fixed-offset": (
        "A site whose timestamps always have today's UTC offset, also for past days (Q7).",
        lambda site, _: site.zone_mode is ZoneMode.FIXED_OFFSET,
    ),
    "unnamed-zone": (
        "Sites whose time zone is missing, empty, or not an IANA name (Q8).",
        lambda site, _: site.zone_mode in {ZoneMode.MISSING, ZoneMode.EMPTY, ZoneMode.NOT_IANA},
    ),
    "odd-zones": (
        "Sites in zones with half-hour and quarter-hour offsets, one with half an hour of DST (Q36, Q37).",
        lambda site, _: site.time_zone in ODD_ZONES,
    ),
    "both-eras": (
        "Sites with days before April 2024, which have one row at 01:00, and later days, which have five-minute rows (Q10).",
        lambda site, _: site.installed_at.date() < FIVE_MINUTE_SINCE,
    ),
    "new-site": (
        "A site that was installed a few days ago.",
        lambda site, today: site.installed_at.date() > today - timedelta(days=NEW_DAYS),
    ),
    "sub-daily": (
        "A site whose weeks and months have rows shorter than a day (Q10).",
        lambda site, _: site.has_sub_daily_periods,
    ),
}
"""Kind of sites → its explanation, and a test whether a site is of the kind."""


def _is(kind: type[Anomaly]) -> Callable[[Anomaly], bool]:
    return lambda anomaly: isinstance(anomaly, kind)


ANOMALIES: dict[str, tuple[str, Callable[[Anomaly], bool]]] = {
    "month-drops-day": ("The month has no row of a day that day, week, and year have (Q19).", _is(MonthDropsDay)),
    "inverted-ct": (
        "A current sensor is inverted for a day: grid power has the wrong sign, energy was corrected (Q19).",
        _is(InvertedCt),
    ),
    "rollup-drift": (
        "The year has a month, and the lifetime a year, with values wrong by up to 4 % (Q20).",
        _is(RollupDrift),
    ),
    "allocation-shift": (
        "From a time of day on, 15-minute intervals allocate the same totals to other sources and uses (Q21).",
        _is(AllocationShift),
    ),
    "midnight-zero": ("The month has a row of zeros for a day on which energy flowed (Q2).", _is(MidnightZero)),
    "cloud-gap-zero": (
        "The cloud had no data for some hours: the rows are zeros (Q14).",
        lambda anomaly: isinstance(anomaly, CloudGap) and anomaly.is_zero,
    ),
    "cloud-gap-absent": (
        "The cloud had no data for some hours: the rows are missing (Q14).",
        lambda anomaly: isinstance(anomaly, CloudGap) and not anomaly.is_zero and anomaly.filled_at is None,
    ),
    "late-backfill": (
        "Rows of yesterday are missing, and are filled two days from now (Q14).",
        lambda anomaly: isinstance(anomaly, CloudGap) and anomaly.filled_at is not None,
    ),
    "revised-hours": ("Values of the last hours change later, some downward (Q12).", _is(ProvisionalHours)),
    "restated-outages": (
        "Until yesterday each outage of some months was listed as two, with other beginnings (Q32).",
        _is(OutageInParts),
    ),
    "duplicate-instants": (
        "Some rows come twice, with `Z` and with an offset; on one day the first of the two is zero (Q18).",
        _is(DuplicateInstants),
    ),
    "wrong-window": (
        "Responses with the rows of another day than the requested one, once or always (Q22).",
        _is(WrongWindow),
    ),
    "lagging-window": (
        "The response has hours of the day before instead of the last hours of the requested day, once (Q22).",
        _is(LaggingWindow),
    ),
    "kilowatt-hours": ("Energy of one month is in kWh instead of Wh.", _is(KilowattHours)),
    "missing-columns": ("The first days have no optional columns (Q24).", _is(MissingColumns)),
    "weekly-sundays": (
        "The month has the sum of the week in the row of each Sunday, as in 2018 (Q10).",
        _is(WeeklySundays),
    ),
    "omitted-measures": ("One series leaves out a measure on one day (Q24).", _is(OmittedMeasures)),
    "earlier-days": ("The response for a day has the two days before it, too (Q22).", _is(EarlierDays)),
    "meter-offset": ("At night the solar meter shows −1 Wh in five minutes.", _is(MeterOffset)),
    "odd-readings": ("For some hours of a day a value of each row is a text.", _is(OddReadings)),
    "unknown-column": ("Rows have an undocumented column (Q24).", _is(UnknownColumn)),
}
"""Kind of anomalies → its explanation, and a test whether an anomaly is of the kind."""


def misplaced_world(today: date) -> World:
    """The two sites of the demo, with responses that have rows of the day before, in every variant, each on different days.

    Up to the nineteenth day before `today`, the second request for a day gets the right response; before that, none does.
    """

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    wrong = tuple(
        WrongWindow(ago(back + start), ago(back + start), times=times, stamps=stamps)
        for start, times in ((0, 1), (20, None))
        for back, stamps in zip(range(4, 12, 2), Stamps, strict=True)
    )
    lagging = LaggingWindow(ago(14), ago(14), times=1), LaggingWindow(ago(16), ago(16))
    return World(sites=tuple(replace(site, anomalies=(*wrong, *lagging)) for site in demo_world(today).sites))


def calm_world(today: date) -> World:
    """The two sites of the demo, without vehicle and ghost."""
    return World(sites=demo_world(today).sites)


def commands_world(today: date) -> World:
    """The account of the demo with every scope; its car takes unsigned commands, and is plugged in at the first site."""
    demo = demo_world(today)
    (car,) = demo.vehicles
    awake = replace(car, state=CarState.ONLINE, signing=Signing.OFF, plug=Plug(demo.sites[0].site_id))
    return replace(demo, vehicles=(awake,), scopes=demo.offered_scopes)


def stale_sites_world(today: date) -> World:
    """The account of the demo with two stale sites in addition (API.md#products)."""
    stale = (StaleSite(876_543_213), StaleSite(876_543_214, StaleResponse.STRING))
    return replace(demo_world(today), stale_sites=stale)


def site_kind_world(today: date, kind: str) -> World:
    """The sites of one kind."""
    _, is_of_kind = SITE_KINDS[kind]
    return World(sites=tuple(site for site in personality_world(today).sites if is_of_kind(site, today)))


def anomaly_world(today: date, kind: str) -> World:
    """The two sites of the demo, with the anomalies of one kind that `quirky_world` has."""
    _, is_of_kind = ANOMALIES[kind]
    return World(
        sites=tuple(
            replace(site, anomalies=tuple(filter(is_of_kind, site.anomalies))) for site in quirky_world(today).sites
        )
    )


def everything_world(today: date) -> World:
    """All sites and all anomalies in one account."""
    quirky, personal = quirky_world(today), personality_world(today)
    return replace(
        quirky,
        sites=(*quirky.sites, *personal.sites),
        vehicles=(*quirky.vehicles, *personal.vehicles),
        ghosts=(*quirky.ghosts, *personal.ghosts),
        stale_sites=(*quirky.stale_sites, *personal.stale_sites),
        has_legacy_history=personal.has_legacy_history,
    )
