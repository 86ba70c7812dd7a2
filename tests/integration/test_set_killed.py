"""kill -9 at each step of `set`, `apply-plan`, and its flow: at most one request a change, and a row with what is known."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import DEMO_TOKEN, Conditions, FaultPlan, SimulatorServer, SiteSpec, World, serve
from tests.patience import PATIENCE_S, wait_until
from tests.set_shell import AtCommand
from tests.shell import run_here
from wattlog.providers import COMMAND_SCOPE

pytestmark = pytest.mark.slow

SITE = 1_000_000_001
SET = ("set", "reserve", "40", "--yes", "--json")
KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")
PLANNED = ("apply-plan", "--no-dry-run", "--json")
MOST_STEPS = 60

STEPPED = """
import os, signal, sys
from extract.api.client import Client
from extract.archive.raw_archive import RawArchive

left = int(sys.argv[1])

def step():
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

def stepped(method):
    def call(*arguments, **options):
        step()
        result = method(*arguments, **options)
        step()
        return result
    return call

Client.send, RawArchive.keep = stepped(Client.send), stepped(RawArchive.keep)
"""
WATTLOG = (
    STEPPED
    + """
from flows.cli import main
main(sys.argv[2:])
"""
)
FLOW = (
    STEPPED
    + """
from pathlib import Path
from flows.orchestration.flows import apply
apply(dry_run=False, data_dir=Path("data"))
"""
)
"""wattlog, killed before the step of a number: each request and each record is two steps, before it and after it."""


class Shell:
    """wattlog in processes that are killed, and in this one to see what they left."""

    def __init__(self, directory: Path, server: SimulatorServer, plan: str) -> None:
        self.directory, self.server = directory, server
        directory.mkdir()
        kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PREFECT_")}
        self.environment = kept | {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
            **({"WATTLOG_PLAN": plan} if plan else {}),
        }
        assert self.run("sites").returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_here(arguments, self.directory, self.environment)

    def start(self, steps: int, *arguments: str, program: str = WATTLOG) -> subprocess.Popen[bytes]:
        """wattlog, killed at a step."""
        return subprocess.Popen(
            [sys.executable, "-c", program, str(steps), *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def posts(self) -> list[str]:
        """The endpoint of each command that the server received."""
        wait_until(lambda: self.server.is_idle)
        paths = (request.path for request in self.server.requests if request.method == "POST")
        return [path.rsplit("/", 1)[-1] for path in paths]

    def commands(self) -> list[dict[str, Any]]:
        """The commands of the history."""
        return [row for row in json.loads(self.run("history", "settings", "--json").stdout) if row["command_id"]]


@contextmanager
def shell(directory: Path, faults: FaultPlan | None = None, plan: str = "") -> Iterator[Shell]:
    world = World((SiteSpec(site_id=SITE),))
    world = replace(world, scopes=(*world.scopes, COMMAND_SCOPE))
    with serve(world, conditions=Conditions(faults=faults or FaultPlan())) as server:
        yield Shell(directory, server, plan)


def check_what_is_left(here: Shell, again: Sequence[str], endpoints: Sequence[str]) -> tuple[int, list[str]]:
    """The requests and the outcomes that a killed run left; the same again then ends with one request a change in all."""
    posts, commands = here.posts(), here.commands()
    assert len(posts) <= len(commands) <= len(endpoints), "a request without an intent"
    assert posts == list(endpoints[: len(posts)])
    done = here.run(*again)
    assert done.returncode == 0, done.stderr
    assert here.posts() == list(endpoints), "a command was sent twice, or not at all"
    return len(posts), [row["outcome"] for row in commands]


def check_table(here: Shell) -> None:
    """Table `commands` has what the history has, and making it sends nothing."""
    posts = here.posts()
    assert here.run("rebuild").returncode == 0
    rows = json.loads(here.run("sql", "select outcome from commands order by command_id", "--format", "json").stdout)
    assert [row["outcome"] for row in rows] == [row["outcome"] for row in here.commands()]
    assert here.posts() == posts


def kill_at_each_step(
    directory: Path,
    start: Callable[[Shell, int], subprocess.Popen[bytes]],
    again: Sequence[str],
    *endpoints: str,
    plan: str = "",
    stride: int = 1,
) -> list[tuple[int, list[str]]]:
    """Requests and outcomes after a kill at each step, until a run ends.

    With a stride of two, steps after one record or request are left out: before the next one, all is the same. So a kill after
    the last record is not among them.
    """
    seen: list[tuple[int, list[str]]] = []
    for step in count(step=stride):
        assert step < MOST_STEPS
        with shell(directory / str(step), plan=plan) as here:
            code = start(here, step).wait(PATIENCE_S)
            if code != -signal.SIGKILL:
                assert code == 0
                return seen
            left = check_what_is_left(here, again, endpoints)
            if left not in seen:
                check_table(here)
            seen.append(left)
    raise AssertionError("no run ended")


APPLIED: tuple[int | str, ...] = (1, "applied")
OF_ONE_CHANGE: set[tuple[int | str, ...]] = {
    (0,),  # before the intent
    (0, "failed"),  # after it
    (1, "failed"),  # before the answer is stored
    (1, "accepted_unconfirmed"),
    APPLIED,
}
"""Requests and outcomes that a kill leaves."""


def _parts(left: tuple[int | str, ...]) -> tuple[int, list[str]]:
    """Requests and outcomes."""
    return int(left[0]), [str(outcome) for outcome in left[1:]]


def test_a_kill_at_any_step_leaves_at_most_one_request(tmp_path: Path) -> None:
    seen = kill_at_each_step(tmp_path, lambda here, step: here.start(step, *SET), SET, "backup")
    assert [seen[0], seen[-1]] == [(0, []), (1, ["applied"])]
    assert {(posts, *outcomes) for posts, outcomes in seen} == OF_ONE_CHANGE


def test_a_kill_at_any_step_of_a_plan_leaves_at_most_one_request_a_change(tmp_path: Path) -> None:
    """Of two changes, the first is done before the second begins."""
    plan = '[{"setting": "reserve", "value": 40}, {"setting": "mode", "value": "time-based"}]'
    seen = kill_at_each_step(
        tmp_path, lambda here, step: here.start(step, *PLANNED), PLANNED, "backup", "operation", plan=plan, stride=2
    )
    of_second = {(1 + posts, "applied", *outcomes) for posts, outcomes in map(_parts, OF_ONE_CHANGE - {APPLIED})}
    assert {(posts, *outcomes) for posts, outcomes in seen} == OF_ONE_CHANGE | of_second


def test_a_kill_at_any_step_of_a_flow_leaves_at_most_one_request(tmp_path: Path, prefect_api: str) -> None:
    """The flow `apply`, which Prefect runs by schedule; wattlog then applies the plan again."""
    plan = '[{"setting": "reserve", "value": 40}]'
    seen = kill_at_each_step(
        tmp_path, lambda here, step: here.start(step, program=FLOW), PLANNED, "backup", plan=plan, stride=2
    )
    assert {(posts, *outcomes) for posts, outcomes in seen} == OF_ONE_CHANGE - {APPLIED}


def test_a_kill_while_the_command_is_at_the_server_is_no_second_request(tmp_path: Path) -> None:
    pids: list[int] = []

    def kill() -> None:
        while pids:
            os.kill(pids.pop(), signal.SIGKILL)

    with shell(tmp_path / "killed", AtCommand(do=kill)) as here:
        process = here.start(MOST_STEPS, *SET)
        pids.append(process.pid)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        wait_until(lambda: here.posts() == ["backup"])
        assert [row["outcome"] for row in here.commands()] == ["failed"]
        check_table(here)
        # The server may notice that the process is gone before it reads the request.
        is_done = here.server.world.truth(SITE).spec.settings_changes != ()
        assert here.run(*SET).returncode == 0
        assert len(here.posts()) == (1 if is_done else 2), "the same command again sends nothing where the value is set"
