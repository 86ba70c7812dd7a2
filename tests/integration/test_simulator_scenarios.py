"""Every scenario of the service, over HTTP: what a client meets is what the explanation says."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer
from extract.simulator.authority import DEMO_REFRESH_TOKEN
from extract.simulator.faults import EmptyAnswer, Latency, SlowBody
from extract.simulator.scenarios import SCENARIOS, scenario

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
HEADERS = {"Authorization": f"Bearer {DEMO_TOKEN}"}


def opened(server: SimulatorServer, token: str = DEMO_TOKEN) -> httpx.Client:
    """A client that is logged in."""
    return httpx.Client(base_url=server.base_url, headers={"Authorization": f"Bearer {token}"})


def site_path(server: SimulatorServer, endpoint: str) -> str:
    """A path of the account's first site."""
    return f"/api/1/energy_sites/{server.world.sites[0].site_id}/{endpoint}"


def day_query(server: SimulatorServer, days_ago: int) -> dict[str, str]:
    """Parameters that ask for a whole day of energy."""
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
def test_a_closed_door_has_its_own_answer(name: str, status: int, error: str) -> None:
    """API.md §1.7: what stops a client is told by status and key."""
    with scenario(name).serve(clock=lambda: NOW) as server, opened(server) as client:
        answer = client.get("/api/1/products")
        assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("name", "listed"), [("demo", 4), ("calm", 2), ("ghost", 6), ("wrong-region", 2), ("personalities", None)]
)
def test_an_open_door_shows_its_account(name: str, listed: int | None) -> None:
    """What products lists; the account of the wrong region is found below `/eu`."""
    with scenario(name).serve(clock=lambda: NOW) as server, opened(server) as client:
        count = client.get("/eu/api/1/products" if name == "wrong-region" else "/api/1/products").json()["count"]
        world = server.world
        everyone = (*world.sites, *world.vehicles, *world.ghosts, *world.stale_sites)
        assert count == (listed or len(everyone))


def test_credits_run_out() -> None:
    """Twenty requests are paid for."""
    with scenario("credits").serve(clock=lambda: NOW) as server, opened(server) as client:
        statuses = [client.get("/api/1/products").status_code for _ in range(22)]
        assert statuses == [200] * 20 + [402] * 2


def test_a_limit_of_the_scenario_is_its_number() -> None:
    """Sixty, or Teslemetry's thirty (API.md §1.8)."""
    for name, requests in (("rate-limited", 60), ("teslemetry", 30)):
        with scenario(name).serve(clock=lambda: NOW) as server, opened(server) as client:
            statuses = Counter(client.get("/api/1/products").status_code for _ in range(requests + 3))
            assert statuses == {200: requests, 429: 3}


def test_teslemetry_serves_what_its_pages_document() -> None:
    """API.md §1.2: kinds energy and backup; metadata has no envelope and names the scopes."""
    with scenario("teslemetry").serve(clock=lambda: NOW) as server, opened(server) as client:
        path = site_path(server, "calendar_history")
        assert client.get(path, params=day_query(server, 1)).status_code == 200
        assert client.get(path, params={"kind": "backup", "period": "lifetime"}).status_code == 200
        refused = client.get(path, params={"kind": "power"})
        assert (refused.status_code, refused.json()["error"]) == (400, "kind `power` is not supported")
        assert "energy_device_data" in client.get("/api/metadata").json()["scopes"]


def test_an_expired_token_is_renewed_once_for_each_token() -> None:
    """Q29: twenty seconds by the clock, and each refresh token once."""
    clock = [NOW]
    with scenario("expiring-token").serve(clock=lambda: clock[0]) as server:

        def renew(refresh_token: str) -> dict[str, str]:
            asked = {"grant_type": "refresh_token", "client_id": "wattlog", "refresh_token": refresh_token}
            granted: dict[str, str] = httpx.post(f"{server.base_url}/oauth2/v3/token", data=asked).json()
            return granted

        first = renew(DEMO_REFRESH_TOKEN)
        with opened(server, first["access_token"]) as client:
            assert client.get("/api/1/products").status_code == 200
            clock[0] += timedelta(seconds=20)
            assert client.get("/api/1/products").status_code == 401
        with opened(server, renew(first["refresh_token"])["access_token"]) as client:
            assert client.get("/api/1/products").status_code == 200
        assert renew(first["refresh_token"])["error"] == "login_required"


def test_forgotten_sites_stay_silent() -> None:
    """API.md §1.1: 500 for ever, or a string, while the real sites answer."""
    with scenario("ghost").serve(clock=lambda: NOW) as server, opened(server) as client:
        ghost = server.world.ghosts[0]
        failing, speaking = (each.site_id for each in server.world.stale_sites)
        for site_id in (ghost, failing):
            assert {client.get(f"/api/1/energy_sites/{site_id}/site_info").status_code for _ in range(3)} == {500}
        assert client.get(f"/api/1/energy_sites/{speaking}/site_info").json() == {"response": ""}
        assert client.get(site_path(server, "site_info")).status_code == 200


def test_an_outage_begins_and_stays() -> None:
    """503 after fifty requests."""
    with scenario("outage").serve(clock=lambda: NOW) as server, opened(server) as client:
        assert [client.get("/api/1/products").status_code for _ in range(53)] == [200] * 50 + [503] * 3


def test_the_retired_history_answers_only_where_it_is_said_to() -> None:
    """Fact 10: 410 but for `legacy-history`."""
    for name, status in (("calm", 410), ("legacy-history", 200)):
        with scenario(name).serve(clock=lambda: NOW) as server, opened(server) as client:
            answer = client.get(site_path(server, "history"), params={"kind": "energy", "period": "day"})
            assert answer.status_code == status


def test_one_answer_in_five_is_empty() -> None:
    """Q23: all six spellings come about, and only where there are rows to leave out."""
    with scenario("empties").serve(clock=lambda: NOW) as server, opened(server) as client:
        for days_ago in range(1, 121):
            assert client.get(site_path(server, "calendar_history"), params=day_query(server, days_ago)).is_success
            client.get("/api/1/products")
        faults = [fault for each in server.requests for fault in each.faults]
        assert 12 <= len(faults) <= 40
        assert len({fault for fault in faults if isinstance(fault, EmptyAnswer)}) == 6
        assert all("history" in each.path for each in server.requests if each.faults)


def patient(server: SimulatorServer, days: range) -> tuple[list[bytes], int]:
    """Bodies of days, asked until they are JSON with a status of 200, and how many requests that took."""
    bodies = []
    with opened(server) as client:
        for days_ago in days:
            for _ in range(6):
                try:
                    answer = client.get(site_path(server, "calendar_history"), params=day_query(server, days_ago))
                    answer.raise_for_status()
                    orjson.loads(answer.content)
                except (httpx.HTTPError, orjson.JSONDecodeError):
                    continue
                bodies.append(answer.content)
                break
    return bodies, len(server.requests)


def test_the_mixed_faults_hide_nothing_from_a_patient_client() -> None:
    """Q30: with retries every day comes, to the byte as without faults; some of each half of the faults were met."""
    days = range(1, 151)
    with scenario("calm").serve(clock=lambda: NOW) as server:
        plain, _ = patient(server, days)
    with scenario("faults").serve(clock=lambda: NOW) as server:
        spoiled, asked = patient(server, days)
        met = {fault for each in server.requests for fault in each.faults}
    assert spoiled == plain
    assert asked > len(days)
    assert len(met) >= 8
    assert any(not isinstance(each, Latency | SlowBody) for each in met)


def run_module(*arguments: str) -> subprocess.Popen[bytes]:
    """`python -m extract.simulator`."""
    command = [sys.executable, "-m", "extract.simulator", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_process_serves_a_scenario_by_name() -> None:
    """`--scenario NAME --port 0 --exit-with-parent`: the address in one line, and an end with standard input."""
    with run_module("--scenario", "payment", "--port", "0", "--exit-with-parent") as process:
        assert process.stdout is not None
        base_url = orjson.loads(process.stdout.readline())["base_url"]
        assert httpx.get(f"{base_url}/api/1/products", headers=HEADERS).status_code == 402
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_process_lists_the_scenarios() -> None:
    """`--list`: a name, and below it the explanation."""
    with run_module("--list") as process:
        listed = process.communicate(timeout=10)[0].decode().splitlines()
    assert listed[::2] == list(SCENARIOS)
    assert [line.strip() for line in listed[1::2]] == [each.explanation for each in SCENARIOS.values()]
