"""Days whose highest import may be missing: a quarter hour that is not stored may have had the peak."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

import numpy as np
import pandas as pd

from transform.costs.spans import DatedTariff, spans_of
from transform.time import Days, days_of, epoch_us
from wattlog.local_days import first_instants_us

_US: Final = 1_000_000


def days_with_unknown_demand(
    hourly: pd.DataFrame, tariffs: Sequence[DatedTariff], zone: tzinfo, *, assumes: bool
) -> Days:
    """The local days on which a part of the time with a demand charge is not stored, in order.

    What is before the first stored row and after the last is not missing: it is not a part of any bill.

    **Shape**: rows of `hourly_costs` of one site, in order of `starts_at` → at most one day for each day.

    Args:
        hourly: What each span cost.
        tariffs: The tariffs of the site.
        zone: The site's zone.
        assumes: Whether the nearest tariff counts where none was in force.
    """
    no_days = np.zeros(0, "datetime64[D]")
    if len(hourly) < 2 or not any(dated.tariff.buy.has_demand_charge for dated in tariffs):
        return no_days
    days = days_of(hourly["local_date"])
    every_day = np.arange(days[0], days[-1] + 2)
    edges_us = first_instants_us(every_day, zone)
    stored_s = hourly["stored_s"].to_numpy(np.int64)
    by_day = np.bincount((days - days[0]).astype(np.int64), weights=stored_s, minlength=len(every_day) - 1)
    incomplete = np.flatnonzero(by_day < np.diff(edges_us) // _US)
    if not len(incomplete):
        return no_days
    spans = spans_of(int(edges_us[incomplete[0]]), int(edges_us[incomplete[-1] + 1]), zone, tariffs, assumes=assumes)
    starts_us = epoch_us(hourly["starts_at"])
    row = np.searchsorted(spans.starts_us, starts_us, side="right") - 1
    is_inside = (row >= 0) & (starts_us < spans.end_us)
    by_span = np.bincount(row[is_inside], weights=stored_s[is_inside], minlength=len(spans))
    is_charged = spans.amounts("demand_micro")[0] > 0
    is_between = (spans.starts_us > starts_us[0]) & (spans.ends_us <= starts_us[-1])
    is_missing = is_charged & is_between & (by_span < (spans.ends_us - spans.starts_us) // _US)
    return np.unique(spans.days[is_missing])
