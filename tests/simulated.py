"""A simulated account for integration tests: a real server on a loopback port, a clock, and settings."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from extract.requests import Request
from extract.simulator import DEMO_TOKEN, SimulatorServer, World, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import Fault, FaultPlan, FaultScript, IncomingRequest
from flows import ledger, pipeline
from flows.executors.executor import Executor
from flows.executors.threads import ThreadExecutor
from flows.fetch_session import FetchSession
from flows.pipeline import BackfillRequest, Summary, backfill
from flows.progress import Silent
from flows.run_context import RunContext, new_run_id
from flows.settings import Settings
from flows.tasks.fetch import fetch_all

NOW = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
"""Noon in California, and the next morning in Sydney. The year before includes all DST changes of both hemispheres."""


@dataclass
class Account:
    """A served world, and the settings with which the pipeline fetches it.

    Attributes:
        world: The account.
        now: Returns the current instant of server and pipeline; may be replaced.
        server: The server of the account.
        login: Settings for the login.
        runs: Number of runs by data directory.
    """

    world: World
    now: Callable[[], datetime]
    server: SimulatorServer = field(init=False)
    login: Mapping[str, object] = field(default_factory=lambda: {"access_token": DEMO_TOKEN})
    runs: Counter[Path] = field(default_factory=Counter)

    def stand_at(self, instant: datetime) -> None:
        """Have the clock of server and pipeline stand at an instant from now on."""
        self.now = lambda: instant

    def present(self) -> datetime:
        """The value of `now`, also after `now` was replaced."""
        return self.now()

    def settings(self, data_dir: Path, **more: object) -> Settings:
        """Settings that point at the server."""
        facts = {"provider": "simulator", "api_base_url": self.server.base_url, **self.login}
        return Settings.model_validate({"data_dir": data_dir, **facts, **more})

    def context(self, data_dir: Path, **more: object) -> RunContext:
        """A run context with the server's clock. The run ids of a directory differ, although the clock may not move."""
        self.runs[data_dir] += 1
        run_id = new_run_id(self.now() + timedelta(microseconds=self.runs[data_dir]))
        return RunContext(self.settings(data_dir, **more), run_id, clock=self.now)

    def backfill(
        self, data_dir: Path, since: date, *, until: date | None = None, executor: Executor | None = None
    ) -> Summary:
        """Run the pipeline into `data_dir`."""
        return self.run(data_dir, BackfillRequest(since=since, until=until), executor)

    def run(self, data_dir: Path, backfill_request: BackfillRequest, executor: Executor | None = None) -> Summary:
        """Run the pipeline into `data_dir` for any backfill request."""
        return backfill(self.context(data_dir), executor or ThreadExecutor(), backfill_request)

    def ask(self, data_dir: Path, backfill_request: BackfillRequest) -> Summary:
        """Only make the requests and archive the responses; a later run transforms them."""
        return ask(self.context(data_dir), backfill_request)

    def fetch(self, data_dir: Path, requests: Sequence[Request]) -> None:
        """Send some requests and keep the responses."""
        context = self.context(data_dir)
        with FetchSession(context, context.open_archive()) as session:
            fetch_all(session, requests)

    def asked_history(self) -> list[tuple[str, dict[str, str]]]:
        """Path and parameters of every history request that the server received."""
        return [
            (request.path, request.params)
            for request in self.server.requests
            if request.path.endswith("/calendar_history")
        ]


def ask(context: RunContext, backfill_request: BackfillRequest, executor: Executor | None = None) -> Summary:
    """Only make the requests and archive the responses."""
    archive, name = context.open_archive(), context.settings.resolved_provider.name
    with FetchSession(context, archive) as session:
        run = ledger.begin(archive.root, context.run_id, "backfill", name, context.clock())
        summary = Summary(context.run_id)
        pipeline.fetch(session, executor or ThreadExecutor(), backfill_request, summary, Silent())
        pipeline.end_run(session, run, summary, summary.exit_code)
        return summary


def standing() -> datetime:
    """A clock that does not move from `NOW`."""
    return NOW


def stepping(served: Account, seconds: float) -> Callable[[], datetime]:
    """A clock that begins at `NOW` and moves by `seconds` with every request to the server."""
    return lambda: NOW + timedelta(seconds=seconds * len(served.server.requests))


def ticking() -> Callable[[], datetime]:
    """A clock that begins at `NOW` and runs; tests that use it must not depend on the speed of the machine."""
    began = time.monotonic()
    return lambda: NOW + timedelta(seconds=time.monotonic() - began)


@contextmanager
def account(
    world: World | None = None, *, now: Callable[[], datetime] = standing, conditions: Conditions | None = None
) -> Iterator[Account]:
    """Serve a world; by default that of the demo, without faults."""
    world = world or demo_world(now().date())
    made = Account(world, now)
    with serve(world, clock=made.present, conditions=conditions) as made.server:
        yield made


@dataclass(frozen=True)
class Interruption(FaultPlan):
    """A fault plan that calls a function once, in the server's thread, just before a response.

    Attributes:
        do: The function.
        at_request: Number of the history request before whose response it is called, from 1.
    """

    do: Callable[[], object] = lambda: None
    at_request: int = 1

    def start(self) -> FaultScript:
        """A script with all counts at zero."""
        return _InterruptingScript(self)


class _InterruptingScript(FaultScript):
    plan: Interruption

    def decide(self, request: IncomingRequest) -> tuple[Fault, ...]:
        """Faults of a request; calls the function first if it is the chosen request."""
        if request.path.endswith("/calendar_history"):
            with self._lock:
                self._matched[-1] += 1
                is_now = self._matched[-1] == self.plan.at_request
            if is_now:
                self.plan.do()
        return super().decide(request)
