"""The sums of the days of a period, and the evidence about those days."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from transform.candidates import INTERVALS, POWER
from transform.daily import DayStatus, rounding_of
from transform.day_sums import COLUMN, COMPARED, IS_METERED, MEASURES, Floats, Mask
from transform.local_calendar import microseconds, positions
from transform.sites import Site
from transform.time import Days, Ints, days_of, local_days
from wattlog.causes import Check, Verdict
from wattlog.local_days import first_instants_us

SUMS: Final = (INTERVALS, POWER)
"""Sources of a day that are sums of its own rows."""

DAYS_FOR_PERIODS: Final = {"check_name": (Check.INTERVAL_VS_DAY.value,), "verdict": (Verdict.DIFFERS.value,)}
"""Of the differences of days, those on which differences of longer periods depend: column → values."""


@dataclass(frozen=True, slots=True)
class SiteDays:
    """The best estimates of all days of a site that have one, in order of time.

    Attributes:
        days: The days.
        values: Wh, days × `MEASURES`.
        is_provisional: Days that are not settled.
        is_summed: Days whose estimate is a sum of their own rows, not the API's row of the day.
        rounding_wh: By how much each value may be off because an imported file is rounded, days × `MEASURES`.
    """

    days: Days
    values: Floats
    is_provisional: Mask
    is_summed: Mask
    rounding_wh: Floats

    @classmethod
    def of(cls, daily: pd.DataFrame, imported: pd.DataFrame | None = None) -> "SiteDays":
        """Table `daily`, without the days that are missing, with the rounding of those from table `import_days`."""
        stored = daily[daily["source"].notna().to_numpy(dtype=bool)]
        days = days_of(stored["local_date"])
        order = np.argsort(days, kind="stable")
        is_provisional = (stored["status"] == DayStatus.PROVISIONAL.value).to_numpy(dtype=bool)
        is_summed = stored["source"].isin(SUMS).to_numpy(dtype=bool)
        values = stored[list(MEASURES)].to_numpy(dtype=np.float64)
        rounding_wh = _rounding_wh(stored, imported)
        return cls(days[order], values[order], is_provisional[order], is_summed[order], rounding_wh[order])


@dataclass(frozen=True, slots=True)
class Spans:
    """Calendar periods in order, without overlap, and the stored days of each.

    Attributes:
        starts: First day of each, or the day of the installation where that is later.
        ends: Last day of each, included.
        firsts: Position of the first stored day.
        lasts: Position after the last stored day.
    """

    starts: Days
    ends: Days
    firsts: Ints
    lasts: Ints

    @classmethod
    def of(cls, starts: Days, ends: Days, days: SiteDays, site: Site) -> "Spans":
        """Periods that begin and end with the days given."""
        if site.installed_on is not None:
            starts = np.minimum(np.maximum(starts, np.datetime64(site.installed_on, "D")), ends)
        return cls(starts, ends, np.searchsorted(days.days, starts), np.searchsorted(days.days, ends, side="right"))

    @property
    def days_stored(self) -> Ints:
        """How many days of each period are stored."""
        return self.lasts - self.firsts

    @property
    def lengths(self) -> Ints:
        """How many days each period has."""
        return np.asarray((self.ends - self.starts).astype(np.int64) + 1)

    def sums(self, values: Floats) -> Floats:
        """Sums of the days of each period; a day without a value adds nothing."""
        parts = [values[first:last].sum(axis=0) for first, last in zip(self.firsts, self.lasts, strict=True)]
        return np.stack(parts) if parts else np.zeros((0, values.shape[1]))

    def owner(self, days: int) -> Ints:
        """Position of the period that each day belongs to, or -1."""
        at = np.full(days, -1, dtype=np.int64)
        for period, (first, last) in enumerate(zip(self.firsts, self.lasts, strict=True)):
            at[first:last] = period
        return at


class Evidence(Protocol):
    """The input of a period's context; `PeriodEvidence` implements it."""

    @property
    def days(self) -> pd.DataFrame: ...
    @property
    def site(self) -> Site: ...
    @property
    def settle_hours(self) -> float: ...


@dataclass(frozen=True, slots=True)
class PeriodContext:
    """The evidence that rules for longer periods use, period by period.

    Attributes:
        days: The site's days.
        spans: The periods.
        closes_us: First instant after each.
        settled_us: From when on the values of each are final.
        is_missing: Periods with days that were over at the time of the request and are not stored.
        early_wh: Periods × measures: energy of the stored days that are not settled.
        is_short: Periods × measures for which some stored day has no value, although the site measured it then.
        elsewhere_wh: Cause → periods × measures: by how much intervals differ from the rows of their days for that cause.
        is_first: Periods in which the site was installed.
        is_cut_otherwise: Periods that the server cut by another clock than the site's (Q7).
        rounding_wh: Periods × measures: by how much the sums may be off because imported files are rounded.
        edges_wh: Periods × measures: energy of the days at which such a period and the sum of its days may part: the first and
            the last, and each at which sums of the day's own rows follow rows of the API or are followed by them.
    """

    days: SiteDays
    spans: Spans
    closes_us: Ints
    settled_us: Ints
    is_missing: Mask
    early_wh: Floats
    is_short: Mask
    elsewhere_wh: dict[str, Floats]
    is_first: Mask
    is_cut_otherwise: Mask
    rounding_wh: Floats
    edges_wh: Floats

    @classmethod
    def of(
        cls, days: SiteDays, spans: Spans, asked_us: Ints, is_cut_otherwise: Mask, evidence: Evidence
    ) -> "PeriodContext":
        """The evidence about periods, for rows that were requested at `asked_us`."""
        site = evidence.site
        closes_us = first_instants_us(spans.ends + 1, site.zone)
        asked = pd.Series(pd.DatetimeIndex(asked_us.astype("datetime64[us]")).tz_localize("UTC"))
        over = np.minimum(spans.ends, local_days(asked, site.zone) - 1)
        days_stored = np.searchsorted(days.days, over, side="right") - spans.firsts
        installed = None if site.installed_on is None else np.datetime64(site.installed_on, "D")
        return cls(
            days,
            spans,
            closes_us,
            closes_us + microseconds(evidence.settle_hours),
            days_stored < (over - spans.starts).astype(np.int64) + 1,
            spans.sums(np.where(days.is_provisional[:, None], np.nan_to_num(days.values), 0.0)),
            spans.sums(_is_lacking(days, site).astype(np.float64)) > 0,
            _elsewhere_wh(evidence.days, days, spans),
            np.zeros(len(spans.starts), dtype=bool) if installed is None else spans.starts == installed,
            is_cut_otherwise,
            spans.sums(days.rounding_wh),
            _edges_wh(days, spans),
        )


def _is_lacking(days: SiteDays, site: Site) -> Mask:
    """Which values of the days are unknown; before a battery there was no meter, so neither side has home and grid (Q43)."""
    is_unmetered = ~site.has_battery_on(days.days)[:, None] & IS_METERED
    return np.asarray(np.isnan(days.values) & ~is_unmetered)


def _rounding_wh(stored: pd.DataFrame, imported: pd.DataFrame | None) -> Floats:
    """By how much each value of the days may be off, rows × `MEASURES`; the API's own are not rounded."""
    found = np.zeros((len(stored), len(MEASURES)))
    if imported is None or not len(imported) or not len(stored):
        return found
    keys = ["local_date", "source"]
    joined = stored[keys].merge(imported[[*keys, "rounding_wh", "is_charge_derived"]], on=keys, how="left")
    half = joined["rounding_wh"].fillna(0.0).to_numpy(dtype=np.float64)
    found[:] = half[:, None]
    is_derived = joined["is_charge_derived"].eq(True).to_numpy(dtype=bool)
    found[:, [COLUMN[name] for name in COMPARED]] = rounding_of(half, is_derived)
    return found


def _edges_wh(days: SiteDays, spans: Spans) -> Floats:
    """Energy of the first and last day of each period, and of the days at which the kind of their source changes."""
    values = np.nan_to_num(days.values)
    changes = days.is_summed[1:] != days.is_summed[:-1]
    is_edge = np.append(changes, False) | np.append(False, changes) if len(values) else days.is_summed
    has_days = spans.firsts < spans.lasts
    is_edge[spans.firsts[has_days]] = is_edge[spans.lasts[has_days] - 1] = True
    return spans.sums(np.where(is_edge[:, None], values, 0.0))


def _elsewhere_wh(rows: pd.DataFrame, days: SiteDays, spans: Spans) -> dict[str, Floats]:
    """By how much intervals differ from the rows of their days, summed over each period, cause by cause."""
    is_other = np.logical_and.reduce([rows[name].isin(values).to_numpy() for name, values in DAYS_FOR_PERIODS.items()])
    of_days = rows[is_other]
    at = positions(days_of(of_days["period_start"]), days.days)
    owner = np.append(spans.owner(len(days.days)), -1)[at]
    found: dict[str, Floats] = {}
    for cause in sorted(set(of_days["cause"])):
        is_of = (owner >= 0) & (of_days["cause"] == cause).to_numpy(dtype=bool)
        sums = np.zeros((len(spans.starts), len(MEASURES)))
        columns = of_days.loc[is_of, "measure"].map(COLUMN).to_numpy(dtype=np.int64)
        np.add.at(sums, (owner[is_of], columns), of_days.loc[is_of, "difference_wh"].to_numpy(dtype=np.float64))
        found[str(cause)] = sums
    return found
