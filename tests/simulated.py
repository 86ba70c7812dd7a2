"""A simulated account for integration tests: a real server on a loopback port, a clock, settings for it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from extract.simulator import DEMO_TOKEN, SimulatorServer, World, demo_world, serve
from extract.simulator.conditions import Conditions
from flows.engines import Engine
from flows.engines.local import LocalEngine
from flows.pipeline import Selection, Summary, backfill
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id

NOW = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
"""Noon in California and next morning in Sydney; both changes of both hemispheres are in the year before."""


@dataclass
class Account:
    """A served world and what it takes to fetch it.

    Attributes:
        world: What really happened.
        now: Gives the instant that server and pipeline take for the present; may be replaced.
        server: Where it is served.
        login: The settings by which it is opened.
        runs: How many runs each data directory has seen.
    """

    world: World
    now: Callable[[], datetime]
    server: SimulatorServer = field(init=False)
    login: Mapping[str, object] = field(default_factory=lambda: {"access_token": DEMO_TOKEN})
    runs: Counter[Path] = field(default_factory=Counter)

    def present(self) -> datetime:
        """What `now` says at this moment, whichever clock that is by then."""
        return self.now()

    def settings(self, data_dir: Path, **more: object) -> Settings:
        """Settings that point at the server."""
        facts = {"provider": "simulator", "api_base_url": self.server.base_url, **self.login}
        return Settings.model_validate({"data_dir": data_dir, **facts, **more})

    def workspace(self, data_dir: Path, **more: object) -> Workspace:
        """A workspace with the server's clock; each run on a directory has an id of its own, though the clock stands."""
        self.runs[data_dir] += 1
        run_id = new_run_id(self.now() + timedelta(microseconds=self.runs[data_dir]))
        return Workspace(self.settings(data_dir, **more), run_id, clock=self.now)

    def backfill(
        self, data_dir: Path, since: date, *, until: date | None = None, engine: Engine | None = None
    ) -> Summary:
        """Run the pipeline into `data_dir`."""
        workspace = self.workspace(data_dir)
        try:
            return backfill(workspace, engine or LocalEngine(), Selection(since=since, until=until))
        finally:
            workspace.close()

    def asked_history(self) -> list[tuple[str, dict[str, str]]]:
        """Path and parameters of every history request that the server saw."""
        return [(each.path, each.params) for each in self.server.requests if each.path.endswith("/calendar_history")]


def standing() -> datetime:
    """A clock that stands still at `NOW`."""
    return NOW


def ticking() -> Callable[[], datetime]:
    """A clock that begins at `NOW` and goes on."""
    began = time.monotonic()
    return lambda: NOW + timedelta(seconds=time.monotonic() - began)


@contextmanager
def account(
    world: World | None = None, *, now: Callable[[], datetime] = standing, conditions: Conditions | None = None
) -> Iterator[Account]:
    """Serve a world; the demo's by default, and under the best of conditions."""
    world = world or demo_world(now().date())
    made = Account(world, now)
    with serve(world, clock=made.present, conditions=conditions) as made.server:
        yield made
