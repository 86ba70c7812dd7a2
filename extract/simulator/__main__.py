"""`python -m extract.simulator`: the demo account on a port."""

import argparse
from datetime import UTC, date, datetime

from extract.simulator.app import build_app
from extract.simulator.process import run
from extract.simulator.server import utc_now
from extract.simulator.world import demo_world


def main() -> None:
    """Serve the demo account until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m extract.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--today", type=date.fromisoformat, help="the demo's day (default: today, UTC)")
    parser.add_argument("--now", type=datetime.fromisoformat, help="stop the clock at this instant")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input ends")
    chosen = parser.parse_args()
    now = chosen.now
    if now is not None and now.tzinfo is None:
        parser.error("--now needs an offset, e.g. 2026-08-01T12:00:00+00:00")
    clock = utc_now if now is None else lambda: now
    today = chosen.today or clock().astimezone(UTC).date()
    run(
        build_app(demo_world(today), clock),
        host=chosen.host,
        port=chosen.port,
        exit_with_parent=chosen.exit_with_parent,
    )


if __name__ == "__main__":
    main()
