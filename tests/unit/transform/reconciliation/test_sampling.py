"""What power cannot show, by rows of equal and of different length."""

import numpy as np
import pytest

from transform.day_sums import COLUMN, POWERS, DayRows
from transform.reconciliation.sampling import hidden_wh
from warehouse.schema import FLOWS

GRID = [COLUMN["grid_energy_imported_wh"], COLUMN["grid_export_wh"]]
BATTERY = [COLUMN["battery_energy_exported_wh"], COLUMN["battery_charge_wh"]]


def rows(names: tuple[str, ...], length_s: int, start_s: int = 0, **columns: list[float]) -> DayRows:
    """Rows of one day, one after another."""
    count = len(next(iter(columns.values())))
    values = np.zeros((count, len(names)))
    for name, numbers in columns.items():
        values[:, names.index(name)] = numbers
    begun_us = (start_s + np.arange(count) * length_s) * 1_000_000
    lengths = np.full(count, length_s)
    return DayRows(np.zeros(count, dtype=np.int64), begun_us, lengths, lengths, values)


def energy(length_s: int, come: list[float], go: list[float]) -> DayRows:
    return rows(FLOWS, length_s, grid_energy_imported_wh=come, grid_energy_exported_from_solar_wh=go)


def hidden(of_energy: DayRows, of_power: DayRows) -> list[float]:
    found = hidden_wh(of_energy, of_power, 1)
    assert found[:, BATTERY].tolist() == [[0.0, 0.0]]
    return list(found[0, GRID])


@pytest.mark.parametrize(
    ("of_energy", "of_power", "wh"),
    [
        (energy(300, [10, 0], [8, 5]), rows(POWERS, 300, grid_w=[24.0, -60.0]), 8),
        (energy(300, [10, 0, 0], [0, 5, 0]), rows(POWERS, 900, grid_w=[20.0]), 5),
        (energy(900, [10], [5]), rows(POWERS, 300, grid_w=[120.0, -48.0, 0.0]), 1),
        (energy(900, [10], [5]), rows(POWERS, 300, grid_w=[120.0, -60.0, 0.0]), 0),
        (energy(300, [10], [8]), rows(POWERS, 300, start_s=300, grid_w=[24.0]), 0),
        (energy(300, [10, 4], [8, 3]), rows(POWERS, 300, start_s=300, grid_w=[24.0]), 3),
        (energy(300, [], []), rows(POWERS, 900, grid_w=[400.0, -200.0, -100.0, 40.0, 0.0]), 46.25),
    ],
    ids=["same", "longer power", "shorter power", "power shows all", "other time", "power of a part", "no energy"],
)
def test_the_smaller_direction_of_each_slot_is_hidden(of_energy: DayRows, of_power: DayRows, wh: float) -> None:
    """Q34: both directions lack it."""
    assert hidden(of_energy, of_power) == pytest.approx([wh, wh])
