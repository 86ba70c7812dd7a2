"""`python -m tests.pictures [FOLDER]`: make the pictures of the README from the demo.

FOLDER keeps the demo's data between two runs; without it the demo starts without data. Chromium takes the pictures of the
report and the dashboard, Rich draws the terminal.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal
from unittest.mock import patch

from playwright.sync_api import FloatRect, sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from extract.api.client import utc_now
from flows import console
from flows.cli.demo import demo
from flows.settings import load_settings
from tests.browser import launched
from warehouse.dashboard import PublishedWarehouse
from warehouse.report import write_report

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH = 1160
COLUMNS = 132
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
LAST_SEEN = "#flows"
"""The picture ends below this part of the page: numbers, days, flows, self-sufficiency."""


def draw_terminal(target: Path) -> None:
    """Run the demo and save its output as a drawing, without fonts from other hosts."""
    recorded = Console(record=True, width=COLUMNS, file=sys.stderr, markup=False, emoji=False, highlight=False)
    with patch.object(console, "output", lambda: recorded), patch.object(console, "terminal_width", lambda: COLUMNS):
        demo(load_settings(data_dir=Path("data")), days=365, as_json=False)
    drawing = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    target.write_text(recorded.export_svg(title="wattlog demo", code_format=drawing), encoding="utf-8")


def take_report(report: Path, site: int) -> None:
    """The upper part of the report, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme in ("light", "dark"):
            tab = browser.new_page(
                viewport={"width": WIDTH, "height": 1_600}, color_scheme="dark" if scheme == "dark" else "light"
            )
            tab.goto(f"{report.as_uri()}#{site}")
            tab.wait_for_selector("html[data-ready]")
            tab.wait_for_timeout(1_000)
            end = tab.locator(LAST_SEEN).evaluate("part => part.getBoundingClientRect().bottom + 14")
            clip: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": end}
            tab.screenshot(path=PICTURES / f"report-{scheme}.png", clip=clip)
        browser.close()


def take_dashboard(data_dir: Path, site: int) -> None:
    """A day in the light theme, and the newest days in the dark one: the upper part of each page."""
    published = PublishedWarehouse(data_dir / "warehouse.duckdb")
    with published.reading() as (connection, _):
        found = connection.execute(
            "select max(local_date)::varchar from main.daily where site_id = ? and status = 'agreed'", [site]
        ).fetchall()
    published.close()
    views = {"day": f"view=day&site={site}&day={found[0][0]}", "overview": f"view=overview&site={site}"}
    command = [sys.executable, "-c", "from flows.cli import main; main()", "--data-dir", str(data_dir), "dashboard"]
    with (
        subprocess.Popen([*command, "--port", "0", "--json"], stdout=subprocess.PIPE) as process,
        launched() as browser,
    ):
        if process.stdout is None:
            raise RuntimeError("the dashboard has no output")
        url = json.loads(b"".join(process.stdout.readline() for _ in range(3)))["url"]
        for (view, query), scheme in zip(views.items(), SCHEMES, strict=True):
            tab = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme=scheme)
            tab.goto(f"{url}?{query}")
            tab.wait_for_selector("html[data-ready]")
            tab.wait_for_timeout(1_000)
            tab.screenshot(path=PICTURES / f"dashboard-{view}.png")
            tab.close()
        process.terminate()


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        os.chdir(sys.argv[1] if len(sys.argv) > 1 else made)
        draw_terminal(PICTURES / "demo.svg")
        report = write_report(Path("data/warehouse.duckdb"), Path("report.html"), made_at=utc_now(), force=True)
        take_report(report.path.resolve(), 1689453203487921)
        take_dashboard(Path("data"), 2104877316)


if __name__ == "__main__":
    main()
