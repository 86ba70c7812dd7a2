"""A lake of several sites and years of five-minute rows, made of numbers alone; for what begins at the lake."""

from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from warehouse.errors import Nonconforming
from warehouse.lake.lake import Lake
from warehouse.schema import TABLES

LAST_YEAR: Final = 2025
STEPS_S: Final = {"power": 300, "energy_intervals": 300, "state_of_energy": 900}
"""Table → seconds between its rows."""


def rows(name: str, site_id: int, months: pd.PeriodIndex, night: int = 0) -> pd.DataFrame:
    """Plausible rows of some months; numbers differ from night to night."""
    table, step_s = TABLES[name], STEPS_S[name]
    first, last = months[0].start_time, months[-1].end_time
    starts = pd.date_range(first, last, freq=f"{step_s}s", tz="UTC").as_unit("us")
    numbers = np.random.default_rng(site_id + night).integers(0, 400, (len(table.fields), len(starts))) / 4
    local_dates = starts.tz_localize(None).floor("D")
    given: dict[str, object] = {
        "site_id": site_id,
        "interval_start": starts,
        "local_date": local_dates,
        "interval_s": step_s,
        "_fetched_at": pd.Timestamp("2026-01-01", tz="UTC"),
        "_raw_id": local_dates.strftime("%Y%m%d"),
        "_run_id": "run",
    }
    return pd.DataFrame({field.name: given.get(field.name, numbers[at]) for at, field in enumerate(table.fields)})


def fill(lake: Lake, sites: range, years: int) -> None:
    """Whole years: a year that is over is one file where the lake has such files, else twelve; the last is by months."""
    for year, site_id, name in product(range(LAST_YEAR - years + 1, LAST_YEAR + 1), sites, STEPS_S):
        months = pd.period_range(f"{year}-01", f"{year}-12", freq="M")
        if year < LAST_YEAR and has_years(lake, name, site_id):
            lake.write(name, rows(name, site_id, months), site_id=site_id, period=str(year), digest="bench")
        else:
            _write_months(lake, name, site_id, months)


def one_more_night(lake: Lake, sites: range, night: int) -> None:
    """What a night changes: the newest month of every table of every site."""
    newest = pd.period_range(f"{LAST_YEAR}-12", f"{LAST_YEAR}-12", freq="M")
    for site_id, name in product(sites, STEPS_S):
        _write_months(lake, name, site_id, newest, night)


def has_years(lake: Lake, name: str, site_id: int) -> bool:
    """Whether a file of the lake can hold a year."""
    try:
        lake.path(name, site_id, str(LAST_YEAR))
    except Nonconforming:
        return False
    return True


def _write_months(lake: Lake, name: str, site_id: int, months: pd.PeriodIndex, night: int = 0) -> None:
    for at, month in enumerate(months):
        frame = rows(name, site_id, months[at : at + 1], night)
        lake.write(name, frame, site_id=site_id, period=str(month), digest=str(night))


def fleet(directory: Path, sites: int, years: int) -> tuple[Lake, range]:
    """Such a lake, made where it is not there, and the ids of its sites."""
    lake, ids = Lake(directory / "lake"), range(1001, 1001 + sites)
    if not lake.root.exists():
        fill(lake, ids, years)
    return lake, ids
