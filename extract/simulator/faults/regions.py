"""An account in another region than the requested server (API.md#login).

One server simulates two: its plain address is the wrong region; its address followed by `/eu`, or another region, is the
right one. In the wrong region, every request gets status 421, except `GET /api/1/users/region`, which names the right one.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from extract.simulator.faults.injector import record_faults, send_error
from extract.simulator.faults.plan import WRONG_REGION

REGION_PATH = "/api/1/users/region"


class RegionGate:
    """ASGI middleware that serves an account in its region only.

    Args:
        app: Application of the right region.
        region: Region of the account; also the path under which it is served.
        is_strict: Whether `users/region` gets status 421, too, so that a client has to try all regions.
    """

    def __init__(self, app: ASGIApp, region: str, *, is_strict: bool = False) -> None:
        self._app = app
        self._root = f"/{region}"
        self._is_strict = is_strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == REGION_PATH and not self._is_strict:
            path = self._root + path
        if path.startswith(f"{self._root}/"):
            # Starlette builds its own address from the root path, and removes the root path when it matches routes.
            await self._app({**scope, "path": path, "root_path": self._root}, receive, send)
        elif path.startswith("/api/"):
            record_faults(scope, [WRONG_REGION])
            await send_error(WRONG_REGION, send)
        else:
            await self._app(scope, receive, send)
