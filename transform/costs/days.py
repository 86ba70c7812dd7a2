"""What each local day cost: exactly where all of its energy is stored by intervals, else between two bounds.

Of a day with missing intervals the best estimate may still have the sum. What is missing then flowed at some time that is not
stored, so it cost at least the lowest price of that time and at most the highest. Nothing is guessed in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.costs.amounts import NANO_PER_MICRO, Floats, Ints, Mask, micro_of, money, nano_of, priced
from transform.costs.cycles import Cycle
from transform.costs.flows import IMPORTED
from transform.costs.spans import Basis, DatedTariff, Spans
from transform.frames import empty_frame, table_frame
from transform.time import Days, date_column, days_of, epoch_us
from wattlog.tolerances import tolerance_wh

TABLE: Final = "daily_costs"
VARIANTS: Final = ("without_solar", "without_battery", "without_both")
_US: Final = 1_000_000
_NO_PRICE: Final = np.iinfo(np.int64).max

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Side:
    """Imports or exports of each day.

    Attributes:
        stored: Cost of the energy that is stored by intervals, in billionths.
        low: The least that all of it costs.
        high: The most.
        is_known: Whether the cost of what is stored is known.
        has_bounds: Whether the bounds are.
    """

    stored: Ints
    low: Ints
    high: Ints
    is_known: Mask
    has_bounds: Mask


def daily_costs(
    site_id: int, hourly: pd.DataFrame, daily: pd.DataFrame, spans: Spans, tariffs: Sequence[DatedTariff]
) -> pd.DataFrame:
    """The cost of each day that has energy.

    **Shape**: rows of `hourly_costs` and of `daily` of one site → rows of `daily_costs`, one for each day of either.

    Args:
        site_id: The site.
        hourly: What each span cost.
        daily: The best estimate of the same days.
        spans: The spans that `hourly` is made of; they cover all days.
        tariffs: The tariffs that `spans` is made of.
    """
    of_hours = days_of(hourly["local_date"])
    of_days = days_of(daily["local_date"])
    has_energy = daily["grid_energy_imported_wh"].notna().to_numpy(bool)
    days = np.unique(np.concatenate([of_hours, of_days[has_energy]]))
    if not len(days):
        return empty_frame(TABLE)
    at = np.searchsorted(days, of_hours)
    rest = _Rest.of(hourly, daily, days, at, spans)
    basis = _basis(spans, days)
    has_tariff = np.array([name is not None for name in basis])
    bought = _side(hourly, "import", at, rest, has_tariff, *spans.amounts("buy_micro"))
    sold = _side(hourly, "export", at, rest, has_tariff, *spans.amounts("sell_micro"))
    is_bounded = (rest.imported > 0) | (rest.exported > 0)
    is_exact = bought.is_known & ~is_bounded
    first_of_day = np.searchsorted(spans.days, days)
    columns = {
        "site_id": site_id,
        "local_date": date_column(days),
        "currency": spans.at(first_of_day).texts("currency"),
        "tariff_basis": basis,
        "grid_import_wh": _sums(hourly["grid_import_wh"].to_numpy(np.float64), at, days),
        "grid_export_wh": _sums(hourly["grid_export_wh"].to_numpy(np.float64), at, days),
        "import_cost": money(bought.stored, ~(bought.is_known & (rest.imported == 0))),
        "import_cost_low": money(bought.low, ~bought.has_bounds),
        "import_cost_high": money(bought.high, ~bought.has_bounds),
        "export_credit": money(sold.stored, ~(sold.is_known & (rest.exported == 0))),
        "export_credit_low": money(sold.low, ~sold.has_bounds),
        "export_credit_high": money(sold.high, ~sold.has_bounds),
        "is_bounded": is_bounded,
        "battery_import_cost": money(_amounts(hourly["battery_import_cost"], at, len(days)), ~is_exact),
        "ev_import_cost": money(_amounts(hourly["ev_import_cost"], at, len(days)), ~is_exact),
        "daily_charges": _daily_charges(spans, first_of_day, tariffs),
    }
    for name in VARIANTS:
        nano, is_known = _variant(hourly, name, at, days)
        columns[f"{name}_cost"] = money(nano, ~(is_known & has_tariff & ~is_bounded))
    return table_frame(TABLE, columns)


@dataclass(frozen=True, slots=True)
class _Rest:
    """Energy of each day that is in its sum and not in its intervals, in Wh, and when it may have flowed.

    Attributes:
        imported: Import; 0 where there is none.
        exported: Export.
        days: Day of each span that is not stored from end to end, by position.
        spans: Position of that span.
    """

    imported: Floats
    exported: Floats
    days: Places
    spans: Places

    @classmethod
    def of(cls, hourly: pd.DataFrame, daily: pd.DataFrame, days: Days, at: Places, spans: Spans) -> "_Rest":
        stored_s = np.zeros(len(spans), np.int64)
        stored_s[np.searchsorted(spans.starts_us, epoch_us(hourly["starts_at"]))] = hourly["stored_s"].to_numpy(
            np.int64
        )
        open_spans = np.flatnonzero(stored_s < (spans.ends_us - spans.starts_us) // _US)
        day = np.searchsorted(days, spans.days[open_spans])
        is_day = (day < len(days)) & (days[np.minimum(day, len(days) - 1)] == spans.days[open_spans])
        open_spans, day = open_spans[is_day], day[is_day]
        is_open = np.bincount(day, minlength=len(days)) > 0
        place = np.searchsorted(days, days_of(daily["local_date"]))
        place = np.minimum(place, len(days) - 1)
        is_day = days[place] == days_of(daily["local_date"])
        found = []
        for total, stored in ((IMPORTED, "grid_import_wh"), ("grid_export_wh", "grid_export_wh")):
            sums = np.full(len(days), np.nan)
            sums[place[is_day]] = daily[total].to_numpy(np.float64)[is_day]
            of_intervals = _sums(hourly[stored].to_numpy(np.float64), at, days)
            more = np.nan_to_num(sums - of_intervals)
            rows = np.bincount(at, minlength=len(days)).astype(np.float64)
            found.append(np.where(is_open & (more > tolerance_wh(sums, of_intervals, rows)), more, 0.0))
        return cls(found[0], found[1], day, open_spans)


def _side(
    hourly: pd.DataFrame, flow: str, at: Places, rest: _Rest, has_tariff: Mask, micro: Ints, is_null: Mask
) -> _Side:
    name = "import_cost" if flow == "import" else "export_credit"
    rest_wh = rest.imported if flow == "import" else rest.exported
    days = len(rest_wh)
    stored = _amounts(hourly[name], at, days)
    is_missing = hourly[name].isna().to_numpy(bool) & (hourly[f"grid_{flow}_wh"].to_numpy(np.float64) != 0)
    is_known = (np.bincount(at, weights=is_missing, minlength=days) == 0) & has_tariff
    lowest, highest = np.full(days, _NO_PRICE), np.full(days, -_NO_PRICE)
    np.minimum.at(lowest, rest.days, micro[rest.spans])
    np.maximum.at(highest, rest.days, micro[rest.spans])
    is_unpriced = np.bincount(rest.days, weights=is_null[rest.spans], minlength=days) > 0
    has_rest = rest_wh > 0
    has_bounds = is_known & ~(has_rest & is_unpriced)
    extra_low, extra_high = (np.where(has_rest & has_bounds, price, 0) for price in (lowest, highest))
    low, high = stored + priced(rest_wh, extra_low), stored + priced(rest_wh, extra_high)
    return _Side(stored, low, high, is_known, has_bounds)


def _variant(hourly: pd.DataFrame, name: str, at: Places, days: Days) -> tuple[Ints, Mask]:
    """Imports less exports of a counterfactual by day, and whether all of it has a price."""
    total, is_missing = np.zeros(len(hourly), np.int64), np.zeros(len(hourly), bool)
    for flow, price, sign in (("import", "buy_per_kwh", 1), ("export", "sell_per_kwh", -1)):
        energy_wh = hourly[f"{name}_{flow}_wh"].to_numpy(np.float64)
        total += sign * priced(energy_wh, micro_of(hourly[price]))
        is_missing |= hourly[price].isna().to_numpy(bool) & (energy_wh != 0)
    summed = np.zeros(len(days), np.int64)
    np.add.at(summed, at, total)
    return summed, np.bincount(at, weights=is_missing, minlength=len(days)) == 0


def _amounts(column: pd.Series, at: Places, days: int) -> Ints:
    summed = np.zeros(days, np.int64)
    np.add.at(summed, at, nano_of(column))
    return summed


def _sums(values: Floats, at: Places, days: Days) -> Floats:
    return np.bincount(at, weights=values, minlength=len(days)).astype(np.float64)


def _basis(spans: Spans, days: Days) -> list[str | None]:
    """The basis of each day: NULL if no tariff is known for a part of it, assumed if one was not in force for a part."""
    at = np.searchsorted(days, spans.days)
    is_day = (at < len(days)) & (days[np.minimum(at, len(days) - 1)] == spans.days)
    at, code = at[is_day], spans.code[is_day]
    is_unknown, is_assumed = (
        np.bincount(at, weights=np.array(flags)[code], minlength=len(days)) > 0
        for flags in (
            [price.tariff_basis is None for price in spans.prices],
            [price.tariff_basis is Basis.ASSUMED for price in spans.prices],
        )
    )
    return [
        None if unknown else Basis.ASSUMED.value if assumed else Basis.IN_FORCE.value
        for unknown, assumed in zip(is_unknown.tolist(), is_assumed.tolist(), strict=True)
    ]


def _daily_charges(
    spans: Spans, first_of_day: Places, tariffs: Sequence[DatedTariff]
) -> pd.api.extensions.ExtensionArray:
    """The charges of the tariff in force when each day begins, also where energy is priced by interval.

    NULL where these prices are in another currency than the tariff.
    """
    charges = np.array([dated.tariff.buy.daily_micro for dated in tariffs] + [0], np.int64) * NANO_PER_MICRO
    of_tariffs = np.array([dated.tariff.currency for dated in tariffs] + [""], object)
    position = spans.in_force[first_of_day]  # NO_TARIFF is negative: the zero at the end
    of_prices = np.array([price.currency for price in spans.prices], object)[spans.code[first_of_day]]
    is_other = (of_tariffs[position] != of_prices) & (of_tariffs[position] != "")
    return money(charges[position], (position < 0) | is_other)


def rows_of(days: Days, cycle: Cycle) -> slice:
    """The rows of a cycle among rows in order of their days."""
    edges = np.array([cycle.first_day, cycle.last_day + timedelta(days=1)], "datetime64[D]")
    return slice(*np.searchsorted(days, edges).tolist())
