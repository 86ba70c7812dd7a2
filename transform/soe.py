"""Series `soe`: how full the battery was, in percent of what the app calls full (Q44)."""

from collections.abc import Sequence

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.sites import Site
from transform.slots import aside, file_intervals, gather, interval_columns

DEFAULT_INTERVAL_S = 900
"""Assumed for an answer of a single row; the series comes in quarter hours (API.md §1.2, kind=soe)."""


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `soe` → table `state_of_energy`, `quarantine` for what could not be used, `revisions` of what changed.

    **Shape**: answers of any windows in any order → one row per instant, the last fetched. **Units**: %.
    **Source**: Q5, Q11, Q12, Q18, Q22, Q44.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = gather(answers, site, series={"soe"}, table="state_of_energy")
    file_intervals(slots, default_s=DEFAULT_INTERVAL_S)
    frame = table_frame("state_of_energy", {**interval_columns(slots), "soe_pct": slots.rows["soe_pct"]})
    return {"state_of_energy": frame, **aside(slots)}
