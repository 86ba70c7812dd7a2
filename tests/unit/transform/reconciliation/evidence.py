"""Days of one site, told by sources that are given one by one; every value is made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, answer, checked, energy_row, power_row, slots
from transform import energy_intervals, energy_periods, power
from transform.daily import daily
from transform.frames import empty_frame, table_frame
from transform.reconciliation import DayEvidence, reconcile_days
from transform.sites import Site

DAY = date(2025, 6, 10)
LATER = datetime(2025, 7, 10, tzinfo=UTC)
FLOWS = {"solar_energy_exported": 100, "consumer_energy_imported_from_solar": 60, "grid_energy_exported_from_solar": 40}
"""Of each five minutes: 28,800 Wh of sun a day, 17,280 for the home, 11,520 for the grid."""
WHOLE = {name: 288 * value for name, value in FLOWS.items()}
WATTS = (1200.0, 0.0, -480.0)
"""The same as power: sun, battery, grid."""

Row = Mapping[str, object]


@dataclass
class Told:
    """What each source tells of some days around `DAY`, all asked at the same time.

    Attributes:
        intervals: Day → flows of every five minutes, or None for no rows.
        rows: Period → day → flows of the day's row.
        watts: Day → power of every five minutes.
        silent: Day → beginnings of which hours are told as zeros, in intervals and power.
        absent: Day → hours of which no row is told.
        asked: When.
        site: Of which site.
        gaps: Rows of table `gaps`.
        revisions: Rows of table `revisions`.
    """

    intervals: Mapping[date, Row] = field(default_factory=dict)
    rows: Mapping[str, Mapping[date, Row]] = field(default_factory=dict)
    watts: Mapping[date, tuple[float, float, float]] = field(default_factory=dict)
    silent: Mapping[date, range] = field(default_factory=dict)
    absent: Mapping[date, range] = field(default_factory=dict)
    asked: datetime = LATER
    site: Site = BATTERY_SITE
    gaps: pd.DataFrame = field(default_factory=lambda: empty_frame("gaps"))
    revisions: pd.DataFrame = field(default_factory=lambda: empty_frame("revisions"))

    def evidence(self, first: date = DAY, last: date = DAY) -> DayEvidence:
        """Everything as frames."""
        facts: dict[str, Any] = {"asked": self.asked, "site_id": self.site.site_id}
        energy = [
            answer(
                "energy_interval",
                [
                    energy_row(each, **({} if each.hour in self.silent.get(day, ()) else flows))
                    for each in slots(day, LOS_ANGELES)
                    if each.hour not in self.absent.get(day, ())
                ],
                day=day,
                raw_id=f"i{day}",
                **facts,
            )
            for day, flows in self.intervals.items()
        ]
        powers = [
            answer(
                "power",
                [
                    power_row(each, *((0.0, 0.0, 0.0) if each.hour in self.silent.get(day, ()) else watts))
                    for each in slots(day, LOS_ANGELES)
                    if each.hour not in self.absent.get(day, ())
                ],
                day=day,
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
                **facts,
            )
            for period, days in self.rows.items()
        ]
        frames = (
            energy_intervals.shape(energy, self.site)["energy_intervals"],
            energy_periods.shape(periods, self.site)["energy_periods"],
            power.shape(powers, self.site)["power"],
        )
        return DayEvidence(
            intervals=frames[0],
            periods=frames[1],
            power=frames[2],
            daily=daily(*frames, self.site, first, last, LATER, 48.0),
            gaps=self.gaps,
            revisions=self.revisions,
            requests=empty_frame("requests"),
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


def off(told: Told) -> set[tuple[str, str, str, str | None]]:
    """(check, measure, verdict, cause) of everything about `DAY` that does not agree."""
    rows = reconcile_days(told.evidence(DAY - timedelta(days=3), DAY + timedelta(days=3)))
    checked({"reconciliation": rows})
    mine = rows[(rows["period_start"] == DAY) & (rows["verdict"] != "agree")]
    return set(zip(*(mine[name] for name in ("check_name", "measure", "verdict", "cause")), strict=True))


def gap(series: str, cause: str, first: datetime, last: datetime) -> pd.DataFrame:
    """One row of table `gaps`."""
    return table_frame(
        "gaps",
        {
            "site_id": [101],
            "series": [series],
            "gap_start": [first],
            "gap_end": [last],
            "cause": [cause],
            "expected_rows": [1],
        },
    )
