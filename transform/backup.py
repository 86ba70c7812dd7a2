"""Series `backup`: outages that the battery bridged.

The API gives a beginning and a duration whose unit its pages call seconds. In every real answer it is milliseconds (fact 6,
Q32); that is believed as long as the events themselves allow it.
"""

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.quarantine import Reason
from transform.sites import Site
from transform.slots import Ranking, aside, gather, last_wins
from transform.time import Ints, epoch_us
from warehouse.schema import TABLES

log = logging.getLogger(__name__)

SHORTEST_MS = 30_000
"""No real event was shorter; durations all below it would be seconds (API.md §1.2, kind=backup)."""

MIN_EVENTS = 3
"""Fewer events prove no unit."""


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `backup` → table `backup_events`, and `quarantine` for what could not be used.

    Pages overlap and lifetimes are asked again every day, so an event comes in many answers; the last fetched counts.

    **Shape**: answers in any order → one row per beginning. **Units**: s, to the millisecond. **Source**: Q32.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = gather(answers, site, series={"backup"}, table=None)
    bounds = TABLES["backup_events"].field("duration_s").bounds or (0, np.inf)
    value = slots.rows["duration"].to_numpy(dtype=np.float64)
    slots.set_aside(np.isnan(value), Reason.NO_VALUE)
    value = slots.rows["duration"].to_numpy(dtype=np.float64)
    slots.set_aside((value < bounds[0]) | (value > bounds[1]), Reason.OUT_OF_RANGE)
    last_wins(slots, Ranking.of(slots, [epoch_us(slots.rows["instant"])]))
    duration = slots.rows["duration"].to_numpy(dtype=np.float64)
    unit_us = unit_of_durations_us(epoch_us(slots.rows["instant"]), duration)
    if unit_us != 1000 and len(duration):
        log.warning("backup durations are seconds site_id=%s events=%s", site.site_id, len(duration))
    lasted_us = np.rint(duration * unit_us).astype(np.int64)
    frame = table_frame(
        "backup_events",
        {
            "site_id": site.site_id,
            "started_at": slots.rows["instant"],
            "ended_at": slots.rows["instant"] + pd.to_timedelta(lasted_us, unit="us"),
            "duration_s": lasted_us / 1_000_000,
            **slots.lineage,
        },
    )
    return {"backup_events": frame, **aside(slots)}


def unit_of_durations_us(starts_us: Ints, durations: np.ndarray) -> int:
    """What one unit of duration is, in microseconds: 1000, or 1,000,000 where the events themselves speak for seconds.

    Read as seconds, real durations make events reach into the next ones (24 of 33 in a real history). Seconds are believed
    only if they do not, and if as milliseconds every single event would be shorter than any that was ever seen.

    Args:
        starts_us: Beginnings, ordered.
        durations: As the API gives them.
    """
    ends_us = starts_us + durations * 1_000_000
    overlaps = int((ends_us[:-1] > starts_us[1:]).sum())
    is_seconds = len(durations) >= MIN_EVENTS and overlaps == 0 and float(durations.max()) < SHORTEST_MS
    return 1_000_000 if is_seconds else 1000
