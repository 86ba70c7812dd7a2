"""Logging in at the simulator: PKCE, single-use refresh tokens, expiry by the clock, scopes, regions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer, World, demo_world, serve
from extract.simulator.access_tokens import verified
from extract.simulator.authority import DEMO_REFRESH_TOKEN, OAuthSetup, RefreshOutcome, challenge_of
from extract.simulator.conditions import Conditions
from extract.simulator.faults import WRONG_REGION

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
CALLBACK = "http://localhost:8123/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rfc-0123456789"
SCOPES = "openid offline_access energy_device_data"


class Account:
    """A simulator, a clock that is moved by hand, and a person with a browser."""

    def __init__(self, server: SimulatorServer, client: httpx.Client, clock: list[datetime]) -> None:
        self.server = server
        self.http = client
        self._clock = clock

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._clock[0] += timedelta(seconds=seconds)

    def log_in(self, **changes: str) -> dict[str, str]:
        """What the browser is sent back with after the person agreed."""
        asked = {
            "response_type": "code",
            "client_id": "wattlog",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "s-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        answer = self.http.get("/oauth2/v3/authorize", params=asked | changes)
        assert answer.status_code == 302, answer.text
        target = urlsplit(answer.headers["location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == CALLBACK
        return {name: values[0] for name, values in parse_qs(target.query).items()}

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        """Ask for tokens with a code."""
        asked = {
            "grant_type": "authorization_code",
            "client_id": "wattlog",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.http.post("/oauth2/v3/token", data=asked | changes)

    def refresh(self, token: str, client_id: str = "wattlog") -> httpx.Response:
        """Ask for tokens with a refresh token."""
        asked = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
        return self.http.post("/oauth2/v3/token", data=asked)

    def products(self, token: str) -> httpx.Response:
        """Read something."""
        return self.http.get("/api/1/products", headers={"Authorization": f"Bearer {token}"})


@contextmanager
def account(world: World = WORLD, **setup: Any) -> Iterator[Account]:
    """A simulator with these lives of tokens."""
    clock = [NOW]
    conditions = Conditions(oauth=OAuthSetup(**setup))
    with (
        serve(world, clock=lambda: clock[0], conditions=conditions) as server,
        httpx.Client(base_url=server.base_url) as client,
    ):
        yield Account(server, client, clock)


@pytest.fixture(scope="module")
def shared() -> Iterator[Account]:
    """An account whose clock nobody moves."""
    with account() as opened:
        yield opened


def test_a_code_becomes_a_pair_of_tokens_that_reads(shared: Account) -> None:
    """API.md §1.0: authorization code with PKCE; eight hours by default; the state comes back as it was sent."""
    came_back = shared.log_in()
    assert came_back["state"] == "s-1"
    granted = shared.exchange(came_back["code"]).json()
    assert granted.keys() == {"access_token", "refresh_token", "expires_in", "token_type"}
    assert (granted["expires_in"], granted["token_type"]) == (28_800, "Bearer")
    assert shared.products(granted["access_token"]).status_code == 200


def test_the_access_token_is_a_jwt_with_its_scopes(shared: Account) -> None:
    """API.md §1.8: `scp` lists what was asked for and is granted."""
    code = shared.log_in(scope="openid energy_device_data vehicle_cmds")["code"]
    granted = shared.exchange(code).json()
    claims = verified(granted["access_token"])
    assert claims is not None
    assert claims["scp"] == ["openid", "energy_device_data"]
    assert claims["exp"] - claims["iat"] == 28_800
    assert "refresh_token" not in granted, "offline_access was not asked for"


def test_a_code_is_good_once(shared: Account) -> None:
    """RFC 6749 §4.1.2."""
    code = shared.log_in()["code"]
    assert shared.exchange(code).status_code == 200
    for used_or_made_up in (code, "NA_0"):
        answer = shared.exchange(used_or_made_up)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_auth_code")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_redirect_url"),
        ({"client_id": "someone-else"}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_does_not_fit_the_login_gets_no_tokens(shared: Account, changes: dict[str, str], error: str) -> None:
    """PKCE, redirect and client are checked, each with its own key."""
    answer = shared.exchange(shared.log_in()["code"], **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_code_gets_old() -> None:
    """Five minutes."""
    with account() as here:
        fresh, stale = here.log_in()["code"], here.log_in()["code"]
        here.wait(300)
        assert here.exchange(fresh).status_code == 200
        here.wait(1)
        assert here.exchange(stale).json()["error"] == "invalid_auth_code"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"redirect_uri": ""}, "invalid_redirect_url"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": ""}, "unauthorized_client"),
    ],
)
def test_a_wrong_authorization_request_is_not_redirected(shared: Account, changes: dict[str, str], error: str) -> None:
    """Nobody is sent anywhere when the request itself is wrong."""
    asked = {
        "response_type": "code",
        "client_id": "wattlog",
        "redirect_uri": CALLBACK,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    answer = shared.http.get("/oauth2/v3/authorize", params=asked | changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_only_listed_clients_may_log_in() -> None:
    """Where clients are registered, another is refused at the first step."""
    with account(client_ids=("wattlog",)) as here:
        assert here.exchange(here.log_in()["code"]).status_code == 200
        answer = here.http.get("/oauth2/v3/authorize", params={"client_id": "other", "response_type": "code"})
        assert answer.json()["error"] == "unauthorized_client"


def test_a_person_named_by_a_hint_is_asked_on_a_page(shared: Account) -> None:
    """With `login_hint` the page comes first; agreeing (POST) redirects."""
    asked = {"response_type": "code", "client_id": "wattlog", "redirect_uri": CALLBACK, "login_hint": "a@example.org"}
    page = shared.http.get("/oauth2/v3/authorize", params=asked)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    agreed = shared.http.post("/oauth2/v3/authorize", params=asked)
    assert agreed.headers["location"].startswith(f"{CALLBACK}?code=NA_")


def test_a_refresh_token_is_good_once() -> None:
    """Q29: the second use is 401 `login_required`; the pair from the first goes on working."""
    with account() as here:
        first = here.exchange(here.log_in()["code"]).json()
        second = here.refresh(first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        assert second["access_token"] != first["access_token"]
        reused = here.refresh(first["refresh_token"])
        assert (reused.status_code, reused.json()["error"]) == (401, "login_required")
        assert "the refresh_token has already been used" in reused.json()["error_description"]
        assert here.refresh(second["refresh_token"]).status_code == 200


def test_the_log_tells_a_spent_token_from_an_unknown_one() -> None:
    """Q29: tests assert on it that no spent refresh token was ever sent; it holds hashes alone."""
    with account() as here:
        for token in (DEMO_REFRESH_TOKEN, DEMO_REFRESH_TOKEN, "nonsense"):
            here.refresh(token)
        seen = here.server.authority.refreshes
        assert [each.outcome for each in seen] == [
            RefreshOutcome.ROTATED,
            RefreshOutcome.SPENT,
            RefreshOutcome.UNKNOWN,
        ]
        assert seen[0].token_sha256 == sha256(DEMO_REFRESH_TOKEN.encode()).hexdigest()


def test_a_refresh_token_belongs_to_its_client() -> None:
    """Another client gets nothing and does not spend it."""
    with account() as here:
        token = here.exchange(here.log_in()["code"]).json()["refresh_token"]
        assert here.refresh(token, "thief").json()["error"] == "unauthorized_client"
        assert here.refresh(token).status_code == 200


def test_a_refresh_token_lives_three_months() -> None:
    """API.md §1.8."""
    with account() as here:
        here.wait(90 * 86_400 + 1)
        assert here.refresh(DEMO_REFRESH_TOKEN).json()["error"] == "login_required"
        assert here.server.authority.refreshes[0].outcome is RefreshOutcome.EXPIRED


def test_parameters_may_come_as_json(shared: Account) -> None:
    """Clients of the Owner API send JSON."""
    asked = {"grant_type": "refresh_token", "client_id": "ownerapi", "refresh_token": "nonsense"}
    answer = shared.http.post("/oauth2/v3/token", json=asked)
    assert answer.json()["error"] == "login_required"
    for body in ("{", "[]"):
        wrong = shared.http.post("/oauth2/v3/token", content=body, headers={"Content-Type": "application/json"})
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_request")


def test_an_access_token_expires_by_the_clock() -> None:
    """Q29: to the second, with the text that real clients look for."""
    with account(expires_in_s=600) as here:
        granted = here.refresh(DEMO_REFRESH_TOKEN).json()
        assert granted["expires_in"] == 600
        here.wait(599)
        assert here.products(granted["access_token"]).status_code == 200
        here.wait(1)
        expired = here.products(granted["access_token"])
        assert (expired.status_code, expired.json()["error"]) == (401, "token expired (401)")
        renewed = here.refresh(granted["refresh_token"]).json()
        assert here.products(renewed["access_token"]).status_code == 200


@pytest.mark.parametrize(("life_s", "statuses"), [(None, [200, 200]), (60, [200, 401]), (0, [401, 401])])
def test_the_static_token_lives_as_long_as_it_is_told(life_s: float | None, statuses: list[int]) -> None:
    """For ever by default; a scenario may have it expire, or be expired from the start."""
    with account(static_token_s=life_s) as here:
        first = here.products(DEMO_TOKEN).status_code
        here.wait(60)
        assert [first, here.products(DEMO_TOKEN).status_code] == statuses


@pytest.mark.parametrize("forgery", ["wrong", "a.b.c"])
def test_a_made_up_token_is_no_token(shared: Account, forgery: str) -> None:
    """API.md §1.7: `invalid bearer token`, whether it looks like a JWT or not."""
    answer = shared.products(forgery)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid bearer token")


def test_a_token_with_another_signature_is_no_token(shared: Account) -> None:
    """Claims are believed only as they were signed."""
    token = shared.exchange(shared.log_in()["code"]).json()["access_token"]
    head, claims, signature = token.split(".")
    other = shared.exchange(shared.log_in()["code"]).json()["access_token"].split(".")[1]
    assert other != claims
    assert shared.products(f"{head}.{other}.{signature}").status_code == 401


def test_a_token_without_the_scope_reads_nothing(shared: Account) -> None:
    """API.md §1.0: every GET of energy data needs `energy_device_data`."""
    token = shared.exchange(shared.log_in(scope="openid")["code"]).json()["access_token"]
    for path in ("/api/1/products", f"/api/1/energy_sites/{WORLD.sites[0].site_id}/site_info"):
        answer = shared.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]) == (403, "Unauthorized missing scopes")


def test_the_owner_api_knows_no_energy_scopes(shared: Account) -> None:
    """API.md §1.0: tokens of the client `ownerapi` read without them."""
    code = shared.log_in(client_id="ownerapi", scope="openid email offline_access")["code"]
    token = shared.exchange(code, client_id="ownerapi").json()["access_token"]
    assert shared.products(token).status_code == 200


def out_of_region(*, is_hidden: bool) -> SimulatorServer:
    """The demo account, living in Europe, asked in America."""
    world = World(sites=WORLD.sites, region="eu")
    conditions = Conditions(is_out_of_region=True, is_region_hidden=is_hidden)
    return serve(world, clock=lambda: NOW, conditions=conditions)


def test_the_wrong_region_names_the_right_one() -> None:
    """API.md §1.0: 421 for data; `users/region` says where to go, and there the data is."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    with out_of_region(is_hidden=False) as server:
        assert httpx.get(f"{server.base_url}/api/1/products", headers=headers).status_code == 421
        found = httpx.get(f"{server.base_url}/api/1/users/region", headers=headers).json()["response"]
        assert found == {"region": "eu", "fleet_api_base_url": f"{server.base_url}/eu"}
        answer = httpx.get(f"{found['fleet_api_base_url']}/api/1/products", headers=headers)
        assert answer.json()["count"] == 2
        assert [(each.status, each.faults) for each in server.requests] == [
            (421, (WRONG_REGION,)),
            (200, ()),
            (200, ()),
        ]
        again = httpx.get(f"{found['fleet_api_base_url']}/api/1/users/region", headers=headers).json()["response"]
        assert again == found


def test_a_strict_region_names_nothing() -> None:
    """API.md §1.0: a client that tries the servers one by one meets 421 on `users/region` too; login is everywhere."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    with out_of_region(is_hidden=True) as server:
        assert httpx.get(f"{server.base_url}/api/1/users/region", headers=headers).status_code == 421
        assert httpx.get(f"{server.base_url}/eu/api/1/users/region", headers=headers).status_code == 200
        asked = {"grant_type": "refresh_token", "refresh_token": DEMO_REFRESH_TOKEN}
        assert httpx.post(f"{server.base_url}/oauth2/v3/token", data=asked).status_code == 200
