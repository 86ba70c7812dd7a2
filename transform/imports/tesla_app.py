"""Exports of the Tesla app: a day as power in kW, or a longer period as energy in kWh, rounded to tenths.

A period has a row for each day, stamped 01:00 until 30 November 2023 and 00:00 since, with the offset of the site; the day is
the date as it is written (Q9). What charged the battery has no column: it follows from the balance of the others. A
solar-only site has a column for solar alone, after a byte order mark. `Home` is taken for all that the home used, a vehicle
included. Source: craigahobbs/solar (MIT), whose files are among the tests.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from transform.imports.batches import header_of
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import SOE, Column, Grain, Mapping
from transform.imports.reading import Content
from wattlog.series_spec import Series

TIME: Final = "date time"
_NAMED: Final = re.compile(r"(?P<what>[\w ]+?) \((?P<unit>kWh|kW|Wh|W|%)\)")

_ENERGY: Final = {
    "home": "home_wh",
    "from powerwall": "battery_energy_exported_wh",
    "to powerwall": "battery_charge_wh",
    "solar energy": "solar_energy_exported_wh",
    "solar": "solar_energy_exported_wh",
    "from grid": "grid_energy_imported_wh",
    "to grid": "grid_export_wh",
    "generator": "generator_energy_exported_wh",
}
_POWER: Final = {
    "home": "home_w",
    "powerwall": "battery_w",
    "solar": "solar_w",
    "solar energy": "solar_w",
    "grid": "grid_w",
    "generator": "generator_w",
}
_BALANCE: Final = frozenset(_ENERGY.values()) - {"generator_energy_exported_wh", "battery_charge_wh"}


def mapping_of(names: Sequence[str], _: str) -> Mapping | None:
    """The mapping of an export, by its header; None for another file."""
    if not names or names[0].lower() != TIME:
        return None
    columns = [column for name in names[1:] if (column := _column(name)) is not None]
    targets = {column.target for column in columns if column.device is None}
    if not targets - {SOE}:
        return None
    is_energy = any(target.endswith("_wh") for target in targets)
    unit = next(column.unit for column in columns if column.target in targets - {SOE})
    return Mapping(
        names[0],
        tuple(columns),
        Grain.BY_STEPS if is_energy else Grain.INTERVALS,
        evidence=f"{unit}, as its header says",
        is_charge_derived=is_energy and targets >= _BALANCE and "battery_charge_wh" not in targets,
        may_end_early=is_energy,
    )


def _column(name: str) -> Column | None:
    match = _NAMED.fullmatch(name)
    if match is None:
        return None
    what, unit = match["what"].lower(), match["unit"]
    if what == "vehicle":
        return Column(name, "energy" if unit.endswith("Wh") else "power", unit, device="vehicle")
    if unit == "%":
        return Column(name, SOE, unit) if what == "energy remaining" else None
    target = (_ENERGY if unit.endswith("Wh") else _POWER).get(what)
    return None if target is None else Column(name, target, unit)


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    yield from read_csv(file, zone, mapping_of)


def _recognises(sample: Sample) -> bool:
    return mapping_of(header_of(sample.head), "") is not None


TESLA_APP: Final = Format(Series.IMPORT_TESLA_APP, "export of the Tesla app", _recognises, _contents)
