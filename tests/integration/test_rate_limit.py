"""The rate limiter against a server that counts: the limit is never exceeded, and nearly all of it is used (Q28)."""

from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from extract.api.client import Client
from extract.api.fetch import Fetcher
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.archive.raw_archive import RawArchive
from extract.requests import live_status
from extract.simulator import DEMO_TOKEN, World, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.rate_limit import RateLimit
from tests.patience import PATIENCE_S
from tests.simulated import NOW
from tests.stepped import SteppedClock

LIMIT, MINUTE_S, REQUESTS = 60, 60.0, 180
TAKES_S = 0.25
"""How long a request takes, by the clock of the test: with all requests of the limit, a quarter of the minute."""


def test_no_more_than_the_limit_and_nearly_all_of_it(tmp_path: Path) -> None:
    """Four threads, one rate limiter: in no minute of the server more than the limit, in each at least 95 % of it."""
    world: World = demo_world(NOW.date())
    site_id = world.sites[0].site_id
    clock = SteppedClock(tmp_path / "clock")
    conditions = Conditions(limit=RateLimit(LIMIT, MINUTE_S))
    with serve(world, clock=lambda: NOW + timedelta(seconds=clock()), conditions=conditions) as server:
        client = Client(server.base_url, lambda: DEMO_TOKEN, user_agent="wattlog/test", classify=lambda *_: "data")
        rate_limiter = RateLimiter(LIMIT, clock=clock, sleep=clock.sleep, minute_s=MINUTE_S)
        fetcher = Fetcher(client, RawArchive(tmp_path / "raw"), rate_limiter, RequestBudget(None), "run", "simulator")

        def send() -> None:
            with clock.awake():
                fetcher.fetch(live_status(site_id))
                clock.sleep(TAKES_S)

        with client, ThreadPoolExecutor(4) as pool:
            for sent in [pool.submit(send) for _ in range(REQUESTS)]:
                sent.result(timeout=PATIENCE_S)
        arrived = [request for request in server.requests if request.path.endswith("live_status")]
    assert {request.status for request in arrived} == {200}, "not one 429"
    instants = sorted(request.instant.timestamp() for request in arrived)
    counts = [bisect_left(instants, start + MINUTE_S) - number for number, start in enumerate(instants)]
    assert max(counts) <= LIMIT
    assert counts[0] >= 0.95 * LIMIT
    whole_minutes = REQUESTS / LIMIT - 1
    assert clock() <= MINUTE_S * whole_minutes / 0.95 + LIMIT * TAKES_S, "95 % of the rate, and what the last ones take"
