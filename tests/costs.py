"""Energy and tariffs for tests of costs: intervals from short lists, and costs from the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.tariffs import Json, flat
from transform.costs.billing import bills
from transform.costs.cycles import BillingRules
from transform.costs.days import daily_costs
from transform.costs.flows import FLOWS, IMPORTED, Intervals
from transform.costs.pricing import hourly_costs
from transform.costs.spans import DatedPrices, DatedTariff, Spans, spans_of
from transform.frames import empty_frame, table_frame
from transform.tariffs import read_tariff
from transform.time import date_column, days_of
from wattlog.local_days import first_instant
from wattlog.zones import Zone

Energies = Mapping[str, Sequence[float] | npt.NDArray[np.float64]]
"""Column of `energy_intervals` → Wh."""

SITE = 1001
LOS_ANGELES = Zone("America/Los_Angeles")

EXPORTED = "grid_energy_exported_from_solar_wh"
GRID_TO_HOME = "consumer_energy_imported_from_grid_wh"
SOLAR_TO_HOME = "consumer_energy_imported_from_solar_wh"
BATTERY_TO_HOME = "consumer_energy_imported_from_battery_wh"
GRID_TO_BATTERY = "battery_energy_imported_from_grid_wh"
SOLAR_TO_BATTERY = "battery_energy_imported_from_solar_wh"
BATTERY_TO_GRID = "grid_energy_exported_from_battery_wh"


def us(instant: datetime) -> int:
    """Microseconds since 1970."""
    return round(instant.timestamp() * 1_000_000)


def begin_of(day: date, zone: tzinfo = LOS_ANGELES) -> int:
    """First instant of a local day, microseconds since 1970."""
    return us(first_instant(day, zone))


def dated(document: Json, begins: date | None = None, ends: date | None = None) -> DatedTariff:
    """A tariff in force from one local day in Los Angeles until another, or always."""
    begins_us = 0 if begins is None else begin_of(begins)
    return DatedTariff(read_tariff(document), begins_us, None if ends is None else begin_of(ends))


def rows(begin_us: int, length_s: int, flows: Energies) -> Intervals:
    """Intervals of one length in a row; flows that are not given are 0."""
    count = len(next(iter(flows.values())))
    energy = {name: np.zeros(count) for name in FLOWS} | {
        name: np.asarray(values, np.float64) for name, values in flows.items()
    }
    starts_us = begin_us + np.arange(count, dtype=np.int64) * length_s * 1_000_000
    return Intervals(starts_us, np.full(count, length_s, np.int64), energy)


def of_days(
    first: date,
    last: date,
    flows: Energies | None = None,
    *,
    zone: tzinfo = LOS_ANGELES,
    length_s: int = 3_600,
    seed: int = 1,
) -> Intervals:
    """Intervals that fill local days, with whole Wh by chance where no flow is given."""
    begin_us, end_us = begin_of(first, zone), begin_of(date.fromordinal(last.toordinal() + 1), zone)
    count = (end_us - begin_us) // (length_s * 1_000_000)
    chance = np.random.default_rng(seed)
    drawn: Energies = flows or {name: chance.integers(0, 900, count).astype(np.float64) for name in FLOWS}
    found = rows(begin_us, length_s, drawn)
    if flows:
        return found
    # As a meter has them: what the home and the battery took from the grid is the import.
    return replace(found, flows={**found.flows, IMPORTED: found.flows[GRID_TO_HOME] + found.flows[GRID_TO_BATTERY]})


def spans(
    first: date,
    last: date,
    *tariffs: DatedTariff,
    zone: tzinfo = LOS_ANGELES,
    prices: DatedPrices | None = None,
    assumes: bool = False,
) -> Spans:
    """The spans of local days, both included."""
    end_us = begin_of(date.fromordinal(last.toordinal() + 1), zone)
    return spans_of(begin_of(first, zone), end_us, zone, tariffs, prices, assumes=assumes)


def amounts(column: pd.Series) -> list[Decimal | None]:
    """Amounts as decimals, None where they are NULL."""
    return [None if pd.isna(value) else Decimal(value) for value in column]


def total(column: pd.Series) -> Decimal:
    """All amounts together."""
    return sum((Decimal(value) for value in column.dropna()), Decimal(0))


def no_days() -> pd.DataFrame:
    """Table `daily` without rows."""
    return empty_frame("daily")


def sums_of_days(days: Sequence[date], imported: Sequence[float], exported: Sequence[float]) -> pd.DataFrame:
    """Rows of `daily` with imports and exports."""
    return table_frame(
        "daily",
        {
            "site_id": SITE,
            "local_date": date_column(np.array(days, "datetime64[D]")),
            "status": "agreed",
            "coverage_pct": 50.0,
            "grid_energy_imported_wh": np.array(imported, np.float64),
            "grid_export_wh": np.array(exported, np.float64),
        },
    )


def billed(
    intervals: Intervals,
    first: date,
    last: date,
    *tariffs: DatedTariff,
    rules: BillingRules | None = None,
    daily: pd.DataFrame | None = None,
    prices: DatedPrices | None = None,
) -> pd.DataFrame:
    """The bills of intervals in Los Angeles."""
    cut = spans(first, last, *tariffs, prices=prices)
    hourly = hourly_costs(SITE, intervals, cut)
    by_day = daily_costs(SITE, hourly, no_days() if daily is None else daily, cut, tariffs)
    return bills(SITE, hourly, by_day, tariffs, rules or BillingRules(), LOS_ANGELES)


def flat_tariff(buy: float, sell: float | None = None, **fields: Any) -> DatedTariff:
    """One price for all times, always in force."""
    return dated(flat(buy, sell, **fields))


def local_dates(frame: pd.DataFrame) -> list[date]:
    """The days of a frame."""
    found: list[date] = days_of(frame["local_date"]).tolist()
    return found
