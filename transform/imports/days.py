"""The local days of a file: sums of its quarter hours, or its own rows; and what is known of each day."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from transform.candidates import MIN_COVERAGE
from transform.day_sums import COLUMN, MEASURES, TOTALS, Floats, with_totals
from transform.imports.reading import Content, DayValues
from transform.imports.sums import Buckets, Mask
from transform.sites import Site
from transform.time import Days, Ints, day_edges_us, days_from
from warehouse.schema import FLOWS, MAX_INTERVAL_WH
from wattlog.imported_sources import ImportedKind
from wattlog.local_days import first_instants_us

_OTHERS: Final = 5
"""How many values the balance of a day has beside what charged the battery; each may be rounded."""

_METER: Final = ("home_wh", "grid_energy_imported_wh", "grid_export_wh")
_AT_METER: Final = [COLUMN[name] for name in (*_METER, "battery_energy_exported_wh", "battery_charge_wh")]
"""Without energy in any of these, a day has no meter (Q16): a home without one does not use nothing."""

_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class DayFrame:
    """Local days with their energy.

    Attributes:
        days: The days, ascending.
        rows: Rows summed.
        covered_s: Seconds that they cover.
        rounding_wh: By how much a value may be off through rounding.
        is_partial: The day may not be whole.
        values: Wh, days × `MEASURES`.
        days_of_buckets: The local day of each quarter hour of the file; none of a file of days.
    """

    days: Days
    rows: Ints
    covered_s: Ints
    rounding_wh: Floats
    is_partial: Mask
    values: Floats
    days_of_buckets: Days

    @classmethod
    def nothing(cls) -> "DayFrame":
        """No days."""
        none, days = np.zeros(0, dtype=np.int64), np.zeros(0, dtype="datetime64[D]")
        return cls(days, none, none, np.zeros(0), np.zeros(0, dtype=bool), np.zeros((0, len(MEASURES))), days)

    @property
    def has_energy(self) -> bool:
        """Whether any day has energy, or is known to have none."""
        return bool((~np.isnan(self.values)).any())

    def taken(self, chosen: Ints) -> "DayFrame":
        """Some of the days."""
        names = ("days", "rows", "covered_s", "rounding_wh", "is_partial", "values")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def days_of_rows(found: DayValues, content: Content, site: Site) -> DayFrame:
    """The rows of a file of days. What charged the battery follows from the balance where the file does not have it.

    An export of a period in which a battery was added has zeros for what was not measured before; these are unknown (Q43).
    """
    days, count = found.days, len(found.days)
    lengths_s = (first_instants_us(days + 1, site.zone) - first_instants_us(days, site.zone)) // _US
    values = _with_totals({name: found.column(name) for name in found.measures}, count, days, site)
    half = content.half_unit
    is_unmetered = ~(np.nan_to_num(values[:, _AT_METER]) > 0.0).any(axis=1)
    for name in _METER:
        values[is_unmetered, COLUMN[name]] = np.nan
    if content.mapping.is_charge_derived:
        unknown = np.where(site.has_battery_on(days), np.nan, 0.0)
        values[:, COLUMN["battery_charge_wh"]] = np.where(is_unmetered, unknown, _charge(values, half))
    is_partial = np.zeros(count, dtype=bool)
    if count and (content.mapping.is_partial or (content.mapping.may_end_early and not _ends_a_period(days))):
        is_partial[-1] = True
    is_partial[:1] |= content.mapping.begins_late
    covered_s = np.where(is_partial, 0, lengths_s)
    exists = lengths_s > 0
    frame = DayFrame(days, np.ones(count, np.int64), covered_s, np.full(count, half), is_partial, values, days[:0])
    return frame.taken(np.flatnonzero(exists))


def _ends_a_period(days: Days) -> bool:
    """Whether the last row is the last day of a month, or of seven days: then the period was over."""
    last = days[-1]
    return bool((last + 1).astype("datetime64[M]") != last.astype("datetime64[M]")) or len(days) == 7


def _charge(values: Floats, half: float) -> Floats:
    """What charged the battery: all that came, less all that went. Less than nothing by more than rounding is unknown."""

    def value(name: str) -> Floats:
        return np.asarray(values[:, COLUMN[name]])

    generator = np.nan_to_num(value("generator_energy_exported_wh"))
    came = value("solar_energy_exported_wh") + value("grid_energy_imported_wh") + value("battery_energy_exported_wh")
    charge = np.round(came + generator - value("home_wh") - value("grid_export_wh"), 6)
    return np.where(charge < -_OTHERS * half, np.nan, np.maximum(charge, 0.0))


def days_of_buckets(buckets: Buckets, content: Content, site: Site) -> DayFrame:
    """The local days of a file of intervals. A measure that much of the day's rows lack is NULL."""
    walls = buckets.begun_us.astype("datetime64[us]")
    first, last = (walls[0].astype("datetime64[D]") - 1).item(), (walls[-1].astype("datetime64[D]") + 1).item()
    edges_us, all_days = day_edges_us(first, last, site.zone), days_from(first, last)
    at = np.searchsorted(edges_us, buckets.begun_us, side="right") - 1
    is_within = buckets.begun_us + buckets.length_s * _US <= edges_us[at + 1]
    count = len(all_days)

    def summed(values: Floats | Ints) -> Floats:
        return np.bincount(at, np.where(is_within, values, 0), count).astype(np.float64)

    covered_us = summed(buckets.covered_us)
    sums = dict[str, Floats]()
    for name in buckets.measures:
        column = buckets.values[:, buckets.measures.index(name)]
        known_us = summed(buckets.known_us[:, buckets.measures.index(name)])
        is_known = (known_us > 0) & (known_us >= MIN_COVERAGE * covered_us)
        sums[name] = np.where(is_known, np.round(summed(np.nan_to_num(column)), 6), np.nan)
    rows = np.bincount(at, weights=buckets.rows, minlength=count).astype(np.int64)
    rows = np.maximum(rows, covered_us > 0)  # a row that reaches into a day is one of it, too
    chosen = np.flatnonzero(rows > 0)
    values = _with_totals({name: sums[name][chosen] for name in sums}, len(chosen), all_days[chosen], site)
    if content.mapping.kind is ImportedKind.POWER:
        values = _without_unmetered(values)
        summed_units = covered_us[chosen] / (3600 * _US)
    else:
        summed_units = rows[chosen].astype(np.float64)
    lengths_s = ((edges_us[1:] - edges_us[:-1]) // _US)[chosen]
    covered_s = np.minimum((covered_us[chosen] / _US).round().astype(np.int64), lengths_s)
    is_partial = covered_s < MIN_COVERAGE * lengths_s
    return DayFrame(
        all_days[chosen], rows[chosen], covered_s, content.half_unit * summed_units, is_partial, values, all_days[at]
    )


def _without_unmetered(values: Floats) -> Floats:
    """Without home and grid on days on which power at the meter is zero throughout: there is no meter (Q16)."""
    at_meter = [COLUMN[name] for name in ("grid_energy_imported_wh", "grid_export_wh")]
    battery = [COLUMN[name] for name in ("battery_energy_exported_wh", "battery_charge_wh")]
    is_unmetered = np.asarray(np.nan_to_num(values[:, at_meter]) == 0).all(axis=1) & (
        np.nan_to_num(values[:, battery]) == 0
    ).all(axis=1)
    found = values.copy()
    found[np.ix_(is_unmetered, [COLUMN[name] for name in _METER])] = np.nan
    return found


def _with_totals(given: dict[str, Floats], count: int, days: Days, site: Site) -> Floats:
    """Days × `MEASURES`: totals as the file has them, else the sums of their parts, as for the API's rows."""
    flows = np.stack([given.get(name, np.full(count, np.nan)) for name in FLOWS], axis=1)
    parts = [name for of_total in TOTALS.values() for name in of_total]
    if any(name in given for name in parts):
        values = with_totals(flows, site.has_battery_on(days))
    else:
        values = np.concatenate([np.full((count, len(TOTALS)), np.nan), flows], axis=1)
    for total in TOTALS:
        if total in given:
            values[:, COLUMN[total]] = given[total]
    return np.where(values > MAX_INTERVAL_WH, np.nan, values)
