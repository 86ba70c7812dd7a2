"""The documentation as a site: the Markdown of the repository where it lies, so that links work here and on GitHub.

`make docs` runs Sphinx with the repository's root as its source. Nothing is fetched: theme, fonts, and search are local files.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

PAGES = {
    "Use": [
        "docs/COMMANDS",
        "docs/ACCOUNT",
        "docs/DASHBOARD",
        "docs/COSTS",
        "docs/TARIFFS",
        "docs/IMPORT",
        "docs/PUBLISH",
        "docs/OPERATIONS",
        "docs/OBJECT_STORE",
        "warehouse/DICTIONARY",
        "docs/GLOSSARY",
    ],
    "Understand": ["ARCHITECTURE", "docs/API", "docs/SCALE", "DECISIONS"],
    "Take part": ["CONTRIBUTING", "SECURITY", "CHANGELOG"],
    "Packages": [f"{page.parent.relative_to(ROOT)}/README" for page in sorted(ROOT.glob("[a-z]*/README.md"))]
    + ["extract/simulator/README"],
}
"""Heading of the navigation → its pages. The start page is README."""

project = "wattlog"
author = "The wattlog developers"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
extensions = ["myst_parser"]
root_doc = "README"
source_suffix = {".md": "markdown"}
include_patterns = ["README.md", *(f"{page}.md" for pages in PAGES.values() for page in pages)]
nitpicky = True
highlight_language = "none"
myst_heading_anchors = 4
myst_links_external_new_tab = False
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False

START = '<!doctype html><meta charset="utf-8"><title>wattlog</title><meta http-equiv="refresh" content="0; url=README.html">\n'
"""`index.html`, for servers that look for one."""


def setup(app: Any) -> None:
    """What Sphinx calls first."""
    app.connect("source-read", _complete)
    app.connect("build-finished", _start_page)


def _complete(_app: Any, page: str, source: list[str]) -> None:
    """Add what only the site has: the navigation, and the commands as the command line describes them."""
    if page == root_doc:
        source[0] += "\n\n" + "\n\n".join(_navigation(caption, pages) for caption, pages in PAGES.items())
    if page == "docs/COMMANDS":
        source[0] = _commands()


def _navigation(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def _commands() -> str:
    typer = [sys.executable, "-m", "typer", "flows.cli.app", "utils", "docs", "--name", project, "--title", "Commands"]
    page = subprocess.run(typer, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
    # Typer's list of commands cuts every sentence at 45 characters; the page's own contents list them as well.
    return re.sub(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n", "", page)


def _start_page(app: Any, error: Exception | None) -> None:
    if error is None:
        Path(app.outdir, "index.html").write_text(START, encoding="utf-8")
