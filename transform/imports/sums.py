"""Rows of a file, in order of time, summed by quarter hours: what is kept does not grow with the rows, only with the time.

All offsets from UTC are whole quarter hours, so local days, and the intervals of the API, are whole numbers of these sums. Rows
that are longer than a quarter hour keep their length.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from transform.day_sums import MEASURES, POWER_OF, POWERS, Floats
from transform.imports.mapping import SOE, Grain
from transform.time import Ints

Mask = npt.NDArray[np.bool_]

QUARTER_US: Final = 900 * 1_000_000
LONGEST_US: Final = 86_400 * 1_000_000
"""The longest row that is one: a day."""

_US_PER_HOUR: Final = 3_600_000_000
_STRAIGHT: Final = 1e-6
"""By how much three values may be off a straight line, relative to the largest."""


class OutOfOrder(Exception):
    """A row is not later than the one before it."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Sums by quarter hour, or by longer row, in order of time.

    Attributes:
        begun_us: Beginning of each, microseconds since 1970.
        length_s: Its length.
        rows: Rows that were summed.
        filled: How many of them lie on a straight line between others.
        covered_us: Time that they cover, microseconds.
        measures: The measures, some of `MEASURES`.
        values: Wh, buckets × measures; NaN where no row has one.
        known_us: Time covered by rows that have a value, buckets × measures.
        soe_pct: The state of energy of the first row that has one; NaN without one.
    """

    begun_us: Ints
    length_s: Ints
    rows: Ints
    filled: Ints
    covered_us: Ints
    measures: tuple[str, ...]
    values: Floats
    known_us: Ints
    soe_pct: Floats

    def taken(self, chosen: Mask | Ints) -> "Buckets":
        """Some of them."""
        return replace(
            self,
            **{
                name: getattr(self, name)[chosen]
                for name in ("begun_us", "length_s", "rows", "filled", "covered_us", "values", "known_us", "soe_pct")
            },
        )

    def column(self, measure: str) -> Floats:
        """The values of a measure; NaN throughout where the file has none."""
        if measure not in self.measures:
            return np.full(len(self.begun_us), np.nan)
        return np.asarray(self.values[:, self.measures.index(measure)])

    def known_of(self, measure: str) -> Ints:
        """Microseconds of rows that have a value of a measure."""
        if measure not in self.measures:
            return np.zeros(len(self.begun_us), dtype=np.int64)
        return np.asarray(self.known_us[:, self.measures.index(measure)])


def measures_of(targets: Sequence[str]) -> tuple[str, ...]:
    """The measures that columns of these targets give, in the order of `MEASURES`."""
    powers = [*targets, *(["home_w"] if _is_home_known(targets) else [])]
    of_power = {measure for measure, (power, _) in POWER_OF.items() if power in powers}
    return tuple(measure for measure in MEASURES if measure in targets or measure in of_power)


def _is_home_known(targets: Sequence[str]) -> bool:
    """Whether home power follows from the others, as it does for the API's power."""
    return {"solar_w", "battery_w", "grid_w"} <= set(targets)


@dataclass(slots=True)
class IntervalSums:
    """Adds up rows. The last row added waits for the next one, which shows how long it is.

    Attributes:
        targets: What the columns of the rows are; several may be directions of the same power.
        is_cumulative: Which of them are counters.
        grain: Whether rows are intervals or instants.
        may_be_filled: Straight lines are looked for.
        went_back: Rows after which a counter is smaller.
        length_us: Length of the last row, as far as those before it show it.
    """

    targets: tuple[str, ...]
    is_cumulative: tuple[bool, ...]
    grain: Grain
    may_be_filled: bool = False
    went_back: list[Ints] = field(default_factory=list)
    _measures: tuple[str, ...] = field(init=False)
    _parts: list[Buckets] = field(default_factory=list)
    _waiting_us: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _waiting: Floats = field(init=False)
    _gap_us: int = 0
    length_us: int = 0
    _rows_before: int = 0

    def __post_init__(self) -> None:
        self._measures = measures_of(self.targets)
        self._waiting = np.zeros((0, len(self.targets)))

    def add(self, instants_us: Ints, values: Floats) -> None:
        """Add rows that are later than all before them.

        Args:
            instants_us: When each row begins, microseconds since 1970, ascending.
            values: W, Wh or %, rows × targets.

        Raises:
            OutOfOrder: They are not.
        """
        if len(instants_us) == 0:
            return
        instants_us = np.concatenate([self._waiting_us, instants_us])
        values = np.concatenate([self._waiting, values])
        gaps = np.diff(instants_us)
        if (gaps <= 0).any():
            raise OutOfOrder
        self._waiting_us, self._waiting = instants_us[-1:], values[-1:]
        if len(gaps):
            before = np.append(self._gap_us or gaps[0], gaps[:-1])
            self._gap_us, self.length_us = int(gaps[-1]), int(min(gaps[-1], before[-1]))
            self._sum(instants_us, values, gaps, before)

    def finish(self) -> Buckets:
        """All sums; nothing may be added afterwards."""
        has_last = len(self._waiting_us) and self.grain is Grain.INTERVALS and not any(self.is_cumulative)
        if has_last:
            gap = np.array([self.length_us], dtype=np.int64)
            ends = np.append(self._waiting_us, self._waiting_us + self.length_us)
            self._sum(ends, np.repeat(self._waiting, 2, axis=0), gap, gap)
        elif len(self._waiting_us) and SOE in self.targets:
            gap = np.array([0], dtype=np.int64)
            self._sum(np.repeat(self._waiting_us, 2), np.repeat(self._waiting, 2, axis=0), gap, gap)
        if not self._parts:
            return _nothing(self._measures)
        return together(self._parts)

    def _sum(self, instants_us: Ints, values: Floats, gaps: Ints, before: Ints) -> None:
        """Sum all rows but the last; `gaps` and `before` are the distances to the next row and to the one before."""
        begun_us, rows = instants_us[:-1], values[:-1]
        if any(self.is_cumulative):
            length_us = gaps
        elif self.grain is Grain.INSTANTS:
            length_us = np.where(gaps <= QUARTER_US, gaps, 0)
        else:
            length_us = np.minimum(gaps, before)
        length_us = np.where(length_us > LONGEST_US, 0, length_us)  # of rows so far apart it is not known
        energy = self._energy(rows, values[1:], length_us)
        is_filled = self._filled(values) if self.may_be_filled else np.zeros(len(rows), dtype=bool)
        soe = rows[:, self.targets.index(SOE)] if SOE in self.targets else np.full(len(rows), np.nan)
        is_long = length_us > QUARTER_US
        bucket_us = np.where(is_long, begun_us, begun_us // QUARTER_US * QUARTER_US)
        ends_us = bucket_us + QUARTER_US
        over_us = np.where(is_long, 0, np.maximum(begun_us + length_us - ends_us, 0))
        split = np.flatnonzero(over_us)
        bucket_length_s = np.where(is_long, length_us // 1_000_000, QUARTER_US // 1_000_000)
        one = np.ones(len(rows), dtype=np.int64)
        known = ~np.isnan(energy)
        if len(split):  # a row that reaches into the next quarter hour is divided evenly
            share = over_us[split] / length_us[split]
            energy = np.concatenate([energy, energy[split] * share[:, None]])
            energy[split] *= 1 - share[:, None]
            bucket_us = np.append(bucket_us, ends_us[split])
            bucket_length_s = np.append(bucket_length_s, np.full(len(split), QUARTER_US // 1_000_000))
            length_us = np.append(length_us - over_us, over_us[split])
            known = np.concatenate([known, known[split]])
            one, is_filled = (
                np.append(one, np.zeros(len(split), np.int64)),
                np.append(is_filled, is_filled[split] & False),
            )
            soe = np.append(soe, np.full(len(split), np.nan))
        known_us = known * length_us[:, None]
        part = Buckets(
            bucket_us,
            bucket_length_s,
            one,
            is_filled.astype(np.int64),
            length_us,
            self._measures,
            energy,
            known_us,
            soe,
        )
        self._parts.append(_grouped(part))

    def _energy(self, rows: Floats, following: Floats, length_us: Ints) -> Floats:
        """Wh of each row, rows × measures."""
        hours = length_us / _US_PER_HOUR
        is_instant = self.grain is Grain.INSTANTS
        found = dict[str, Floats]()
        powers = dict[str, list[tuple[Floats, Floats]]]()
        for at, target in enumerate(self.targets):
            own = rows[:, at]
            if target in POWERS:
                powers.setdefault(target, []).append((own, following[:, at] if is_instant else own))
            elif self.is_cumulative[at]:
                grown = following[:, at] - own
                if (grown < 0).any():
                    self.went_back.append(self._rows_before + np.flatnonzero(grown < 0))
                found[target] = np.where(grown < 0, np.nan, grown)
            elif target != SOE:
                found[target] = own
        if "home_w" not in powers and _is_home_known(self.targets):
            names = [name for name in ("solar_w", "battery_w", "grid_w", "generator_w") if name in powers]
            columns = [column for name in names for column in powers[name]]
            powers["home_w"] = [(sum_of(begin for begin, _ in columns), sum_of(end for _, end in columns))]
        for measure, (power, sign) in POWER_OF.items():
            if power in powers and measure not in found:
                of_columns = [
                    (np.maximum(sign * begin, 0.0) + np.maximum(sign * end, 0.0)) / 2 * hours
                    for begin, end in powers[power]
                ]
                found[measure] = _added(of_columns)
        self._rows_before += len(rows)
        found = {name: np.where(length_us > 0, values, np.nan) for name, values in found.items()}
        return np.stack([found[name] for name in self._measures], axis=1) if found else np.zeros((len(rows), 0))

    def _filled(self, values: Floats) -> Mask:
        """Rows but the last that lie on a straight line, not a level one, with the row before and the one after."""
        chosen = values[:, [at for at, target in enumerate(self.targets) if target != SOE]]
        found = np.zeros(len(values), dtype=bool)
        if len(values) > 2 and chosen.shape[1]:
            slope = np.diff(chosen, axis=0)
            bend = np.abs(np.diff(slope, axis=0))
            limit = _STRAIGHT * np.maximum(np.abs(chosen[1:-1]), 1.0)
            is_level = ~(np.abs(slope[1:]) > limit).any(axis=1)
            is_straight = np.asarray((np.isnan(bend) | (bend <= limit)).all(axis=1) & ~is_level)
            found[1:-1] = is_straight & (np.append(is_straight[1:], False) | np.append(False, is_straight[:-1]))
        return found[:-1]


def _added(columns: Sequence[Floats]) -> Floats:
    """The sum of columns that have a direction of the same power each; of a row without a value in one, of the others."""
    if len(columns) == 1:
        return columns[0]
    stacked = np.stack(columns)
    return np.where(np.isnan(stacked).all(axis=0), np.nan, np.nan_to_num(stacked).sum(axis=0))


def sum_of(values: Iterable[Floats]) -> Floats:
    """The sum of some columns; NaN where one has no value."""
    columns = list(values)
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return np.asarray(total)


def _nothing(measures: tuple[str, ...]) -> Buckets:
    none = np.zeros(0, dtype=np.int64)
    values, known_us = np.zeros((0, len(measures))), np.zeros((0, len(measures)), dtype=np.int64)
    return Buckets(none, none, none, none, none, measures, values, known_us, np.zeros(0))


def together(parts: Sequence[Buckets]) -> Buckets:
    """The sums of rows that were added apart; none of them are the same rows."""
    names = ("begun_us", "length_s", "rows", "filled", "covered_us", "values", "known_us", "soe_pct")
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return _grouped(replace(parts[0], **joined))


def _grouped(part: Buckets) -> Buckets:
    """One bucket for each beginning and length."""
    order = np.lexsort((part.length_s, part.begun_us))
    begun_us, length_s = part.begun_us[order], part.length_s[order]
    is_first = np.append(True, (np.diff(begun_us) != 0) | (np.diff(length_s) != 0))
    firsts = np.flatnonzero(is_first)
    if len(firsts) == len(order):
        return part.taken(order)

    def added(values: Any) -> Any:
        return np.add.reduceat(values[order], firsts, axis=0)

    known_us = added(part.known_us)
    is_unknown = np.isnan(part.values)
    sums = added(np.where(is_unknown, 0.0, part.values))
    counts = added((~is_unknown).astype(np.int64))
    soe, owner = part.soe_pct[order], np.cumsum(is_first) - 1
    first_soe = np.full(len(firsts), np.nan)
    with_soe = np.flatnonzero(~np.isnan(soe))[::-1]
    first_soe[owner[with_soe]] = soe[with_soe]
    return replace(
        part,
        begun_us=begun_us[firsts],
        length_s=length_s[firsts],
        rows=added(part.rows),
        filled=added(part.filled),
        covered_us=added(part.covered_us),
        values=np.where(counts > 0, sums, np.nan),
        known_us=known_us,
        soe_pct=first_soe,
    )
