"""What the days of a period add up to, and what is known of those days."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from transform.daily import DayStatus
from transform.day_sums import COLUMN, MEASURES
from transform.local_calendar import microseconds, positions
from transform.reconciliation.vocabulary import Check, Floats, Mask, Verdict
from transform.sites import Site
from transform.time import Days, Ints, days_of, epoch_us, first_instants, local_days


@dataclass(frozen=True, slots=True)
class SiteDays:
    """The best estimates of all days of a site that have one, in order of time.

    Attributes:
        days: The days.
        values: Wh, days × `MEASURES`.
        is_provisional: Days that are not settled.
    """

    days: Days
    values: Floats
    is_provisional: Mask

    @classmethod
    def of(cls, daily: pd.DataFrame) -> "SiteDays":
        """Table `daily`, without the days that are missing."""
        held = daily[daily["source"].notna().to_numpy(dtype=bool)]
        days = days_of(held["local_date"])
        order = np.argsort(days, kind="stable")
        is_provisional = (held["status"] == DayStatus.PROVISIONAL.value).to_numpy(dtype=bool)
        return cls(days[order], held[list(MEASURES)].to_numpy(dtype=np.float64)[order], is_provisional[order])


@dataclass(frozen=True, slots=True)
class Spans:
    """Calendar periods, in order and apart from each other, and the days held of each.

    Attributes:
        starts: First day of each, or the day of the installation where that is later: nothing came before.
        ends: Last day of each, included.
        firsts: Position of the first day held.
        lasts: Position after the last day held.
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
    def held(self) -> Ints:
        """How many days are held of each period."""
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
    """What a period's context is made of; `PeriodEvidence` is one."""

    @property
    def days(self) -> pd.DataFrame: ...
    @property
    def site(self) -> Site: ...
    @property
    def settle_hours(self) -> float: ...


@dataclass(frozen=True, slots=True)
class PeriodContext:
    """Everything that rules for longer periods may ask, period by period.

    Attributes:
        days: The site's days.
        spans: The periods.
        closes_us: First instant after each.
        settled_us: From when on answers about each are final.
        is_missing: Periods of which not all days are held that were over when the row was asked.
        early_wh: Periods × measures: energy of the days held that are not settled.
        is_short: Periods × measures of which some day held has no value.
        elsewhere_wh: Cause → periods × measures: by how much intervals differ from the rows of their days for that cause.
        is_first: Periods in which the site was installed.
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

    @classmethod
    def of(cls, days: SiteDays, spans: Spans, asked_us: Ints, evidence: Evidence) -> "PeriodContext":
        """What is known of periods whose rows were asked at some time."""
        site = evidence.site
        closes_us = epoch_us(first_instants(spans.ends + 1, site.zone))
        asked = pd.Series(pd.DatetimeIndex(asked_us.astype("datetime64[us]")).tz_localize("UTC"))
        over = np.minimum(spans.ends, local_days(asked, site.zone) - 1)
        held = np.searchsorted(days.days, over, side="right") - spans.firsts
        installed = None if site.installed_on is None else np.datetime64(site.installed_on, "D")
        return cls(
            days,
            spans,
            closes_us,
            closes_us + microseconds(evidence.settle_hours),
            held < (over - spans.starts).astype(np.int64) + 1,
            spans.sums(np.where(days.is_provisional[:, None], np.nan_to_num(days.values), 0.0)),
            spans.sums(np.isnan(days.values).astype(np.float64)) > 0,
            _elsewhere_wh(evidence.days, days, spans),
            np.zeros(len(spans.starts), dtype=bool) if installed is None else spans.starts == installed,
        )


def _elsewhere_wh(rows: pd.DataFrame, days: SiteDays, spans: Spans) -> dict[str, Floats]:
    """By how much intervals differ from the rows of their days, summed over each period, cause by cause."""
    is_other = (rows["check_name"] == Check.INTERVAL_VS_DAY.value) & (rows["verdict"] == Verdict.DIFFERS.value)
    mine = rows[is_other.to_numpy(dtype=bool)]
    at = positions(days_of(mine["period_start"]), days.days)
    owner = np.append(spans.owner(len(days.days)), -1)[at]
    found: dict[str, Floats] = {}
    for cause in sorted(set(mine["cause"])):
        is_of = (owner >= 0) & (mine["cause"] == cause).to_numpy(dtype=bool)
        sums = np.zeros((len(spans.starts), len(MEASURES)))
        columns = mine.loc[is_of, "measure"].map(COLUMN).to_numpy(dtype=np.int64)
        np.add.at(sums, (owner[is_of], columns), mine.loc[is_of, "difference_wh"].to_numpy(dtype=np.float64))
        found[str(cause)] = sums
    return found
