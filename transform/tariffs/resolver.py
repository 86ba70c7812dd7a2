"""The price at an instant: a tariff as a grid of the week for each season, and instants looked up in it.

Where a price is not known it is NULL: outside of all periods, where periods or seasons overlap, where a period has no price,
and on the sell side of a tariff without one (Q131, Q132). NULL is not 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray

from transform.tariffs.tariff import ALL, MINUTES_PER_DAY, MINUTES_PER_WEEK, Rates, Side, Tariff
from transform.tariffs.week import AMBIGUOUS, UNCOVERED, label_codes, runs
from transform.time import local_walls

Codes = npt.NDArray[np.int16]
Ints = npt.NDArray[np.int64]

_LEAP_YEAR: Final = np.arange(np.datetime64("2024-01-01"), np.datetime64("2025-01-01"))
"""The 366 days in which every month and day of a season is found, 29 February included (Q129)."""

_MONTHS: Final = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
_MONTH_STARTS: Final = (_MONTHS - _LEAP_YEAR[0]).astype(np.int64)

_DAYS: Final = tuple((day.month, day.day) for day in _LEAP_YEAR.tolist())

_THURSDAY: Final = 3
"""Day of the week of 1 January 1970."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What applies in a part of a season's week.

    Attributes:
        label: The period's label; `ALL` where none applies and the price of all times does.
        energy_micro: Price per kWh; None where it is not known.
        demand_micro: Price per kW; None where it is not known.
    """

    label: str | None = None
    energy_micro: int | None = None
    demand_micro: int | None = None


@dataclass(frozen=True, slots=True)
class SideGrid:
    """One side of a tariff as arrays.

    Attributes:
        seasons: Names of the seasons; the one after the last (None) is for days that are in no season or in several.
        season_of_day: Position in `seasons` for each of the 366 days of a leap year.
        cells: The distinct cells.
        week: Position in `cells` by season and minute of the week.
    """

    seasons: tuple[str | None, ...]
    season_of_day: Codes
    cells: tuple[Cell, ...]
    week: Codes


def side_grid(side: Side | None) -> SideGrid:
    """One side of a tariff as arrays; without a side, one season without label and price."""
    if side is None:
        return SideGrid((None,), np.zeros(366, np.int16), (Cell(),), np.zeros((1, MINUTES_PER_WEEK), np.int16))
    cells: dict[Cell, int] = {}
    weeks = [
        _season_week(side, season.name, tuple(season.periods), tuple(season.periods.values()), cells)
        for season in side.seasons
    ]
    weeks.append(_season_week(side, None, (), (), cells))
    names = (*(season.name for season in side.seasons), None)
    return SideGrid(names, _season_of_day(side), tuple(cells), np.stack(weeks))


def price_of(rates: Rates, season: str | None, label: str) -> int | None:
    """The price of a label in a season, in millionths of the currency; None where none is known.

    The season's price of the label, else the season's `ALL`, else `ALL` of the label, else `ALL` of `ALL` (Q131).
    """
    of_season = rates.get(season, {}) if season is not None else {}
    for prices in (of_season, rates.get(ALL, {})):
        for name in (label, ALL):
            if name in prices:
                return prices[name]
    return None


def _season_week(
    side: Side, season: str | None, labels: Sequence[str], periods: Sequence[Any], cells: dict[Cell, int]
) -> Codes:
    """The position of the cell of each minute of a season's week; new cells are added to `cells`."""
    flat = price_of(side.energy, season, ALL)
    outside = Cell(None if flat is None else ALL, flat, price_of(side.demand, season, ALL))
    kinds = {UNCOVERED: outside, AMBIGUOUS: Cell()}
    for code, label in enumerate(labels):
        kinds[code] = Cell(label, price_of(side.energy, season, label), price_of(side.demand, season, label))
    codes = label_codes(periods)
    week = np.zeros(MINUTES_PER_WEEK, np.int16)
    for code in np.unique(codes).tolist():
        week[codes == code] = cells.setdefault(kinds[code], len(cells))
    return week


def _season_of_day(side: Side) -> Codes:
    seasons = np.full(366, len(side.seasons), np.int16)
    covered = np.zeros(366, np.int16)
    for position, season in enumerate(side.seasons):
        is_inside = np.array([season.covers(*day) for day in _DAYS])
        seasons[is_inside] = position
        covered += is_inside
    seasons[covered > 1] = len(side.seasons)
    return seasons


def resolve(tariff: Tariff, starts: pd.DatetimeIndex, zone: tzinfo) -> pd.DataFrame:
    """Season, label and price at each instant.

    **Shape**: n instants (tz-aware, in any order) → n rows in the same order with the columns `season` and `buy_label` (of the
    buy side), `buy_micro_per_kwh`, `sell_micro_per_kwh`. Names are categorical, prices Int64; each is NULL where it is not
    known.
    **Units**: millionths of the tariff's currency per kWh.

    Args:
        tariff: The tariff.
        starts: Beginnings of the intervals to be priced.
        zone: The zone of the site, whose wall clock the tariff follows (Q130).
    """
    clock = _Clock.of(starts, zone)
    buy, sell = side_grid(tariff.buy), side_grid(tariff.sell)
    bought, sold = clock.cells(buy), clock.cells(sell)
    return pd.DataFrame(
        {
            "season": _named(clock.seasons(buy), buy.seasons),
            "buy_label": _named(bought, [cell.label for cell in buy.cells]),
            "buy_micro_per_kwh": _amounts(bought, [cell.energy_micro for cell in buy.cells]),
            "sell_micro_per_kwh": _amounts(sold, [cell.energy_micro for cell in sell.cells]),
        }
    )


def resolve_demand(tariff: Tariff, starts: pd.DatetimeIndex, zone: tzinfo) -> ExtensionArray:
    """Demand price of imports at each instant.

    **Shape**: n instants → n prices in the same order (Int64), NULL where none is known.
    **Units**: millionths of the tariff's currency per kW of the highest power.
    """
    buy = side_grid(tariff.buy)
    return _amounts(_Clock.of(starts, zone).cells(buy), [cell.demand_micro for cell in buy.cells])


def grid(tariff: Tariff) -> pd.DataFrame:
    """Every part of each season's week, as rows that SQL can join.

    **Shape**: one row per `side` (buy, sell), `season`, `day_of_week` (0 Monday to 6), and `from_minute` to `to_minute` (of the
    day, the end not included) with `label`, `micro_per_kwh`, `micro_per_kw`. Each minute of each season's week is in one row.
    A season that is NULL is for the days that are in none or in several, if there are any.
    """
    rows = [
        (side, *row)
        for side, of_side in (("buy", side_grid(tariff.buy)), ("sell", side_grid(tariff.sell)))
        for position, season in enumerate(of_side.seasons)
        if season is not None or position in of_side.season_of_day
        for row in _week_rows(of_side, position)
    ]
    columns = (
        *("side", "season", "day_of_week", "from_minute", "to_minute"),
        *("label", "micro_per_kwh", "micro_per_kw"),
    )
    frame = pd.DataFrame(rows, columns=pd.Index(columns)).astype({"season": "str", "label": "str"})
    return frame.astype({"micro_per_kwh": "Int64", "micro_per_kw": "Int64"})


def _week_rows(of_side: SideGrid, season: int) -> Iterator[tuple[object, ...]]:
    """The rows of a season in `grid`, without the side."""
    for day in range(7):
        minutes = of_side.week[season, day * MINUTES_PER_DAY : (day + 1) * MINUTES_PER_DAY]
        for begin, end, code in runs(minutes):
            cell = of_side.cells[code]
            yield of_side.seasons[season], day, begin, end, cell.label, cell.energy_micro, cell.demand_micro


@dataclass(frozen=True, slots=True)
class _Clock:
    """Instants on the wall clock of a site.

    Attributes:
        first_day: Days since 1970 of the first local day.
        days: Local day of each instant, from `first_day` on.
        minutes: Minute of the local day.
    """

    first_day: int
    days: Ints
    minutes: Ints

    @classmethod
    def of(cls, starts: pd.DatetimeIndex, zone: tzinfo) -> "_Clock":
        walls = local_walls(pd.Series(starts), zone).astype("datetime64[m]").view(np.int64)
        days = walls // MINUTES_PER_DAY
        first_day = int(days.min()) if len(days) else 0
        return cls(first_day, days - first_day, walls - days * MINUTES_PER_DAY)

    def seasons(self, of_side: SideGrid) -> Codes:
        """Position of the season of each instant."""
        by_day = self._season_by_day(of_side)
        return np.take(by_day, self.days)

    def cells(self, of_side: SideGrid) -> Codes:
        """Position of the cell of each instant: one look-up by day, and one in the week of the season."""
        day_of_week = (self._days() + _THURSDAY) % 7
        base = self._season_by_day(of_side).astype(np.int64) * MINUTES_PER_WEEK + day_of_week * MINUTES_PER_DAY
        return np.take(of_side.week, base[self.days] + self.minutes)

    def _season_by_day(self, of_side: SideGrid) -> Codes:
        months, days = _month_and_day(self._days().astype("datetime64[D]"))
        positions: Ints = _MONTH_STARTS[months] + days
        return np.take(of_side.season_of_day, positions)

    def _days(self) -> Ints:
        """Each local day from the first to the last, as days since 1970."""
        return np.arange(self.first_day, self.first_day + int(self.days.max(initial=-1)) + 1)


def _month_and_day(days: npt.NDArray[np.datetime64]) -> tuple[Ints, Ints]:
    """Month and day of the month of each day, both counted from 0."""
    months = days.astype("datetime64[M]")
    return months.astype(np.int64) % 12, (days - months.astype("datetime64[D]")).astype(np.int64)


def _named(codes: Codes, names: Sequence[str | None]) -> ExtensionArray:
    """Names by code as a categorical column."""
    distinct = list(dict.fromkeys(name for name in names if name is not None))
    positions = np.array([-1 if name is None else distinct.index(name) for name in names], np.int16)
    return pd.Categorical.from_codes(positions[codes], dtype=pd.CategoricalDtype(pd.Index(distinct, dtype="str")))


def _amounts(codes: Codes, amounts: Sequence[int | None]) -> ExtensionArray:
    """Amounts by code, NULL where there is none."""
    values = np.array([amount or 0 for amount in amounts], np.int64)
    is_null = np.array([amount is None for amount in amounts])
    return pd.arrays.IntegerArray(values[codes], is_null[codes])
