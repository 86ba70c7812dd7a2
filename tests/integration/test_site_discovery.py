"""What the sites of an account are is requested for several sites at a time, and each one is progress."""

import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from flows.account import discover
from tests.fetch_sessions import INFO, LIVE, OTHER, PRODUCT, session_at
from tests.patience import PATIENCE_S

COUNT = 6


class Counted:
    """Progress as a list."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.done = 0

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self.begun.append((stage, total))

    def advance(self, part: str = "") -> None:
        """See `Progress`."""
        self.done += 1

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""


def test_sites_are_described_several_at_a_time_and_counted(tmp_path: Path) -> None:
    """No site_info is answered before another one is requested: one after the other, none would ever be."""
    others = [{**OTHER, "energy_site_id": 7_100 + number} for number in range(COUNT - 1)]
    bodies = {"products": [PRODUCT, *others], "live_status": LIVE, "site_info": INFO}
    together = threading.Barrier(2, timeout=PATIENCE_S)

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[-1]
        if name == "site_info":
            together.wait()
        return httpx.Response(200, json={"response": bodies[name]})

    progress = Counted()
    fetched = discover(session_at(tmp_path, answer), (), progress=progress)
    assert fetched.failures == ()
    assert progress.begun == [("sites", COUNT)]
    assert progress.done == COUNT


@pytest.mark.exhaustive
def test_an_account_of_ten_thousand_sites_is_a_request_a_site_and_several_at_a_time(tmp_path: Path) -> None:
    """The list is one response, every site is counted, and no request is made twice."""
    sites = [{**PRODUCT, "energy_site_id": 10_000 + number} for number in range(10_000)]
    requested: Counter[str] = Counter()

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rsplit("/", 1)[-1]
        requested[name] += 1
        return httpx.Response(200, json={"response": {"products": sites, "live_status": LIVE, "site_info": INFO}[name]})

    progress = Counted()
    fetched = discover(session_at(tmp_path, answer), (), progress=progress)
    assert fetched.failures == ()
    assert progress.begun == [("sites", 10_000)]
    assert progress.done == 10_000
    assert requested["products"] == 1
    assert max(requested["site_info"], requested["live_status"]) <= 10_000
