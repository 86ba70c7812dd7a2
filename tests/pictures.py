"""`python -m tests.pictures [FOLDER]`: make the pictures of the README from the demo.

FOLDER keeps the demo's data between two runs; without it the demo starts without data. Chromium takes the pictures of the
report, Rich draws the terminal.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import FloatRect, sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from extract.api.client import utc_now
from flows import console
from flows.cli.demo import demo
from flows.settings import load_settings
from warehouse.report import write_report

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH = 1160
COLUMNS = 132
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


def main() -> None:
    """Make all three pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        os.chdir(sys.argv[1] if len(sys.argv) > 1 else made)
        draw_terminal(PICTURES / "demo.svg")
        report = write_report(Path("data/warehouse.duckdb"), Path("report.html"), made_at=utc_now(), force=True)
        take_report(report.path.resolve(), 1689453203487921)


if __name__ == "__main__":
    main()
