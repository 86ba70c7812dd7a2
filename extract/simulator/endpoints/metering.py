"""The truth as the server returns it: in days of its clock, up to `end`, and zero where there is no measurement yet.

A slot is measured when it is over: the slot that contains `now` and every later slot are zero (Q11).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import numpy as np
import numpy.typing as npt

from extract.simulator.local_day import SLOT_S, Ints, day_bounds, days_between, local_date
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.truth.simulated_day import DayTruth
from extract.simulator.truth.site_truth import Truth

Matrix = npt.NDArray[np.int64] | npt.NDArray[np.float64]
ColumnsOf = Callable[[DayTruth], list[Ints] | list[npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Metering:
    """What the server has measured at a site.

    Attributes:
        truth: What happened.
        clock: The time zone in which the server divides time into days.
        now: Nothing after this instant is measured.
        end: Nothing after this instant is requested.
        not_arrived: Spans of epoch seconds whose measurements have not reached the server: they have no slots.
    """

    truth: Truth
    clock: tzinfo
    now: datetime
    end: datetime
    not_arrived: tuple[tuple[int, int], ...] = ()

    @property
    def requested_date(self) -> date:
        """The day that contains `end` on the server's clock (Q1)."""
        return local_date(self.clock, int(self.end.timestamp()))

    @property
    def last_date(self) -> date:
        """The last day with data: the day of `end`, or today if `end` is in the future."""
        return local_date(self.clock, int(min(self.end, self.now).timestamp()))

    @property
    def first_date(self) -> date:
        """The day of the installation on the server's clock."""
        return local_date(self.clock, int(self.truth.spec.installed_at.timestamp()))

    @property
    def is_midnight(self) -> bool:
        """Whether `end` is exactly the first instant of a day (Q2)."""
        start_s, _ = day_bounds(self.clock, self.requested_date)
        return self.end.timestamp() == start_s

    def flows(self, day: date) -> tuple[Ints, Ints]:
        """Slots of a day up to `end`, and their flows as a 16 × slots matrix of Wh."""
        epochs_s, parts = self._slots(day, lambda truth: [truth.flows[name] for name in FLOWS])
        return epochs_s, np.asarray(parts, np.int64)

    def power(self, day: date) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Slots of a day up to `end`, and the powers as a 5 × slots matrix of W."""
        epochs_s, parts = self._slots(day, lambda truth: [truth.power[name] for name in POWERS])
        return epochs_s, np.asarray(parts, np.float64)

    def soe(self, day: date) -> tuple[Ints, Ints]:
        """Quarter hours of a day up to `end`, and the state of energy in percent; 0 after now."""
        start_s, end_s = day_bounds(self.clock, day)
        days = self._overlapping(day)
        epochs_s = np.concatenate([truth.soe_start.astype(np.int64) for truth in days])
        percent = np.concatenate([truth.soe_pct for truth in days])
        keep = (epochs_s >= start_s) & (epochs_s < end_s) & (epochs_s <= self.end.timestamp())
        keep &= self._has_arrived(epochs_s)
        epochs_s = epochs_s[keep]
        return epochs_s, percent[keep] * (epochs_s <= self.now.timestamp())

    def daily_sums(self, day: date) -> Ints:
        """Measured Wh of a day up to `end`, in the order of `FLOWS`."""
        start_s, end_s = day_bounds(self.clock, day)
        is_whole = end_s <= self.now.timestamp() and end_s - SLOT_S <= self.end.timestamp()
        is_whole = is_whole and not any(first_s < end_s and start_s < last_s for first_s, last_s in self.not_arrived)
        if is_whole and (start_s, end_s) == day_bounds(self.truth.spec.zone, day):
            return self.truth.daily_sums(day)
        if is_whole:
            return self.truth.sums_between(start_s, end_s)
        if self.end.timestamp() == start_s:
            return np.zeros(len(FLOWS), np.int64)
        return np.asarray(self.flows(day)[1].sum(axis=1), np.int64)

    def sums(self, first: date, last: date) -> Ints:
        """Measured Wh from the first to the last day, both included, in the order of `FLOWS`."""
        total = np.zeros(len(FLOWS), np.int64)
        for day in days_between(first, last):
            total += self.daily_sums(day)
        return total

    def has_nothing(self, day: date) -> bool:
        """Whether no measurement of a whole day has reached the server."""
        start_s, end_s = day_bounds(self.clock, day)
        return any(first_s <= start_s and end_s <= last_s for first_s, last_s in self.not_arrived)

    def _has_arrived(self, epochs_s: Ints) -> npt.NDArray[np.bool_]:
        """Which slots have reached the server."""
        arrived = np.ones(len(epochs_s), dtype=np.bool_)
        for first_s, last_s in self.not_arrived:
            arrived &= (epochs_s < first_s) | (epochs_s >= last_s)
        return arrived

    def _slots(self, day: date, columns: ColumnsOf) -> tuple[Ints, Matrix]:
        start_s, end_s = day_bounds(self.clock, day)
        days = self._overlapping(day)
        epochs_s = np.concatenate([truth.interval_start.astype(np.int64) for truth in days])
        values = np.concatenate([np.stack(columns(truth)) for truth in days], axis=1)
        keep = (epochs_s >= start_s) & (epochs_s < end_s) & (epochs_s <= self.end.timestamp())
        keep &= self._has_arrived(epochs_s)
        epochs_s = epochs_s[keep]
        return epochs_s, values[:, keep] * (epochs_s + SLOT_S <= self.now.timestamp())

    def _overlapping(self, day: date) -> list[DayTruth]:
        """The local days that overlap a day of the server's clock: one, or two for a fixed offset."""
        start_s, end_s = day_bounds(self.clock, day)
        zone = self.truth.spec.zone
        return list(self.truth.days(local_date(zone, start_s), local_date(zone, end_s - 1)))
