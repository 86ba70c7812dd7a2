"""Every scenario of the service, over HTTP: clients get what the explanation says."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer
from extract.simulator.faults.plan import EmptyResponse, Latency, SlowBody
from extract.simulator.login.authority import DEMO_REFRESH_TOKEN
from extract.simulator.scenarios import SCENARIOS, scenario
from tests.patience import PATIENCE_S

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
HEADERS = {"Authorization": f"Bearer {DEMO_TOKEN}"}


def logged_in(server: SimulatorServer, token: str = DEMO_TOKEN) -> httpx.Client:
    """A client with a valid token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=PATIENCE_S)


def site_path(server: SimulatorServer, endpoint: str) -> str:
    """A path of the account's first site."""
    return f"/api/1/energy_sites/{server.world.sites[0].site_id}/{endpoint}"


def day_query(server: SimulatorServer, days_ago: int) -> dict[str, str]:
    """Parameters of a request for a whole day of energy."""
    day = NOW.astimezone(server.world.sites[0].zone) - timedelta(days=days_ago)
    return {"kind": "energy", "period": "day", "end_date": day.replace(hour=23, minute=59, second=59).isoformat()}


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("payment", 402, "subscription_required"),
        ("missing-scope", 403, "Unauthorized missing scopes"),
        ("owner-closed", 403, "forbidden, see https://developer.tesla.com/docs/fleet-api"),
        ("expiring-token", 401, "token expired (401)"),
        ("wrong-region", 421, "user out of region"),
        ("hidden-region", 421, "user out of region"),
    ],
)
def test_errors_of_scenarios(name: str, status: int, error: str) -> None:
    """API.md#status-codes: status and key of the error."""
    with scenario(name).serve(clock=lambda: NOW) as server, logged_in(server) as client:
        response = client.get("/api/1/products")
        assert (response.status_code, response.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("name", "listed"), [("demo", 4), ("calm", 2), ("ghost", 6), ("wrong-region", 2), ("personalities", None)]
)
def test_products_of_scenarios(name: str, listed: int | None) -> None:
    """Number of listed products; the account of the wrong region is below `/eu`."""
    with scenario(name).serve(clock=lambda: NOW) as server, logged_in(server) as client:
        count = client.get("/eu/api/1/products" if name == "wrong-region" else "/api/1/products").json()["count"]
        world = server.world
        products = (*world.sites, *world.vehicles, *world.ghosts, *world.stale_sites)
        assert count == (listed or len(products))


def test_credits_run_out() -> None:
    """The first twenty requests succeed."""
    with scenario("credits").serve(clock=lambda: NOW) as server, logged_in(server) as client:
        statuses = [client.get("/api/1/products").status_code for _ in range(22)]
        assert statuses == [200] * 20 + [402] * 2


def test_rate_limits_of_scenarios() -> None:
    """Sixty, or Teslemetry's thirty (API.md#limits)."""
    for name, requests in (("rate-limited", 60), ("teslemetry", 30)):
        with scenario(name).serve(clock=lambda: NOW) as server, logged_in(server) as client:
            statuses = Counter(client.get("/api/1/products").status_code for _ in range(requests + 3))
            assert statuses == {200: requests, 429: 3}


def test_teslemetry_serves_what_its_pages_document() -> None:
    """API.md#requests: kinds energy and backup; metadata has no envelope and lists the scopes."""
    with scenario("teslemetry").serve(clock=lambda: NOW) as server, logged_in(server) as client:
        path = site_path(server, "calendar_history")
        assert client.get(path, params=day_query(server, 1)).status_code == 200
        assert client.get(path, params={"kind": "backup", "period": "lifetime"}).status_code == 200
        error = client.get(path, params={"kind": "power"})
        assert (error.status_code, error.json()["error"]) == (400, "kind `power` is not supported")
        assert "energy_device_data" in client.get("/api/metadata").json()["scopes"]


def test_an_expired_token_is_renewed_once_for_each_token() -> None:
    """Q29: access tokens are valid for twenty seconds, and each refresh token works once."""
    clock = [NOW]
    with scenario("expiring-token").serve(clock=lambda: clock[0]) as server:

        def renew(refresh_token: str) -> dict[str, str]:
            params = {"grant_type": "refresh_token", "client_id": "wattlog", "refresh_token": refresh_token}
            granted: dict[str, str] = httpx.post(f"{server.base_url}/oauth2/v3/token", data=params).json()
            return granted

        first = renew(DEMO_REFRESH_TOKEN)
        with logged_in(server, first["access_token"]) as client:
            assert client.get("/api/1/products").status_code == 200
            clock[0] += timedelta(seconds=20)
            assert client.get("/api/1/products").status_code == 401
        with logged_in(server, renew(first["refresh_token"])["access_token"]) as client:
            assert client.get("/api/1/products").status_code == 200
        assert renew(first["refresh_token"])["error"] == "login_required"


def test_ghost_and_stale_sites_have_no_data() -> None:
    """API.md#products: always 500, or a string, while the real sites have data."""
    with scenario("ghost").serve(clock=lambda: NOW) as server, logged_in(server) as client:
        ghost = server.world.ghosts[0]
        failing, empty = (site.site_id for site in server.world.stale_sites)
        for site_id in (ghost, failing):
            assert {client.get(f"/api/1/energy_sites/{site_id}/site_info").status_code for _ in range(3)} == {500}
        assert client.get(f"/api/1/energy_sites/{empty}/site_info").json() == {"response": ""}
        assert client.get(site_path(server, "site_info")).status_code == 200


def test_an_outage_begins_and_stays() -> None:
    """503 after fifty requests."""
    with scenario("outage").serve(clock=lambda: NOW) as server, logged_in(server) as client:
        assert [client.get("/api/1/products").status_code for _ in range(53)] == [200] * 50 + [503] * 3


def test_the_retired_history_is_served_only_by_its_scenario() -> None:
    """API.md#owner-api: 410 except in `legacy-history`."""
    for name, status in (("calm", 410), ("legacy-history", 200)):
        with scenario(name).serve(clock=lambda: NOW) as server, logged_in(server) as client:
            response = client.get(site_path(server, "history"), params={"kind": "energy", "period": "day"})
            assert response.status_code == status


def test_one_response_in_five_is_empty() -> None:
    """Q23: all six forms occur, only in responses that have rows."""
    with scenario("empties").serve(clock=lambda: NOW) as server, logged_in(server) as client:
        for days_ago in range(1, 121):
            assert client.get(site_path(server, "calendar_history"), params=day_query(server, days_ago)).is_success
            client.get("/api/1/products")
        faults = [fault for request in server.requests for fault in request.faults]
        assert 12 <= len(faults) <= 40
        assert len({fault for fault in faults if isinstance(fault, EmptyResponse)}) == 6
        assert all("history" in request.path for request in server.requests if request.faults)


def bodies_with_retries(server: SimulatorServer, days: range) -> tuple[list[bytes], int]:
    """Bodies of days, each requested until it is JSON with status 200, and the number of requests."""
    bodies = []
    with logged_in(server) as client:
        for days_ago in days:
            for _ in range(6):
                try:
                    response = client.get(site_path(server, "calendar_history"), params=day_query(server, days_ago))
                    response.raise_for_status()
                    orjson.loads(response.content)
                except (httpx.HTTPError, orjson.JSONDecodeError):
                    continue
                bodies.append(response.content)
                break
    return bodies, len(server.requests)


@pytest.mark.slow
def test_a_client_that_retries_gets_everything_despite_the_faults() -> None:
    """Q30: with retries every day arrives with the same bytes as without faults; at least eight kinds of faults occurred."""
    days = range(1, 151)
    with scenario("calm").serve(clock=lambda: NOW) as server:
        plain, _ = bodies_with_retries(server, days)
    with scenario("faults").serve(clock=lambda: NOW) as server:
        retried, requests = bodies_with_retries(server, days)
        faults = {fault for request in server.requests for fault in request.faults}
    assert retried == plain
    assert requests > len(days)
    assert len(faults) >= 8
    assert any(not isinstance(fault, Latency | SlowBody) for fault in faults)


def run_module(*arguments: str) -> subprocess.Popen[bytes]:
    """`python -m extract.simulator` as a process."""
    command = [sys.executable, "-m", "extract.simulator", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_process_serves_a_scenario_by_name() -> None:
    """`--scenario NAME --port 0 --exit-with-parent`: the address as one line; it ends when standard input closes."""
    with run_module("--scenario", "payment", "--port", "0", "--exit-with-parent") as process:
        assert process.stdout is not None
        base_url = orjson.loads(process.stdout.readline())["base_url"]
        assert httpx.get(f"{base_url}/api/1/products", headers=HEADERS).status_code == 402
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def test_a_process_lists_the_scenarios() -> None:
    """`--list`: a name, and the explanation in the next line."""
    with run_module("--list") as process:
        listed = process.communicate(timeout=PATIENCE_S)[0].decode().splitlines()
    assert listed[::2] == list(SCENARIOS)
    assert [line.strip() for line in listed[1::2]] == [known.explanation for known in SCENARIOS.values()]
