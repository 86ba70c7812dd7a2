"""Database `powerwall` of Powerwall-Dashboard: the points that its server has of a simulated site, by retention policy."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import numpy as np

from extract.simulator import FLOWS
from tests.import_files import House

ENERGIES = {
    "home": "consumer_energy_imported_from_",
    "solar": "solar_energy_exported",
    "from_pw": "battery_energy_exported",
    "to_pw": "battery_energy_imported_from_",
    "from_grid": "grid_energy_imported",
    "to_grid": "grid_energy_exported_from_",
}
"""Field → the flows that it is the sum of."""

PACK_WH = 13_000.0


def dashboard_points(house: House, days: Iterable[date]) -> dict[str, list[str]]:
    """Policy → its points in line protocol, times in seconds."""
    found: dict[str, list[str]] = {"autogen": [], "kwh": [], "daily": [], "pod": [], "grid": []}
    for day in days:
        starts = house.truth.day(day).interval_start.astype(np.int64).tolist()
        kwh, watts = _kwh(house, day), _watts(house, day)
        found["daily"].append(_point(house, starts[0], {name: float(of.sum()) for name, of in kwh.items()}))
        for hour in range(0, len(starts), 12):
            of_hour = {name: float(of[hour : hour + 12].sum()) for name, of in kwh.items()}
            found["kwh"].append(_point(house, starts[hour], of_hour))
        for at, second in enumerate(starts):
            power = {name: float(of[at]) for name, of in watts.items()}
            found["autogen"].append(_point(house, second, {**power, "percentage": 52.5}))
        for second in starts[::12]:
            found["pod"].append(_point(house, second, {"PW1_POD_nom_full_pack_energy": PACK_WH, "PW1_other": 1.0}))
            found["grid"].append(_point(house, second, {"grid_status": 1.0}))
    return found


def _kwh(house: House, day: date) -> dict[str, np.ndarray]:
    flows = house.truth.day(day).flows
    return {
        name: np.sum([flows[flow] for flow in FLOWS if flow.startswith(prefix)], axis=0) / 1000
        for name, prefix in ENERGIES.items()
    }


def _watts(house: House, day: date) -> dict[str, np.ndarray]:
    found = house.truth.day(day).power
    return {
        "home": found["solar_power"] + found["battery_power"] + found["grid_power"] + found["generator_power"],
        "solar": found["solar_power"],
        "from_pw": np.maximum(found["battery_power"], 0),
        "to_pw": np.maximum(-found["battery_power"], 0),
        "from_grid": np.maximum(found["grid_power"], 0),
        "to_grid": np.maximum(-found["grid_power"], 0),
    }


def _point(house: House, second: int, fields: Mapping[str, float]) -> str:
    """A point, with the month of the site's clock as a tag."""
    local = datetime.fromtimestamp(second, UTC).astimezone(house.site.zone)
    text = ",".join(f"{name}={value!r}" for name, value in fields.items())
    return f"http,month={local:%b},year={local:%Y} {text} {second}"


def export_of(points: Mapping[str, list[str]]) -> str:
    """The points as `influx_inspect export` writes them: policy by policy, field by field, times in nanoseconds."""
    lines = ["# INFLUXDB EXPORT: 1677-09-21", "# DDL", "CREATE DATABASE powerwall WITH NAME autogen", "# DML"]
    for policy, of_policy in points.items():
        lines += ["# CONTEXT-DATABASE:powerwall", f"# CONTEXT-RETENTION-POLICY:{policy}", "# writing tsm data"]
        by_field: dict[tuple[str, str], list[str]] = {}
        for point in of_policy:
            tags, fields, second = point.split(" ")
            for field in fields.split(","):
                name = field.partition("=")[0]
                by_field.setdefault((tags, name), []).append(f"{tags} {field} {second}000000000")
        lines += [line for key in sorted(by_field) for line in by_field[key]]
    return "\n".join([*lines, ""])
