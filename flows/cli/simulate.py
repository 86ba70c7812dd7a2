"""`wattlog simulate`."""

import signal
import threading

from rich.table import Table

from extract.simulator import DEMO_TOKEN
from extract.simulator.scenarios import SCENARIOS, Scenario
from flows.console import note, print_json, print_pairs, print_table
from flows.errors import UsageError
from flows.settings import Settings


def simulate(settings: Settings, *, scenario: str, list_them: bool, port: int, as_json: bool) -> None:
    """Serve a scenario until SIGINT or SIGTERM, or say which there are."""
    if list_them:
        _print_scenarios(as_json=as_json)
        return
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    try:
        with _named(scenario).serve(port=port) as server:
            _print_address(server.base_url, as_json=as_json)
            done.wait()
    except KeyboardInterrupt:
        return


def _named(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise UsageError(f"there is no scenario {name!r}; `wattlog simulate --list` names them")
    return SCENARIOS[name]


def _print_address(base_url: str, *, as_json: bool) -> None:
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
    if as_json:
        print_json([{"name": each.name, "explanation": each.explanation} for each in SCENARIOS.values()])
        return
    table = Table("scenario", "what happens", box=None, pad_edge=False)
    for each in SCENARIOS.values():
        table.add_row(each.name, each.explanation)
    print_table(table)
