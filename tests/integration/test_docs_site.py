"""The documentation builds without a warning, links to nothing that is missing, and loads nothing from the network."""

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.documents import ROOT

pytestmark = pytest.mark.slow

LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href", "object": "data"}
"""Elements that make a browser load something, and the attribute that says what."""


class Page(HTMLParser):
    """What a page links to, loads, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect one element."""
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given["id"]} if "id" in given else set()
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and given.get("rel") not in {"canonical", "next", "prev"}:
            self.loaded.append(given[LOADED[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: every warning is an error."""
    out = tmp_path_factory.mktemp("site")
    command = ["-W", "--keep-going", "-n", "-q", "-c", "docs/site", "-d", str(out / "doctrees"), "-b", "html"]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *command, ".", str(out / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def internal(page: Path, links: list[str]) -> Iterator[tuple[Path, str]]:
    """Files and anchors of the site that a page points to."""
    for link in links:
        if not urlsplit(link).scheme and not link.startswith("//"):
            at = urlsplit(link)
            yield (page.parent / unquote(at.path)).resolve() if at.path else page, at.fragment


def test_every_link_leads_to_a_page_and_a_heading_that_exist(site: Path, pages: dict[Path, Page]) -> None:
    broken = [
        f"{path.relative_to(site)}: {target.name}#{anchor}"
        for path, page in pages.items()
        for target, anchor in internal(path, page.links)
        if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors)
    ]
    assert broken == []


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 15
    foreign = [f"{path.name}: {asset}" for path, page in pages.items() for asset in page.loaded if "//" in asset]
    styles = [
        path.name for path in site.rglob("*.css") if "@import" in path.read_text() or "url(http" in path.read_text()
    ]
    assert foreign + styles == []
    missing = [
        asset for path, page in pages.items() for target, asset in internal(path, page.loaded) if not target.exists()
    ]
    assert missing == []


def test_the_commands_are_those_of_the_command_line(site: Path) -> None:
    text = (site / "docs" / "COMMANDS.html").read_text(encoding="utf-8")
    assert all(f'id="wattlog-{name}"' in text for name in ("backfill", "sync", "sql", "report"))


def test_every_number_of_the_api_page_can_be_linked_to(pages: dict[Path, Page]) -> None:
    (page,) = [page for path, page in pages.items() if path.name == "API.html"]
    assert {f"q{number}" for number in range(1, 154)} <= {anchor.split("-")[0] for anchor in page.anchors}
