"""Series whose rows are events: outages that the battery bridged, and cars charged at the wall connectors.

**Outages.** The API gives a beginning and a duration whose unit its pages call seconds. In every real response it is
milliseconds (Q32); it is taken for milliseconds as long as the events themselves allow it.

**Charge sessions.** Responses are protobuf turned into JSON: instants and durations are objects, whole numbers may be strings,
and what is zero is left out (API.md#charge-sessions).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from transform.event_lists import Statements
from transform.frames import empty_frame, table_frame
from transform.observations import gather, quarantine_and_revisions
from transform.responses import RawResponse, Reason, Reject, Tables, parse, quarantine_frame, reject
from transform.sites import Site
from transform.time import Ints, epoch_us
from warehouse.schema import TABLES
from wattlog.pseudonyms import digest_of_device
from wattlog.series_spec import Series

Session = dict[str, Any]

log = logging.getLogger(__name__)

SHORTEST_MS = 30_000
"""No real event was shorter; durations all below it would be seconds (Q32)."""

MIN_EVENTS = 3
"""Fewer events do not show a unit."""


def shape_backup(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `backup` → table `backup_events`, `revisions`, and `quarantine` for what could not be used.

    Pages overlap and lifetimes are asked again every day, so an event comes in many responses; the last fetched counts. An
    event that a later list leaves out of the time that it covers was restated, and is gone.

    **Shape**: responses in any order → one row per beginning. **Units**: s, to the millisecond. **Source**: Q32.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = gather(responses, site, series={Series.BACKUP}, table=None)
    bounds = TABLES["backup_events"].field("duration_s").bounds or (0, np.inf)
    value = observations.rows["duration"].to_numpy(dtype=np.float64)
    observations.quarantine(np.isnan(value), Reason.NO_VALUE)
    value = observations.rows["duration"].to_numpy(dtype=np.float64)
    observations.quarantine((value < bounds[0]) | (value > bounds[1]), Reason.OUT_OF_RANGE)
    statements = Statements.of(observations)
    kept = statements.last_rows
    duration = observations.rows["duration"].to_numpy(dtype=np.float64)
    start_us = epoch_us(observations.rows["instant"])
    unit_us = unit_of_durations_us(start_us[kept], duration[kept])
    if unit_us != 1000 and len(kept):
        log.warning("backup durations are seconds site_id=%s events=%s", site.site_id, len(kept))
    all_us = np.rint(duration * unit_us).astype(np.int64)
    revisions = statements.revisions(observations, all_us / 1_000_000, start_us + all_us, "duration_s")
    observations.revisions += [revisions] if len(revisions) else []
    observations.rows = observations.rows.take(kept).reset_index(drop=True)
    lasted_us = all_us[kept]
    frame = table_frame(
        "backup_events",
        {
            "site_id": site.site_id,
            "started_at": observations.rows["instant"],
            "ended_at": observations.rows["instant"] + pd.to_timedelta(lasted_us, unit="us"),
            "duration_s": lasted_us / 1_000_000,
            **observations.lineage,
        },
    )
    return {"backup_events": frame, **quarantine_and_revisions(observations)}


def unit_of_durations_us(starts_us: Ints, durations: np.ndarray) -> int:
    """What one unit of duration is, in microseconds: 1000, or 1,000,000 where the events themselves show seconds.

    Read as seconds, real durations make events reach into the next ones (24 of 33 in a real history). They are seconds only
    if they do not, and if as milliseconds every single event would be shorter than any that was ever seen.

    Args:
        starts_us: Beginnings, ordered.
        durations: As the API gives them.
    """
    ends_us = starts_us + durations * 1_000_000
    overlaps = int((ends_us[:-1] > starts_us[1:]).sum())
    is_seconds = len(durations) >= MIN_EVENTS and overlaps == 0 and float(durations.max()) < SHORTEST_MS
    return 1_000_000 if is_seconds else 1000


def shape_charge(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `charge` → table `charge_sessions`, and `quarantine` for what could not be used.

    A session that straddles the end of a month may come in the responses of both months; it is one row, of the last fetched.

    **Shape**: responses in any order → one row per beginning and connector. **Units**: s, Wh.
    **Source**: API.md#charge-sessions.

    Raises:
        ValueError: A response is of another site or series.
    """
    sessions: list[Session] = []
    rejects: list[Reject] = []
    for response in sorted(responses, key=lambda response: (response.requested_at, response.raw_id)):
        if response.site_id != site.site_id or response.series != Series.CHARGE:
            raise ValueError(
                f"response {response.raw_id} is of site {response.site_id}, series {response.series}; "
                f"expected site {site.site_id}, series {Series.CHARGE}"
            )
        parsed = parse(response)
        rejects += parsed.facts.rejects
        for number, record in enumerate(parsed.records):
            understood = _session(record)
            if isinstance(understood, Reason):
                rejects.append(reject(response, number, understood, record))
            else:
                sessions.append({**understood, **_lineage(response)})
    return {"charge_sessions": _sessions_frame(sessions, site), "quarantine": quarantine_frame(rejects)}


def _sessions_frame(sessions: list[Session], site: Site) -> pd.DataFrame:
    if not sessions:
        return empty_frame("charge_sessions")
    rows = pd.DataFrame(sessions).drop_duplicates(["seconds", "target_id"], keep="last")
    started_at = pd.to_datetime(rows["seconds"], unit="s", utc=True).astype("datetime64[us, UTC]")
    frame = table_frame(
        "charge_sessions",
        {
            "site_id": site.site_id,
            "started_at": started_at,
            "ended_at": started_at + pd.to_timedelta(rows["duration_s"], unit="s"),
            **{name: rows[name] for name in rows.columns if name != "seconds"},
        },
    )
    return frame.sort_values(["started_at", "target_id"], ignore_index=True)


def _lineage(response: RawResponse) -> Session:
    return {"_fetched_at": response.requested_at, "_raw_id": response.raw_id, "_run_id": response.run_id}


def _session(record: object) -> Session | Reason:
    """One session as plain values, or the reason why it is none."""
    if not isinstance(record, Mapping):
        return Reason.NULL_ROW if record is None else Reason.NOT_AN_OBJECT
    numbers = {
        "seconds": _number(record.get("charge_start_time"), "seconds"),
        "duration_s": _number(record.get("charge_duration"), "seconds"),
        "energy_added_wh": _number(record, "energy_added_wh"),
    }
    if any(value is None for value in numbers.values()):
        return Reason.NOT_A_NUMBER
    if not numbers["seconds"]:
        return Reason.NO_TIMESTAMP
    if any(_is_out_of_range(name, value) for name, value in numbers.items()):
        return Reason.OUT_OF_RANGE
    din = record.get("din")
    return {
        **numbers,
        "target_id": next(_texts(record.get("target_id")), ""),
        "din_hash": digest_of_device(din) if isinstance(din, str) and din else None,
    }


def _number(holder: object, name: str) -> float | None:
    """A number of a protobuf message: 0 where it, or the message, is left out; None where it is something else."""
    value = holder.get(name, 0) if isinstance(holder, Mapping) else 0 if holder is None else holder
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_out_of_range(name: str, value: float | None) -> bool:
    if value is None or name == "seconds":
        return value is None or not 0 < value < 2**33
    lowest, highest = TABLES["charge_sessions"].field(name).bounds or (0, 0)
    return not lowest <= value <= highest


def _texts(holder: object) -> Iterator[str]:
    text = holder.get("text") if isinstance(holder, Mapping) else holder
    if isinstance(text, str):
        yield text
