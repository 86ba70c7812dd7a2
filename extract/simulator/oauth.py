"""`/oauth2/v3/authorize` and `/oauth2/v3/token`: authorization code with PKCE, and single-use refresh tokens (Q29)."""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from extract.simulator.app import JsonResponse
from extract.simulator.authority import Authority, Grant, OAuthError

AUTHORIZE_PATH = "/oauth2/v3/authorize"
TOKEN_PATH = "/oauth2/v3/token"  # noqa: S105 - a path

_PAGE = """<!DOCTYPE html>
<html><head><title>Log in to the simulator</title></head>
<body><form method="post"><p>{client} wants to read {scope}.</p><button>Allow</button></form></body></html>
"""


def oauth_routes(authority: Authority) -> list[Route]:
    """The two endpoints of an authority."""
    served = _OAuth(authority)
    return [
        Route(AUTHORIZE_PATH, served.authorize, methods=["GET", "POST"]),
        Route(TOKEN_PATH, served.token, methods=["POST"]),
    ]


class _OAuth:
    """An authority over HTTP."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def authorize(self, request: Request) -> Response:
        """Redirect with a code. The account's owner agrees at once, or on a page first when `login_hint` names a person.

        The real service shows its page always; clients without a person could not be tested that way.
        """
        asked = request.query_params
        try:
            client_id = self._authority.check_client(asked.get("client_id"))
            redirect_uri, challenge = _redirect_and_challenge(asked)
        except OAuthError as error:
            return _refusal(error)
        scope = asked.get("scope", "")
        if request.method == "GET" and "login_hint" in asked:
            return HTMLResponse(_PAGE.format(client=escape(client_id), scope=escape(scope)))
        code = self._authority.authorize(client_id, redirect_uri, tuple(scope.split()), challenge)
        answer = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        joint = "&" if "?" in redirect_uri else "?"
        return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answer)}", status_code=302)

    async def token(self, request: Request) -> Response:
        """A code or a refresh token becomes a pair of tokens; parameters come as a form or as JSON."""
        try:
            return JsonResponse(_spelled(self._grant(await _parameters(request))))
        except OAuthError as error:
            return _refusal(error)

    def _grant(self, asked: Mapping[str, str]) -> Grant:
        client_id = asked.get("client_id")
        match asked.get("grant_type"):
            case "authorization_code":
                return self._authority.exchange(
                    self._authority.check_client(client_id),
                    asked.get("code", ""),
                    asked.get("redirect_uri"),
                    asked.get("code_verifier"),
                )
            case "refresh_token":
                return self._authority.refresh(client_id, asked.get("refresh_token", ""))
            case other:
                raise OAuthError(400, "unsupported_grant_type", f"grant_type {other!r} is not served")


def _redirect_and_challenge(asked: Mapping[str, str]) -> tuple[str, str | None]:
    if asked.get("response_type") != "code":
        raise OAuthError(400, "unsupported_response_type", "response_type must be code")
    redirect_uri = asked.get("redirect_uri")
    if not redirect_uri:
        raise OAuthError(400, "invalid_redirect_url", "redirect_uri is missing")
    challenge = asked.get("code_challenge")
    if challenge is not None and asked.get("code_challenge_method") != "S256":
        raise OAuthError(400, "invalid_request", "code_challenge_method must be S256")
    return redirect_uri, challenge


async def _parameters(request: Request) -> dict[str, str]:
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise OAuthError(400, "invalid_request", "the body is not JSON") from error
    if not isinstance(asked, dict):
        raise OAuthError(400, "invalid_request", "the body is not an object")
    return {str(name): str(value) for name, value in asked.items()}


def _spelled(grant: Grant) -> dict[str, str | int]:
    return {
        "access_token": grant.access_token,
        **({} if grant.refresh_token is None else {"refresh_token": grant.refresh_token}),
        "expires_in": grant.expires_in_s,
        "token_type": "Bearer",
    }


def _refusal(error: OAuthError) -> Response:
    body = {"error": error.error, "error_description": error.description}
    return JsonResponse(body, status_code=error.status)
