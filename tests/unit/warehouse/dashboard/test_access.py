"""Who may use the dashboard: hosts, the token, what may be sent, and the headers of every response."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.asgi import AsgiClient
from warehouse.dashboard.access import MAX_BODY_BYTES, Access, Guard

TOKEN = "a-token-of-a-test"
JSON = {"content-type": "application/json"}


async def _answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the warehouse")


def _client(access: Access) -> AsgiClient:
    app = Starlette(routes=[Route("/{path:path}", _answer, methods=["GET", "POST"])])
    return AsgiClient(Guard(app, access), "http://127.0.0.1:8788")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8788", 200),
        ("localhost", 200),
        ("[::1]:8788", 200),
        ("192.168.1.7:1", 200),
        ("shed.local", 200),
        ("SHED.local:8788", 200),
        ("attacker.example", 421),
        ("localhost.attacker.example:8788", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
def test_request_names_a_host_of_this_machine(host: str, status: int) -> None:
    """A name that a stranger's DNS server points here (rebinding) is in `Host`, and is none of ours."""
    assert _client(Access(hosts=frozenset({"shed.local"}))).get("/", headers={"host": host}).status_code == status


def test_every_response_has_the_policy_and_is_not_stored() -> None:
    client = _client(Access())
    for response in (
        client.get("/"),
        client.get("/", headers={"host": "attacker.example"}),
        client.request("PUT", "/"),
    ):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_only_reading_and_statements_of_our_own_pages() -> None:
    """Other methods are refused, and a POST that another website sends, that is no JSON, or is too large."""
    client = _client(Access())
    own = {"origin": "http://127.0.0.1:8788", **JSON}
    assert client.request("HEAD", "/").status_code == 200
    assert client.post("/api/sql", content=b"{}", headers=own).status_code == 200
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.request(method, "/api/sql", headers=own).status_code == 405
    for origin in ("http://attacker.example", "http://127.0.0.1:9999", "null", ""):
        assert client.post("/api/sql", content=b"{}", headers={"origin": origin, **JSON}).status_code == 403
    assert client.post("/api/sql", content=b"{}", headers=JSON).status_code == 403
    plain = {"origin": own["origin"], "content-type": "text/plain"}
    assert client.post("/api/sql", content=b"{}", headers=plain).status_code == 415
    assert client.post("/api/sql", content=b"x" * (MAX_BODY_BYTES + 1), headers=own).status_code == 413
    assert client.post("/api/sql", content=_in_parts(), headers=own).status_code == 413


async def _in_parts() -> AsyncIterator[bytes]:
    yield b"{"
    yield b"}"


def _shown(client: AsgiClient, path: str) -> httpx.Response:
    return client.get(path)


def test_token_is_shown_once_and_kept_in_a_cookie_that_scripts_cannot_read() -> None:
    """The address with the token leads to the same address without it; after that the cookie is enough."""
    client = _client(Access(token=TOKEN, cookie="of_port_8788"))
    assert _shown(client, "/").status_code == 401
    assert _shown(client, "/?token=another").status_code == 401
    assert _shown(client, "/?token=").status_code == 401
    first = _shown(client, f"/?view=day&token={TOKEN}")
    assert (first.status_code, first.headers["location"]) == (303, "/?view=day")
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"of_port_8788={TOKEN};")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert _shown(client, "/").status_code == 200


def test_wrong_cookie_or_a_post_without_one_is_refused() -> None:
    client = _client(Access(token=TOKEN))
    assert client.get("/", headers={"cookie": "wattlog_dashboard=wrong"}).status_code == 401
    assert client.get("/", headers={b"cookie": "wattlog_dashboard=ä".encode()}).status_code == 401
    own = {"origin": "http://127.0.0.1:8788", **JSON}
    assert client.post(f"/api/sql?token={TOKEN}", content=b"{}", headers=own).status_code == 401
