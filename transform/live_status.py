"""Snapshots of `live_status`: the state of a site at the time of the request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from transform.frames import table_frame
from transform.observations import Observations, gather
from transform.responses import RawResponse, Tables, quarantine_frame, records_of
from transform.sites import Site
from warehouse.schema import MAX_POWER_W, TABLES
from wattlog.pseudonyms import digest_of_device, short_vin
from wattlog.series_spec import Series

_MASKED: Final = "redacted"
"""What earlier versions kept in the place of a VIN and of a connector's number."""

_BATTERY_ONLY = ("soe_pct", "energy_left_wh", "total_pack_energy_wh")
"""A site without a battery gives 0 %, and 1 Wh of a pack that it does not have: no measurements (API.md#live-status)."""


def shape_live_status(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of live_status → `live_status`, `wall_connector_states`, and `quarantine` for what could not be used.

    **Shape**: one snapshot a response, in any order → one row per instant observed, the first fetched: a site that is
    offline repeats its last one; and one row per wall connector of it. **Units**: W, Wh, %.
    **Source**: API.md#live-status, Q38, Q44, Q118.

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
    connectors = _connectors(observations)
    return {
        "live_status": frame,
        "wall_connector_states": connectors,
        "quarantine": quarantine_frame(observations.rejects),
    }


def _from_records(observations: Observations, name: str, kind: type) -> list[Any]:
    """A text or switch of each snapshot; NULL where it is absent or something else."""
    responses = [observations.responses[position] for position in observations.rows["response"].tolist()]
    values = [records_of(response.body, Series.SNAPSHOT)[0].get(name) for response in responses]
    return [value if isinstance(value, kind) else None for value in values]


def _connectors(observations: Observations) -> pd.DataFrame:
    """Each wall connector of each snapshot: its power, and the car that is plugged in (Q118); none without a number."""
    rows: list[dict[str, Any]] = []
    for at, instant in zip(observations.rows["response"].tolist(), observations.rows["instant"], strict=True):
        response = observations.responses[at]
        listed = records_of(response.body, Series.SNAPSHOT)[0].get("wall_connectors")
        found = {row["din_hash"]: row for row in map(_connector, listed if isinstance(listed, list) else ()) if row}
        lineage = {"_fetched_at": response.requested_at, "_raw_id": response.raw_id, "_run_id": response.run_id}
        rows += [
            {"site_id": observations.site.site_id, "observed_at": instant, **row, **lineage} for row in found.values()
        ]
    return table_frame("wall_connector_states", {name: [row[name] for row in rows] for name in rows[0]} if rows else {})


def _connector(listed: object) -> dict[str, Any] | None:
    """The facts of a connector; None where it cannot be distinguished from others."""
    if not isinstance(listed, Mapping) or listed.get("din") in (None, "", _MASKED):
        return None
    vin, state, power_w = (listed.get(name) for name in ("vin", "wall_connector_state", "wall_connector_power"))
    is_power = isinstance(power_w, int | float) and not isinstance(power_w, bool) and abs(power_w) < MAX_POWER_W
    return {
        "din_hash": digest_of_device(str(listed["din"])),
        "vehicle": short_vin(vin) if isinstance(vin, str) and vin and vin != _MASKED else None,
        "state": state if _is_state(state) else None,
        "power_w": power_w if is_power else None,
    }


def _is_state(value: object) -> bool:
    """Whether a value is a number of a state, within the bounds of its column."""
    bounds = TABLES["wall_connector_states"].field("state").bounds
    return type(value) is int and bounds is not None and bounds[0] <= value <= bounds[1]
