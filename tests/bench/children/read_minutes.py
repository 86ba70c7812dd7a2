"""`read_minutes.py FILE`: an export of Powerwall-Dashboard is read, as an import reads it; its whole process is measured."""

import sys
from pathlib import Path

from transform.imports.files import HistoryFile
from transform.imports.powerwall_dashboard import POWERWALL_DASHBOARD


def main() -> None:
    """Read the file once."""
    path = Path(sys.argv[1])
    (content,) = POWERWALL_DASHBOARD.contents(
        HistoryFile(path.name, lambda: path.open("rb")), "America/Los_Angeles", None
    )
    if content.rejects or not content.rows:
        raise SystemExit(f"{len(content.rejects)} rows of {content.rows} cannot be read")


if __name__ == "__main__":
    main()
