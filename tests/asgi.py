"""A client of an ASGI application in this process, for tests that need no server."""

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp


class AsgiClient:
    """Sends requests to an application and keeps its cookies."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app, self._base_url, self._cookies = app, base_url, httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One response; redirects are not followed."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url, cookies=self._cookies) as client:
                response = await client.request(method, path, **options)
                self._cookies = client.cookies
                return response

        return asyncio.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """The response to a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """The response to a POST."""
        return self.request("POST", path, **options)
