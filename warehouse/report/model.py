"""The data of a report: the account's sites, each with its history in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from wattlog.causes import SENTENCES
from wattlog.tolerances import MONTH_KWH, SHARE

Columns = dict[str, list[int | float | str | None]]
"""Lists of one length by name; None means "not measured", never zero."""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One site and its history.

    Attributes:
        site_id: Energy site, as text: JavaScript's numbers are not exact for large ids.
        name: The owner's name for it; None where the API has no name.
        timezone: The time zone of days and hours.
        has_solar: Whether it has panels.
        has_battery: Whether it has a battery.
        wall_connectors: How many it has.
        battery_kwh: Rated energy of the batteries.
        first_day: The day of the first entry of `days`.
        days: `status`, `coverage_pct` and energies in Wh; one entry for every day, status None where there is no row.
        soe_days: `soe_min`, `soe_mean`, `soe_max` in tenths of a percent, as long as `days`.
        hours: `solar`, `home`, `grid`, `battery` in tens of watts, `soe` in percent; 24 entries for every day.
        months: Each month in kWh, and Tesla's own figure.
        self_sufficiency: Two percentages for every month.
        outages: One entry for every outage; kWh and percent.
        charging: Energy charged by cars, by month, in kWh.
        causes: Differences counted by year, cause and check.
        comparisons: How many comparisons were made, by year.
        differences: The largest differences one by one.
        bills: What each billing cycle cost, in the currency of its entry.
        cost_labels: What the energy of each label of a tariff cost, by month.
        what_if: The last answer of `wattlog what-if`; None where there is none.
    """

    site_id: str
    name: str | None
    timezone: str | None
    has_solar: bool
    has_battery: bool
    wall_connectors: int
    battery_kwh: float | None
    first_day: date
    days: Columns
    soe_days: Columns
    hours: Columns
    months: Columns
    self_sufficiency: Columns
    outages: Columns
    charging: Columns
    causes: Columns
    comparisons: Columns
    differences: Columns
    bills: Columns = field(default_factory=dict)
    cost_labels: Columns = field(default_factory=dict)
    what_if: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReportData:
    """All data of a report.

    Attributes:
        made_at: When it was made.
        sites: Sites with at least one day in the chosen period.
        without_history: Names or ids of the others.
        public_charging: Sessions, energy and cost at public chargers by month, car and currency, of the whole account.
        cause_sentences: Cause of a difference → the sentence that explains it.
        month_tolerance: By how much a month may differ from Tesla's figure without a mark: `kwh`, or `share` of that figure.
    """

    made_at: datetime
    sites: tuple[SiteReport, ...]
    without_history: tuple[str, ...]
    public_charging: Columns = field(default_factory=dict)
    cause_sentences: Mapping[str, str] = field(
        default_factory=lambda: {cause.value: sentence for cause, sentence in SENTENCES.items()}
    )
    month_tolerance: Mapping[str, float] = field(default_factory=lambda: {"kwh": MONTH_KWH, "share": SHARE})
