"""The simulator over real HTTP: token, errors, encoding, the log of requests, a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from extract.simulator import (
    DEMO_TOKEN,
    SimulatorServer,
    WrongWindow,
    demo_world,
    personality_world,
    quirky_world,
    serve,
)

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SITE = WORLD.sites[0].site_id
HISTORY = f"/api/1/energy_sites/{SITE}/calendar_history"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """The demo account with the clock stopped."""
    with serve(WORLD, clock=lambda: NOW) as running:
        yield running


def logged_in(server: SimulatorServer) -> httpx.Client:
    """A client with the right token."""
    return httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"})


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[httpx.Client]:
    """A client that is logged in."""
    with logged_in(server) as opened:
        yield opened


def test_success_is_an_envelope_with_a_response(client: httpx.Client) -> None:
    """API.md §1.0: `response`, and `count` for the list of products."""
    answer = client.get("/api/1/products")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["count"] == len(body["response"]) == 4
    info = client.get(f"/api/1/energy_sites/{SITE}/site_info").json()
    assert info["response"]["site_name"] == "Juniper Ridge"
    assert client.get(f"/api/1/energy_sites/{SITE}/live_status").json()["response"]["island_status"] == "on_grid"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "missing_token"),
        ({"Authorization": "Bearer wrong"}, "invalid bearer token"),
        ({"Authorization": "Bearer"}, "missing_token"),
        ({"Authorization": f"Basic {DEMO_TOKEN}"}, "missing_token"),
    ],
)
def test_only_the_right_token_is_let_in(server: SimulatorServer, headers: dict[str, str], error: str) -> None:
    """API.md §1.7: 401 with its key in the error envelope, for the list and for a site."""
    for path in ("/api/1/products", HISTORY):
        answer = httpx.get(server.base_url + path, headers=headers)
        assert answer.status_code == 401
        assert answer.json() == {"response": None, "error": error, "error_description": ""}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/1/energy_sites/5/site_info", 404),
        ("/api/1/energy_sites/x/site_info", 404),
        (f"/api/1/energy_sites/{SITE}/weather", 404),
        ("/api/2/products", 404),
        (f"/api/1/energy_sites/{WORLD.ghosts[0]}/site_info", 500),
        (f"/api/1/energy_sites/{WORLD.ghosts[0]}/calendar_history?kind=power", 500),
    ],
)
def test_what_is_not_there_is_refused(client: httpx.Client, path: str, status: int) -> None:
    """Unknown sites and paths are 404; a ghost answers 500 for ever (API.md §1.1)."""
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["response"] is None


def test_an_unencoded_plus_arrives_as_a_space(client: httpx.Client) -> None:
    """API.md §1.2: `+10:00` must be percent-encoded; left as it is, it is a bad date."""
    sydney = f"/api/1/energy_sites/{WORLD.sites[1].site_id}/calendar_history"
    bare = client.get(f"{sydney}?kind=power&end_date=2026-06-01T23:59:59+10:00")
    encoded = client.get(f"{sydney}?kind=power&end_date=2026-06-01T23%3A59%3A59%2B10%3A00")
    assert bare.status_code == 400
    assert encoded.status_code == 200
    assert len(encoded.json()["response"]["time_series"]) == 288


def test_parameters_in_the_body_of_a_get_are_not_read(client: httpx.Client) -> None:
    """Q41: they belong into the query string; the period sent as JSON is as good as none."""
    answer = client.request("GET", HISTORY, params={"kind": "energy"}, json={"period": "day"})
    assert answer.status_code == 400
    assert "Period must" in answer.json()["error"]


def test_the_log_holds_what_was_asked(server: SimulatorServer, client: httpx.Client) -> None:
    """Method, path, decoded parameters, status and instant, there as soon as the answer is."""
    before = len(server.requests)
    client.get(HISTORY, params={"kind": "power", "end_date": "2026-06-01T23:59:59-07:00"})
    client.get(HISTORY)
    first, second = server.requests[before:]
    assert first.params == {"kind": "power", "end_date": "2026-06-01T23:59:59-07:00"}
    assert (first.method, first.path, first.status, first.instant) == ("GET", HISTORY, 200, NOW)
    assert second.status == 400


def test_a_small_answer_does_not_wait_for_an_acknowledgement(client: httpx.Client) -> None:
    """On one kept connection small answers do not take the 40 ms that Nagle's algorithm costs."""
    client.get(HISTORY, params={"kind": "soe"})
    taken = []
    for _ in range(20):
        begun = time.perf_counter()
        client.get(HISTORY, params={"kind": "soe"})
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 0.03, "the quickest of twenty: whatever else the machine does, one is not held up"


def test_a_port_in_use_is_said_at_once(server: SimulatorServer) -> None:
    """The second server on a port fails before it starts."""
    with pytest.raises(OSError, match="in use"):
        serve(WORLD, port=server.port)


def test_the_region_of_the_account_is_told(server: SimulatorServer, client: httpx.Client) -> None:
    """API.md §1.0: users/region names the server to talk to, metadata the region, the scopes and the sites."""
    told = client.get("/api/1/users/region").json()["response"]
    assert told == {"region": "na", "fleet_api_base_url": server.base_url}
    metadata = client.get("/api/metadata").json()
    assert metadata["region"] == "NA"
    assert "energy_device_data" in metadata["scopes"]
    assert set(metadata["energy_sites"]) == {str(each.site_id) for each in WORLD.sites}


def test_stale_sites_are_listed_and_never_answer() -> None:
    """Q23: one of two stale sites answers 500 for ever, the other a string where an object should be."""
    world = personality_world(NOW.date())
    error, text = world.stale_sites
    with serve(world, clock=lambda: NOW) as running, logged_in(running) as client:
        listed = {each.get("energy_site_id") for each in client.get("/api/1/products").json()["response"]}
        assert {error.site_id, text.site_id} <= listed
        for endpoint in ("site_info", "calendar_history"):
            answer = client.get(f"/api/1/energy_sites/{error.site_id}/{endpoint}", params={"kind": "power"})
            assert (answer.status_code, answer.json()["error"]) == (500, "upstream internal error")
            answer = client.get(f"/api/1/energy_sites/{text.site_id}/{endpoint}", params={"kind": "power"})
            assert (answer.status_code, answer.json()) == (200, {"response": ""})


def test_a_wrong_window_can_be_right_when_asked_again() -> None:
    """Q22: the first answer to a request is another day's, the second to the same request is right."""
    world = quirky_world(NOW.date())
    spec = world.sites[1]
    (once,) = (each for each in spec.contradictions if isinstance(each, WrongWindow) and each.times == 1)
    end_date = datetime(once.first.year, once.first.month, once.first.day, 23, 59, 59, tzinfo=spec.zone).isoformat()
    path = f"/api/1/energy_sites/{spec.site_id}/calendar_history"
    with serve(world, clock=lambda: NOW) as running, logged_in(running) as client:
        told = [
            client.get(path, params={"kind": kind, "end_date": end_date}).json()["response"]["time_series"][0]
            for kind in ("power", "power", "soe", "soe")
        ]
    days = [each["timestamp"][:10] for each in told]
    assert days == [str(once.first - timedelta(days=1)), str(once.first)] * 2


def start(*arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    """The simulator as a process, and the address that it announced."""
    command = [sys.executable, "-m", "extract.simulator", "--today", "2026-07-20", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    ready = orjson.loads(process.stdout.readline())
    assert ready["base_url"] == f"http://127.0.0.1:{ready['port']}"
    return process, ready["base_url"]


def end(process: subprocess.Popen[bytes]) -> int:
    """The exit code, with the pipes closed; the process is killed when it does not end."""
    try:
        process.wait(10)
    finally:
        process.kill()
        process.communicate()
    return process.returncode


def test_a_process_of_its_own_answers_and_ends_at_sigterm() -> None:
    """It announces its address in one line and leaves with code 0, a kept connection open or not."""
    process, base_url = start("--now", "2026-07-20T19:02:03+00:00")
    try:
        with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {DEMO_TOKEN}"}) as client:
            rows = client.get(HISTORY, params={"kind": "power"}).json()["response"]["time_series"]
            assert rows[-1]["timestamp"] == "2026-07-20T12:00:00-07:00"
            os.kill(process.pid, signal.SIGTERM)
            process.wait(10)
    finally:
        code = end(process)
    assert code == 0


def test_a_process_of_its_own_ends_with_its_parent() -> None:
    """When the parent is gone its end of standard input closes, and the simulator goes too."""
    process, _ = start("--exit-with-parent")
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    assert end(process) == 0
