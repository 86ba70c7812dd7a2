"""Powerwall-Dashboard: minutes of power in W, in UTC, as its `export.csv` or as line protocol of its database `powerwall`.

    TimeStamp,Solar,Powerwall,Home,Grid,Charge
    2024-03-13T00:47:00Z,430,2187,2558,-59,10.5

Of the database the minutes are read, retention policy `autogen` of measurement `http`; hours and days are sums of them. The
tool fills its holes with straight lines, so values that lie on one are marked. Its percentage is the gateway's (Q44).
Source: Powerwall-Dashboard (its page about the export).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from transform.imports.batches import header_of
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.line_protocol import is_line_protocol, read_policy
from transform.imports.mapping import SOE, Column, Grain, Mapping
from transform.imports.reading import Content
from wattlog.series_spec import Series

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


_MINUTES: Final = Mapping(
    "time",
    (
        Column("home", "home_w", "W"),
        Column("solar", "solar_w", "W"),
        Column("from_pw", "battery_w", "W"),
        Column("to_pw", "battery_w", "W", is_negated=True),
        Column("from_grid", "grid_w", "W"),
        Column("to_grid", "grid_w", "W", is_negated=True),
        Column("percentage", SOE, "%", is_gateway_scale=True),
    ),
    Grain.INTERVALS,
    zone="UTC",
    evidence="W, as the tool writes minutes",
    may_be_filled=True,
)


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    if mapping_of(header_of(file.head), "") is not None:
        yield from read_csv(file, zone, mapping_of)
        return
    with file.open() as stream:
        yield read_policy(stream, "autogen", _MINUTES, zone)


def _recognises(sample: Sample) -> bool:
    return mapping_of(header_of(sample.head), "") is not None or is_line_protocol(sample.head)


POWERWALL_DASHBOARD: Final = Format(
    Series.IMPORT_POWERWALL_DASHBOARD, "minutes of Powerwall-Dashboard", _recognises, _contents
)
