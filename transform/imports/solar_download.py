"""Files of tesla-solar-download and its forks: what the API gave then, as CSV.

    power/2023-05-23.csv    W, every five minutes        2023-05-23.csv    the same in the first version
    soe/2023-05-23.csv      %, every quarter hour
    energy/2023-05.csv      Wh, a row a day              energy.csv        the same in the first version

Times are on the site's clock without an offset, in newer files with one. A row that stands for a day is stamped 01:00 (Q9),
00:00, or with the date alone. `.partial.csv` was written before its day or month was over. The columns that a file has vary.
Source: netzero-labs/tesla-solar-download (its pages).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from transform.imports.batches import header_of
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import SOE, Column, Grain, Mapping
from transform.imports.reading import Content
from wattlog.energy_flows import API_FLOWS
from wattlog.series_spec import Series

TIME: Final = "timestamp"
PARTIAL: Final = ".partial.csv"
_POWER: Final = {
    "solar_power": "solar_w",
    "battery_power": "battery_w",
    "grid_power": "grid_w",
    "generator_power": "generator_w",
    "load_power": "home_w",
}


def mapping_of(names: Sequence[str], file_name: str) -> Mapping | None:
    """The mapping of a file, by its header and name; None for another file."""
    if not names or names[0] != TIME:
        return None
    power = [Column(name, _POWER[name], "W") for name in names if name in _POWER]
    energy = [Column(name, f"{name}_wh", "Wh") for name in names if name in API_FLOWS]
    if power and not energy:
        return Mapping(TIME, tuple(power), Grain.INTERVALS, evidence="W, as the tool writes power")
    if energy and not power:
        is_partial = file_name.endswith(PARTIAL)
        return Mapping(
            TIME, tuple(energy), Grain.BY_STEPS, evidence="Wh, as the tool writes energy", is_partial=is_partial
        )
    if list(names) == [TIME, "soe"]:
        return Mapping(
            TIME, (Column("soe", SOE, "%"),), Grain.INTERVALS, evidence="%, as the tool writes the state of energy"
        )
    return None


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    yield from read_csv(file, zone, mapping_of)


def _recognises(sample: Sample) -> bool:
    return mapping_of(header_of(sample.head), "") is not None


SOLAR_DOWNLOAD: Final = Format(Series.IMPORT_SOLAR_DOWNLOAD, "download of tesla-solar-download", _recognises, _contents)
