"""`ask DATA_DIR LAST_DAY NOW`: make requests and archive the responses, no more; prints how many, and CPU without imports."""

import json
import sys
import time
from datetime import date, datetime
from pathlib import Path

from flows.pipeline import BackfillRequest
from flows.run_context import RunContext, new_run_id
from flows.settings import load_settings
from tests.simulated import ask


def main() -> None:
    """Ask for everything up to a day."""
    root, last, now = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
    context = RunContext(load_settings(data_dir=root), new_run_id(now), clock=lambda: now)
    began = time.process_time()
    summary = ask(context, BackfillRequest(until=last))
    found = {"requests": summary.requests, "cpu_s": time.process_time() - began, "exit_code": int(summary.exit_code)}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
