"""`python -m extract.simulator`: a scenario on a port."""

import argparse
import sys
from datetime import date, datetime

from extract.simulator.process import run
from extract.simulator.scenarios import SCENARIOS, scenario
from extract.simulator.server import utc_now


def main() -> None:
    """Serve a scenario until told to stop, or list them all."""
    parser = argparse.ArgumentParser(prog="python -m extract.simulator", description=__doc__)
    parser.add_argument("--scenario", default="demo", choices=SCENARIOS, metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="name and explain the scenarios")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="the day the account is built by (default: today, UTC)"
    )
    parser.add_argument("--now", type=datetime.fromisoformat, help="stop the clock at this instant")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    chosen = parser.parse_args()
    if chosen.list:
        sys.stdout.writelines(f"{each.name}\n    {each.explanation}\n" for each in SCENARIOS.values())
        return
    now = chosen.now
    if now is not None and now.tzinfo is None:
        parser.error("--now needs an offset, e.g. 2026-08-01T12:00:00+00:00")
    run(
        scenario(chosen.scenario).app(utc_now if now is None else lambda: now, chosen.today),
        host=chosen.host,
        port=chosen.port,
        exit_with_parent=chosen.exit_with_parent,
    )


if __name__ == "__main__":
    main()
