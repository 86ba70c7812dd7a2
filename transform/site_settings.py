"""Table `site_settings`: what the control commands set, as a history of what site_info reported."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd

from transform.frames import empty_frame, table_frame
from transform.site_zone import number
from transform.tariffs.validity import tariff_in_site_info
from warehouse.schema import TABLES
from wattlog.api_json import checksum
from wattlog.commands.settings import SETTINGS, Setting

Facts = Mapping[str, Any]

_SEEN: Final = tuple(
    name for name in TABLES["site_settings"].columns if name not in {"site_id", "valid_from", "valid_to"}
)


def settings_frame(site_id: int, seen: Iterable[tuple[datetime, Facts]]) -> pd.DataFrame:
    """Site_info as it was seen at several instants → table `site_settings`.

    **Shape**: snapshots in any order → one row per stretch in which nothing changed, in order of time; only changes make
    rows, and of several snapshots of one instant the last counts. When between two snapshots something was set is not
    known: a row begins when it was first seen.
    **Units**: %. **Source**: API.md#site-info.

    Args:
        site_id: The site.
        seen: Instants (aware) and the `response` of site_info.
    """
    at_instants = dict(sorted(seen, key=lambda snapshot: snapshot[0]))  # of several at one instant the last
    ordered = list(at_instants.items())
    if not ordered:
        return empty_frame("site_settings")
    values = pd.DataFrame([settings_of(info) for _, info in ordered], columns=list(_SEEN), dtype=object)
    instants = pd.Series([instant for instant, _ in ordered], dtype="datetime64[us, UTC]")
    before = values.shift(1)
    is_change = ((values != before) & ~(values.isna() & before.isna())).any(axis=1)
    is_change.iloc[0] = True
    valid_from = instants[is_change].reset_index(drop=True)
    kept = values[is_change].reset_index(drop=True)
    return table_frame(
        "site_settings",
        {
            "site_id": site_id,
            "valid_from": valid_from,
            "valid_to": valid_from.shift(-1),
            **{name: list(kept[name].where(kept[name].notna(), None)) for name in _SEEN},
        },
    )


def settings_of(info: Facts) -> dict[str, Any]:
    """The settings in a site_info; None for those that are absent or of another type."""
    found = {name: spec.value_in_info(info) for name, spec in SETTINGS.items()}
    tariff = tariff_in_site_info(info)
    return {
        "backup_reserve_pct": _percent(found[Setting.RESERVE]),
        "default_real_mode": _text(found[Setting.MODE]),
        "storm_mode_enabled": _switch(found[Setting.STORM_WATCH]),
        "customer_preferred_export_rule": _text(found[Setting.EXPORT]),
        "disallow_charge_from_grid": _switch(found[Setting.GRID_CHARGING]),
        "off_grid_vehicle_charging_reserve_pct": _percent(found[Setting.OFF_GRID_RESERVE]),
        "tariff_sha256": None if tariff is None else checksum(tariff),
        "firmware_version": _text(info.get("version")),
    }


def _percent(value: object) -> float | None:
    percent = number(value)
    return percent if percent is not None and 0 <= percent <= 100 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _switch(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
