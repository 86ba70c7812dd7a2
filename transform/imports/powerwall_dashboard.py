"""`export.csv` of Powerwall-Dashboard: minutes of power in W, in UTC.

    TimeStamp,Solar,Powerwall,Home,Grid,Charge
    2024-03-13T00:47:00Z,430,2187,2558,-59,10.5

The tool fills its holes with straight lines, so values that lie on one are marked. Its percentage is the gateway's (Q44).
Source: Powerwall-Dashboard (its page about the export).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from transform.imports.batches import header_of
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.mapping import SOE, Column, Grain, Mapping
from transform.imports.reading import Content
from wattlog.series import Series

HEADER: Final = ("TimeStamp", "Solar", "Powerwall", "Home", "Grid", "Charge")
_TARGETS: Final = {"Solar": "solar_w", "Powerwall": "battery_w", "Home": "home_w", "Grid": "grid_w"}


def mapping_of(names: Sequence[str], _: str) -> Mapping | None:
    """The mapping of the file, by its header; None for another file."""
    if tuple(names) != HEADER:
        return None
    columns = [Column(name, target, "W") for name, target in _TARGETS.items()]
    return Mapping(
        "TimeStamp",
        (*columns, Column("Charge", SOE, "%", is_gateway_scale=True)),
        Grain.INTERVALS,
        zone="UTC",
        evidence="W, as the tool writes power",
        may_be_filled=True,
    )


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    yield from read_csv(file, zone, mapping_of)


def _recognises(sample: Sample) -> bool:
    return mapping_of(header_of(sample.head), "") is not None


POWERWALL_DASHBOARD: Final = Format(
    Series.IMPORT_POWERWALL_DASHBOARD, "export.csv of Powerwall-Dashboard", _recognises, _contents
)
