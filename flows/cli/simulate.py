"""`wattlog simulate`."""

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from extract.simulator.scenarios import Scenario
    from flows.settings import Settings


def simulate(
    settings: "Settings",
    *,
    scenario: Annotated[str, typer.Option(help="How the API behaves; see --list.", metavar="NAME")] = "demo",
    list_scenarios: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any free one.")] = 8787,
    as_json: Json = False,
) -> None:
    """Serve the simulated API until interrupted."""
    if list_scenarios:
        _print_scenarios(as_json=as_json)
        return
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        with _named(scenario).serve(port=port) as server:
            _print_address(server.base_url, as_json=as_json)
            stopped.wait()
    except KeyboardInterrupt:
        return


def _named(name: str) -> "Scenario":
    from extract.simulator.scenarios import SCENARIOS
    from flows.errors import UsageError

    if name not in SCENARIOS:
        raise UsageError(f"there is no scenario {name!r}; `wattlog simulate --list` lists them")
    return SCENARIOS[name]


def _print_address(base_url: str, *, as_json: bool) -> None:
    from extract.simulator import DEMO_TOKEN
    from flows.console import note, print_json, print_pairs

    facts = {
        "WATTLOG_PROVIDER": "simulator",
        "WATTLOG_API_BASE_URL": base_url,
        "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
    }
    if as_json:
        print_json(facts)
        return
    print_pairs(facts.items())
    note("serving; set these variables in another shell, stop with Ctrl-C")


def _print_scenarios(*, as_json: bool) -> None:
    from rich.table import Table

    from extract.simulator.scenarios import SCENARIOS
    from flows.console import print_json, print_table

    if as_json:
        print_json([{"name": known.name, "explanation": known.explanation} for known in SCENARIOS.values()])
        return
    table = Table("scenario", "what happens")
    for known in SCENARIOS.values():
        table.add_row(known.name, known.explanation)
    print_table(table)
