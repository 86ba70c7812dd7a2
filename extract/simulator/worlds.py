"""The accounts of the scenarios: parts and sums of the demo account, the site personalities and the contradictions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from extract.simulator.contradiction import Contradiction
from extract.simulator.personalities import personality_world
from extract.simulator.quirks import quirky_world
from extract.simulator.rollup_contradictions import (
    AllocationShift,
    InvertedCt,
    MidnightZero,
    MonthDropsDay,
    RollupDrift,
)
from extract.simulator.row_contradictions import CloudGap, DuplicateInstants, ProvisionalHours, WrongWindow
from extract.simulator.shape_contradictions import KilowattHours, MissingColumns, UnknownColumn
from extract.simulator.site import FIVE_MINUTE_SINCE, SiteSpec, ZoneMode
from extract.simulator.world import StaleAnswer, StaleSite, World, demo_world

NEW_DAYS = 30
"""A site younger than this is new."""

ODD_ZONES = {"Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"}
"""Zones off the whole hour, one of them with half an hour of summer time (Q36, Q37)."""

FAMILIES: dict[str, tuple[str, Callable[[SiteSpec, date], bool]]] = {
    "solar-only": ("Sites without a battery.", lambda site, _: site.has_solar and not site.has_battery),
    "battery-only": ("A battery without solar.", lambda site, _: site.has_battery and not site.has_solar),
    "wall-connectors": ("Sites that charge cars.", lambda site, _: site.wall_connectors > 0),
    "generator": ("A site with a generator and many outages.", lambda site, _: site.generator_w > 0),
    "grid-services": ("A battery in a virtual power plant (Q31).", lambda site, _: site.vpp_events_per_year > 0),
    "fixed-offset": (
        "A site that stamps every row with today's offset, for past days too (Q7).",
        lambda site, _: site.zone_mode is ZoneMode.FIXED_OFFSET,
    ),
    "unnamed-zone": (
        "Sites whose time zone is missing, empty or not an IANA name (Q8).",
        lambda site, _: site.zone_mode in {ZoneMode.MISSING, ZoneMode.EMPTY, ZoneMode.NOT_IANA},
    ),
    "odd-zones": (
        "Sites in zones of half and quarter hours, one with half an hour of summer time (Q36, Q37).",
        lambda site, _: site.time_zone in ODD_ZONES,
    ),
    "both-eras": (
        "Sites old enough for days of one row stamped 01:00 and, since April 2024, days of five-minute rows (Q10).",
        lambda site, _: site.installed_at.date() < FIVE_MINUTE_SINCE,
    ),
    "new-site": (
        "A site that was installed days ago.",
        lambda site, today: site.installed_at.date() > today - timedelta(days=NEW_DAYS),
    ),
    "sub-daily": (
        "A site whose weeks and months come in rows shorter than a day (Q10).",
        lambda site, _: site.has_sub_daily_periods,
    ),
}
"""Kinds of sites: what to say of them, and which they are."""


def _is(kind: type[Contradiction]) -> Callable[[Contradiction], bool]:
    return lambda each: isinstance(each, kind)


CONTRADICTIONS: dict[str, tuple[str, Callable[[Contradiction], bool]]] = {
    "month-drops-day": ("The month series leaves a day out that day, week and year have (Q19).", _is(MonthDropsDay)),
    "inverted-ct": (
        "A sensor is the wrong way round for a day: power has the wrong sign, energy was adjusted (Q19).",
        _is(InvertedCt),
    ),
    "rollup-drift": (
        "A month of the year series and a year of the lifetime are off by up to 4 % (Q20).",
        _is(RollupDrift),
    ),
    "allocation-shift": (
        "The intervals allot the same totals differently from some time of day on (Q21).",
        _is(AllocationShift),
    ),
    "midnight-zero": ("The month series has a row of zeros for a day on which energy flowed (Q2).", _is(MidnightZero)),
    "cloud-gap-zero": (
        "The cloud heard nothing for some hours: rows of zeros (Q14).",
        lambda each: isinstance(each, CloudGap) and each.is_zero,
    ),
    "cloud-gap-absent": (
        "The cloud heard nothing for some hours: no rows (Q14).",
        lambda each: isinstance(each, CloudGap) and not each.is_zero and each.filled_at is None,
    ),
    "late-backfill": (
        "A gap of yesterday is filled in two days (Q14).",
        lambda each: isinstance(each, CloudGap) and each.filled_at is not None,
    ),
    "revised-hours": ("The last hours change after they were given, some downward (Q12).", _is(ProvisionalHours)),
    "duplicate-instants": (
        "Instants come twice, with `Z` and with an offset, once with another value (Q18).",
        _is(DuplicateInstants),
    ),
    "wrong-window": ("Rows of another day than the one asked for, once or always (Q22).", _is(WrongWindow)),
    "kilowatt-hours": ("A month in kWh instead of Wh.", _is(KilowattHours)),
    "missing-columns": ("Early days lack optional columns (Q24).", _is(MissingColumns)),
    "unknown-column": ("Rows have a column that nobody knows.", _is(UnknownColumn)),
}
"""Ways in which answers contradict what happened: what to say of them, and which they are."""


def calm_world(today: date) -> World:
    """The two sites of the demo, without a car and a ghost."""
    return World(sites=demo_world(today).sites)


def forgotten_world(today: date) -> World:
    """The two sites of the demo, and three that are listed and not there (API.md §1.1)."""
    stale = (StaleSite(876_543_213), StaleSite(876_543_214, StaleAnswer.STRING))
    return replace(demo_world(today), stale_sites=stale)


def family_world(today: date, family: str) -> World:
    """The sites of one kind."""
    _, is_of_family = FAMILIES[family]
    return World(sites=tuple(each for each in personality_world(today).sites if is_of_family(each, today)))


def contradicting_world(today: date, contradiction: str) -> World:
    """The two sites of the demo, with one kind of contradiction where the quirky account has it."""
    _, is_wanted = CONTRADICTIONS[contradiction]
    return World(
        sites=tuple(
            replace(each, contradictions=tuple(filter(is_wanted, each.contradictions)))
            for each in quirky_world(today).sites
        )
    )


def everything_world(today: date) -> World:
    """All sites, all contradictions, in one account."""
    quirky, personal = quirky_world(today), personality_world(today)
    return replace(
        quirky,
        sites=(*quirky.sites, *personal.sites),
        vehicles=(*quirky.vehicles, *personal.vehicles),
        ghosts=(*quirky.ghosts, *personal.ghosts),
        stale_sites=(*quirky.stale_sites, *personal.stale_sites),
        has_legacy_history=personal.has_legacy_history,
    )
