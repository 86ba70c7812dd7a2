"""Rows of a time series as the API spells them: names, order, timestamps with offsets, zero totals left out."""

from dataclasses import dataclass
from datetime import date, tzinfo

import numpy as np

from extract.simulator.local_day import Floats, Ints, day_bounds, stamps
from extract.simulator.site import FLOWS

TOTALS: dict[str, tuple[str, ...]] = {
    "total_home_usage": FLOWS[12:16],
    "total_battery_discharge": ("battery_energy_exported",),
    "total_solar_generation": ("solar_energy_exported",),
    "total_battery_charge": FLOWS[9:12],
    "total_grid_energy_exported": FLOWS[5:8],
}
"""Derived measures of a row and what they sum; left out when zero (fact 4, Q42)."""

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Series:
    """A time series of any measures.

    Attributes:
        clock: Whose offset the timestamps carry.
        epochs_s: Instants of the rows, ascending.
        columns: Values by the name that the API gives them.
    """

    clock: tzinfo
    epochs_s: Ints
    columns: dict[str, Ints] | dict[str, Floats]

    def render(self) -> list[Row]:
        """One dictionary a row; a zero is written `0` whatever the type."""
        names = ("timestamp", *self.columns)
        values = ([each or 0 for each in column.tolist()] for column in self.columns.values())
        return [
            dict(zip(names, row, strict=True)) for row in zip(stamps(self.clock, self.epochs_s), *values, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class EnergyRows:
    """Rows of kind=energy.

    Attributes:
        clock: Whose offset the timestamps carry.
        epochs_s: Instants that the rows are stamped with, ascending.
        flows: The sixteen measures, Wh.
        five_minute_since: Rows of days before it have no `raw_timestamp`, no totals, and numbers with a fraction.
    """

    clock: tzinfo
    epochs_s: Ints
    flows: dict[str, Ints]
    five_minute_since: date

    def render(self) -> list[Row]:
        """One dictionary a row, in the API's order."""
        texts = stamps(self.clock, self.epochs_s)
        modern_s, _ = day_bounds(self.clock, self.five_minute_since)
        modern = int(np.searchsorted(self.epochs_s, modern_s))
        names = ("timestamp", *FLOWS)
        columns = [self.flows[name].tolist() for name in FLOWS]
        rows = [dict(zip(names, row, strict=True)) for row in zip(texts, *columns, strict=True)]
        for row in rows[:modern]:
            row.update((name, float(row[name])) for name in FLOWS)
        for row in rows[modern:]:
            row["raw_timestamp"] = row["timestamp"]
        for name, parts in TOTALS.items():
            total = sum(self.flows[part] for part in parts)
            for index, value in enumerate(np.asarray(total).tolist()[modern:], modern):
                if value:
                    rows[index][name] = value
        return rows
