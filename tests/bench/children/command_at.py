"""`command_at NOW COMMAND …`: the command line on a day of its own, since a stored history must not depend on today."""

import sys
from datetime import datetime

from flows import cli


def main() -> None:
    """Run the command with a clock that stands still."""
    now = datetime.fromisoformat(sys.argv[1])
    cli.prepare_process()
    from extract.api import client

    vars(client)["utc_now"] = lambda: now  # before the modules are imported that take it for their default
    cli.main(sys.argv[2:])


if __name__ == "__main__":
    main()
