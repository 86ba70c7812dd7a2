"""A warehouse to deliver from: a home with battery and cars over both changes of the clock, and one without, at a half hour."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import orjson

from extract.simulator import SiteSpec, World
from flows.pipeline import BackfillRequest
from tests.recordings import Recording, Visit
from tests.shell import run_here
from warehouse.query.query import connect

RIDGE, HARBOUR = 77, 78
SITES = (
    SiteSpec(RIDGE, site_name="Ridge", installed_at=datetime(2021, 3, 1, 20, tzinfo=UTC), seed=7, wall_connectors=1),
    SiteSpec(
        HARBOUR,
        site_name="Harbour",
        time_zone="Australia/Lord_Howe",
        installed_at=datetime(2021, 3, 1, 20, tzinfo=UTC),
        seed=8,
        battery_energy_wh=0,
        battery_power_w=0,
    ),
)
STRETCHES = (
    (date(2025, 3, 8), date(2025, 3, 10)),
    (date(2025, 10, 4), date(2025, 10, 6)),
    (date(2025, 10, 31), date(2025, 11, 3)),
)
"""Days on which clocks change in California and at Lord Howe, and an end of a month."""


HOMES = Recording(
    World(SITES),
    tuple(
        Visit(BackfillRequest(since=since, until=until), is_whole=(since, until) == STRETCHES[-1])
        for since, until in STRETCHES
    ),
)


@dataclass
class Published:
    """A copy of the data directory, from which is delivered.

    Attributes:
        place: The data directory.
        environment: Variables of its commands.
    """

    place: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def copy(cls, homes: Path, place: Path) -> "Published":
        """A copy that a test may change."""
        shutil.copytree(homes, place)
        return cls(place)

    def wattlog(self, *arguments: str) -> CompletedProcess[str]:
        """Run a command."""
        given = {"WATTLOG_PROVIDER": "simulator", "WATTLOG_API_BASE_URL": "http://127.0.0.1:9", **self.environment}
        return run_here(["--data-dir", str(self.place), *arguments], self.place.parent, given)

    def publish(self, *arguments: str) -> dict[str, Any]:
        """Deliver; returns what `--json` prints."""
        found = self.wattlog("publish", *arguments, "--json")
        assert found.returncode == 0, found.stderr
        result: dict[str, Any] = orjson.loads(found.stdout)
        return result

    def targets(self, tables: Sequence[dict[str, Any]]) -> None:
        """The targets of the settings."""
        self.environment["WATTLOG_PUBLISH"] = orjson.dumps(list(tables)).decode()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        with connect(self.place / "warehouse.duckdb") as connection:
            return connection.execute(query).fetchall()

    def change(self, statement: str) -> None:
        """Change the warehouse, as a revision or an import that was taken out would."""
        with duckdb.connect(self.place / "warehouse.duckdb") as connection:
            connection.execute(statement)


def changed(found: dict[str, Any]) -> dict[int, list[str]]:
    """Site → the months that were sent, of a delivery to one target."""
    (target,) = found["targets"]
    assert target["error"] is None
    return {site["site_id"]: site["changed"] for site in target["sites"]}
