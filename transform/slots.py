"""The rows of many answers side by side, and the rules by which a row is filed, set aside or replaced.

Every history series shares these rules; what differs is in the series' own module. Rows are gathered into one frame once,
whatever the number of answers, so that a month of five-minute days costs a few milliseconds.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import pandas_dtype

from transform.answer import Answer, Tables
from transform.columns import MEASURES, columns_of
from transform.interval_length import counted_once, measure_interval_s
from transform.parse import Parsed, parse
from transform.quarantine import Reason, Reject, quarantine_frame, reject
from transform.revisions import changes
from transform.sites import Site
from transform.time import Days, Ints, Walls, epoch_us, local_date, local_walls, to_utc
from transform.zones import fixed_zone, iana_zone
from warehouse.schema import MAX_POWER_W, TABLES, Unit

log = logging.getLogger(__name__)

_NOT_VALUES = frozenset({"answer", "row_number", "timestamp", "instant", "interval_s", "start", "is_partial"})

Mask = npt.NDArray[np.bool_]

_TEXT: Any = pandas_dtype("str")
"""pandas' own type of text, which takes Arrow's as it is."""

PLAUSIBLE_W = 500_000.0
"""More than the supply of any home, and than most of what a public client ever showed."""


@dataclass(slots=True)
class Slots:
    """Rows of several answers of one series of one site.

    Attributes:
        site: The site.
        answers: The answers, in the order they were asked.
        parsed: The same answers, read.
        rows: `answer` (position in `answers`), `row_number`, `timestamp` (string), `instant` (UTC), then the measures.
        rejects: What was set aside so far.
        revisions: Frames of table `revisions`: what later answers changed.
        beside: Rows of intervals that give way to others, of another length, which tell of the same time.
    """

    site: Site
    answers: list[Answer]
    parsed: list[Parsed]
    rows: pd.DataFrame
    rejects: list[Reject] = field(default_factory=list)
    revisions: list[pd.DataFrame] = field(default_factory=list)
    beside: pd.DataFrame | None = None

    def set_aside(self, is_bad: Mask, reason: Reason) -> None:
        """Take the rows marked out of `rows` and remember them with the reason."""
        if not is_bad.any():
            return
        bad = self.rows.loc[is_bad, ["answer", "row_number"]]
        self.rejects += [
            reject(self.answers[answer], number, reason, self.parsed[answer].records[number])
            for answer, number in zip(bad["answer"].tolist(), bad["row_number"].tolist(), strict=True)
        ]
        self.keep(~is_bad)

    def keep(self, is_good: Mask) -> None:
        """Go on with the rows marked."""
        if not is_good.all():
            self.rows = self.rows.loc[is_good].reset_index(drop=True)

    def per_row(self, of_answers: Sequence[Any], dtype: str) -> Any:
        """A fact of each answer, repeated for each of its rows."""
        return pd.Series(of_answers, dtype=dtype).array.take(self.rows["answer"].to_numpy())

    @property
    def asked_us(self) -> Ints:
        """When each row was asked, microseconds since 1970."""
        asked = pd.DatetimeIndex([each.requested_at for each in self.answers]).as_unit("us").asi8
        return np.asarray(asked[self.rows["answer"].to_numpy()] if len(asked) else np.zeros(0, dtype=np.int64))

    @property
    def measures(self) -> list[str]:
        """The columns that hold the series' values."""
        return [name for name in self.rows.columns if name not in _NOT_VALUES]

    @property
    def lineage(self) -> dict[str, Any]:
        """The lineage columns of the rows."""
        return {
            "_fetched_at": self.per_row([each.requested_at for each in self.answers], "datetime64[us, UTC]"),
            "_raw_id": self.per_row([each.raw_id for each in self.answers], "str"),
            "_run_id": self.per_row([each.run_id for each in self.answers], "str"),
        }

    @property
    def clocks(self) -> list[tzinfo]:
        """The clock each answer's days are cut by.

        That is the site's zone, but for answers that have an offset instead of a zone name: they keep the offset that was
        in force when they were asked for, for dates of the other half of the year too (Q7).
        """
        return [_clock(each, self.site) for each in self.parsed]

    def answer_walls(self) -> Walls:
        """What the clock of each row's answer showed at its instant."""
        clocks, instants = self.clocks, self.rows["instant"]
        if len(set(clocks)) == 1:
            return local_walls(instants, clocks[0])
        walls = np.zeros(len(self.rows), dtype="datetime64[us]")
        owners = self.rows["answer"].to_numpy()
        for clock in set(clocks):
            mine = np.isin(owners, [index for index, each in enumerate(clocks) if each == clock])
            walls[mine] = local_walls(instants[mine], clock)
        return walls

    def answer_days(self) -> Days:
        """The day of each row on the clock of its answer."""
        return self.answer_walls().astype("datetime64[D]")


def _clock(parsed: Parsed, site: Site) -> tzinfo:
    if parsed.time_zone_offset is None or iana_zone(parsed.installation_time_zone or ""):
        return site.zone
    return fixed_zone(parsed.time_zone_offset) or site.zone


def gather(answers: Sequence[Answer], site: Site, *, series: Collection[str], table: str | None) -> Slots:
    """Read answers and put their usable rows into one frame.

    **Shape**: answers in any order → one row per row that has an instant and numbers within the bounds of `table`, where
    one is named. Answers with an error status have no rows by nature and are left out; table `requests` tells of them.

    Raises:
        ValueError: An answer is of another site or series: a mistake of the caller.
    """
    kept = _in_order(answers, site, series)
    parsed = [parse(each) for each in kept]
    for each, answer in zip(parsed, kept, strict=True):
        for name in sorted(each.unknown_columns):
            _report_unknown(answer.series, name)
    rejects = [reject for each in parsed for reject in each.rejects]
    slots = Slots(site, kept, parsed, _frame(parsed, sorted(series)[0]), rejects)
    slots.set_aside(slots.rows["instant"].isna().to_numpy(), Reason.BAD_TIMESTAMP)
    if table is not None:
        judge_values(slots, table)
    return slots


def _in_order(answers: Sequence[Answer], site: Site, series: Collection[str]) -> list[Answer]:
    """The answers by the time they were asked, each once; the order they came in has no meaning."""
    for answer in answers:
        if answer.site_id != site.site_id or answer.series not in series:
            raise ValueError(
                f"answer {answer.raw_id} is of site {answer.site_id}, series {answer.series}; "
                f"expected site {site.site_id}, series {' or '.join(sorted(series))}"
            )
    unique = {answer.raw_id: answer for answer in answers if answer.status < 400}
    return sorted(unique.values(), key=lambda each: (each.requested_at, each.raw_id))


@cache
def _report_unknown(series: str, name: str) -> None:
    """Log an unknown column, once a process: it stays in raw until somebody describes it."""
    log.warning("unknown column series=%s column=%s", series, name)


def _frame(parsed: list[Parsed], series: str) -> pd.DataFrame:
    """All rows of all answers; columns are put together once, not per answer."""
    nothing = columns_of([], MEASURES[series]).table
    table = pa.concat_tables([nothing, *(each.rows for each in parsed)]).combine_chunks()
    return pd.DataFrame(
        {
            "answer": np.repeat(np.arange(len(parsed)), [each.rows.num_rows for each in parsed]),
            "row_number": table["row_number"].to_numpy(),
            "timestamp": _TEXT.__from_arrow__(table["timestamp"]),
            "instant": to_utc(table["timestamp"]),
            **{name: table[name].to_numpy() for name in table.column_names[2:]},
        }
    )


def judge_values(slots: Slots, table: str) -> None:
    """Set rows aside that hold no value at all, or one that the schema has no room for."""
    declared = TABLES[table]
    measures = slots.measures
    values = slots.rows[measures].to_numpy(dtype=np.float64)
    lowest = np.array([(declared.field(name).bounds or (-np.inf, np.inf))[0] for name in measures])
    highest = np.array([(declared.field(name).bounds or (-np.inf, np.inf))[1] for name in measures])
    is_power = np.array([declared.field(name).unit is Unit.W for name in measures])
    # NaN compares as False: a measure that is absent is in range.
    outside = (values < lowest) | (values > highest)
    if is_power.any():
        outside |= is_power & (np.abs(values) >= largest_power_w(values[:, is_power], slots.site))
    is_out = np.asarray(outside.any(axis=1))
    is_void = np.isnan(values).all(axis=1)
    slots.set_aside(is_out, Reason.OUT_OF_RANGE)
    slots.set_aside(is_void[~is_out], Reason.NO_VALUE)


def largest_power_w(powers: npt.NDArray[np.float64], site: Site) -> float:
    """The power from which on a row of a site is not believed.

    It is far beyond what a site can do, so that nothing real is ever set aside: the largest of `PLAUSIBLE_W`, ten times the
    rated power of its batteries, and twenty times what nineteen in twenty of its own values that are not zero stay below; at
    most the API's own "no limit" (Q38).

    Args:
        powers: The powers of all its rows at hand, NaN where there is none.
        site: The site.
    """
    sizes = np.abs(powers[np.isfinite(powers) & (powers != 0.0)])
    usual_w = float(np.quantile(sizes, 0.95)) if len(sizes) else 0.0
    return min(MAX_POWER_W, max(PLAUSIBLE_W, 10 * (site.nameplate_power_w or 0.0), 20 * min(usual_w, MAX_POWER_W)))


def drop_future(slots: Slots) -> None:
    """Drop rows that begin at or after the moment of asking: the API fills the rest of today with zeros (Q11).

    They are not measurements and not faults, so they go nowhere; one that holds more than zeros is neither, and is set
    aside. The slot during which was asked stays, until a later answer replaces it.
    """
    discard_future(slots, epoch_us(slots.rows["instant"]) >= slots.asked_us)


def discard_future(slots: Slots, is_future: Mask) -> None:
    """Drop the rows marked where they are zero, set them aside where they claim to be more."""
    if not is_future.any():
        return
    is_zero = (slots.rows[slots.measures].fillna(0.0) == 0.0).all(axis=1).to_numpy()
    log.debug("future slots dropped site_id=%s rows=%s", slots.site.site_id, int((is_future & is_zero).sum()))
    is_claim = is_future & ~is_zero
    slots.set_aside(is_claim, Reason.FUTURE_VALUE)
    slots.keep(~is_future[~is_claim])


def set_wrong_windows_aside(slots: Slots, first_days: Days, last_days: Days) -> None:
    """Set rows aside whose period lies outside the window that their answer was asked for (Q22).

    Args:
        slots: The rows.
        first_days: First day each row stands for, on the clock of its answer.
        last_days: Last day each row stands for.
    """
    starts = np.array([each.window_start for each in slots.answers], dtype="datetime64[D]")
    ends = np.array([each.window_end for each in slots.answers], dtype="datetime64[D]")
    owners = slots.rows["answer"].to_numpy()
    slots.set_aside((last_days < starts[owners]) | (first_days > ends[owners]), Reason.WRONG_WINDOW)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows by their key, and of equal ones by when they were asked, and where they stand in the answer.

    Attributes:
        order: Positions of the rows in this order.
        is_last: Whether each, in this order, is the last of its key.
    """

    order: npt.NDArray[np.intp]
    is_last: Mask

    @classmethod
    def of(cls, slots: Slots, keys: Sequence[npt.NDArray[Any]]) -> "Ranking":
        """The rows of `slots` by some columns."""
        order = np.lexsort((slots.rows["row_number"], slots.rows["answer"], *reversed(keys)))
        is_last = np.ones(len(order), dtype=bool)
        if len(order):
            is_last[:-1] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
        return cls(order, is_last)


def last_wins(slots: Slots, ranking: Ranking) -> None:
    """Keep one row per key: the one asked last, and within one answer the last of several (Q12, Q18)."""
    order, is_last = ranking.order, ranking.is_last
    replaced = int((~is_last).sum())
    if replaced:
        owners = slots.rows["answer"].to_numpy()[order]
        repeated = int((~is_last[:-1] & (owners[1:] == owners[:-1])).sum())
        log.debug("rows replaced site_id=%s rows=%s", slots.site.site_id, replaced - repeated)
        if repeated:
            log.info("rows told twice in one answer site_id=%s rows=%s", slots.site.site_id, repeated)
    if replaced or (np.diff(order) < 0).any():
        slots.rows = slots.rows.take(order[is_last]).reset_index(drop=True)


def file_intervals(slots: Slots, *, default_s: int) -> None:
    """Apply the rules for interval rows: no wrong window, no future, no time told of twice, the last fetched wins.

    Afterwards `slots.rows` has a column `interval_s` and is ordered by instant.
    """
    days = slots.answer_days()
    set_wrong_windows_aside(slots, days, days)
    drop_future(slots)
    length_s = measure_interval_s(slots.rows["instant"], slots.rows["answer"].to_numpy(), default_s=default_s)
    slots.rows = slots.rows.assign(interval_s=length_s)
    ranking = Ranking.of(slots, [epoch_us(slots.rows["instant"]), length_s])
    note_changes(slots, ranking, slots.rows["instant"], _is_over(slots))
    last_wins(slots, ranking)
    if len(slots.rows) and (length_s != length_s[0]).any():
        starts_s = epoch_us(slots.rows["instant"]) // 1_000_000
        is_counted = counted_once(starts_s, slots.rows["interval_s"].to_numpy(), _is_over(slots))
        log.debug("rows told twice site_id=%s rows=%s", slots.site.site_id, int((~is_counted).sum()))
        slots.beside = slots.rows.loc[~is_counted].reset_index(drop=True)
        slots.keep(is_counted)


def _is_over(slots: Slots) -> Mask:
    """Whether each row's interval was over when it was asked."""
    ends_us = epoch_us(slots.rows["instant"]) + slots.rows["interval_s"].to_numpy(dtype=np.int64) * 1_000_000
    return np.asarray(ends_us <= slots.asked_us)


def note_changes(slots: Slots, ranking: Ranking, starts: pd.Series, is_over: Mask) -> None:
    """Remember what later answers changed of earlier ones, before the last one wins (Q12)."""
    if ranking.is_last.all():
        return
    of_key = np.empty(len(ranking.order), dtype=np.int64)
    of_key[ranking.order] = np.cumsum(ranking.is_last) - ranking.is_last
    found = changes(slots.rows, slots.answers, measures=slots.measures, keys=[of_key], starts=starts, is_over=is_over)
    if len(found):
        slots.revisions.append(found)


def aside(*filed: Slots) -> Tables:
    """What became of rows that are not, or no longer, in the series' own table: `quarantine`, and `revisions` if any."""
    found = [frame for each in filed for frame in each.revisions]
    tables = {"quarantine": quarantine_frame(reject for each in filed for reject in each.rejects)}
    return tables | ({"revisions": pd.concat(found, ignore_index=True)} if found else {})


def interval_columns(slots: Slots) -> dict[str, Any]:
    """The columns that every interval table has, for rows that were filed."""
    return {
        "site_id": slots.site.site_id,
        "interval_start": slots.rows["instant"],
        "interval_s": slots.rows["interval_s"],
        "local_date": local_date(slots.rows["instant"], slots.site.zone),
        **slots.lineage,
    }
