"""`publish LAKE WAREHOUSE HOW`: make the warehouse from the lake; prints the CPU without imports, and how it was loaded."""

import json
import sys
import time
from pathlib import Path

from warehouse.build.build import build
from warehouse.lake.lake import Lake


def main() -> None:
    """Publish once."""
    lake, warehouse, *words = sys.argv[1:]
    began = time.process_time()
    built = build(Lake(Path(lake)), Path(warehouse), anew="anew" in words, in_place_views="views" in words)
    found = {"cpu_s": time.process_time() - began, "loading": built.loading, "rows": sum(built.rows.values())}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
