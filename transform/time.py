"""Instants, local days and interval lengths, for whole columns at once.

Everything is kept in UTC and local time is derived from it, never the other way: a local clock shows an hour twice in
autumn and skips one in spring (Q5, Q6).
"""

from datetime import date, tzinfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]
Walls = npt.NDArray[np.datetime64]

INSTANT = pa.timestamp("us", tz="UTC")
DATE = "date32[day][pyarrow]"

_HAS_OFFSET = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)$"
"""RFC 3339 with an offset, and the near misses that were seen. Text without an offset names no instant."""

STANDARD_LENGTHS_S: Ints = np.array([300, 900, 1800, 3600], dtype=np.int64)
"""The interval lengths the API is known to give: 5 minutes, 15 minutes, and the coarser ones of old eras (Q10)."""

MIN_EVIDENCE = 3
"""An answer with fewer steps of a length is believed less than its siblings: a few rows around gaps prove nothing."""


_SECOND = np.timedelta64(1, "s")
_LONGEST_OFFSET = np.timedelta64(32, "h")
"""More than any clock is ahead of or behind UTC, and more than one ever jumped (Apia skipped 24 hours)."""


def to_utc(strings: pd.Series | pa.Array | pa.ChunkedArray) -> pd.Series:
    """Instants of RFC 3339 strings, whatever mixture of offsets they carry (Q5, Q18).

    **Shape**: strings → as many instants (datetime64[us, UTC]); NaT where a string is NULL, carries no offset, or names a
    time that does not exist. Arrow's cast does the work since it is ten times as fast as pandas and, unlike pandas, never
    takes a string without offset for UTC; only when it refuses a string are the good ones picked out.
    """
    texts = pa.array(strings, pa.string()) if isinstance(strings, pd.Series) else strings
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    try:
        return pd.Series(texts.cast(INSTANT).to_pandas())
    except pa.ArrowInvalid:
        usable = pc.match_substring_regex(texts, _HAS_OFFSET)
        kept = pc.if_else(usable, texts, None)
        instants = pd.to_datetime(pd.Series(kept.to_pandas()), utc=True, format="ISO8601", errors="coerce")
        return instants.astype("datetime64[us, UTC]")


def epoch_us(instants: pd.Series) -> Ints:
    """Microseconds since 1970 of tz-aware instants, none of them NaT."""
    return np.asarray(instants.astype("int64").to_numpy())


def local_walls(instants: pd.Series, zone: tzinfo) -> Walls:
    """What a clock in `zone` shows at each instant (tz-aware), as datetime64[us] without a zone."""
    return np.asarray(instants.dt.tz_convert(zone).dt.tz_localize(None).to_numpy())


def local_days(instants: pd.Series, zone: tzinfo) -> Days:
    """The calendar day of each instant (tz-aware) on the clock of `zone`, as datetime64[D]."""
    return local_walls(instants, zone).astype("datetime64[D]")


def date_column(days: Days) -> pd.Series:
    """Days as a column of type DATE; NaT becomes NULL."""
    return pd.Series(pd.array(pa.array(days, pa.date32()), dtype=DATE))


def days_of(dates: pd.Series) -> Days:
    """The days of a DATE column without NULL, as datetime64[D]."""
    array = pa.array(dates, pa.date32())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return np.asarray(array.cast(pa.int32()).to_numpy().astype("datetime64[D]"))


def local_date(instants: pd.Series, zone: tzinfo) -> pd.Series:
    """The site's calendar day of each instant, as a DATE column, for any IANA zone or fixed offset."""
    return date_column(local_days(instants, zone))


def days_from(first_day: date, last_day: date) -> Days:
    """Every calendar day from `first_day` to `last_day`, both included, as datetime64[D]."""
    return np.arange(np.datetime64(first_day, "D"), np.datetime64(last_day, "D") + 1)


def day_starts(first_day: date, last_day: date, zone: tzinfo) -> pd.Series:
    """The first instant of every local day from `first_day` to the day after `last_day`.

    A midnight that a change of offset skips is replaced by the end of the gap; of one that comes twice the first counts. A
    day that the zone never had (Apia, 30 December 2011) begins with the day after it.
    """
    days = days_from(first_day, last_day)
    midnights = np.append(days, days[-1:] + 1).astype("datetime64[us]")
    first = np.ones(len(midnights), dtype=bool)
    localized = pd.DatetimeIndex(midnights).tz_localize(zone, ambiguous=first, nonexistent="NaT")
    starts = pd.Series(localized.tz_convert("UTC").as_unit("us"))
    is_skipped = starts.isna().to_numpy()
    if is_skipped.any():
        starts[is_skipped] = _ends_of_gaps(midnights[is_skipped], zone).array
    return starts


def _ends_of_gaps(walls: Walls, zone: tzinfo) -> pd.Series:
    """The first instant at which a clock shows each wall time or later, for times that it skips.

    Found by halving, to the second. pandas can shift such times forward itself, but goes an hour too far where a whole day
    is skipped (Apia).
    """
    before, after = walls - _LONGEST_OFFSET, walls + _LONGEST_OFFSET
    while (after - before).max() > _SECOND:
        middle = before + (after - before) // 2
        is_past = local_walls(pd.Series(middle).dt.tz_localize("UTC"), zone) >= walls
        before, after = np.where(is_past, before, middle), np.where(is_past, middle, after)
    return pd.Series(after.astype("datetime64[s]").astype("datetime64[us]")).dt.tz_localize("UTC")


def measure_interval_s(instants: pd.Series, answers: Ints, *, default_s: int) -> Ints:
    """Length of each row's interval, measured from the distances between the rows of its answer.

    An answer's length is its commonest distance between neighbours among the known lengths. Gaps make distances longer
    and change nothing as long as most neighbours are there; changes of offset are no matter since instants are compared.
    An answer with too few rows to tell takes the length that is commonest in all answers together.

    Args:
        instants: tz-aware instants in any order, none of them NaT.
        answers: The answer that each row came from.
        default_s: Length to assume when no two rows of any answer are neighbours (a single row).

    Returns:
        Seconds, in the order of the rows.
    """
    if len(instants) == 0:
        return np.zeros(0, dtype=np.int64)
    seconds = epoch_us(instants) // 1_000_000
    order = np.lexsort((seconds, answers))
    same = answers[order][1:] == answers[order][:-1]
    steps = np.diff(seconds[order])
    known = same & np.isin(steps, STANDARD_LENGTHS_S)
    owners, lengths = answers[order][1:][known], np.searchsorted(STANDARD_LENGTHS_S, steps[known])
    votes = np.zeros((int(answers.max()) + 1, len(STANDARD_LENGTHS_S)), dtype=np.int64)
    np.add.at(votes, (owners, lengths), 1)
    everyone = votes.sum(axis=0)
    usual_s = int(STANDARD_LENGTHS_S[everyone.argmax()]) if everyone.any() else default_s
    own_s = np.where(votes.max(axis=1) >= MIN_EVIDENCE, STANDARD_LENGTHS_S[votes.argmax(axis=1)], usual_s)
    return np.asarray(own_s[answers], dtype=np.int64)
