"""Whether two tariffs have the same prices: Tesla normalises a document that is written, so bytes cannot be compared (Q131)."""

import numpy as np
import numpy.typing as npt

from transform.tariffs.document import Json, read_tariff
from transform.tariffs.resolver import SideGrid, side_grid
from transform.tariffs.tariff import Side

_UNKNOWN = -(2**62)
"""Stands for a price that is not known; no price is as low."""


def has_same_prices(asked: Json, shown: Json) -> bool:
    """Whether two documents resolve to the same price of a kWh in every minute of every day of the year.

    Charges other than energy are not compared, and neither is a sell side that was not asked for.
    """
    wanted, found = read_tariff(asked), read_tariff(shown)
    if not _is_same(wanted.buy, found.buy):
        return False
    return wanted.sell is None or (found.sell is not None and _is_same(wanted.sell, found.sell))


def _is_same(left: Side, right: Side) -> bool:
    grids = side_grid(left), side_grid(right)
    prices = tuple(map(_week_prices, grids))
    pairs = {tuple(pair) for pair in np.stack([grid.season_of_day for grid in grids], axis=1).tolist()}
    return all(np.array_equal(prices[0][one], prices[1][other]) for one, other in pairs)


def _week_prices(grid: SideGrid) -> npt.NDArray[np.int64]:
    """The price of each minute of the week, by season."""
    of_cell = np.array(
        [_UNKNOWN if cell.energy_micro is None else cell.energy_micro for cell in grid.cells], dtype=np.int64
    )
    prices: npt.NDArray[np.int64] = of_cell[grid.week]
    return prices
