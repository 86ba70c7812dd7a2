"""Serving a five-minute day: benchmarks of the client must measure the client."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import httpx

from extract.simulator import DEMO_TOKEN, demo_world, serve
from tests.bench.measurement import Measurement, best_of

NOW = datetime(2026, 7, 20, 20, tzinfo=UTC)
LONGEST_DAY_S = 0.005
"""Promised: a five-minute day after warm-up, here with the client's share of it."""


def measure() -> Iterator[Measurement]:
    """One day over HTTP, known to the server already, client included."""
    world = demo_world(date(2026, 7, 20))
    path = f"/api/1/energy_sites/{world.sites[0].site_id}/calendar_history"
    params = {"kind": "energy", "period": "day", "end_date": "2026-06-01T23:59:59-07:00"}
    with (
        serve(world, clock=lambda: NOW) as server,
        httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}) as client,
    ):
        day_s = best_of(60, lambda: client.get(path, params=params).raise_for_status())
    yield Measurement("serve a five-minute day over HTTP, client included", day_s, "s", LONGEST_DAY_S)
