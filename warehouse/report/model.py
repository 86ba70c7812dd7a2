"""What a report is made of: the account's sites, each with its history in columns."""

from dataclasses import dataclass
from datetime import date, datetime

Columns = dict[str, list[int | float | str | None]]
"""Lists of one length by name; None is "not measured", never zero."""


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One site and its history.

    Attributes:
        site_id: Energy site, as text: JavaScript's numbers end where site ids still go on.
        name: What the owner calls it; None where the API has no name.
        timezone: Whose clock days and hours are of.
        has_solar: Whether it has panels.
        has_battery: Whether it has a battery.
        wall_connectors: How many of them.
        battery_kwh: Rated energy of the batteries.
        first_day: The day that the first entry of `days` is of.
        days: `status`, `coverage_pct` and energies in Wh; an entry a day without holes, status None where there is no row.
        soe_days: `soe_min`, `soe_mean`, `soe_max` in tenths of a percent, as long as `days`.
        hours: `solar`, `home`, `grid`, `battery` in tens of watts, `soe` in percent; 24 entries a day.
        months: Each month in kWh beside Tesla's own.
        self_sufficiency: Two percentages a month.
        outages: One entry an outage; kWh and percent.
        charging: What cars took, by month, in kWh.
        causes: Contradictions counted by year, cause and comparison.
        comparisons: How many comparisons were made, by year.
        disagreements: The largest of them one by one.
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
    disagreements: Columns


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        made_at: When it was made.
        sites: Sites that have at least one day in the chosen stretch.
        without_history: Names or ids of the others.
    """

    made_at: datetime
    sites: tuple[SiteReport, ...]
    without_history: tuple[str, ...]
