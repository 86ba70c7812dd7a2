"""A report as one HTML page: template, styles, scripts and data in one text.

The page's Content-Security-Policy allows no network access, and only the page's own scripts, by their hashes. Data from the API
is in a block of JSON that cannot end its script element, and is added to the page as text only.
"""

import base64
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from string import Template

import orjson

from warehouse.report.model import ReportData

LIBRARY = "echarts.min.js"
"""The charting library."""

SCRIPTS = (
    LIBRARY,
    "theme.js",
    "format.js",
    "view.js",
    "axes.js",
    "flows.js",
    "stacks.js",
    "days.js",
    "hours.js",
    "events.js",
    "tables.js",
    "costs.js",
    "section.js",
    "report.js",
)
"""In the order of execution: the charting library first, then each script after those that it uses."""

_ESCAPES = {
    b"<": rb"\u003c",
    b">": rb"\u003e",
    b"&": rb"\u0026",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}
"""Characters that can end a script element, begin a comment in it, or end a line of JavaScript."""


def page(data: ReportData) -> str:
    """The whole page."""
    scripts = [asset(name) for name in SCRIPTS]
    return Template(asset("page.html")).substitute(
        policy=_policy(scripts),
        style=asset("page.css"),
        data=embedded(data),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
        version=version("wattlog"),
    )


def embedded(data: ReportData) -> str:
    """The data as JSON that is safe inside a script element, whatever names sites have."""
    text = orjson.dumps(data)
    for dangerous, escaped in _ESCAPES.items():
        text = text.replace(dangerous, escaped)
    return text.decode()


@cache
def asset(name: str) -> str:
    """The text of one of the page's files, from a checkout or an installed wheel."""
    return (files("warehouse.report") / "assets" / name).read_text("utf-8")


def _policy(scripts: list[str]) -> str:
    """The policy: no network; inline styles, since charts set them on their elements."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
