"""wattlog in this process, against a simulated account whose settings can be changed."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from extract.simulator import (
    DEMO_TOKEN,
    CommandBehaviour,
    Conditions,
    FaultPlan,
    Rule,
    SimulatorServer,
    SiteSpec,
    Where,
    World,
    serve,
)
from extract.simulator.faults.plan import Fault, FaultScript, IncomingRequest, Latency
from tests.shell import run_here
from wattlog.providers import COMMAND_SCOPE

SITE = 1_000_000_001


@dataclass(frozen=True)
class AtCommand(FaultPlan):
    """A fault plan that calls a function in the server's thread when a command arrives, before it is carried out.

    Attributes:
        rules: One rule at least: without any, a plan decides about nothing.
        do: The function.
    """

    rules: tuple[Rule, ...] = (Rule(Latency(0.0)),)
    do: Callable[[], object] = lambda: None

    def start(self) -> FaultScript:
        """A script with all counts at zero."""
        return _AtCommandScript(self)


class _AtCommandScript(FaultScript):
    plan: AtCommand

    def decide(self, request: IncomingRequest) -> tuple[Fault, ...]:
        """No fault; the function is called first if it is a command."""
        if request.method == "POST":
            self.plan.do()
        return ()


def world(*more: SiteSpec, **facts: Any) -> World:
    made = World((SiteSpec(site_id=SITE, has_tariff=True, **facts), *more))
    return replace(made, scopes=(*made.scopes, COMMAND_SCOPE))


class Shell:
    """wattlog in this process, against a served world."""

    def __init__(self, directory: Path, server: SimulatorServer) -> None:
        self.directory, self.server = directory, server
        self.environment: Mapping[str, str] = {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
        }

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return run_here(arguments, self.directory, self.environment, typed=typed)

    def set(self, *arguments: str) -> dict[str, Any]:
        """The row of a change that was sent."""
        done = self.run("set", *arguments, "--yes", "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found | {"exit_code": done.returncode}

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("history", "settings", "--json").stdout)
        return found

    def posts(self) -> list[tuple[str, Any]]:
        """Endpoint and body of each command that the server received."""
        return [
            (request.path.rsplit("/", 1)[-1], json.loads(request.body or b"null"))
            for request in self.server.requests
            if request.method == "POST" and "/energy_sites/" in request.path
        ]


@contextmanager
def shell(
    directory: Path,
    served: World | None = None,
    *faults: Rule,
    behaviour: CommandBehaviour | None = None,
    plan: FaultPlan | None = None,
) -> Iterator[Shell]:
    conditions = Conditions(faults=plan or FaultPlan(faults), commands=behaviour or CommandBehaviour())
    with serve(served or world(), conditions=conditions) as server:
        yield Shell(directory, server)


def at_posts(fault: Fault, **when: int) -> Rule:
    return Rule(fault, Where(path=f"/{SITE}/backup"), **when)
