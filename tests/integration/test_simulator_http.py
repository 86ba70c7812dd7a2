"""The simulator over real HTTP: token, errors, encoding, the log of requests, a separate process."""

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
from tests.patience import PATIENCE_S, wait_until

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SITE = WORLD.sites[0].site_id
HISTORY = f"/api/1/energy_sites/{SITE}/calendar_history"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """The demo account with a clock that does not move."""
    with serve(WORLD, clock=lambda: NOW) as running:
        yield running


def logged_in(server: SimulatorServer) -> httpx.Client:
    """A client with a valid token."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=PATIENCE_S)


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[httpx.Client]:
    """A client with a valid token."""
    with logged_in(server) as http_client:
        yield http_client


def test_success_is_an_envelope_with_a_response(client: httpx.Client) -> None:
    """API.md#login: `response`, and `count` for the list of products."""
    response = client.get("/api/1/products")
    assert response.headers["content-type"] == "application/json"
    body = response.json()
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
def test_only_the_right_token_is_accepted(server: SimulatorServer, headers: dict[str, str], error: str) -> None:
    """API.md#status-codes: 401 with its key in the error envelope, for the products and for a site."""
    for path in ("/api/1/products", HISTORY):
        response = httpx.get(server.base_url + path, headers=headers, timeout=PATIENCE_S)
        assert response.status_code == 401
        assert response.json() == {"response": None, "error": error, "error_description": ""}


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
def test_unknown_paths_and_sites_are_errors(client: httpx.Client, path: str, status: int) -> None:
    """Unknown sites and paths are 404; a ghost is always 500 (API.md#products)."""
    response = client.get(path)
    assert response.status_code == status
    assert response.json()["response"] is None


def test_an_unencoded_plus_arrives_as_a_space(client: httpx.Client) -> None:
    """API.md#requests: `+10:00` must be percent-encoded; otherwise the date is invalid."""
    sydney = f"/api/1/energy_sites/{WORLD.sites[1].site_id}/calendar_history"
    bare = client.get(f"{sydney}?kind=power&end_date=2026-06-01T23:59:59+10:00")
    encoded = client.get(f"{sydney}?kind=power&end_date=2026-06-01T23%3A59%3A59%2B10%3A00")
    assert bare.status_code == 400
    assert encoded.status_code == 200
    assert len(encoded.json()["response"]["time_series"]) == 288


def test_body_parameters_of_a_get_are_ignored(client: httpx.Client) -> None:
    """Q41: parameters belong into the query; a period sent as JSON has no effect."""
    response = client.request("GET", HISTORY, params={"kind": "energy"}, json={"period": "day"})
    assert response.status_code == 400
    assert "Period must" in response.json()["error"]


def test_the_log_has_every_request(server: SimulatorServer, client: httpx.Client) -> None:
    """Method, path, decoded parameters, status, and instant are in the log before the response arrives."""
    before = len(server.requests)
    client.get(HISTORY, params={"kind": "power", "end_date": "2026-06-01T23:59:59-07:00"})
    client.get(HISTORY)
    first, second = server.requests[before:]
    assert first.params == {"kind": "power", "end_date": "2026-06-01T23:59:59-07:00"}
    assert (first.method, first.path, first.status, first.instant) == ("GET", HISTORY, 200, NOW)
    assert second.status == 400


def test_a_small_response_does_not_wait_for_an_acknowledgement(client: httpx.Client) -> None:
    """On an open connection small responses take less than the 40 ms that each would take with Nagle's algorithm.

    One quick response is enough, since the machine may be busy.
    """

    def took_s() -> float:
        begun = time.perf_counter()
        client.get(HISTORY, params={"kind": "soe"})
        return time.perf_counter() - begun

    wait_until(lambda: took_s() < 0.03)


def test_a_port_in_use_is_an_error(server: SimulatorServer) -> None:
    """A second server on the same port fails at once."""
    with pytest.raises(OSError, match="in use"):
        serve(WORLD, port=server.port)


def test_the_region_of_the_account(server: SimulatorServer, client: httpx.Client) -> None:
    """API.md#login: users/region has the address of the server; metadata has the region, the scopes, and the sites."""
    response = client.get("/api/1/users/region").json()["response"]
    assert response == {"region": "na", "fleet_api_base_url": server.base_url}
    metadata = client.get("/api/metadata").json()
    assert metadata["region"] == "NA"
    assert "energy_device_data" in metadata["scopes"]
    assert set(metadata["energy_sites"]) == {str(site.site_id) for site in WORLD.sites}


def test_stale_sites_are_listed_and_have_no_data() -> None:
    """Q23: requests for one stale site get 500, those for the other a string instead of an object."""
    world = personality_world(NOW.date())
    error, text = world.stale_sites
    with serve(world, clock=lambda: NOW) as running, logged_in(running) as client:
        listed = {product.get("energy_site_id") for product in client.get("/api/1/products").json()["response"]}
        assert {error.site_id, text.site_id} <= listed
        for endpoint in ("site_info", "calendar_history"):
            response = client.get(f"/api/1/energy_sites/{error.site_id}/{endpoint}", params={"kind": "power"})
            assert (response.status_code, response.json()["error"]) == (500, "upstream internal error")
            response = client.get(f"/api/1/energy_sites/{text.site_id}/{endpoint}", params={"kind": "power"})
            assert (response.status_code, response.json()) == (200, {"response": ""})


def test_the_second_response_can_have_the_right_window() -> None:
    """Q22: the first response is of another day; the second response to the same request is right."""
    world = quirky_world(NOW.date())
    spec = world.sites[1]
    (once,) = (anomaly for anomaly in spec.anomalies if isinstance(anomaly, WrongWindow) and anomaly.times == 1)
    end_date = datetime(once.first.year, once.first.month, once.first.day, 23, 59, 59, tzinfo=spec.zone).isoformat()
    path = f"/api/1/energy_sites/{spec.site_id}/calendar_history"
    with serve(world, clock=lambda: NOW) as running, logged_in(running) as client:
        rows = [
            client.get(path, params={"kind": kind, "end_date": end_date}).json()["response"]["time_series"][0]
            for kind in ("power", "power", "soe", "soe")
        ]
    days = [row["timestamp"][:10] for row in rows]
    assert days == [str(once.first - timedelta(days=1)), str(once.first)] * 2


def start(*arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    """The simulator as a process, and its address."""
    command = [sys.executable, "-m", "extract.simulator", "--today", "2026-07-20", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    ready = orjson.loads(process.stdout.readline())
    assert ready["base_url"] == f"http://127.0.0.1:{ready['port']}"
    return process, ready["base_url"]


def end(process: subprocess.Popen[bytes]) -> int:
    """The exit code, with closed pipes; the process is killed if it does not end."""
    try:
        process.wait(10)
    finally:
        process.kill()
        process.communicate()
    return process.returncode


def test_a_separate_process_serves_and_ends_at_sigterm() -> None:
    """It prints its address as one line, and ends with code 0, also with an open connection."""
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


def test_a_separate_process_ends_with_its_parent() -> None:
    """When the parent ends, standard input closes, and the simulator ends."""
    process, _ = start("--exit-with-parent")
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    assert end(process) == 0
