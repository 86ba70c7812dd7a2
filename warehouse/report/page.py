"""A report as one HTML page: template, styles, scripts and data in one text, nothing of it from elsewhere.

The page's Content-Security-Policy allows no network and no script but those of its own, by their hashes. What comes from the
API stands in a block of JSON that no parser of HTML can be led out of, and reaches the page as text.
"""

import base64
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from string import Template

import orjson

from warehouse.report.model import ReportData

SCRIPTS = (
    "echarts.min.js",
    "theme.js",
    "format.js",
    "view.js",
    "axes.js",
    "flows.js",
    "days.js",
    "hours.js",
    "events.js",
    "tables.js",
    "report.js",
)
"""In the order they run: the charting library, ours from what knows least to what knows most."""

_ESCAPES = {
    b"<": rb"\u003c",
    b">": rb"\u003e",
    b"&": rb"\u0026",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}
"""What would end a script element, begin a comment in it, or end a line of JavaScript."""


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
    """The data as JSON that can stand inside a script element, whatever the names of sites are."""
    text = orjson.dumps(data)
    for dangerous, escaped in _ESCAPES.items():
        text = text.replace(dangerous, escaped)
    return text.decode()


@cache
def asset(name: str) -> str:
    """A file of the page.

    Works from a checkout and from an installed wheel.
    """
    return (files("warehouse.report") / "assets" / name).read_text("utf-8")


def _policy(scripts: list[str]) -> str:
    """No network at all; styles inline, since the charts set them on what they draw."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
