"""Ctrl-C and SIGTERM: what is in flight is finished and kept, what is left is said, and the next run goes on."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from extract.archive import RawArchive
from extract.simulator import demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults import FaultPlan, Latency, Rule
from tests.integration.test_command_line import WATTLOG, Shell


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_ends_the_run_in_good_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    from extract.client import utc_now

    slow = Conditions(faults=FaultPlan((Rule(Latency(0.15)),)))
    with serve(demo_world(utc_now().date()), conditions=slow) as server:
        shell = Shell(tmp_path, server.base_url)
        command = [*WATTLOG, "backfill", "--series", "power", "--series", "soe"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=shell.environment, stderr=subprocess.PIPE, text=True
        ) as running:
            deadline = time.monotonic() + 30
            while len(server.requests) < 30 and time.monotonic() < deadline:
                time.sleep(0.05)
            running.send_signal(number)
            _, said = running.communicate(timeout=30)
        assert running.returncode == code
        assert "windows are left: run the command again to go on" in said
        assert "Traceback" not in said
        asked = len(server.requests)
        kept = RawArchive(tmp_path / "data/raw")
        entries = [entry for site in (0, *kept.site_ids()) for entry in kept.entries(site)]
        assert len(entries) == asked, "every answer that came was kept, those in flight too"
        time.sleep(0.5)
        assert len(server.requests) == asked, "nothing was asked after the end"
