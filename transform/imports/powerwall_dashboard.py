"""Powerwall-Dashboard: its `export.csv`, and measurement `http` of its database `powerwall`, asked for or exported.

    TimeStamp,Solar,Powerwall,Home,Grid,Charge
    2024-03-13T00:47:00Z,430,2187,2558,-59,10.5

The database has the same measurement in several retention policies, which the server computes one from another: minutes of
power, hours and days of energy, readings of the battery and of the grid. The tool fills its holes with straight lines, so
values of minutes that lie on one are marked. Its percentage is the gateway's (Q44).
Source: Powerwall-Dashboard (its page about the export, and its definition of the database).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from transform.imports.batches import UnreadableFile, header_of
from transform.imports.csv_files import read_csv
from transform.imports.files import Format, HistoryFile, Sample
from transform.imports.influx_csv import is_influx_csv, policy_of, read_influx_csv
from transform.imports.line_protocol import is_line_protocol, policies_in, read_policy
from transform.imports.mapping import SOE, Column, Grain, Mapping, Stamps
from transform.imports.reading import Content
from wattlog.series_spec import Series

MEASUREMENT: Final = "http"
HEADER: Final = ("TimeStamp", "Solar", "Powerwall", "Home", "Grid", "Charge")
_TARGETS: Final = {"Solar": "solar_w", "Powerwall": "battery_w", "Home": "home_w", "Grid": "grid_w"}

_ENERGIES: Final = {
    "home": "home_wh",
    "solar": "solar_energy_exported_wh",
    "from_pw": "battery_energy_exported_wh",
    "to_pw": "battery_charge_wh",
    "from_grid": "grid_energy_imported_wh",
    "to_grid": "grid_export_wh",
}
_READINGS: Final = (
    (re.compile(r"(?P<device>PW\d+)_(?P<reading>POD_nom_(?:energy_remaining|full_pack_energy))"), "Wh"),
    (re.compile(r"(?P<device>grid)_(?P<reading>status)"), ""),
)
"""Fields of the policies `pod` and `grid`, with their units; the status of the grid is 1 or 0."""


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
    Stamps.MILLISECONDS,
    zone="UTC",
    evidence="W, as the tool writes minutes",
    may_be_filled=True,
)


def _energy(grain: Grain, evidence: str) -> Mapping:
    """Hours or days: kWh. The tool was started, and was running, in the midst of the first and the last day."""
    columns = tuple(Column(name, target, "kWh") for name, target in _ENERGIES.items())
    is_open = grain is Grain.DAYS
    return Mapping(
        "time", columns, grain, Stamps.MILLISECONDS, evidence=evidence, is_partial=is_open, begins_late=is_open
    )


_OF_POLICY: Final = {
    "autogen": _MINUTES,
    "kwh": _energy(Grain.INTERVALS, "kWh, as the tool writes hours"),
    "daily": _energy(Grain.DAYS, "kWh, as the tool writes days"),
}
_OF_READINGS: Final = frozenset({"pod", "grid"})

POLICIES: Final = (*_OF_POLICY, *sorted(_OF_READINGS))
"""The retention policies that are read."""


def policy_mapping(policy: str, fields: Sequence[str]) -> Mapping | None:
    """What the fields of a retention policy are; None where none of them are used.

    Args:
        policy: The policy.
        fields: Its fields.
    """
    if policy not in _OF_READINGS:
        return _OF_POLICY.get(policy)
    columns = tuple(
        Column(name, match["reading"], unit, device=match["device"])
        for name in fields
        for pattern, unit in _READINGS
        if (match := pattern.fullmatch(name)) is not None
    )
    if not columns:
        return None
    return Mapping("time", columns, Grain.INSTANTS, Stamps.MILLISECONDS, evidence="as the gateway reports them")


def _contents(file: HistoryFile, zone: str, _: Mapping | None) -> Iterator[Content]:
    head = file.head
    if mapping_of(header_of(head), "") is not None:
        yield from read_csv(file, zone, mapping_of)
        return
    if is_influx_csv(head):
        policy = policy_of(file.name)
        mapping = policy_mapping(policy, header_of(head))
        if mapping is None:
            raise UnreadableFile(f"no field of retention policy {policy} is used; there are {', '.join(POLICIES)}")
        yield read_influx_csv(file, mapping, zone)
        return
    with file.open() as stream:
        fields = policies_in(stream)
    found = 0
    for policy in POLICIES:
        mapping = policy_mapping(policy, sorted(fields.get(policy, ())))
        if policy in fields and mapping is not None:
            found += 1
            with file.open() as stream:
                yield read_policy(stream, policy, mapping, zone)
    if not found:
        raise UnreadableFile("it has no points of measurement http that are used")


def _recognises(sample: Sample) -> bool:
    head = sample.head
    return mapping_of(header_of(head), "") is not None or is_influx_csv(head) or is_line_protocol(head)


POWERWALL_DASHBOARD: Final = Format(
    Series.IMPORT_POWERWALL_DASHBOARD, "history of Powerwall-Dashboard", _recognises, _contents
)
