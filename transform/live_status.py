"""Snapshots of `live_status`: what the site did when the run asked."""

from collections.abc import Sequence
from typing import Any

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.quarantine import quarantine_frame
from transform.sites import Site
from transform.slots import Ranking, Slots, gather, last_wins
from transform.time import epoch_us

_BATTERY_ONLY = ("soe_pct", "energy_left_wh", "total_pack_energy_wh")
"""A site without a battery gives 0 %, and 1 Wh of a pack it has not: not measurements (API.md §1.4)."""


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of live_status → table `live_status`, and `quarantine` for what could not be used.

    **Shape**: one snapshot an answer, in any order → one row per instant observed, the last fetched. **Units**: W, Wh, %.
    **Source**: API.md §1.4, Q38, Q44.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = gather(answers, site, series={"live_status", "snapshot"}, table="live_status")
    last_wins(slots, Ranking.of(slots, [epoch_us(slots.rows["instant"])]))
    is_measured = [name for name in slots.measures if site.has_battery or name not in _BATTERY_ONLY]
    frame = table_frame(
        "live_status",
        {
            "site_id": site.site_id,
            "observed_at": slots.rows["instant"],
            **{name: slots.rows[name] for name in is_measured},
            "grid_status": _from_records(slots, "grid_status", str),
            "island_status": _from_records(slots, "island_status", str),
            "storm_mode_active": _from_records(slots, "storm_mode_active", bool),
            **slots.lineage,
        },
    )
    return {"live_status": frame, "quarantine": quarantine_frame(slots.rejects)}


def _from_records(slots: Slots, name: str, kind: type) -> list[Any]:
    """A word or switch of each snapshot; NULL where it is absent or something else."""
    values = [slots.parsed[answer].records[0].get(name) for answer in slots.rows["answer"].tolist()]
    return [value if isinstance(value, kind) else None for value in values]
