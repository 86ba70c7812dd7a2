"""kill -9 at each step of `wattlog set`: at most one request, and a row that says what is known."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
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
MOST_STEPS = 40

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
from flows.cli import main
main(sys.argv[2:])
"""
"""wattlog, killed before the step of a number: each request and each record is two steps, before it and after it."""


class Shell:
    """wattlog in processes that are killed, and in this one to see what they left."""

    def __init__(self, directory: Path, server: SimulatorServer) -> None:
        self.directory, self.server = directory, server
        directory.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        self.environment = kept | {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
        }
        assert self.run("sites").returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_here(arguments, self.directory, self.environment)

    def start(self, steps: int) -> subprocess.Popen[bytes]:
        """`wattlog set`, killed at a step."""
        return subprocess.Popen(
            [sys.executable, "-c", STEPPED, str(steps), *SET],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def posts(self) -> int:
        wait_until(lambda: self.server.is_idle)
        return sum(request.method == "POST" for request in self.server.requests)

    def commands(self) -> list[dict[str, Any]]:
        """The commands of the history."""
        return [row for row in json.loads(self.run("history", "settings", "--json").stdout) if row["command_id"]]


@contextmanager
def shell(directory: Path, plan: FaultPlan | None = None) -> Iterator[Shell]:
    world = World((SiteSpec(site_id=SITE),))
    world = replace(world, scopes=(*world.scopes, COMMAND_SCOPE))
    with serve(world, conditions=Conditions(faults=plan or FaultPlan())) as server:
        yield Shell(directory, server)


def check_what_is_left(here: Shell) -> tuple[int, list[str]]:
    """The requests and the outcomes that a killed run left; the same command then ends with one request in all."""
    posts, commands = here.posts(), here.commands()
    assert posts <= len(commands) <= 1, "a request without an intent"
    assert posts <= 1
    again = here.run(*SET)
    assert again.returncode == 0, again.stderr
    assert here.posts() == 1, "the command was sent twice, or not at all"
    return posts, [row["outcome"] for row in commands]


def check_table(here: Shell) -> None:
    """Table `commands` has what the history has, and making it sends nothing."""
    assert here.run("rebuild").returncode == 0
    rows = json.loads(here.run("sql", "select outcome from commands order by command_id", "--format", "json").stdout)
    assert [row["outcome"] for row in rows] == [row["outcome"] for row in here.commands()]
    assert here.posts() == 1


def test_a_kill_at_any_step_leaves_at_most_one_request(tmp_path: Path) -> None:
    seen: list[tuple[int, list[str]]] = []
    for step in count():
        assert step < MOST_STEPS
        with shell(tmp_path / str(step)) as here:
            code = here.start(step).wait(PATIENCE_S)
            if code != -signal.SIGKILL:
                assert code == 0
                break
            left = check_what_is_left(here)
            if left not in seen:
                check_table(here)
            seen.append(left)
    assert [seen[0], seen[-1]] == [(0, []), (1, ["applied"])]
    assert {(posts, *outcomes) for posts, outcomes in seen} == {
        (0,),  # before the intent
        (0, "failed"),  # after it
        (1, "failed"),  # before the answer is stored
        (1, "accepted_unconfirmed"),
        (1, "applied"),
    }


def test_a_kill_while_the_command_is_at_the_server_is_no_second_request(tmp_path: Path) -> None:
    pids: list[int] = []

    def kill() -> None:
        while pids:
            os.kill(pids.pop(), signal.SIGKILL)

    plan = AtCommand(do=kill)
    with shell(tmp_path / "killed", plan) as here:
        process = here.start(MOST_STEPS)
        pids.append(process.pid)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        wait_until(lambda: here.posts() == 1)
        assert [row["outcome"] for row in here.commands()] == ["failed"]
        check_table(here)
        # The server may notice that the process is gone before it reads the request.
        is_done = here.server.world.truth(SITE).spec.settings_changes != ()
        assert here.run(*SET).returncode == 0
        assert here.posts() == (1 if is_done else 2), "the same command again sends nothing where the value is set"
