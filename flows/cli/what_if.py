"""`wattlog what-if`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Since, Until

if TYPE_CHECKING:
    from flows.settings import Settings
    from transform.costs.dispatch import Battery


def what_if(
    settings: "Settings",
    *,
    tariff: Annotated[
        list[Path] | None, typer.Option(help="A tariff to compare with; repeat for more.", metavar="FILE")
    ] = None,
    battery: Annotated[
        list[str] | None,
        typer.Option(
            help="A battery to try: energy in kWh, power in kW, and efficiency of a whole cycle; repeat for more.",
            metavar="KWH:KW:EFF",
        ),
    ] = None,
    solar_scale: Annotated[
        float, typer.Option(min=0, max=100, help="Panels so many times as large.", metavar="X")
    ] = 1.0,
    no_battery: Annotated[bool, typer.Option("--no-battery", help="Try the home without battery.")] = False,
    grid_charging: Annotated[
        bool, typer.Option("--grid-charging", help="Batteries to try may charge from the grid in the cheapest hours.")
    ] = False,
    site: Annotated[
        int | None, typer.Option("--site", help="The site, if there are several.", metavar="ID", show_default=False)
    ] = None,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Show what other tariffs or batteries would have cost."""
    from flows.cli.tables.what_if import print_answer
    from flows.console import print_json
    from flows.errors import UsageError
    from flows.orchestration.context import new_context
    from flows.what_if import Question, answer, stored_json
    from flows.what_if import as_json as plain
    from wattlog import durable
    from wattlog.names import DataDirectory

    if since is not None and until is not None and since > until:
        raise UsageError(f"--since {since} is after --until {until}; swap them")
    batteries = tuple(parsed_battery(text, charges_from_grid=grid_charging) for text in battery or ())
    question = Question(site, tuple(tariff or ()), batteries, solar_scale, no_battery, since, until)
    found = answer(new_context(settings), question)
    place = DataDirectory(settings.data_dir).what_if / f"{found.site.site_id}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    durable.replace(place, stored_json(found))
    if as_json:
        print_json(plain(found))
    else:
        print_answer(found)


def parsed_battery(text: str, *, charges_from_grid: bool = False) -> "Battery":
    """A battery written as `13.5:5:0.9`; without the last number it loses a tenth of what it is charged with.

    Raises:
        UsageError: It is none.
    """
    from flows.errors import UsageError
    from flows.what_if import EFFICIENCY
    from transform.costs.dispatch import Battery

    try:
        energy_kwh, power_kw, *rest = (float(part) for part in text.split(":"))
        (efficiency,) = rest or [EFFICIENCY]
    except ValueError:
        raise UsageError(f"--battery {text} is not KWH:KW:EFF; write it like 13.5:5:0.9") from None
    if not (0 < energy_kwh < 1e6 and 0 < power_kw < 1e6):
        raise UsageError(f"--battery {text}: energy and power must be above 0")
    if not 0.1 <= efficiency <= 1:
        raise UsageError(f"--battery {text}: the efficiency is a share between 0.1 and 1, such as 0.9")
    return Battery(energy_kwh * 1_000, power_kw * 1_000, efficiency, charges_from_grid=charges_from_grid)
