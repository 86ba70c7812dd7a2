"""Snapshots of `live_status`: the state of a site at the time of the request."""

from collections.abc import Sequence
from typing import Any

from transform.frames import table_frame
from transform.observations import Observations, gather
from transform.responses import RawResponse, Tables, quarantine_frame, records_of
from transform.sites import Site
from wattlog.series import Series

_BATTERY_ONLY = ("soe_pct", "energy_left_wh", "total_pack_energy_wh")
"""A site without a battery gives 0 %, and 1 Wh of a pack that it does not have: no measurements (API.md#live-status)."""


def shape_live_status(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of live_status → table `live_status`, and `quarantine` for what could not be used.

    **Shape**: one snapshot a response, in any order → one row per instant observed, the first fetched: a site that is
    offline repeats its last one. **Units**: W, Wh, %.
    **Source**: API.md#live-status, Q38, Q44.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = gather(responses, site, series={Series.SNAPSHOT}, table="live_status")
    observations.keep(~observations.rows.duplicated("instant").to_numpy())
    has_battery = site.has_battery_at(observations.rows["instant"])
    rows = observations.rows
    frame = table_frame(
        "live_status",
        {
            "site_id": site.site_id,
            "observed_at": observations.rows["instant"],
            **{name: rows[name].where(has_battery | (name not in _BATTERY_ONLY)) for name in observations.measures},
            "grid_status": _from_records(observations, "grid_status", str),
            "island_status": _from_records(observations, "island_status", str),
            "storm_mode_active": _from_records(observations, "storm_mode_active", bool),
            **observations.lineage,
        },
    )
    return {"live_status": frame, "quarantine": quarantine_frame(observations.rejects)}


def _from_records(observations: Observations, name: str, kind: type) -> list[Any]:
    """A text or switch of each snapshot; NULL where it is absent or something else."""
    responses = [observations.responses[position] for position in observations.rows["response"].tolist()]
    values = [records_of(response.body, Series.SNAPSHOT)[0].get(name) for response in responses]
    return [value if isinstance(value, kind) else None for value in values]
