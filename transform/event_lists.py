"""Lists of events that are requested again and again: what a later list says about the events of earlier ones.

A response lists every event of the time that it covers. So an event that an earlier response lists, and a later one leaves out
of the time that it covers, is withdrawn: the API merged it with another, or corrected its beginning. What a later list changes
is a revision: another duration, an event that is gone, and one that appears in a time that was listed without it (Q12, Q32).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.frames import table_frame
from transform.observations import Observations
from transform.time import Ints, epoch_us, instants_of, to_utc
from wattlog.local_days import first_instants_us

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_ALL_SECONDS: Final = 2**33
"""More seconds than pass from 1970 to the last instant that a response may have."""


@dataclass(frozen=True, slots=True)
class CoveredTime:
    """The time of whose events each response has the whole list.

    Attributes:
        after_us: Events that begin later are listed, microseconds since 1970.
        until_us: Events that begin later are not listed.
    """

    after_us: Ints
    until_us: Ints

    @classmethod
    def of(cls, observations: Observations) -> "CoveredTime":
        """What each response covers: from the beginning of its window, or of its page, to its request, or the page before.

        A page that is not the last one names the `end_date` of the next page, which the same run requests next (Q32). A
        response without events is no evidence of anything (Q23), and one with an entry that cannot be used covers nothing,
        since the entry may be any event.
        """
        responses, zone = observations.responses, observations.site.zone
        named = [facts.next_end_date for facts in observations.facts]
        is_paged, following_us = np.array([text is not None for text in named], dtype=bool), _instants_us(named)
        begins = np.array([response.window_start for response in responses], dtype="datetime64[D]")
        ends = np.array([response.window_end for response in responses], dtype="datetime64[D]")
        until_us = np.minimum(requests_us(observations), first_instants_us(ends + 1, zone) - 1)
        until_us = np.minimum(until_us, _page_before_us(observations, np.where(is_paged, following_us, -1)))
        after_us = np.where(is_paged, following_us, first_instants_us(begins, zone) - 1)
        flawed = {reject.raw_id for reject in observations.rejects}
        is_whole = np.array([response.raw_id not in flawed for response in responses], dtype=bool)
        is_whole &= np.isin(np.arange(len(responses)), observations.rows["response"]) & (following_us >= 0)
        return cls(after_us, np.where(is_whole, until_us, after_us))


@dataclass(frozen=True, slots=True)
class Statements:
    """What each response says about each event: responses × beginnings.

    Attributes:
        row: Position of the row that lists the event; -1 where it is not listed.
        covers: Whether the response has the whole list of the time in which the event begins, and its run does not list it.
        starts_us: The beginnings, ascending.
    """

    row: Ints
    covers: Mask
    starts_us: Ints

    @classmethod
    def of(cls, observations: Observations) -> "Statements":
        """The statements of all responses, which are in the order of their requests; of rows repeated in one, the last.

        Pages of one run make one list: an event at the edge of two pages is in one of them or in both.
        """
        starts_us, event = np.unique(epoch_us(observations.rows["instant"]), return_inverse=True)
        row = np.full((len(observations.responses), len(starts_us)), -1, dtype=np.int64)
        order = np.argsort(observations.rows["row_number"].to_numpy(), kind="stable")
        row[observations.rows["response"].to_numpy()[order], event[order]] = order
        covered, run = CoveredTime.of(observations), run_numbers(observations)
        is_in_run = np.zeros((run.max(initial=-1) + 1, len(starts_us)), dtype=bool)
        is_in_run[run[observations.rows["response"].to_numpy()], event] = True
        is_in_time = (covered.after_us[:, None] < starts_us) & (starts_us <= covered.until_us[:, None])
        return cls(row, is_in_time & ~is_in_run[run], starts_us)

    @property
    def is_made(self) -> Mask:
        """Where a response says anything about an event: it lists it, or covers its time without it."""
        return np.asarray((self.row >= 0) | self.covers)

    @property
    def last_rows(self) -> Ints:
        """Positions of the rows that list the events which the latest statement about them lists, by beginning."""
        if len(self.starts_us) == 0:
            return np.zeros(0, dtype=np.int64)
        last = len(self.row) - 1 - np.argmax(self.is_made[::-1], axis=0)
        rows = self.row[last, np.arange(len(self.starts_us))]
        return np.asarray(rows[rows >= 0])

    def revisions(self, observations: Observations, values: Floats, ends_us: Ints, measure: str) -> pd.DataFrame:
        """What a later statement changed of an earlier one, as rows of table `revisions`.

        An event that was not over when a list without it was requested is new, and no revision.

        Args:
            observations: The rows.
            values: The measure of each row.
            ends_us: The end of each row's event.
            measure: The measure's column.
        """
        asked_us = requests_us(observations)
        # By beginning, then by request: a statement and the one before it about the same event are next to each other.
        event, response = np.nonzero(self.is_made.T)
        row = self.row[response, event]
        padded_values, padded_ends = np.append(values, np.nan), np.append(ends_us, 0)
        value = padded_values[row]
        is_new = np.isnan(value[:-1]) & (padded_ends[row[1:]] > asked_us[response[:-1]])
        is_same = (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
        changed = np.flatnonzero((event[1:] == event[:-1]) & ~is_same & ~is_new) + 1
        return table_frame(
            "revisions",
            {
                "site_id": pd.Series(observations.site.site_id, index=range(len(changed))),
                "series": pd.Series(str(observations.series), index=range(len(changed)), dtype="str"),
                "interval_start": instants_of(self.starts_us[event[changed]]),
                "measure": pd.Series(measure, index=range(len(changed)), dtype="str"),
                "seen_at": instants_of(asked_us[response[changed]]),
                "old_value": value[changed - 1],
                "new_value": value[changed],
            },
        )


def _page_before_us(observations: Observations, following_us: Ints) -> Ints:
    """The `end_date` that the page before each response names; the last instant that there is where no page names one.

    Of all `end_date`s that pages of the same run name, it is the earliest that is not before the response's newest event.

    Args:
        observations: The rows.
        following_us: The `end_date` that each response names; -1 for none.
    """
    owners = observations.rows["response"].to_numpy()
    newest_us = np.zeros(len(following_us), dtype=np.int64)
    np.maximum.at(newest_us, owners, epoch_us(observations.rows["instant"]))
    run = run_numbers(observations)
    named = np.flatnonzero(following_us >= 0)
    order = named[np.lexsort((following_us[named], run[named]))]
    keys = run[order] * _ALL_SECONDS + following_us[order] // 1_000_000
    at = np.searchsorted(keys, run * _ALL_SECONDS + newest_us // 1_000_000)
    before = np.append(order, -1)[at]
    is_of_run = (before >= 0) & (run[before] == run) if len(order) else np.zeros(len(run), dtype=bool)
    return np.where(is_of_run, following_us[before], np.iinfo(np.int64).max)


def run_numbers(observations: Observations) -> Ints:
    """A number for each response's run."""
    runs = pd.Series([response.run_id for response in observations.responses], dtype="str")
    return np.asarray(pd.factorize(runs)[0], dtype=np.int64)


def requests_us(observations: Observations) -> Ints:
    """When each response was requested, microseconds since 1970."""
    asked = pd.Series([response.requested_at for response in observations.responses], dtype="datetime64[us, UTC]")
    return epoch_us(asked)


def _instants_us(texts: Sequence[str | None]) -> Ints:
    """Instants of the texts, microseconds since 1970: 0 where there is no text, -1 where it is no instant."""
    instants = to_utc(pd.Series(list(texts), dtype="str"))
    is_bad = (instants.isna() & pd.Series([text is not None for text in texts], dtype=bool)).to_numpy()
    return np.where(is_bad, -1, epoch_us(instants.fillna(pd.Timestamp(0, tz="UTC"))))
