"""What is sent to a token endpoint, and whether the token is spent after each kind of failure."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from extract.auth.oauth import OAuthClient
from extract.auth.tokens import Tokens
from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshUncertain,
    TransportFailed,
    UpstreamFailed,
)
from extract.simulator.login.access_tokens import signed
from extract.simulator.login.authority import challenge_of

NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)
SECRET = "a-refresh-token-that-is-never-shown"
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
    """API.md#login: client and token in the form, no secret, no header."""
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
        (httpx.Response(502), RefreshUncertain),
        (httpx.Response(504), RefreshUncertain),
        (httpx.Response(200, text="<html>"), RefreshUncertain),
        (httpx.Response(200, content=b'{"access_tok'), RefreshUncertain),
        (httpx.Response(200, json=[]), RefreshUncertain),
        (httpx.Response(200, json={"token_type": "Bearer"}), RefreshUncertain),
    ],
)
def test_each_response_shows_whether_the_token_is_spent(response: httpx.Response, kind: type[ExtractError]) -> None:
    """Refused, unspent, or uncertain (Q29); and no message repeats what was sent."""
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
        (httpx.ReadTimeout("slow"), RefreshUncertain),
        (httpx.ReadError("reset"), RefreshUncertain),
        (httpx.WriteError("reset"), RefreshUncertain),
        (httpx.RemoteProtocolError("closed"), RefreshUncertain),
    ],
)
def test_a_broken_connection_is_uncertain_after_something_was_sent(
    error: httpx.TransportError, kind: type[ExtractError]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(kind) as raised:
        client(answer).refresh(SECRET, NOW)
    assert isinstance(raised.value, UNSPENT) == (kind is TransportFailed)


@pytest.mark.parametrize(
    "life",
    ["1e12", "1e308", "1e999", "NaN", "Infinity", "-28800", "0", '"28800"', '"soon"', "null", "true", "[]", "9" * 5000],
)
def test_an_impossible_life_does_not_lose_the_pair(life: str) -> None:
    """The refresh token is spent: the pair is stored, and counts as valid for the usual eight hours."""
    body = f'{{"access_token": "fresh", "refresh_token": "next", "expires_in": {life}}}'
    granted = client(lambda _: httpx.Response(200, content=body.encode())).refresh(SECRET, NOW)
    assert (granted.access_token, granted.refresh_token) == ("fresh", "next")
    assert granted.expires_at == NOW + timedelta(hours=8)


def test_a_life_that_is_not_given_is_the_tokens_own() -> None:
    access_token = signed({"exp": (NOW + timedelta(hours=3)).timestamp()})
    answer = {"access_token": access_token, "refresh_token": "next"}
    granted = client(lambda _: httpx.Response(200, json=answer)).refresh(SECRET, NOW)
    assert granted.expires_at == NOW + timedelta(hours=3)


@pytest.mark.parametrize("more", [{}, {"refresh_token": None}, {"refresh_token": ""}, {"refresh_token": 5}])
def test_without_a_new_refresh_token_the_old_one_stays_valid(more: dict[str, object]) -> None:
    """RFC 6749 §6."""
    granted = client(lambda _: httpx.Response(200, json={"access_token": "opaque", **more})).refresh(SECRET, NOW)
    assert (granted.access_token, granted.refresh_token) == ("opaque", SECRET)


@pytest.mark.parametrize(
    ("body", "access_token"),
    [
        (b'{"access_token": "fresh", "refresh_token": "next", "expires_in": 288', "fresh"),
        (b'{"refresh_token":"next","access_tok', ""),
        (b'{"access_token": 7, "refresh_token": "next"}', ""),
        (b'{"access_token": "\\ud800", "refresh_token": "next"}', ""),
        (b'{"access_token": "fresh", "refresh_token": "next", "scope": "\\ud800", "expires_at": {}}', "fresh"),
        (b'\xef\xbb\xbf{"access_token": "fresh", "refresh_token": "next"}', "fresh"),
        (b'{"access_token": "fresh", "refresh_token": "next", "note": "\xff"}', "fresh"),
    ],
)
def test_a_complete_refresh_token_is_stored(body: bytes, access_token: str) -> None:
    """Even if the rest of the response is damaged; without an access token the next request gets one."""
    granted = client(lambda _: httpx.Response(200, content=body)).refresh(SECRET, NOW)
    assert (granted.access_token, granted.refresh_token) == (access_token, "next")
    assert Tokens.from_json(granted.to_json()) == granted


@pytest.mark.parametrize(
    "body", [b'{"access_token": "fresh", "refresh_tok', b'{"access_token": "fresh", "refresh_token": "ne']
)
def test_a_response_that_ends_before_its_refresh_token_is_uncertain(body: bytes) -> None:
    """The old one is spent, and does not count as valid."""
    with pytest.raises(RefreshUncertain):
        client(lambda _: httpx.Response(200, content=body)).refresh(SECRET, NOW)
