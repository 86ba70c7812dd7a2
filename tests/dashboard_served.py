"""A dashboard that is being served, in a browser: its pages, what they complain of, and what is published."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser, Page

from tests.patience import PATIENCE_S


@dataclass
class Served:
    """A dashboard that is being served.

    Attributes:
        url: Its address.
        warehouse: The published file.
        browser: A browser.
        complaints: What pages wrote to the console, and their errors.
        asked: Addresses that pages asked for.
    """

    url: str
    warehouse: Path
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published warehouse, from another process's point of view."""
        copy = self.warehouse.with_name("copy.duckdb")
        shutil.copyfile(self.warehouse, copy)
        with duckdb.connect(str(copy), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def publish(self, *statements: str) -> None:
        """Publish a copy that some statements changed: another file is renamed over the published one."""
        fresh = self.warehouse.with_name("fresh.duckdb")
        shutil.copyfile(self.warehouse, fresh)
        with duckdb.connect(str(fresh)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for statement in statements:
                connection.execute(statement)
        fresh.rename(self.warehouse)

    @contextmanager
    def page(self, at: str = "", *, width: int = 1280, scheme: str = "light", locale: str = "en-US") -> Iterator[Page]:
        """A page, with everything it shows loaded."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale=locale,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{self.url}{at}")
        page.wait_for_selector("html[data-ready]")
        yield page
        context.close()
