"""The report of ten years of two sites: how large it is, and how soon it can be used."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench.measurement import Measurement, best_of
from tests.synthetic_report import ten_years_of_two_sites
from warehouse.report import page

LARGEST_MB = 8
LONGEST_OPENING_S = 2.0
"""Promised: from opening the file to the first chart drawn and the controls at work."""


def measure() -> Iterator[Measurement]:
    """Size, the time to write the page, and the time to open it in Chromium where there is one."""
    data = ten_years_of_two_sites()
    text = page(data)
    yield Measurement("report of 2 sites × 10 years", len(text.encode()) / 1e6, "MB", LARGEST_MB)
    yield Measurement("  data → page", best_of(3, lambda: page(data)), "s")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        path = Path(directory) / "report.html"
        path.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = min(_opening(browser, path) for _ in range(3))
        browser.close()
    yield Measurement("  open it: first chart drawn, controls at work", opened, "s", LONGEST_OPENING_S)


def _opening(browser: Browser, path: Path) -> float:
    tab = browser.new_page()
    began = time.perf_counter()
    tab.goto(path.as_uri(), wait_until="commit")
    tab.wait_for_selector("html[data-ready]")
    tab.locator("#days svg path").nth(300).wait_for(state="attached")
    opened = time.perf_counter() - began
    tab.close()
    return opened
