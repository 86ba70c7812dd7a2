"""The pace against a server that counts: never a request too many, and nearly none too few (Q28)."""

import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from extract.archive import RawArchive
from extract.client import Client
from extract.fetch import Budget, Fetcher
from extract.pace import Pace
from extract.series import live_status
from extract.simulator import DEMO_TOKEN, World, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.limits import RateLimit
from tests.simulated import NOW

LIMIT, MINUTE_S, REQUESTS = 60, 12.0, 170
"""A minute of twelve seconds, nearly three of which the requests take."""


def started() -> Conditions:
    return Conditions(limit=RateLimit(LIMIT, MINUTE_S))


def test_no_more_than_the_limit_and_nearly_all_of_it(tmp_path: Path) -> None:
    """Four threads, one pace: in no minute of the server's more than the limit, in each at least 95 % of it."""
    world: World = demo_world(NOW.date())
    site_id = world.sites[0].site_id
    with serve(world, conditions=started()) as server:
        client = Client(server.base_url, lambda: DEMO_TOKEN, user_agent="wattlog/test", classify=lambda *_: "data")
        fetcher = Fetcher(
            client,
            RawArchive(tmp_path),
            Pace(LIMIT, minute_s=MINUTE_S),
            Budget(None),
            "run",
            "simulator",
        )
        began = time.monotonic()
        with client, ThreadPoolExecutor(4) as pool:
            for entry in [pool.submit(fetcher.fetch, live_status(site_id)) for _ in range(REQUESTS)]:
                entry.result(timeout=120)
        took_s = time.monotonic() - began
        asked = [each for each in server.requests if each.path.endswith("live_status")]
    assert {each.status for each in asked} == {200}, "not one 429"
    instants = sorted(each.instant.timestamp() for each in asked)
    counts = [bisect_left(instants, start + MINUTE_S) - number for number, start in enumerate(instants)]
    assert max(counts) <= LIMIT
    assert counts[0] >= 0.95 * LIMIT
    whole_minutes = REQUESTS / LIMIT - 1
    assert took_s <= MINUTE_S * whole_minutes / 0.95 + 10, "95 % of the rate allowed, and what a busy machine adds"
