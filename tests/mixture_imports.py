"""Files of other tools about the sites of mixtures, some with a fault of the tool, and how each differs from the truth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from extract.simulator import SiteSpec, Truth
from extract.simulator.local_day import days_between
from tests.import_files import (
    House,
    dashboard_export,
    shaped,
    solar_download_energy,
    tesla_app_period,
    tesla_app_solar_only,
)
from tests.mixture_requests import site_of
from tests.mixture_worlds import FIRST, LAST, Chance, a_day
from transform.responses import Tables
from wattlog.causes import Cause
from wattlog.series_spec import Series

BEFORE, AFTER = FIRST - timedelta(days=1), LAST
"""Days of the files: whole ones."""


@dataclass(frozen=True)
class ImportedHistory:
    """An import.

    Attributes:
        tables: Its tables.
        cause: The cause that its differences have; None: it has the truth.
        days: The days that the fault affects.
    """

    tables: Tables
    cause: Cause | None = None
    days: tuple[date, ...] = ()


Writer = Callable[[Chance, House], ImportedHistory]
ALL_DAYS: Final = tuple(days_between(BEFORE, AFTER))


def imported_history(chance: Chance, spec: SiteSpec) -> ImportedHistory:
    """A random file about what really happened at a site."""
    clean = replace(spec, anomalies=(), settings_changes=(), earlier_zones=())
    writer = chance.one(WRITERS)
    if spec.generator_w and writer is rounded_days:
        writer = right_minutes  # what a generator charged is in no column of the app's export
    return writer(chance, House(Truth(clean), site_of(clean)))


def days_of_tesla(chance: Chance, house: House) -> ImportedHistory:
    """An export of Tesla's days, one of which has been restated since."""
    text = solar_download_energy(house, BEFORE, AFTER, str)
    day = a_day(chance)
    header, *lines = text.strip().split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith(str(day)))
    stamp, solar, *others = lines[at].split(",")
    lines[at] = ",".join((stamp, str(int(solar) + 3_000), *others))
    tables = shaped(Series.IMPORT_SOLAR_DOWNLOAD, {"energy/a.csv": "\n".join([header, *lines, ""])}, house.site)
    return ImportedHistory(tables, Cause.RESTATED, (day,))


def rounded_days(_: Chance, house: House) -> ImportedHistory:
    """The app's export of a month, in tenths of a kWh."""
    has_battery = house.site.has_battery
    text = tesla_app_period(house, BEFORE, AFTER) if has_battery else tesla_app_solar_only(house, BEFORE, AFTER)
    return ImportedHistory(shaped(Series.IMPORT_TESLA_APP, {"a.csv": text}, house.site), Cause.ROUNDING, ALL_DAYS)


def minutes(house: House, change: Callable[[list[str]], list[str]] = list) -> Tables:
    """The rows of Powerwall-Dashboard, as a fault changes them."""
    header, *lines = dashboard_export(house, ALL_DAYS).strip().split("\n")
    text = "\n".join([header, *change(lines), ""])
    return shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"export.csv": text}, house.site)


def right_minutes(_: Chance, house: House) -> ImportedHistory:
    """The truth."""
    return ImportedHistory(minutes(house))


def moved_minutes(chance: Chance, house: House) -> ImportedHistory:
    """Times of another zone."""
    ahead = timedelta(hours=chance.one([-8, -3, -1, 1, 5, 11]))

    def moved(lines: list[str]) -> list[str]:
        return [
            f"{datetime.fromisoformat(stamp) + ahead:%Y-%m-%dT%H:%M:%SZ},{values}" for stamp, values in split(lines)
        ]

    return ImportedHistory(minutes(house, moved), Cause.WRONG_ZONE, ALL_DAYS)


def kilowatts(_: Chance, house: House) -> ImportedHistory:
    """A unit that the file does not name."""

    def scaled(lines: list[str]) -> list[str]:
        return [
            ",".join((stamp, *(repr(float(value) / 1000) for value in values.split(",")[:-1]), values.split(",")[-1]))
            for stamp, values in split(lines)
        ]

    return ImportedHistory(minutes(house, scaled), Cause.UNIT_MISMATCH, ALL_DAYS)


def straight_lines(chance: Chance, house: House) -> ImportedHistory:
    """A hole of some hours that the tool has filled."""
    day = a_day(chance)
    begin, count = chance.number(0, 12) * 12, chance.number(3, 11) * 12

    def filled(lines: list[str]) -> list[str]:
        first = first_line(lines, day) + begin
        last = first + count
        ends = [np.array([float(value) for value in lines[at].split(",")[1:]]) for at in (first, last)]
        for at in range(first + 1, last):
            share = (at - first) / (last - first)
            values = ends[0] * (1 - share) + ends[1] * share
            lines[at] = ",".join((lines[at].split(",", 1)[0], *(repr(float(value)) for value in values)))
        return lines

    return ImportedHistory(minutes(house, filled), Cause.INTERPOLATED, (day,))


def some_minutes_missing(chance: Chance, house: House) -> ImportedHistory:
    """A short hole that the tool has not filled."""
    day, begin, count = a_day(chance), chance.number(96, 200), chance.number(2, 6)

    def cut(lines: list[str]) -> list[str]:
        first = first_line(lines, day) + begin
        return lines[:first] + lines[first + count :]

    return ImportedHistory(minutes(house, cut), Cause.MISSING_INTERVALS, (day,))


def first_line(lines: list[str], day: date) -> int:
    """Where a day begins; the first day is shorter where the site was installed on it."""
    return len(lines) - 288 * (len(ALL_DAYS) - ALL_DAYS.index(day))


def split(lines: list[str]) -> list[tuple[str, str]]:
    """Stamp and values of each line."""
    return [(stamp, values) for stamp, _, values in (line.partition(",") for line in lines)]


WRITERS: Final[tuple[Writer, ...]] = (
    days_of_tesla,
    rounded_days,
    right_minutes,
    moved_minutes,
    kilowatts,
    straight_lines,
    some_minutes_missing,
)
