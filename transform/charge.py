"""Series `charge`: cars charged at the wall connectors.

Answers are protobuf turned into JSON: instants and durations are objects, whole numbers may be strings, and what is zero is
left out. The list stands under one of two keys (API.md §1.3).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from transform.answer import Answer, Tables
from transform.frames import empty_frame, table_frame
from transform.parse import parse
from transform.quarantine import Reason, Reject, quarantine_frame, reject
from transform.sites import Site
from warehouse.schema import TABLES

Session = dict[str, Any]


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `charge` → table `charge_sessions`, and `quarantine` for what could not be used.

    A session that straddles the end of a month may come in the answers of both months; it is one row, of the last fetched.

    **Shape**: answers in any order → one row per beginning and connector. **Units**: s, Wh. **Source**: API.md §1.3.

    Raises:
        ValueError: An answer is of another site or series.
    """
    sessions: list[Session] = []
    rejects: list[Reject] = []
    for answer in sorted(answers, key=lambda each: (each.requested_at, each.raw_id)):
        if answer.site_id != site.site_id or answer.series != "charge":
            raise ValueError(f"an answer of {answer.series} of site {answer.site_id} is no charge of {site.site_id}")
        parsed = parse(answer)
        rejects += parsed.rejects
        for number, record in enumerate(parsed.records):
            understood = _session(record)
            if isinstance(understood, Reason):
                rejects.append(reject(answer, number, understood, record))
            else:
                sessions.append({**understood, **_lineage(answer)})
    return {"charge_sessions": _frame(sessions, site), "quarantine": quarantine_frame(rejects)}


def _frame(sessions: list[Session], site: Site) -> pd.DataFrame:
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


def _lineage(answer: Answer) -> Session:
    return {"_fetched_at": answer.requested_at, "_raw_id": answer.raw_id, "_run_id": answer.run_id}


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
        "din_hash": hashlib.sha256(din.encode()).hexdigest() if isinstance(din, str) and din else None,
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
