"""`wattlog simulate`."""

import signal
import threading

from extract.client import utc_now
from extract.simulator import DEMO_TOKEN, demo_world, serve
from flows.console import note, print_json, print_pairs
from flows.settings import Settings


def simulate(settings: Settings, *, port: int, as_json: bool) -> None:
    """Serve the demo world until SIGINT or SIGTERM."""
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    with serve(demo_world(utc_now().date()), port=port) as server:
        facts = {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
        }
        if as_json:
            print_json(facts)
        else:
            print_pairs(facts.items())
            note("serving; set these variables in another shell, stop with Ctrl-C")
        try:
            done.wait()
        except KeyboardInterrupt:
            return
