"""`python -m extract.simulator`: serve a scenario on a port."""

import argparse
import sys
from datetime import date, datetime

from extract.simulator.scenarios import SCENARIOS, scenario
from extract.simulator.server import serve_until_stopped, utc_now


def main() -> None:
    """Serve a scenario until a signal arrives, or list all scenarios."""
    parser = argparse.ArgumentParser(prog="python -m extract.simulator", description=__doc__)
    parser.add_argument("--scenario", default="demo", choices=SCENARIOS, metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="list the scenarios, each with an explanation")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="the day from which the account is built (default: today, UTC)"
    )
    parser.add_argument("--now", type=datetime.fromisoformat, help="stop the clock at this instant")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.list:
        sys.stdout.writelines(f"{listed.name}\n    {listed.explanation}\n" for listed in SCENARIOS.values())
        return
    now = options.now
    if now is not None and now.tzinfo is None:
        parser.error("--now needs an offset, e.g. 2026-08-01T12:00:00+00:00")
    serve_until_stopped(
        scenario(options.scenario).app(utc_now if now is None else lambda: now, options.today),
        host=options.host,
        port=options.port,
        exit_with_parent=options.exit_with_parent,
    )


if __name__ == "__main__":
    main()
