"""An account that lives in another region than the server that is asked (API.md §1.0).

One server plays two: its plain address is the wrong region, its address with `/eu` (or another region) at the end is the
right one. The wrong one answers 421 to everything but `GET /api/1/users/region`, which names the right one.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from extract.simulator.fault_injector import note_faults, send_error
from extract.simulator.faults import WRONG_REGION

REGION_PATH = "/api/1/users/region"


class RegionGate:
    """ASGI middleware that keeps an account in its region.

    Args:
        app: What answers in the right region.
        region: Where the account lives; also the path under which it is served.
        is_strict: The wrong region does not name the right one either, so a client has to try them all.
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
            # The application builds its own address from the root, and leaves it out when it looks for a route.
            await self._app({**scope, "path": path, "root_path": self._root}, receive, send)
        elif path.startswith("/api/"):
            note_faults(scope, [WRONG_REGION])
            await send_error(WRONG_REGION, send)
        else:
            await self._app(scope, receive, send)
