"""What the API should return for a calendar period, summed from the truth."""

from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np

from extract.simulator import FLOWS, SiteSpec, ZoneMode
from extract.simulator.local_day import day_bounds, local_date
from extract.simulator.truth.site_truth import Truth

SLOT_S = 300


def server_clock(spec: SiteSpec, now: datetime) -> tzinfo:
    """The time zone in which the server divides time into days: the site's zone, or the offset in force now (Q7)."""
    offset = now.astimezone(spec.zone).utcoffset() or timedelta()
    return timezone(offset) if spec.zone_mode is ZoneMode.FIXED_OFFSET else spec.zone


def expected_wh(truth: Truth, first: date, last: date, requested_at: datetime) -> dict[str, int]:
    """Energy in Wh by the API's sixteen names, from the first to the last day and up to the instant of the request."""
    clock = server_clock(truth.spec, requested_at)
    until_s = int(requested_at.timestamp()) // SLOT_S * SLOT_S
    day = max(first, local_date(clock, int(truth.spec.installed_at.timestamp())))
    total = np.zeros(len(FLOWS), np.int64)
    while day <= last and day_bounds(clock, day)[0] < until_s:
        start_s, end_s = day_bounds(clock, day)
        is_whole = clock is truth.spec.zone and end_s <= until_s
        total += truth.daily_sums(day) if is_whole else truth.sums_between(start_s, min(end_s, until_s))
        day += timedelta(days=1)
    return dict(zip(FLOWS, total.tolist(), strict=True))


def last_day(granularity: str, first: date) -> date:
    """Last day of a period that begins on a day."""
    match granularity:
        case "week":
            return first + timedelta(days=6)
        case "month":
            return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        case "year":
            return date(first.year, 12, 31)
    return first


def wrong_periods(rows: list[dict[str, Any]], truth: Truth) -> list[dict[str, Any]]:
    """Rows of table `energy_periods` that do not equal, to the Wh, the true energy up to the instant of their request."""
    return [
        row
        for row in rows
        if {name: row[f"{name}_wh"] for name in FLOWS}
        != expected_wh(
            truth, row["period_start"], last_day(row["granularity"], row["period_start"]), row["_fetched_at"]
        )
    ]
