"""What came from a source is what went to its uses, within one row."""

from typing import Final

import numpy as np

from transform.day_sums import COLUMN, MEASURES
from transform.reconciliation.comparison import Comparison, Found
from transform.reconciliation.told import Told
from transform.reconciliation.vocabulary import USES, Cause, Check, Granularity, Mask
from transform.sites import Site
from transform.time import Days

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
"""Each source and where its energy goes. Source: API.md §1.2, identities."""

IS_SOURCE: Final = np.isin(MEASURES, list(USES_OF))


def identities(told: Told, site: Site) -> tuple[Told, Told]:
    """The sources on the left, the sums of their uses on the right.

    A row whose splits are all zero though its sources are not is of a solar-only site, which knows no splits: it says
    nothing of identities, so it is left out here and told by `not_split` (Q43).
    """
    uses = np.full(told.values.shape, np.nan)
    for source, parts in USES_OF.items():
        uses[:, COLUMN[source]] = told.values[:, [COLUMN[part] for part in parts]].sum(axis=1)
    split = ~is_unsplit(told, site)
    right = Told(np.full(len(told.rows), USES, dtype=object), uses, told.rows, told.asked_us)
    return told.of(IS_SOURCE).where(split), right.where(split)


def not_split(granularity: Granularity, starts: Days, told: Told, site: Site) -> Found:
    """Sources of which no identity can be checked, each with the reason: rows without a verdict (Q43)."""
    left, nothing = told.of(IS_SOURCE).where(is_unsplit(told, site)), Told.nothing(USES, len(starts))
    never = np.zeros(len(starts), dtype=bool)
    period, measure = np.nonzero(left.values > 0.0)
    verdict, cause = (np.full(len(period), each, dtype=object) for each in (None, Cause.NO_SPLITS.value))
    comparison = Comparison(Check.FLOW_IDENTITY, granularity, starts, left, nothing, never, never)
    return Found(comparison, period, measure, verdict, cause)


def is_unsplit(told: Told, site: Site) -> Mask:
    """Rows of a site without a battery whose splits are all zero or unknown (Q43)."""
    at = [COLUMN[part] for parts in USES_OF.values() for part in parts]
    return np.asarray(told.is_told & (not site.has_battery) & ~(np.nan_to_num(told.values[:, at]) > 0.0).any(axis=1))
