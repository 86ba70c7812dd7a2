"""What is sent to a token endpoint, and what each way of failing says about the token that was sent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshInDoubt,
    TransportFailed,
    UpstreamFailed,
)
from extract.oauth import OAuthClient
from extract.simulator.authority import challenge_of

NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)
SECRET = "a-refresh-token-that-nobody-may-see"
GRANT = {"access_token": "fresh", "refresh_token": "next", "expires_in": 28_800, "token_type": "Bearer"}


def client(answer: Callable[[httpx.Request], httpx.Response]) -> OAuthClient:
    return OAuthClient(
        "https://auth.test/token",
        "wattlog",
        authorize_url="https://auth.test/authorize",
        client_secret="the-application's",
        transport=httpx.MockTransport(answer),
    )


def form(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def test_a_refresh_sends_what_the_page_says() -> None:
    """API.md §1.0: client and token in the form, no secret, no header."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=GRANT)

    tokens = client(answer).refresh(SECRET, NOW)
    assert form(sent[0]) == {"grant_type": "refresh_token", "refresh_token": SECRET, "client_id": "wattlog"}
    assert "authorization" not in sent[0].headers
    assert (tokens.access_token, tokens.refresh_token, tokens.client_id) == ("fresh", "next", "wattlog")
    assert tokens.expires_at == NOW + timedelta(hours=8)
    assert len(sent) == 1


def test_a_code_goes_with_verifier_secret_and_audience() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=GRANT)

    client(answer).exchange("the-code", "http://localhost:1/callback", "the-verifier", "https://fleet.test", NOW)
    assert form(sent[0]) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "http://localhost:1/callback",
        "code_verifier": "the-verifier",
        "audience": "https://fleet.test",
        "client_id": "wattlog",
        "client_secret": "the-application's",
    }


def test_the_authorization_url_carries_the_challenge_and_never_the_verifier() -> None:
    """RFC 7636: S256; each login has a state of its own."""
    made = client(lambda _: httpx.Response(500))
    url, state = made.authorization_url("http://localhost:1/callback", "openid offline_access", "the-verifier")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "response_type": "code",
        "client_id": "wattlog",
        "redirect_uri": "http://localhost:1/callback",
        "scope": "openid offline_access",
        "state": state,
        "code_challenge": challenge_of("the-verifier"),
        "code_challenge_method": "S256",
    }
    assert made.authorization_url("http://localhost:1/callback", "openid", "the-verifier")[1] != state


def refused(status: int, error: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": f"no use for {SECRET}"})


UNSPENT = (TransportFailed, RateLimited, UpstreamFailed)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (refused(401, "login_required"), LoginEnded),
        (refused(400, "invalid_grant"), LoginEnded),
        (refused(400, "unauthorized_client"), AuthExpired),
        (refused(401, "invalid_client"), AuthExpired),
        (refused(200, "login_required"), LoginEnded),
        (httpx.Response(404, text="<html>"), AuthExpired),
        (httpx.Response(302, headers={"location": "https://elsewhere.test"}), AuthExpired),
        (refused(429, "rate_limited"), RateLimited),
        (refused(408, "timeout"), UpstreamFailed),
        (refused(500, "server_error"), UpstreamFailed),
        (httpx.Response(503), UpstreamFailed),
        (httpx.Response(502), RefreshInDoubt),
        (httpx.Response(504), RefreshInDoubt),
        (httpx.Response(200, text="<html>"), RefreshInDoubt),
        (httpx.Response(200, content=b'{"access_tok'), RefreshInDoubt),
        (httpx.Response(200, json=[]), RefreshInDoubt),
        (httpx.Response(200, json={"token_type": "Bearer"}), RefreshInDoubt),
    ],
)
def test_each_answer_says_what_became_of_the_token(response: httpx.Response, kind: type[ExtractError]) -> None:
    """Refused, unspent, or in doubt (Q29); and no message repeats what was sent."""
    with pytest.raises(ExtractError) as raised:
        client(lambda _: response).refresh(SECRET, NOW)
    assert type(raised.value) is kind
    assert SECRET not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), TransportFailed),
        (httpx.ConnectTimeout("slow"), TransportFailed),
        (httpx.ReadTimeout("slow"), RefreshInDoubt),
        (httpx.ReadError("reset"), RefreshInDoubt),
        (httpx.WriteError("reset"), RefreshInDoubt),
        (httpx.RemoteProtocolError("closed"), RefreshInDoubt),
    ],
)
def test_a_broken_connection_is_in_doubt_once_something_was_sent(
    error: httpx.TransportError, kind: type[ExtractError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(kind) as raised:
        client(answer).refresh(SECRET, NOW)
    assert isinstance(raised.value, UNSPENT) == (kind is TransportFailed)


def test_expiry_and_refresh_token_may_be_missing() -> None:
    """RFC 6749 §6: without a new refresh token the old one goes on."""
    granted = client(lambda _: httpx.Response(200, json={"access_token": "opaque"})).refresh(SECRET, NOW)
    assert granted.expires_at is None
    assert granted.refresh_token == SECRET
