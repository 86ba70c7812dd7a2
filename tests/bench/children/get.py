"""`get BASE_URL FILE`: plain httpx gets the paths of a file, one after the other, and drops what comes; prints its CPU."""

import json
import sys
import time
from pathlib import Path

import httpx

from extract.simulator.worlds.world import DEMO_TOKEN


def main() -> None:
    """Get everything; imports do not count."""
    asked = json.loads(Path(sys.argv[2]).read_text())
    began = time.process_time()
    size = 0
    with httpx.Client(base_url=sys.argv[1], headers={"Authorization": f"Bearer {DEMO_TOKEN}"}) as client:
        for path, params in asked:
            size += len(client.get(path, params=params).raise_for_status().content)
    sys.stdout.write(json.dumps({"cpu_s": time.process_time() - began, "bytes": size}) + "\n")


if __name__ == "__main__":
    main()
