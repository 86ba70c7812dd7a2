"""Every command against every answer, by the command line and by a Prefect flow: one table of what follows."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import AnswerForm, CommandBehaviour, Fault, Refusal, Rule, Where
from extract.simulator.faults.plan import (
    MISSING_SCOPES,
    SUBSCRIPTION_REQUIRED,
    ConnectionReset,
    ErrorResponse,
    too_many_requests,
)
from flows.commands_sent import command_records
from tests.set_shell import SITE, Shell, shell
from tests.tariffs import document, period, year
from transform.commands import Command, commands_in
from wattlog.commands import schedule
from wattlog.commands.settings import SETTINGS, Setting

BAD_GATEWAY = ErrorResponse(502, "energy_gateway_unreachable")
TARIFF = document(
    {"Year": year(DAY=[period(begin="06:00", end="22:00")], NIGHT=[period(begin="22:00", end="06:00")])},
    {"Year": {"DAY": 0.4, "NIGHT": 0.25}},
)

VALUES: dict[Setting, str] = {
    Setting.RESERVE: "40",
    Setting.MODE: "time-based",
    Setting.STORM_WATCH: "off",
    Setting.EXPORT: "solar",
    Setting.GRID_CHARGING: "off",
    Setting.OFF_GRID_RESERVE: "30",
    Setting.TARIFF: "new.json",
}


@dataclass(frozen=True)
class Case:
    """An answer, and what follows from it for every command.

    Attributes:
        outcome: The outcome.
        attempts: How often the request is sent.
        code: The exit code.
        behaviour: How the server answers.
        fault: The fault of the requests, if there is one.
        every: Of the requests of a command, every n-th has the fault.
        reason: A part of the reason; empty where there is none.
    """

    outcome: str
    attempts: int
    code: int
    behaviour: CommandBehaviour = field(default_factory=CommandBehaviour)
    fault: Fault | None = None
    every: int = 1
    reason: str = ""

    @property
    def rules(self) -> list[Rule]:
        """The fault at each endpoint."""
        endpoints = {spec.endpoint for spec in SETTINGS.values()}
        wheres = [Where(path=f"/{SITE}/{endpoint}") for endpoint in sorted(endpoints)]
        return [] if self.fault is None else [Rule(self.fault, where, every=self.every) for where in wheres]


def accepted(form: AnswerForm) -> Case:
    return Case("applied", 1, 0, CommandBehaviour(form=form))


def refused(refusal: Refusal) -> Case:
    return Case("rejected", 1, 1, CommandBehaviour(refusal=refusal), reason="not possible now")


CASES: dict[str, Case] = {
    **{f"accepted as {form}": accepted(form) for form in AnswerForm if form is not AnswerForm.NULL},
    **{f"refused as {refusal}": refused(refusal) for refusal in Refusal},
    "accepted, never applied": Case(
        "accepted_unconfirmed", 1, 7, CommandBehaviour(is_applied=False), reason="site_info"
    ),
    "null, applied": Case("applied", 1, 0, CommandBehaviour(form=AnswerForm.NULL), reason="but site_info shows"),
    "null, never applied": Case(
        "failed", 1, 7, CommandBehaviour(form=AnswerForm.NULL, is_applied=False), reason="no meaning"
    ),
    "400": Case("rejected", 1, 1, fault=ErrorResponse(400, "not now"), reason="status 400: not now"),
    "402": Case("rejected", 1, 4, fault=SUBSCRIPTION_REQUIRED, reason="status 402"),
    "403": Case("rejected", 1, 4, fault=MISSING_SCOPES, reason="status 403"),
    "429, a minute": Case("rejected", 1, 1, fault=too_many_requests(60), reason="status 429"),
    "502": Case("failed", 3, 7, fault=BAD_GATEWAY, reason="status 502: energy_gateway_unreachable"),
    "502, then accepted": Case("applied", 2, 0, fault=BAD_GATEWAY, every=2),
    "applied, each answer lost": Case("applied", 3, 0, fault=ConnectionReset(share=0), reason="but site_info shows"),
}
"""Q53, Q62, Q63, Q64, Q66."""

ABSENT: dict[Setting, str] = {Setting.EXPORT: "accepted_absent", Setting.GRID_CHARGING: "accepted_absent"}
"""Q54, Q55: where the site does not have the field, an accepted change that is not applied looks like one that is."""

Change = Callable[[Shell, Setting], int]
"""Changes a setting; returns the exit code."""


def by_command_line(here: Shell, name: Setting) -> int:
    return here.run("set", name, VALUES[name], "--yes").returncode


def by_flow(here: Shell, name: Setting) -> int:
    """The exit code of the command line is in the error of a failed flow run."""
    from flows.errors import RunFailed
    from flows.orchestration.flows import change, change_tariff

    with pytest.MonkeyPatch.context() as patch:
        for variable, value in here.environment.items():
            patch.setenv(variable, value)
        try:
            if name is Setting.TARIFF:
                change_tariff(tariff=TARIFF, data_dir=here.directory / "data")
            else:
                change(name, VALUES[name], data_dir=here.directory / "data")
        except RunFailed as failed:
            return failed.exit_code
    return 0


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "RETRY_PAUSES_S", (0.0, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_by_the_command_line(tmp_path: Path, name: str) -> None:
    check(tmp_path, CASES[name], by_command_line)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_by_a_prefect_flow(tmp_path: Path, number: int, prefect_api: str) -> None:
    """A flow run takes more than a second, so each answer meets one command, and each command two or three answers."""
    check(tmp_path, list(CASES.values())[number], by_flow, [list(VALUES)[number % len(VALUES)]])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CASES)
def test_each_command_by_a_prefect_flow(tmp_path: Path, name: str, prefect_api: str) -> None:
    check(tmp_path, CASES[name], by_flow)


def check(directory: Path, case: Case, change: Change, names: Iterable[Setting] = VALUES) -> None:
    """Each command has the outcome of the table, its requests, and its exit code."""
    (directory / "new.json").write_text(json.dumps(TARIFF))
    with shell(directory, None, *case.rules, behaviour=case.behaviour) as here:
        for name in names:
            before = len(here.posts())
            code = change(here, name)
            command = last_command(directory)
            outcome = case.outcome
            if outcome == "accepted_unconfirmed":
                outcome = ABSENT.get(name, outcome)
            assert (command.name, command.outcome) == (name, outcome), command.reason
            assert code == case.code, name
            assert command.attempts == len(here.posts()) - before == case.attempts, name
            assert case.reason in (command.reason or ""), name
            assert (command.reason is None) == (not case.reason), name
            check_value(command)


def check_value(command: Command) -> None:
    """The value that was read back is the one that the outcome says."""
    if command.outcome == "applied":
        is_document = command.name == Setting.TARIFF  # it was normalised, and has another checksum
        assert is_document or command.value_after == command.value_asked
        assert command.value_after is not None
    else:
        assert command.value_after != command.value_asked


def last_command(directory: Path) -> Command:
    commands: list[Any] = commands_in(command_records(RawArchive(directory / "data" / "raw"), SITE))
    found: Command = max(commands, key=lambda command: command.requested_at)
    return found
