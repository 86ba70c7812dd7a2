"""Login at the simulator: PKCE, single-use refresh tokens, expiry, scopes, regions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer, World, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import WRONG_REGION
from extract.simulator.login.access_tokens import verified
from extract.simulator.login.authority import DEMO_REFRESH_TOKEN, OAuthSetup, RefreshOutcome, challenge_of

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
CALLBACK = "http://localhost:8123/callback"
VERIFIER = "a-verifier-that-is-long-enough-for-the-rfc-0123456789"
SCOPES = "openid offline_access energy_device_data"


class Account:
    """A simulator, a clock that the test moves, and the browser of the account's owner."""

    def __init__(self, server: SimulatorServer, client: httpx.Client, clock: list[datetime]) -> None:
        self.server = server
        self.http = client
        self._clock = clock

    def wait(self, seconds: float) -> None:
        """Move the clock forward."""
        self._clock[0] += timedelta(seconds=seconds)

    def log_in(self, **changes: str) -> dict[str, str]:
        """Parameters of the redirect after the owner agreed."""
        params = {
            "response_type": "code",
            "client_id": "wattlog",
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "state": "s-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        response = self.http.get("/oauth2/v3/authorize", params=params | changes)
        assert response.status_code == 302, response.text
        target = urlsplit(response.headers["location"])
        assert f"{target.scheme}://{target.netloc}{target.path}" == CALLBACK
        return {name: values[0] for name, values in parse_qs(target.query).items()}

    def exchange(self, code: str, **changes: str) -> httpx.Response:
        """Request tokens with a code."""
        params = {
            "grant_type": "authorization_code",
            "client_id": "wattlog",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.http.post("/oauth2/v3/token", data=params | changes)

    def refresh(self, token: str, client_id: str = "wattlog") -> httpx.Response:
        """Request tokens with a refresh token."""
        params = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
        return self.http.post("/oauth2/v3/token", data=params)

    def products(self, token: str) -> httpx.Response:
        """Request the products."""
        return self.http.get("/api/1/products", headers={"Authorization": f"Bearer {token}"})


@contextmanager
def account(world: World = WORLD, **setup: Any) -> Iterator[Account]:
    """A simulator with these lifetimes of tokens."""
    clock = [NOW]
    conditions = Conditions(oauth=OAuthSetup(**setup))
    with (
        serve(world, clock=lambda: clock[0], conditions=conditions) as server,
        httpx.Client(base_url=server.base_url) as client,
    ):
        yield Account(server, client, clock)


@pytest.fixture(scope="module")
def shared() -> Iterator[Account]:
    """An account whose clock does not move."""
    with account() as unchanged:
        yield unchanged


def test_a_code_is_exchanged_for_working_tokens(shared: Account) -> None:
    """API.md#login: authorization code with PKCE; eight hours by default; the state is returned unchanged."""
    redirect = shared.log_in()
    assert redirect["state"] == "s-1"
    granted = shared.exchange(redirect["code"]).json()
    assert granted.keys() == {"access_token", "refresh_token", "expires_in", "token_type"}
    assert (granted["expires_in"], granted["token_type"]) == (28_800, "Bearer")
    assert shared.products(granted["access_token"]).status_code == 200


def test_the_access_token_is_a_jwt_with_its_scopes(shared: Account) -> None:
    """API.md#login: `scp` lists the requested scopes that the account has."""
    code = shared.log_in(scope="openid energy_device_data vehicle_location")["code"]
    granted = shared.exchange(code).json()
    claims = verified(granted["access_token"])
    assert claims is not None
    assert claims["scp"] == ["openid", "energy_device_data"]
    assert claims["exp"] - claims["iat"] == 28_800
    assert "refresh_token" not in granted, "offline_access was not requested"


def test_a_code_works_once(shared: Account) -> None:
    """RFC 6749 §4.1.2."""
    code = shared.log_in()["code"]
    assert shared.exchange(code).status_code == 200
    for invalid in (code, "NA_0"):
        response = shared.exchange(invalid)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_auth_code")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_redirect_url"),
        ({"client_id": "another-client"}, "unauthorized_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_request_that_does_not_match_the_login_gets_no_tokens(
    shared: Account, changes: dict[str, str], error: str
) -> None:
    """PKCE, redirect URI, and client are checked, each with a different error."""
    response = shared.exchange(shared.log_in()["code"], **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_a_code_expires() -> None:
    """A code is valid for five minutes."""
    with account() as session:
        fresh, stale = session.log_in()["code"], session.log_in()["code"]
        session.wait(300)
        assert session.exchange(fresh).status_code == 200
        session.wait(1)
        assert session.exchange(stale).json()["error"] == "invalid_auth_code"


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
    """An invalid authorization request gets an error instead of a redirect."""
    params = {
        "response_type": "code",
        "client_id": "wattlog",
        "redirect_uri": CALLBACK,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    response = shared.http.get("/oauth2/v3/authorize", params=params | changes)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_only_listed_clients_may_log_in() -> None:
    """If clients are registered, another client is rejected in the first step."""
    with account(client_ids=("wattlog",)) as session:
        assert session.exchange(session.log_in()["code"]).status_code == 200
        response = session.http.get("/oauth2/v3/authorize", params={"client_id": "other", "response_type": "code"})
        assert response.json()["error"] == "unauthorized_client"


def test_a_login_hint_shows_a_page_first(shared: Account) -> None:
    """With `login_hint` the page comes first; its form (POST) redirects."""
    params = {"response_type": "code", "client_id": "wattlog", "redirect_uri": CALLBACK, "login_hint": "a@example.org"}
    page = shared.http.get("/oauth2/v3/authorize", params=params)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    agreed = shared.http.post("/oauth2/v3/authorize", params=params)
    assert agreed.headers["location"].startswith(f"{CALLBACK}?code=NA_")


def test_a_refresh_token_works_once() -> None:
    """Q29: the second use gets 401 `login_required`; the tokens from the first use remain valid."""
    with account() as session:
        first = session.exchange(session.log_in()["code"]).json()
        second = session.refresh(first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        assert second["access_token"] != first["access_token"]
        reused = session.refresh(first["refresh_token"])
        assert (reused.status_code, reused.json()["error"]) == (401, "login_required")
        assert "the refresh_token has already been used" in reused.json()["error_description"]
        assert session.refresh(second["refresh_token"]).status_code == 200


def test_the_log_distinguishes_used_and_unknown_tokens() -> None:
    """Q29: tests check with it that no used refresh token was sent again; it has only hashes."""
    with account() as session:
        for token in (DEMO_REFRESH_TOKEN, DEMO_REFRESH_TOKEN, "nonsense"):
            session.refresh(token)
        refreshes = session.server.authority.refreshes
        assert [refresh.outcome for refresh in refreshes] == [
            RefreshOutcome.ROTATED,
            RefreshOutcome.REUSED,
            RefreshOutcome.UNKNOWN,
        ]
        assert refreshes[0].token_sha256 == sha256(DEMO_REFRESH_TOKEN.encode()).hexdigest()


def test_a_refresh_token_belongs_to_its_client() -> None:
    """Another client gets an error and does not use up the token."""
    with account() as session:
        token = session.exchange(session.log_in()["code"]).json()["refresh_token"]
        assert session.refresh(token, "another-client").json()["error"] == "unauthorized_client"
        assert session.refresh(token).status_code == 200


def test_a_refresh_token_lives_three_months() -> None:
    """API.md#login."""
    with account() as session:
        session.wait(90 * 86_400 + 1)
        assert session.refresh(DEMO_REFRESH_TOKEN).json()["error"] == "login_required"
        assert session.server.authority.refreshes[0].outcome is RefreshOutcome.EXPIRED


def test_parameters_may_come_as_json(shared: Account) -> None:
    """Clients of the Owner API send JSON."""
    params = {"grant_type": "refresh_token", "client_id": "ownerapi", "refresh_token": "nonsense"}
    response = shared.http.post("/oauth2/v3/token", json=params)
    assert response.json()["error"] == "login_required"
    for body in ("{", "[]"):
        wrong = shared.http.post("/oauth2/v3/token", content=body, headers={"Content-Type": "application/json"})
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_request")


def test_an_access_token_expires() -> None:
    """Q29: to the second, with the text that clients look for."""
    with account(expires_in_s=600) as session:
        granted = session.refresh(DEMO_REFRESH_TOKEN).json()
        assert granted["expires_in"] == 600
        session.wait(599)
        assert session.products(granted["access_token"]).status_code == 200
        session.wait(1)
        expired = session.products(granted["access_token"])
        assert (expired.status_code, expired.json()["error"]) == (401, "token expired (401)")
        renewed = session.refresh(granted["refresh_token"]).json()
        assert session.products(renewed["access_token"]).status_code == 200


@pytest.mark.parametrize(("life_s", "statuses"), [(None, [200, 200]), (60, [200, 401]), (0, [401, 401])])
def test_the_lifetime_of_the_static_token(life_s: float | None, statuses: list[int]) -> None:
    """Without end by default; a scenario can let it expire, also before the start."""
    with account(static_token_s=life_s) as session:
        first = session.products(DEMO_TOKEN).status_code
        session.wait(60)
        assert [first, session.products(DEMO_TOKEN).status_code] == statuses


@pytest.mark.parametrize("forgery", ["wrong", "a.b.c"])
def test_an_invented_token_is_rejected(shared: Account, forgery: str) -> None:
    """API.md#status-codes: `invalid bearer token`, also for a text in the format of a JWT."""
    response = shared.products(forgery)
    assert (response.status_code, response.json()["error"]) == (401, "invalid bearer token")


def test_a_token_with_a_wrong_signature_is_rejected(shared: Account) -> None:
    """Claims are accepted only with their signature."""
    token = shared.exchange(shared.log_in()["code"]).json()["access_token"]
    head, claims, signature = token.split(".")
    other = shared.exchange(shared.log_in()["code"]).json()["access_token"].split(".")[1]
    assert other != claims
    assert shared.products(f"{head}.{other}.{signature}").status_code == 401


def test_a_token_without_the_scope_reads_nothing(shared: Account) -> None:
    """API.md#login: every GET of energy data needs `energy_device_data`."""
    token = shared.exchange(shared.log_in(scope="openid")["code"]).json()["access_token"]
    for path in ("/api/1/products", f"/api/1/energy_sites/{WORLD.sites[0].site_id}/site_info"):
        response = shared.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["error"]) == (403, "Unauthorized missing scopes")


def test_the_owner_api_needs_no_energy_scopes(shared: Account) -> None:
    """API.md#login: tokens of the client `ownerapi` have access without them."""
    code = shared.log_in(client_id="ownerapi", scope="openid email offline_access")["code"]
    token = shared.exchange(code, client_id="ownerapi").json()["access_token"]
    assert shared.products(token).status_code == 200


def out_of_region(*, is_hidden: bool) -> SimulatorServer:
    """The demo account in the region eu, on a server of another region."""
    world = World(sites=WORLD.sites, region="eu")
    conditions = Conditions(is_out_of_region=True, is_region_hidden=is_hidden)
    return serve(world, clock=lambda: NOW, conditions=conditions)


def test_the_wrong_region_names_the_right_one() -> None:
    """API.md#login: 421 for data; `users/region` has the address of the right region, which has the data."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    with out_of_region(is_hidden=False) as server:
        assert httpx.get(f"{server.base_url}/api/1/products", headers=headers).status_code == 421
        found = httpx.get(f"{server.base_url}/api/1/users/region", headers=headers).json()["response"]
        assert found == {"region": "eu", "fleet_api_base_url": f"{server.base_url}/eu"}
        response = httpx.get(f"{found['fleet_api_base_url']}/api/1/products", headers=headers)
        assert response.json()["count"] == 2
        assert [(request.status, request.faults) for request in server.requests] == [
            (421, (WRONG_REGION,)),
            (200, ()),
            (200, ()),
        ]
        again = httpx.get(f"{found['fleet_api_base_url']}/api/1/users/region", headers=headers).json()["response"]
        assert again == found


def test_a_strict_region_names_nothing() -> None:
    """API.md#login: `users/region` gets 421, too, so that a client has to try the servers; the login works everywhere."""
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    with out_of_region(is_hidden=True) as server:
        assert httpx.get(f"{server.base_url}/api/1/users/region", headers=headers).status_code == 421
        assert httpx.get(f"{server.base_url}/eu/api/1/users/region", headers=headers).status_code == 200
        params = {"grant_type": "refresh_token", "refresh_token": DEMO_REFRESH_TOKEN}
        assert httpx.post(f"{server.base_url}/oauth2/v3/token", data=params).status_code == 200
