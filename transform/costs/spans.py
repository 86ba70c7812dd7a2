"""Spans: the time of a site cut at each local hour and wherever the price changes, so that each part has one price.

Everything is computed on the instants of UTC; the site's clock only says where an hour begins. An hour that the clocks repeat
is two spans, an hour that they skip is none (Q130).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from enum import StrEnum
from math import gcd
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionArray

from transform.costs.amounts import Ints, Mask
from transform.tariffs import Tariff, resolve, resolve_demand
from transform.time import Days, instants_of, local_walls
from wattlog.local_days import first_instants_us

Texts = npt.NDArray[np.object_]

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_US: Final = 1_000_000
_HOUR_US: Final = _HOUR_S * _US
_MINUTES_PER_DAY: Final = 1_440
_NO_AMOUNT: Final = np.iinfo(np.int64).min
_FOREVER_US: Final = np.iinfo(np.int64).max


class Basis(StrEnum):
    """Whether the tariff that energy is priced by was in force when it flowed."""

    IN_FORCE = "in_force"
    ASSUMED = "assumed"


SPOT: Final = "SPOT"
"""The label of energy that is priced by interval."""

NO_TARIFF: Final = -1
"""Position where no tariff is in force."""


@dataclass(frozen=True, slots=True)
class DatedTariff:
    """A tariff and the time in which it is in force.

    Attributes:
        tariff: The tariff.
        begins_us: Its first instant, microseconds since 1970.
        ends_us: The first instant after it; None where no end is known.
    """

    tariff: Tariff
    begins_us: int
    ends_us: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What applies to the energy of a span.

    Attributes:
        tariff_basis: Whether it was in force; None without a tariff.
        currency: ISO 4217 code; None where none is known.
        season: Season of the price of imports; empty where there is none.
        label: Label of the price of imports; empty where there is none.
        buy_micro: Price of imports per kWh, in millionths of the currency; None where it is not known.
        sell_micro: Price of exports per kWh; None where it is not known.
        demand_micro: Price per kW of the highest import; None where there is none.
    """

    tariff_basis: Basis | None = None
    currency: str | None = None
    season: str = ""
    label: str = ""
    buy_micro: int | None = None
    sell_micro: int | None = None
    demand_micro: int | None = None


@dataclass(frozen=True, slots=True)
class DatedPrices:
    """Prices by interval, oldest first, none of which overlap.

    Attributes:
        starts_us: First instant of each interval, microseconds since 1970.
        ends_us: First instant after each.
        buy_micro: Price of imports per kWh, in millionths of the currency.
        sell_micro: Price of exports.
        has_sell: Whether the price of exports is known.
        currency: ISO 4217 code of each.
    """

    starts_us: Ints
    ends_us: Ints
    buy_micro: Ints
    sell_micro: Ints
    has_sell: Mask
    currency: Texts

    @classmethod
    def none(cls) -> "DatedPrices":
        """No prices."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, nothing, nothing, np.zeros(0, bool), np.zeros(0, object))

    def checksum(self, begin_us: int, end_us: int) -> str:
        """Identifies the prices of the intervals that reach into a time."""
        rows = slice(np.searchsorted(self.ends_us, begin_us, side="right"), np.searchsorted(self.starts_us, end_us))
        numbers = (self.starts_us, self.ends_us, self.buy_micro, self.sell_micro, self.has_sell)
        found = hashlib.sha256("\n".join(self.currency[rows]).encode())
        for values in numbers:
            found.update(values[rows].tobytes())
        return found.hexdigest()

    def price(self, place: int, demand_micro: int | None = None) -> Price:
        """The price of an interval, and of demand by the tariff that is in force then."""
        sell_micro = int(self.sell_micro[place]) if self.has_sell[place] else None
        currency, buy_micro = str(self.currency[place]), int(self.buy_micro[place])
        return Price(Basis.IN_FORCE, currency, "", SPOT, buy_micro, sell_micro, demand_micro)


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans in a row, without gaps.

    Attributes:
        starts_us: First instant of each, microseconds since 1970.
        end_us: First instant after the last.
        days: Local day of each.
        code: Position of the price of each.
        in_force: Position of the tariff in force when each begins, also where energy is priced by interval; `NO_TARIFF` where
            there is none.
        prices: The distinct prices.
    """

    starts_us: Ints
    end_us: int
    days: Days
    code: Ints
    in_force: Ints
    prices: tuple[Price, ...]

    @property
    def ends_us(self) -> Ints:
        """First instant after each."""
        return np.append(self.starts_us[1:], self.end_us)

    def amounts(self, name: str) -> tuple[Ints, Mask]:
        """One of the prices of each span, 0 where there is none, and where there is none."""
        values: list[int | None] = [getattr(price, name) for price in self.prices]
        is_null = np.array([value is None for value in values], bool)
        return np.array([value or 0 for value in values], np.int64)[self.code], is_null[self.code]

    def texts(self, name: str) -> ExtensionArray:
        """A text of the price of each span, NULL where it is None."""
        names = pa.array([getattr(price, name) for price in self.prices], pa.large_string())
        found: ExtensionArray = pd.array(names.take(pa.array(self.code)), dtype="str")
        return found

    def at(self, positions: npt.NDArray[np.intp]) -> "Spans":
        """Some of them, which need not be in a row any more."""
        chosen = {name: getattr(self, name)[positions] for name in ("starts_us", "days", "code", "in_force")}
        return replace(self, **chosen)

    def __len__(self) -> int:
        return len(self.starts_us)


def spans_of(
    begin_us: int,
    end_us: int,
    zone: tzinfo,
    tariffs: Sequence[DatedTariff],
    prices: DatedPrices | None = None,
    *,
    assumes: bool = False,
) -> Spans:
    """Cut a time into spans.

    Args:
        begin_us: First instant, microseconds since 1970.
        end_us: First instant after it.
        zone: The site's zone.
        tariffs: Tariffs of the site; where several are in force, the last of them counts.
        prices: Prices by interval, which count before any tariff.
        assumes: Price the time in which no tariff was in force by the nearest one, marked as assumed.
    """
    dated_prices = prices or DatedPrices.none()
    starts_us = _cuts(begin_us, end_us, zone, tariffs, dated_prices)
    in_force, is_assumed = tariffs_at(starts_us, tariffs, assumes=assumes)
    code, distinct = _priced(starts_us, zone, tariffs, dated_prices, in_force, is_assumed)
    walls = local_walls(instants_of(starts_us), zone).astype("datetime64[us]")
    walls_us = walls.view(np.int64)
    is_first = _changes(walls_us // _HOUR_US, walls_us - starts_us, code)
    days = walls[is_first].astype("datetime64[D]")
    return Spans(starts_us[is_first], end_us, days, code[is_first], in_force[is_first], distinct)


def tariffs_of_days(days: Days, zone: tzinfo, tariffs: Sequence[DatedTariff], *, assumes: bool = False) -> Ints:
    """Position of the tariff in force when each local day begins; `NO_TARIFF` where there is none."""
    return tariffs_at(first_instants_us(days, zone), tariffs, assumes=assumes)[0]


def _cuts(begin_us: int, end_us: int, zone: tzinfo, tariffs: Sequence[DatedTariff], prices: DatedPrices) -> Ints:
    """Every instant at which an hour may begin or a price may change."""
    step_us = _step_s(begin_us, end_us, zone, tariffs) * _US
    grid = np.arange(-(-begin_us // step_us) * step_us, end_us, step_us)
    others = np.concatenate([np.array([begin_us, *_edges(tariffs)], np.int64), prices.starts_us, prices.ends_us])
    others = np.unique(others[(others >= begin_us) & (others < end_us)])
    others = others[(others - begin_us // step_us * step_us) % step_us != 0] if len(grid) else others
    return np.sort(np.concatenate([grid, others])) if len(others) else grid


def _step_s(begin_us: int, end_us: int, zone: tzinfo, tariffs: Sequence[DatedTariff]) -> int:
    """The longest step, counted from 1970 in UTC, that meets every full hour of the clock and every change of a price."""
    step = _HOUR_S
    for dated in tariffs:
        for minute in _minutes(dated.tariff):
            step = gcd(step, minute * _MINUTE_S)
    days = np.unique(np.append(np.arange(begin_us, end_us, 86_400 * _US), end_us))
    offsets_us = local_walls(instants_of(days), zone).astype("datetime64[us]").view(np.int64) - days
    for offset_us in np.unique(offsets_us).tolist():
        step = gcd(step, offset_us // _US)
    return step


def _minutes(tariff: Tariff) -> Iterator[int]:
    for side in (tariff.buy, tariff.sell):
        for season in side.seasons if side is not None else ():
            for periods in season.periods.values():
                for period in periods:
                    yield from (period.from_minute % _MINUTES_PER_DAY, period.to_minute % _MINUTES_PER_DAY)


def _edges(tariffs: Sequence[DatedTariff]) -> Iterator[int]:
    for dated in tariffs:
        yield dated.begins_us
        if dated.ends_us is not None:
            yield dated.ends_us


def tariffs_at(starts_us: Ints, tariffs: Sequence[DatedTariff], *, assumes: bool) -> tuple[Ints, Mask]:
    """Position of the tariff at each instant, `NO_TARIFF` where there is none, and whether it was not in force then."""
    found = np.full(len(starts_us), NO_TARIFF, np.int64)
    for position, dated in enumerate(tariffs):
        ends_us = _FOREVER_US if dated.ends_us is None else dated.ends_us
        found[(starts_us >= dated.begins_us) & (starts_us < ends_us)] = position
    is_open = found == NO_TARIFF
    if not (assumes and tariffs and is_open.any()):
        return found, np.zeros(len(starts_us), bool)
    ends = np.array([_FOREVER_US if dated.ends_us is None else dated.ends_us for dated in tariffs])
    begins = np.array([dated.begins_us for dated in tariffs])
    away = np.maximum(begins[:, None] - starts_us[is_open], starts_us[is_open] - ends[:, None])
    found[is_open] = np.argmin(away, axis=0)
    return found, is_open


def _prices_at(starts_us: Ints, prices: DatedPrices) -> Ints:
    """Position of the price at each instant, -1 where there is none."""
    if not len(prices.starts_us):
        return np.full(len(starts_us), -1, np.int64)
    at = np.searchsorted(prices.starts_us, starts_us, side="right") - 1
    return np.where((at >= 0) & (starts_us < prices.ends_us[at]), at, -1)


def _priced(
    starts_us: Ints,
    zone: tzinfo,
    tariffs: Sequence[DatedTariff],
    prices: DatedPrices,
    in_force: Ints,
    is_assumed: Mask,
) -> tuple[Ints, tuple[Price, ...]]:
    """The price at each instant: its position among the distinct ones, and these."""
    by_interval = _prices_at(starts_us, prices)
    is_by_interval = by_interval >= 0
    code, distinct = np.zeros(len(starts_us), np.int64), [Price()]
    for place, dated in enumerate(tariffs):
        for assumed, basis in ((False, Basis.IN_FORCE), (True, Basis.ASSUMED)):
            at = np.flatnonzero((in_force == place) & (is_assumed == assumed) & ~is_by_interval)
            if len(at):
                codes, found = _of_tariff(starts_us[at], zone, dated.tariff, basis)
                code[at] = codes + len(distinct)
                distinct += found
    at = np.flatnonzero(is_by_interval)
    if len(at):
        places = by_interval[at]
        demand_code, demands = _demand_beside(starts_us[at], zone, tariffs, in_force[at], prices.currency[places])
        _, first, codes = np.unique(places * len(demands) + demand_code, return_index=True, return_inverse=True)
        code[at] = codes + len(distinct)
        distinct += [prices.price(places[row], demands[demand_code[row]]) for row in first.tolist()]
    return code, tuple(distinct)


def _demand_beside(
    starts_us: Ints, zone: tzinfo, tariffs: Sequence[DatedTariff], in_force: Ints, currency: Texts
) -> tuple[Ints, list[int | None]]:
    """The demand charge of the tariff in force at instants at which energy is priced by interval.

    Returns:
        A number for each instant, different where season, label or price of the tariff are, and the price by number. A tariff
        in another currency than the prices gives none.
    """
    code = np.zeros(len(starts_us), np.int64)
    demands: list[int | None] = [None]
    for place in np.unique(in_force[in_force >= 0]).tolist():
        tariff = tariffs[place].tariff
        if not tariff.buy.has_demand_charge:
            continue
        is_same = (currency == tariff.currency) | (not tariff.currency)
        at = np.flatnonzero((in_force == place) & is_same)
        if len(at):
            codes, found = _of_tariff(starts_us[at], zone, tariff, Basis.IN_FORCE)
            code[at] = codes + len(demands)
            demands += [price.demand_micro for price in found]
    return code, demands


def _of_tariff(starts_us: Ints, zone: tzinfo, tariff: Tariff, basis: Basis) -> tuple[Ints, list[Price]]:
    """The same where one tariff applies."""
    instants = pd.DatetimeIndex(instants_of(starts_us))
    resolved = resolve(tariff, instants, zone)
    # The label of a season has one price of imports; the price of exports may change at other times.
    seasons, labels = (resolved[name].array for name in ("season", "buy_label"))
    key = seasons.codes.astype(np.int64) * (len(labels.categories) + 1) + labels.codes
    demand = pd.Series(resolve_demand(tariff, instants, zone)) if tariff.buy.has_demand_charge else None
    for amounts in (resolved["sell_micro_per_kwh"], *([] if demand is None else [demand])):
        more, values = pd.factorize(amounts.to_numpy(np.int64, na_value=_NO_AMOUNT))
        key = key * len(values) + more
    code = pd.factorize(key)[0]
    first = np.empty(int(code.max()) + 1, np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    rows = resolved.iloc[first]
    demands = [None] * len(first) if demand is None else [_amount(value) for value in demand.iloc[first]]
    return code, [
        Price(
            basis,
            tariff.currency or None,
            _text(season),
            _text(label),
            _amount(buy),
            _amount(sell),
            of_demand or None,
        )
        for season, label, buy, sell, of_demand in zip(
            rows["season"],
            rows["buy_label"],
            rows["buy_micro_per_kwh"],
            rows["sell_micro_per_kwh"],
            demands,
            strict=True,
        )
    ]


def _amount(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _changes(*columns: Ints) -> Mask:
    """Which rows differ from the one before in any column; the first does."""
    is_first = np.zeros(len(columns[0]), bool)
    is_first[:1] = True
    for values in columns:
        is_first[1:] |= values[1:] != values[:-1]
    return is_first
