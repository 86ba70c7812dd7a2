"""Days of one site, with the values of each source given separately; every value is made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, power_row, slots
from transform.daily import daily
from transform.frames import empty_frame, table_frame
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.reconciliation import DayEvidence, reconcile_days
from transform.sites import Site

DAY = date(2025, 6, 10)
LATER = datetime(2025, 7, 10, tzinfo=UTC)
FLOWS = {"solar_energy_exported": 100, "consumer_energy_imported_from_solar": 60, "grid_energy_exported_from_solar": 40}
"""Of each five minutes: 28,800 Wh of solar a day, 17,280 for the home, 11,520 for the grid."""
WHOLE = {name: 288 * value for name, value in FLOWS.items()}
WATTS = (1200.0, 0.0, -480.0)
"""The same as power: solar, battery, grid."""

MONTH = "month"
"""The period of the month series."""

TOTALS = {"solar_energy_exported_wh", "home_wh", "grid_export_wh"}
"""What flows in `FLOWS`, as the totals of tables."""

SiteDifferences = set[tuple[str, str, str, str | None]]

IN_ZONE = {"installation_time_zone": LOS_ANGELES.key}
"""What responses with intervals have beside their rows."""

Row = Mapping[str, object]


@dataclass
class SourceValues:
    """The values of each source for some days around `DAY`, all requested at the same time.

    Attributes:
        intervals: Day → flows of every five minutes, or None for no rows.
        rows: Period → day → flows of the day's row.
        watts: Day → power of every five minutes.
        silent: Day → hours that are zero, in intervals and power.
        absent: Day → hours without rows.
        asked: Time of the requests.
        rows_asked: Period → time of its request, where that is another one.
        site: The site.
        gaps: Rows of table `gaps`.
        revisions: Rows of table `revisions`.
        requests: Rows of table `requests`.
    """

    intervals: Mapping[date, Row] = field(default_factory=dict)
    rows: Mapping[str, Mapping[date, Row]] = field(default_factory=dict)
    watts: Mapping[date, tuple[float, float, float]] = field(default_factory=dict)
    silent: Mapping[date, range] = field(default_factory=dict)
    absent: Mapping[date, range] = field(default_factory=dict)
    asked: datetime = LATER
    rows_asked: Mapping[str, datetime] = field(default_factory=dict)
    site: Site = BATTERY_SITE
    gaps: pd.DataFrame = field(default_factory=lambda: empty_frame("gaps"))
    revisions: pd.DataFrame = field(default_factory=lambda: empty_frame("revisions"))
    requests: pd.DataFrame = field(default_factory=lambda: empty_frame("requests"))

    def evidence(self, first: date = DAY, last: date = DAY) -> DayEvidence:
        """Everything as frames."""
        facts: dict[str, Any] = {"asked": self.asked, "site_id": self.site.site_id}
        energy = [
            answer(
                "energy_interval",
                [
                    energy_row(stamp, **({} if stamp.hour in self.silent.get(day, ()) else flows))
                    for stamp in slots(day, LOS_ANGELES)
                    if stamp.hour not in self.absent.get(day, ())
                ],
                day=day,
                envelope=IN_ZONE,
                raw_id=f"i{day}",
                **facts,
            )
            for day, flows in self.intervals.items()
        ]
        powers = [
            answer(
                "power",
                [
                    power_row(stamp, *((0.0, 0.0, 0.0) if stamp.hour in self.silent.get(day, ()) else watts))
                    for stamp in slots(day, LOS_ANGELES)
                    if stamp.hour not in self.absent.get(day, ())
                ],
                day=day,
                envelope=IN_ZONE,
                raw_id=f"p{day}",
                **facts,
            )
            for day, watts in self.watts.items()
        ]
        periods = [
            answer(
                "energy_day",
                [energy_row(f"{day}T01:00:00-07:00", **flows) for day, flows in days.items()],
                day=DAY.replace(day=1),
                until=DAY.replace(day=30),
                raw_id=period,
                envelope={"period": period},
                **{**facts, "asked": self.rows_asked.get(period, self.asked)},
            )
            for period, days in self.rows.items()
        ]
        frames = (
            shape_energy_intervals(energy, self.site)["energy_intervals"],
            shape_periods(periods, self.site)["energy_periods"],
            shape_power(powers, self.site)["power"],
        )
        return DayEvidence(
            intervals=frames[0],
            periods=frames[1],
            power=frames[2],
            daily=daily(*frames, self.site, first, last, LATER, 48.0),
            gaps=self.gaps,
            revisions=self.revisions,
            requests=self.requests,
            shaped=empty_frame("reconciliation"),
            site=self.site,
            first_day=first,
            last_day=last,
            now=LATER,
            settle_hours=48.0,
        )


def around(flows: Row, *, days: int = 3) -> dict[date, Row]:
    """The same flows on the days around `DAY`, and on it."""
    return {DAY + timedelta(days=ahead): flows for ahead in range(-days, days + 1)}


def off(sources: SourceValues) -> set[tuple[str, str, str, str | None]]:
    """(check, measure, verdict, cause) of each row about `DAY` that does not agree."""
    rows = reconcile_days(sources.evidence(DAY - timedelta(days=3), DAY + timedelta(days=3)))
    checked({"reconciliation": rows})
    mine = rows[(rows["period_start"] == DAY) & (rows["verdict"] != "agree")]
    return set(zip(*(mine[name] for name in ("check_name", "measure", "verdict", "cause")), strict=True))


def gap(series: str, cause: str, first: datetime, last: datetime, *, site_id: int = 101) -> pd.DataFrame:
    """One row of table `gaps`."""
    return table_frame(
        "gaps",
        {
            "site_id": [site_id],
            "series": [series],
            "gap_start": [first],
            "gap_end": [last],
            "cause": [cause],
            "expected_rows": [1],
        },
    )


def causes(found: SiteDifferences, check: str) -> set[str | None]:
    """Causes of one check."""
    return {cause for name, _, _, cause in found if name == check}
