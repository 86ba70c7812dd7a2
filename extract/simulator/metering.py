"""The truth as the server sees it at a moment: cut by its clock, up to an instant, zero where nothing is measured yet.

A slot is measured once it is over: the slot that holds `now` and every later one is zero (Q11).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import numpy as np
import numpy.typing as npt

from extract.simulator.contradiction import each_day
from extract.simulator.local_day import SLOT_S, Ints, day_bounds, local_date
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.simulated_day import DayTruth
from extract.simulator.truth import Truth

Matrix = npt.NDArray[np.int64] | npt.NDArray[np.float64]
ColumnsOf = Callable[[DayTruth], list[Ints] | list[npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Metering:
    """What the server can say of a site.

    Attributes:
        truth: What happened.
        clock: The clock by which the server cuts days.
        now: Nothing after it is measured.
        end: Nothing after it is asked.
    """

    truth: Truth
    clock: tzinfo
    now: datetime
    end: datetime

    @property
    def asked_date(self) -> date:
        """The day that holds `end` on the server's clock (Q1)."""
        return local_date(self.clock, int(self.end.timestamp()))

    @property
    def last_date(self) -> date:
        """The last day there is something to say about: that of `end`, or today when `end` is yet to come."""
        return local_date(self.clock, int(min(self.end, self.now).timestamp()))

    @property
    def first_date(self) -> date:
        """The day of the installation on the server's clock."""
        return local_date(self.clock, int(self.truth.spec.installed_at.timestamp()))

    @property
    def is_midnight(self) -> bool:
        """`end` is exactly the first instant of a day (Q2)."""
        start_s, _ = day_bounds(self.clock, self.asked_date)
        return self.end.timestamp() == start_s

    def flows(self, day: date) -> tuple[Ints, Ints]:
        """Slots of a day up to `end`, and their flows as a 16 × slots matrix of Wh."""
        epochs_s, parts = self._slots(day, lambda each: [each.flows[name] for name in FLOWS])
        return epochs_s, np.asarray(parts, np.int64)

    def power(self, day: date) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Slots of a day up to `end`, and the powers as a 5 × slots matrix of W."""
        epochs_s, parts = self._slots(day, lambda each: [each.power[name] for name in POWERS])
        return epochs_s, np.asarray(parts, np.float64)

    def soe(self, day: date) -> tuple[Ints, Ints]:
        """Quarter hours of a day up to `end`, and the state of energy in percent; 0 after now."""
        start_s, end_s = day_bounds(self.clock, day)
        days = self._overlapping(day)
        epochs_s = np.concatenate([each.soe_start.astype(np.int64) for each in days])
        percent = np.concatenate([each.soe_pct for each in days])
        keep = (epochs_s >= start_s) & (epochs_s < end_s) & (epochs_s <= self.end.timestamp())
        epochs_s = epochs_s[keep]
        return epochs_s, percent[keep] * (epochs_s <= self.now.timestamp())

    def daily_sums(self, day: date) -> Ints:
        """Measured Wh of a day up to `end`, in the order of `FLOWS`."""
        start_s, end_s = day_bounds(self.clock, day)
        is_whole = end_s <= self.now.timestamp() and end_s - SLOT_S <= self.end.timestamp()
        if is_whole and (start_s, end_s) == day_bounds(self.truth.spec.zone, day):
            return self.truth.daily_sums(day)
        if is_whole:
            return self.truth.sums_between(start_s, end_s)
        if self.end.timestamp() == start_s:
            return np.zeros(len(FLOWS), np.int64)
        return np.asarray(self.flows(day)[1].sum(axis=1), np.int64)

    def sums(self, first: date, last: date) -> Ints:
        """Measured Wh from first to last day, both included, in the order of `FLOWS`."""
        total = np.zeros(len(FLOWS), np.int64)
        for each in each_day(first, last):
            total += self.daily_sums(each)
        return total

    def _slots(self, day: date, columns: ColumnsOf) -> tuple[Ints, Matrix]:
        start_s, end_s = day_bounds(self.clock, day)
        days = self._overlapping(day)
        epochs_s = np.concatenate([each.interval_start.astype(np.int64) for each in days])
        values = np.concatenate([np.stack(columns(each)) for each in days], axis=1)
        keep = (epochs_s >= start_s) & (epochs_s < end_s) & (epochs_s <= self.end.timestamp())
        epochs_s = epochs_s[keep]
        return epochs_s, values[:, keep] * (epochs_s + SLOT_S <= self.now.timestamp())

    def _overlapping(self, day: date) -> list[DayTruth]:
        """The truth's days that share an instant with a day of the server's clock: one, or two on a fixed offset."""
        start_s, end_s = day_bounds(self.clock, day)
        zone = self.truth.spec.zone
        return list(self.truth.days(local_date(zone, start_s), local_date(zone, end_s - 1)))
