"""The page: one file without a network, safe with any names, in colours that can be distinguished."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from tests.synthetic_report import report_of, site_report
from warehouse.report import page
from warehouse.report.page import SCRIPTS, asset, embedded

ASSETS = Path(__file__).parents[3] / "warehouse" / "report" / "assets"
OURS = [name for name in SCRIPTS if name != "echarts.min.js"]
CHECKSUMS = {
    "echarts.min.js": "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0",
    "echarts.LICENSE": "634293835b43a6dd2094fa39182a3d9a6b9ca43b7fdb9ac354e8037af2a3093a",
    "echarts.NOTICE": "d491d358344f842685c1b1585970999db65fe30ecf7ef3867af8814f4016c016",
}
"""Of the files as Apache ECharts 6.1.0 publishes them."""
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>&lt;/script&gt;",
    "\u2028\u2029\u0000",
    "$policy ${data} $$",
)


class Read(HTMLParser):
    """The parts of a page that a browser finds: scripts, addresses, policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.data: list[str] = []
        self.addresses: list[str] = []
        self.policy = ""
        self._inside: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.addresses += [values[name] for name in ("src", "href", "action", "data") if name in values]
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        if tag == "script":
            self._inside = self.data if values.get("type") == "application/json" else self.scripts
            self._inside.append("")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._inside[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = None


@pytest.fixture(scope="module")
def text() -> str:
    return page(report_of(site_report(days=2)))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_add_elements(name: str) -> None:
    """The parser sees the same elements as with a harmless name, and the data is what it was."""
    hostile = Read(page(report_of(site_report(name=name, days=1), without_history=(name,))))
    harmless = Read(page(report_of(site_report(name="x", days=1))))
    assert len(hostile.scripts) == len(harmless.scripts) == len(SCRIPTS)
    assert hostile.scripts == harmless.scripts
    (data,) = hostile.data
    assert orjson.loads(data)["sites"][0]["name"] == name
    assert orjson.loads(data)["without_history"] == [name]
    assert not set(data) & set("<>&\u2028\u2029\u0000")


def test_only_our_scripts_run_and_nothing_is_fetched(text: str) -> None:
    """The policy names each script by its hash and no host at all; no address leads outside."""
    read = Read(text)
    hashes = re.findall(r"'sha256-([^']+)'", read.policy)
    assert hashes == [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in read.scripts]
    assert read.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in read.policy.replace("style-src 'unsafe-inline'", "")
    assert "://" not in read.policy
    assert read.addresses
    assert all(address.startswith(("#", "data:image/svg+xml,")) for address in read.addresses)
    assert "@import" not in text
    assert "url(" not in asset("page.css")


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
def test_charting_library_is_as_it_was_published(name: str) -> None:
    """A changed byte fails this test; the licence is included."""
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == CHECKSUMS[name]


@pytest.mark.parametrize("name", OURS)
def test_our_scripts_are_small_strict_and_write_text_only(name: str) -> None:
    """No markup from strings, no evaluation, nothing that reaches out."""
    script = asset(name)
    assert len(script.splitlines()) < 400
    assert '"use strict";' in script
    for banned in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "http",
    ):
        assert banned not in script


def test_every_asset_is_used(text: str) -> None:
    """Every file is a script, the style, the template, or a licence."""
    found = {path.name for path in ASSETS.iterdir()}
    assert found == {*SCRIPTS, "page.html", "page.css", "echarts.LICENSE", "echarts.LICENSE-d3", "echarts.NOTICE"}
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)


def test_data_is_the_whole_report() -> None:
    """Every field of every site, None as null."""
    site = site_report(days=2, missing=(1,))
    data = orjson.loads(embedded(report_of(site)))
    assert data["sites"][0]["days"]["solar"][1] is None
    assert set(data["sites"][0]) == set(site.__dataclass_fields__)


def _themes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root[^{]*\{([^}]*)\}", asset("page.css"))[:2]
    read = [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]
    return {"light": read[0], "dark": read[1]}


def _linear(colour: str) -> npt.NDArray[np.float64]:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2 defines it."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(_linear(colour) @ weights) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_stand_out(theme: str) -> None:
    """4.5 to 1 for text, 3 to 1 for what is drawn, in both themes (WCAG 2, 1.4.3 and 1.4.11)."""
    colours = _themes()[theme]
    for ground in ("surface", "page", "shade"):
        for ink in ("ink", "muted") if ground != "shade" else ("ink",):
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for text in ("accent", "import"):
        assert _contrast(colours[text], colours["surface"]) >= 4.5, text
    assert _contrast(colours["on-accent"], colours["accent"]) >= 4.5
    marks = ("solar", "home", "import", "export", "battery", "charge", "generator", "car", "strong", "focus", "accent")
    for mark in (*marks, "agreed", "single-source", "filled", "adjusted", "provisional"):
        assert _contrast(colours[mark], colours["surface"]) >= 3, mark
        if mark in ("agreed", "single-source", "filled", "adjusted", "provisional"):
            assert _contrast(colours["glyph"], colours[mark]) >= 3, mark


SIMULATED = {
    "as seen by most": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Machado, Oliveira and Fernandes, 2009, severity 1."""
TOGETHER = (
    ("solar", "battery", "import", "generator"),
    ("home", "charge", "export"),
    ("battery", "solar"),
    ("car", "home"),
    ("import", "export"),
)
"""Colours of one chart, which must be distinguishable; the coverage calendar has shapes as well."""


def _lab(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = to_xyz @ np.clip(linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", sorted(SIMULATED))
def test_colours_of_one_chart_differ_for_every_eye(theme: str, sight: str) -> None:
    """A distance of 12 in CIELAB is visible at a glance; there are patterns and names as well."""
    colours = _themes()[theme]
    for group in TOGETHER:
        for one, other in combinations(group, 2):
            seen = [_lab(SIMULATED[sight] @ _linear(colours[name])) for name in (one, other)]
            assert np.linalg.norm(seen[0] - seen[1]) >= 12, (one, other)
