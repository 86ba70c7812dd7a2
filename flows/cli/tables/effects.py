"""What differs before and after changes of settings, as `wattlog history effects` prints it."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from flows.cli.tables.commands import short
from flows.console import note, print_sentences, print_table
from warehouse.models import MODELS
from warehouse.models.effects import MEASURES
from warehouse.query.query import connect

Effect = Mapping[str, Any]
"""A row of `analytics.command_effects`, by column."""

WITHOUT_WEATHER: Final = (
    "Per day, after less before, with the same weekdays on both sides. That the setting is the cause is not claimed: the "
    "weather and what the home needs are left out, and solar is shown so that it can be compared."
)

_ROWS: Final = "from analytics.command_effects order by site_id, changed_at, name, command_id, side_length"


def stored_effects(warehouse: Path, sites: Collection[int], names: Collection[str]) -> list[Effect]:
    """The effects in the published warehouse, in order of time.

    Args:
        warehouse: Path of the warehouse.
        sites: Only of these sites; empty for all.
        names: Only of these settings; empty for all.
    """
    columns = [field.name for field in MODELS["command_effects"].fields]
    with connect(warehouse) as connection:
        rows = connection.execute(_ROWS).fetchall()
    found = (dict(zip(columns, row, strict=True)) for row in rows)
    return [
        effect
        for effect in found
        if (not sites or effect["site_id"] in sites) and (not names or effect["name"] in names)
    ]


def print_effects(found: Sequence[Effect]) -> None:
    """Print one row for each change and length of the sides: what differs, or why that is not known."""
    if not found:
        note("no change of a setting is in the warehouse; `wattlog sync` brings it up to date")
        return
    sites = {effect["site_id"] for effect in found}
    has_site = len(sites) > 1
    table = Table(
        *(["site"] if has_site else []), "when", "setting", "change", "compared", "solar", "difference per day"
    )
    table.title = "Effects of settings" if has_site else f"Effects of settings of site {sites.pop()}"
    for effect in found:
        table.add_row(
            *([str(effect["site_id"])] if has_site else []),
            effect["local_changed_at"].isoformat(" ", "minutes"),
            effect["name"],
            f"{short(effect['value_before'])} → {short(effect['value_after'])}",
            effect["side_length"],
            _solar(effect),
            effect["reason"] or _differences(effect),
        )
    print_table(table)
    print_sentences([WITHOUT_WEATHER])


def _solar(effect: Effect) -> str:
    solar = effect["before_solar_kwh"], effect["after_solar_kwh"]
    return "" if None in solar else f"{solar[0]:.1f} → {solar[1]:.1f} kWh"


def _differences(effect: Effect) -> str:
    """All differences that are known, in kWh and in percentage points."""
    found = [(name.replace("_", " "), effect[f"{name}_difference_kwh"], "kWh") for name in MEASURES[1:]]
    found.append(("state of energy", effect["mean_soe_difference_pct"], "points"))
    return ", ".join(f"{name} {value:+.2f} {unit}" for name, value, unit in found if value is not None)
