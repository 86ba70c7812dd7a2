"""Series whose rows are intervals: power, state of energy, and the energy of every few minutes.

The API does not give the length of an interval; it was 5, 15, 30 and 60 minutes at different times, on different equipment, and
for different requests (Q10, Q21). Lengths are measured from the distances between rows, and where responses of different
lengths cover the same time, that time counts once.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from transform.day_rows import stands_for_its_day
from transform.frames import table_frame
from transform.interval_lengths import is_counted_once, lack_energy, measure_interval_s
from transform.latest_rows import Ranking, last_wins, note_revisions, prefer_sound
from transform.observations import (
    Mask,
    Observations,
    discard_future,
    gather,
    quarantine_and_revisions,
    quarantine_bad_values,
)
from transform.periods import period_rows
from transform.responses import RawResponse, Tables
from transform.sites import Site
from transform.time import epoch_us, local_date
from transform.windows import outside_windows, quarantine_wrong_windows
from wattlog.series import intervals_of
from wattlog.series_spec import Series

log = logging.getLogger(__name__)

SUPERSEDED = "superseded_energy_intervals"
"""Name among the shaped tables of the superseded intervals: they are in no table of the lake, but they are compared."""

_HOME_PARTS = ("solar_w", "battery_w", "grid_w", "generator_w")
"""Powers that home power is the sum of."""


def shape_energy_intervals(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `energy_interval` → `energy_intervals`, and `quarantine` for what could not be used.

    A row that stands for its whole day (the old era) is no interval: it goes to `energy_periods` with granularity `day` and
    source `calendar_history/day`, and that table is among the results only if there is such a row.

    Where responses of several interval lengths cover the same time, it counts once (Q21). The superseded rows are under
    `SUPERSEDED`, in the columns of `energy_intervals`, if there are any.

    **Shape**: responses of any windows in any order → one row per instant, the last fetched. **Units**: Wh of the interval
    alone. **Source**: Q5, Q7, Q9, Q10, Q11, Q12, Q18, Q22.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = gather(responses, site, series={Series.ENERGY_INTERVAL}, table="energy_intervals")
    is_day = stands_for_its_day(observations)
    days = observations.part(is_day)
    observations.keep(~is_day)
    file_intervals(observations, Series.ENERGY_INTERVAL)
    tables = {"energy_intervals": _interval_frame(observations, "energy_intervals")}
    if observations.superseded is not None and len(observations.superseded):
        tables[SUPERSEDED] = _interval_frame(replace(observations, rows=observations.superseded), "energy_intervals")
    if is_day.any():
        tables["energy_periods"] = period_rows(days)
    return {**tables, **quarantine_and_revisions(observations, days)}


def shape_power(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `power` → table `power`, `quarantine`, and `revisions` if any.

    **Shape**: responses of any windows in any order → one row per instant, the last fetched. **Units**: W.
    **Source**: Q5, Q7, Q11, Q12, Q16, Q18, Q22, Q24.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = gather(responses, site, series={Series.POWER}, table="power")
    return {"power": power_rows(observations), **quarantine_and_revisions(observations)}


def power_rows(observations: Observations) -> pd.DataFrame:
    """Rows of mean powers as a frame of table `power`; those that cannot be used go to `observations.rejects`."""
    observations.rows = observations.rows.assign(home_w=_home_w(observations))
    quarantine_bad_values(observations, "power")
    file_intervals(observations, Series.POWER)
    return _interval_frame(observations, "power")


def _home_w(observations: Observations) -> pd.Series:
    """Home power: solar + battery + grid + generator, since the API has no series of the load.

    A generator without values counts as zero, and so does the battery or solar of a site that has none; any other missing
    power makes the home unknown, and so does a part that cannot be used. On a site without a battery whose grid power is zero
    throughout a response, the grid is not measured, and the home is unknown too: its solar power is not what it used (Q16).
    """
    rows, site = observations.rows, observations.site
    solar = rows["solar_w"] if site.has_solar else rows["solar_w"].fillna(0.0)
    has_battery = site.has_battery_at(rows["instant"])
    battery = rows["battery_w"].where(has_battery, rows["battery_w"].fillna(0.0))
    home = solar + battery + rows["grid_w"] + rows["generator_w"].fillna(0.0)
    is_part = [name in _HOME_PARTS for name in observations.measures]
    home = home.mask(np.asarray(observations.unusable()[:, is_part].any(axis=1)))
    if has_battery.all():
        return home
    is_measured = rows["grid_w"].fillna(0.0) != 0.0
    has_grid = np.bincount(rows["response"], weights=is_measured, minlength=len(observations.responses)) > 0
    return home.where(has_battery | has_grid[rows["response"].to_numpy()])


def shape_soe(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `soe` → table `state_of_energy`, `quarantine`, and `revisions` if any.

    **Shape**: responses of any windows in any order → one row per instant, the last fetched. **Units**: %.
    **Source**: Q5, Q11, Q12, Q18, Q22, Q44.

    Raises:
        ValueError: A response is of another site or series.
    """
    return shape_intervals(responses, site, Series.SOE)


def shape_intervals(responses: Sequence[RawResponse], site: Site, series: Series) -> Tables:
    """Responses of a series whose intervals are stored as they come → its table, `quarantine`, and `revisions` if any.

    **Shape**: responses of any windows in any order → one row per instant, the last fetched. **Units**: as declared.

    Raises:
        ValueError: A response is of another site or series.
    """
    table = intervals_of(series).table
    observations = gather(responses, site, series={series}, table=table)
    file_intervals(observations, series)
    return {table: _interval_frame(observations, table), **quarantine_and_revisions(observations)}


def file_intervals(observations: Observations, series: Series) -> None:
    """Apply the rules for interval rows: no wrong window, no future, no time covered twice, the last fetched wins.

    Afterwards `observations.rows` has a column `interval_s` and is ordered by instant.
    """
    days = observations.response_days()
    has_other_days = quarantine_wrong_windows(observations, days, days, has_intervals=True)
    discard_future(observations, epoch_us(observations.rows["instant"]) >= observations.asked_us)
    owners, usual_s = observations.rows["response"].to_numpy(), intervals_of(series).usual_s
    length_s = measure_interval_s(observations.rows["instant"], owners, default_s=usual_s)
    observations.rows = observations.rows.assign(interval_s=length_s)
    is_outside = np.zeros(len(length_s), dtype=bool)
    if has_other_days:
        days = observations.response_days()
        is_outside = outside_windows(observations, days, days)
    prefer_sound(observations, [epoch_us(observations.rows["instant"]), length_s], is_outside)
    length_s = observations.rows["interval_s"].to_numpy(dtype=np.int64)
    ranking = Ranking.of(observations, [epoch_us(observations.rows["instant"]), length_s])
    note_revisions(observations, ranking, observations.rows["instant"], _is_over(observations))
    last_wins(observations, ranking)
    if len(observations.rows) and (length_s != length_s[0]).any():
        starts_s = epoch_us(observations.rows["instant"]) // 1_000_000
        lengths_s = observations.rows["interval_s"].to_numpy(dtype=np.int64)
        is_filling = _is_over(observations) & ~observations.unusable().any(axis=1)
        if series is Series.ENERGY_INTERVAL:
            wh = np.nan_to_num(observations.rows[observations.measures].to_numpy(dtype=np.float64)).sum(axis=1)
            is_filling &= ~lack_energy(starts_s, lengths_s, wh, observations.asked_us)
        is_counted = is_counted_once(starts_s, lengths_s, is_filling)
        log.debug("intervals superseded site_id=%s rows=%s", observations.site.site_id, int((~is_counted).sum()))
        observations.superseded = observations.rows.loc[~is_counted].reset_index(drop=True)
        observations.keep(is_counted)


def _is_over(observations: Observations) -> Mask:
    """Whether each row's interval was over when it was asked."""
    lengths_us = observations.rows["interval_s"].to_numpy(dtype=np.int64) * 1_000_000
    ends_us = epoch_us(observations.rows["instant"]) + lengths_us
    return np.asarray(ends_us <= observations.asked_us)


def _interval_frame(observations: Observations, table: str) -> pd.DataFrame:
    """Rows that were filed, as a frame of an interval table."""
    rows = observations.rows
    return table_frame(
        table,
        {
            "site_id": observations.site.site_id,
            "interval_start": rows["instant"],
            "interval_s": rows["interval_s"],
            "local_date": local_date(rows["instant"], observations.site.zone),
            **{name: rows[name] for name in observations.measures},
            **observations.lineage,
        },
    )
