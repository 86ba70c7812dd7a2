"""A mapping that an owner writes, as TOML, for files of a tool that wattlog has no format for.

[time]
column = "time"
zone = "Europe/Berlin"     # of times without an offset; the site's where it is left out
unit = "text"              # or "s", "ms": since 1970

[rows]
are = "intervals"          # or "instants", "days"

[csv]                      # may be left out
delimiter = ";"            # or ",", "tab"
decimal = ","              # or "."

[[columns]]
column = "PV (kW)"
measure = "solar_w"        # a measure of wattlog, or the name of a reading where there is a device
unit = "kW"
cumulative = false         # a counter of energy
negated = false            # + is charging, or exporting
device = "inverter 1"      # only for readings of a device
"""

import tomllib
from typing import Any, Final

from transform.imports.mapping import DELIMITERS, TARGETS, UNITS, Column, Grain, Mapping, Stamps, unit_kind
from wattlog.zones import zone_named

_KEYS: Final = {
    "": {"time", "rows", "columns", "csv"},
    "csv": {"delimiter", "decimal"},
    "time": {"column", "zone", "unit"},
    "rows": {"are"},
    "columns": {"column", "measure", "unit", "cumulative", "negated", "device", "gateway_scale"},
}
_GRAINS: Final = {grain.value: grain for grain in Grain if grain is not Grain.BY_STEPS}
_STAMPS: Final = {stamps.value: stamps for stamps in Stamps}


class BadMapping(ValueError):
    """A mapping that cannot be used. Its text says where and why."""


def parse_mapping(content: bytes) -> Mapping:
    """The mapping of a TOML document.

    Raises:
        BadMapping: It is none.
    """
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadMapping(f"it is no TOML: {error}") from None
    _refuse_others("", document)
    time, rows = _table(document, "time"), _table(document, "rows")
    columns = document.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(column, dict) for column in columns):
        raise BadMapping("it needs [[columns]]: a table for each column that is used")
    grain = _GRAINS.get(_text(rows, "rows", "are", ""))
    if grain is None:
        raise BadMapping(f"rows.are must be one of {', '.join(_GRAINS)}")
    stamps = _STAMPS.get(_text(time, "time", "unit", Stamps.TEXT.value))
    if stamps is None:
        raise BadMapping(f"time.unit must be one of {', '.join(_STAMPS)}")
    zone = _text(time, "time", "zone", "") or None
    if zone is not None and zone_named(zone) is None:
        raise BadMapping(f"time.zone {zone} is no time zone; write it like Europe/Berlin or UTC-07:00")
    found = tuple(_column(column, number, grain) for number, column in enumerate(columns, start=1))
    targets = [column.target for column in found if column.device is None]
    repeated = sorted({target for target in targets if targets.count(target) > 1})
    if repeated:
        raise BadMapping(f"two columns are {repeated[0]}")
    delimiter, decimal = _csv(document)
    return Mapping(
        _text(time, "time", "column"),
        found,
        grain,
        stamps,
        zone,
        evidence="as the mapping says",
        delimiter=delimiter,
        decimal=decimal,
    )


def _csv(document: dict[str, Any]) -> tuple[str, str]:
    """What is between values, and the decimal mark."""
    table = _table(document, "csv") if "csv" in document else {}
    delimiter, decimal = _text(table, "csv", "delimiter", ","), _text(table, "csv", "decimal", ".")
    if delimiter not in DELIMITERS:
        raise BadMapping(f"csv.delimiter must be one of {' '.join(DELIMITERS)}")
    if decimal not in {".", ","}:
        raise BadMapping("csv.decimal must be a point or a comma")
    if decimal == delimiter:
        raise BadMapping('csv: with decimal = "," the delimiter is ";" or "tab"')
    return DELIMITERS[delimiter], decimal


def _column(table: dict[str, Any], number: int, grain: Grain) -> Column:
    where = f"columns[{number}]"
    _refuse_others("columns", table, where)
    name, measure, unit = (_text(table, where, key) for key in ("column", "measure", "unit"))
    device = _text(table, where, "device", "") or None
    if device is not None:
        return Column(name, measure, unit, device=device)
    if measure not in TARGETS:
        raise BadMapping(f"{where}.measure {measure} is none of {', '.join(sorted(TARGETS))}")
    kind = unit_kind(measure)
    if unit not in UNITS or not unit.endswith(kind) or (kind == "W" and unit.endswith("Wh")):
        fitting = [name for name in UNITS if name.endswith(kind) and (kind != "W" or not name.endswith("Wh"))]
        raise BadMapping(f"{where}.unit {unit} does not fit {measure}; it can be {', '.join(fitting)}")
    is_cumulative = _flag(table, where, "cumulative")
    if is_cumulative and kind != "Wh":
        raise BadMapping(f"{where}.cumulative: only energy is counted, and {measure} is in {kind}")
    if is_cumulative and grain is Grain.DAYS:
        raise BadMapping(f"{where}.cumulative: the rows of a counter are instants, not days")
    if kind == "Wh" and not is_cumulative and grain is Grain.INSTANTS:
        raise BadMapping(f'{where}: energy at an instant is a counter; write cumulative = true, or are = "intervals"')
    if kind == "W" and grain is Grain.DAYS:
        raise BadMapping(f"{where}.measure {measure} is power, and the rows are days")
    return Column(
        name,
        measure,
        unit,
        is_negated=_flag(table, where, "negated"),
        is_cumulative=is_cumulative,
        is_gateway_scale=_flag(table, where, "gateway_scale"),
    )


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    table = document.get(name)
    if not isinstance(table, dict):
        raise BadMapping(f"it needs a table [{name}]")
    _refuse_others(name, table, name)
    return table


def _refuse_others(kind: str, table: dict[str, Any], where: str = "") -> None:
    unknown = sorted(table.keys() - _KEYS[kind])
    if unknown:
        place = f"{where}." if where else ""
        raise BadMapping(f"{place}{unknown[0]} is no key of a mapping; there are {', '.join(sorted(_KEYS[kind]))}")


def _text(table: dict[str, Any], where: str, key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise BadMapping(f"{where}.{key} must be a text")
    return value


def _flag(table: dict[str, Any], where: str, key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise BadMapping(f"{where}.{key} must be true or false")
    return value
