"""`serve FIRST_DAY NOW SITES`: the simulator with sites installed on one day, in a process of its own; prints its address."""

import sys
from datetime import date, datetime

from extract.simulator.conditions import Conditions, assemble
from extract.simulator.server import serve_until_stopped
from tests.bench.account import world


def main() -> None:
    """Serve until standard input ends."""
    first, now, sites = date.fromisoformat(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
    app, _ = assemble(world(first, sites), lambda: now, Conditions())
    serve_until_stopped(app, exit_with_parent=True)


if __name__ == "__main__":
    main()
