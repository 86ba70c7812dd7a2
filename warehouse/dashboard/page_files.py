"""The page and its three files: styles, scripts, and the charting library.

There is no build step: the modules are joined when the server is first asked for them, since a browser that asks for each alone
waits for most of them. The library, ten times as large as all else, is a file of its own: the page shows figures before it has
it, and a browser keeps it when the others change.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from warehouse.report.page import LIBRARY
from warehouse.report.page import SCRIPTS as REPORT_SCRIPTS
from warehouse.report.page import asset as report_asset

OWN_SCRIPTS = (
    "power.js",
    "compare.js",
    "ranges.js",
    "battery.js",
    "fleet.js",
    "lists.js",
    "several.js",
    "client.js",
    "views.js",
    "statements.js",
    "dashboard.js",
)
"""In the order of execution, after the report's."""

_OF_REPORT_ALONE = "report.js"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_KEPT_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        name: Its name.
        content: Its bytes.
        compressed: The same by gzip, made once and not for each browser.
        digest: What its address contains, so that browsers keep it until it changes.
    """

    name: str
    content: bytes
    compressed: bytes
    digest: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"/assets/{self.digest}/{self.name}"


@cache
def page_files() -> Mapping[str, PageFile]:
    """The files by name. Charts and formatters are the report's own modules."""
    shared = [name for name in REPORT_SCRIPTS if name not in {LIBRARY, _OF_REPORT_ALONE}]
    scripts = [*map(report_asset, shared), *map(_own_asset, OWN_SCRIPTS)]
    contents = {
        "dashboard.css": "\n".join([report_asset("page.css"), _own_asset("dashboard.css")]),
        "dashboard.js": "\n".join(scripts),
        LIBRARY: report_asset(LIBRARY),
    }
    return {name: _page_file(name, text.encode()) for name, text in contents.items()}


def _page_file(name: str, content: bytes) -> PageFile:
    return PageFile(name, content, gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()[:16])


def _own_asset(name: str) -> str:
    return (files("warehouse.dashboard") / "assets" / name).read_text("utf-8")


@cache
def page() -> str:
    """The page, which is the same for all views."""
    return Template(_own_asset("dashboard.html")).substitute(
        version=version("wattlog"),
        styles=page_files()["dashboard.css"].address,
        scripts=page_files()["dashboard.js"].address,
        library=page_files()[LIBRARY].address,
    )


async def page_response(_: Request) -> Response:
    """The page."""
    return Response(page(), media_type="text/html")


async def file_response(request: Request) -> Response:
    """One of its files, compressed for browsers that take it so."""
    found = page_files().get(request.path_params["name"])
    if found is None or request.path_params["digest"] != found.digest:
        return Response("there is no such file; load the page again\n", 404, media_type="text/plain")
    kind = _TYPES[Path(found.name).suffix]
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.content, media_type=kind, headers=_KEPT_FOR_GOOD)
    return Response(found.compressed, media_type=kind, headers=_KEPT_FOR_GOOD | {"content-encoding": "gzip"})
