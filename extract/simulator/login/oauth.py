"""`/oauth2/v3/authorize` and `/oauth2/v3/token`: authorization code with PKCE, and single-use refresh tokens (Q29)."""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from extract.simulator.endpoints.app import JsonResponse
from extract.simulator.login.authority import Authority, Grant, OAuthError

AUTHORIZE_PATH = "/oauth2/v3/authorize"
TOKEN_PATH = "/oauth2/v3/token"  # noqa: S105 - a path

_PAGE = """<!DOCTYPE html>
<html><head><title>Log in to the simulator</title></head>
<body><form method="post"><p>{client} wants to read {scope}.</p><button>Allow</button></form></body></html>
"""


def oauth_routes(authority: Authority) -> list[Route]:
    """The two endpoints of an authority."""
    handlers = _OAuth(authority)
    return [
        Route(AUTHORIZE_PATH, handlers.authorize, methods=["GET", "POST"]),
        Route(TOKEN_PATH, handlers.token, methods=["POST"]),
    ]


class _OAuth:
    """HTTP handlers of an authority."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def authorize(self, request: Request) -> Response:
        """Redirect with a code, without a page for the owner's consent; with `login_hint`, show the page first.

        The real service always shows its page; automatic tests of clients need a way without it.
        """
        params = request.query_params
        try:
            client_id = self._authority.check_client(params.get("client_id"))
            redirect_uri, challenge = _redirect_and_challenge(params)
        except OAuthError as error:
            return _error_response(error)
        scope = params.get("scope", "")
        if request.method == "GET" and "login_hint" in params:
            return HTMLResponse(_PAGE.format(client=escape(client_id), scope=escape(scope)))
        code = self._authority.authorize(client_id, redirect_uri, tuple(scope.split()), challenge)
        response = {"code": code} | ({"state": params["state"]} if "state" in params else {})
        separator = "&" if "?" in redirect_uri else "?"
        return RedirectResponse(f"{redirect_uri}{separator}{urlencode(response)}", status_code=302)

    async def token(self, request: Request) -> Response:
        """Return a pair of tokens for a code or a refresh token; the parameters are a form or JSON."""
        try:
            return JsonResponse(_spelled(self._grant(await _parameters(request))))
        except OAuthError as error:
            return _error_response(error)

    def _grant(self, params: Mapping[str, str]) -> Grant:
        client_id = params.get("client_id")
        match params.get("grant_type"):
            case "authorization_code":
                return self._authority.exchange(
                    self._authority.check_client(client_id),
                    params.get("code", ""),
                    params.get("redirect_uri"),
                    params.get("code_verifier"),
                )
            case "refresh_token":
                return self._authority.refresh(client_id, params.get("refresh_token", ""))
            case other:
                raise OAuthError(400, "unsupported_grant_type", f"grant_type {other!r} is not served")


def _redirect_and_challenge(params: Mapping[str, str]) -> tuple[str, str | None]:
    if params.get("response_type") != "code":
        raise OAuthError(400, "unsupported_response_type", "response_type must be code")
    redirect_uri = params.get("redirect_uri")
    if not redirect_uri:
        raise OAuthError(400, "invalid_redirect_url", "redirect_uri is missing")
    challenge = params.get("code_challenge")
    if challenge is not None and params.get("code_challenge_method") != "S256":
        raise OAuthError(400, "invalid_request", "code_challenge_method must be S256")
    return redirect_uri, challenge


async def _parameters(request: Request) -> dict[str, str]:
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        params = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise OAuthError(400, "invalid_request", "the body is not JSON") from error
    if not isinstance(params, dict):
        raise OAuthError(400, "invalid_request", "the body is not an object")
    return {str(name): str(value) for name, value in params.items()}


def _spelled(grant: Grant) -> dict[str, str | int]:
    return {
        "access_token": grant.access_token,
        **({} if grant.refresh_token is None else {"refresh_token": grant.refresh_token}),
        "expires_in": grant.expires_in_s,
        "token_type": "Bearer",
    }


def _error_response(error: OAuthError) -> Response:
    body = {"error": error.error, "error_description": error.description}
    return JsonResponse(body, status_code=error.status)
