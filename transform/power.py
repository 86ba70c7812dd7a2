"""Series `power`: mean powers of each interval, and the home's share that the API leaves to be worked out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.sites import Site
from transform.slots import Slots, aside, file_intervals, gather, interval_columns, judge_values

DEFAULT_INTERVAL_S = 300
"""Assumed for an answer of a single row; battery sites give five-minute rows (API.md §1.2, kind=power)."""


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `power` → table `power`, `quarantine` for what could not be used, `revisions` of what changed.

    **Shape**: answers of any windows in any order → one row per instant, the last fetched. **Units**: W.
    **Source**: Q5, Q7, Q11, Q12, Q16, Q18, Q22, Q24.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = gather(answers, site, series={"power"}, table="power")
    return {"power": powers(slots), **aside(slots)}


def powers(slots: Slots) -> pd.DataFrame:
    """Rows of mean powers as a frame of table `power`; wrong ones are set aside in `slots`."""
    slots.rows = slots.rows.assign(home_w=_home_w(slots))
    judge_values(slots, "power")
    file_intervals(slots, default_s=DEFAULT_INTERVAL_S)
    return table_frame("power", {**interval_columns(slots), **{name: slots.rows[name] for name in slots.measures}})


def _home_w(slots: Slots) -> pd.Series:
    """Home power: solar + battery + grid + generator; netted, since the API has no load series.

    A generator that the answer does not mention is none, and so is the battery or solar of a site that has none; otherwise
    what is not known makes the home unknown. On a site without a battery whose grid power is zero throughout an answer
    nobody measures the grid, and the home is unknown too: its solar power is not what it used (Q16).
    """
    rows, site = slots.rows, slots.site
    solar = rows["solar_w"] if site.has_solar else rows["solar_w"].fillna(0.0)
    battery = rows["battery_w"] if site.has_battery else rows["battery_w"].fillna(0.0)
    home = solar + battery + rows["grid_w"] + rows["generator_w"].fillna(0.0)
    if site.has_battery:
        return home
    has_grid = np.bincount(rows["answer"], weights=rows["grid_w"].fillna(0.0) != 0.0, minlength=len(slots.answers)) > 0
    return home.where(has_grid[rows["answer"].to_numpy()])
