"""Flow identities: within one row, the energy of a source equals the sum of its uses."""

from typing import Final

import numpy as np

from transform.day_sums import COLUMN, MEASURES, Mask
from transform.reconciliation.comparison import Comparison, Found
from transform.reconciliation.source_values import USES, SourceValues
from transform.sites import Site
from transform.time import Days
from wattlog.causes import Cause, Check, Granularity

USES_OF: Final[dict[str, tuple[str, ...]]] = {
    f"{source}_wh": tuple(f"{use}_wh" for use in uses)
    for source, uses in {
        "solar_energy_exported": (
            "consumer_energy_imported_from_solar",
            "battery_energy_imported_from_solar",
            "grid_energy_exported_from_solar",
        ),
        "generator_energy_exported": (
            "consumer_energy_imported_from_generator",
            "battery_energy_imported_from_generator",
            "grid_energy_exported_from_generator",
        ),
        "grid_energy_imported": ("consumer_energy_imported_from_grid", "battery_energy_imported_from_grid"),
        "battery_energy_exported": ("consumer_energy_imported_from_battery", "grid_energy_exported_from_battery"),
    }.items()
}
"""Each source and its uses. Source: API.md#flow-identities."""

IS_SOURCE: Final = np.isin(MEASURES, list(USES_OF))


def identities(reported: SourceValues, starts: Days, ends: Days, site: Site) -> tuple[SourceValues, SourceValues]:
    """The sources on the left, the sums of their uses on the right.

    Sites without a battery report no splits: all of them are zero although the sources are not. Their identities cannot be
    checked, so such rows are left out here; `not_split` makes rows for them (Q43).
    """
    uses = np.full(reported.values.shape, np.nan)
    for source, parts in USES_OF.items():
        uses[:, COLUMN[source]] = reported.values[:, [COLUMN[part] for part in parts]].sum(axis=1)
    split = ~is_unsplit(reported, starts, ends, site)
    right = SourceValues(np.full(len(reported.rows), USES, dtype=object), uses, reported.rows, reported.asked_us)
    return reported.of(IS_SOURCE).where(split), right.where(split)


def not_split(granularity: Granularity, starts: Days, ends: Days, reported: SourceValues, site: Site) -> Found:
    """Rows without a verdict for sources whose identity cannot be checked, with the reason as their cause (Q43)."""
    left, nothing = (
        reported.of(IS_SOURCE).where(is_unsplit(reported, starts, ends, site)),
        SourceValues.nothing(USES, len(starts)),
    )
    never = np.zeros(len(starts), dtype=bool)
    period, measure = np.nonzero(left.values > 0.0)
    verdict, cause = (np.full(len(period), value, dtype=object) for value in (None, Cause.NO_SPLITS.value))
    comparison = Comparison(Check.FLOW_IDENTITY, granularity, starts, left, nothing, never, never)
    return Found(comparison, period, measure, verdict, cause)


def is_unsplit(reported: SourceValues, starts: Days, ends: Days, site: Site) -> Mask:
    """Rows of periods that begin without a battery: their splits are all zero or unknown, or lack the days before it (Q43)."""
    splits = [COLUMN[part] for parts in USES_OF.values() for part in parts]
    has_split = np.asarray((np.nan_to_num(reported.values[:, splits]) > 0.0).any(axis=1))
    first = starts if site.installed_on is None else np.maximum(starts, np.datetime64(site.installed_on, "D"))
    is_added = ~site.has_battery_on(first) & site.has_battery_on(ends)
    return np.asarray(reported.is_reported & (~site.has_battery_on(starts) & ~has_split | is_added))
