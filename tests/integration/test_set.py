"""`wattlog set` and `wattlog history settings`, from the command line to the simulator and back."""

import json
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.archive.record import Response
from extract.errors import ArchiveError
from extract.simulator import (
    CommandBehaviour,
    Fault,
    Rule,
    SettingsChange,
    SiteSpec,
    World,
)
from extract.simulator.faults.plan import (
    MISSING_SCOPES,
    SUBSCRIPTION_REQUIRED,
    ConnectionReset,
    ErrorResponse,
)
from flows import ledger
from flows.cli.question import is_to_be_sent
from tests.set_shell import SITE, AtCommand, Shell, at_posts, shell, world
from wattlog.commands import schedule
from wattlog.commands.settings import SETTINGS, Setting
from wattlog.providers import COMMAND_SCOPE


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "RETRY_PAUSES_S", (0.0, 0.0))


CHANGES = {
    Setting.RESERVE: ("40", "20", {"backup_reserve_percent": 40}),
    Setting.MODE: ("time-based", "self-powered", {"default_real_mode": "autonomous"}),
    Setting.STORM_WATCH: ("off", "on", {"enabled": False}),
    Setting.EXPORT: ("solar", None, {"customer_preferred_export_rule": "pv_only"}),
    Setting.GRID_CHARGING: ("off", None, {"disallow_charge_from_grid_with_solar_installed": True}),
    Setting.OFF_GRID_RESERVE: ("30", "75", {"off_grid_vehicle_charging_reserve_percent": 30}),
}


def test_each_setting_is_changed_once_read_back_and_recorded(tmp_path: Path) -> None:
    with shell(tmp_path) as here:
        for name, (value, before, body) in CHANGES.items():
            row = here.set(name, value)
            assert (row["outcome"], row["exit_code"], row["attempts"]) == ("applied", 0, 1), name
            assert (row["name"], row["value_before"], row["value_asked"], row["value_after"]) == (
                name,
                before,
                value,
                value,
            )
            assert here.posts()[-1] == (SETTINGS[name].endpoint, body)
            again = here.run("set", name, value, "--yes")
            assert (again.returncode, "already; nothing is sent" in again.stderr) == (0, True), "Q68"
        assert len(here.posts()) == len(CHANGES)
        assert [(row["name"], row["outcome"]) for row in here.history()] == [(name, "applied") for name in CHANGES]
        shown = here.run("history", "settings").stdout
        assert "20 " in shown
        assert "wattlog (cli)" in shown


def test_the_intent_is_on_disk_when_the_request_arrives(tmp_path: Path) -> None:
    """So a kill at any point leaves either no request, or a row that says what is known."""
    stored: list[list[tuple[str, str]]] = []

    def look() -> None:
        entries = RawArchive(tmp_path / "data" / "raw", site_id=SITE).entries(SITE)
        stored.append([(entry.path, entry.outcome) for entry in entries if entry.series == "command"])

    with shell(tmp_path, plan=AtCommand(do=look)) as here:
        assert here.set("reserve", "40")["outcome"] == "applied"
    assert stored == [[("/intent/reserve", "data")]]


@pytest.mark.parametrize(
    ("behaviour", "value", "outcome", "after", "code"),
    [
        (CommandBehaviour(stale_reads=1), "40", "applied", "40", 0),
        (CommandBehaviour(high_reserve=80), "90", "accepted_unconfirmed", "80", 7),
    ],
)
def test_what_is_read_back_decides(
    tmp_path: Path, behaviour: CommandBehaviour, value: str, outcome: str, after: str, code: int
) -> None:
    """Q48, Q62, Q64: no second request, whatever is read."""
    with shell(tmp_path, behaviour=behaviour) as here:
        row = here.set("reserve", value, "--force")
        assert (row["outcome"], row["value_after"], row["exit_code"]) == (outcome, after, code)
        assert len(here.posts()) == 1


def test_a_field_that_is_absent_is_not_a_confirmation(tmp_path: Path) -> None:
    """Q54, Q55."""
    with shell(tmp_path) as here:
        row = here.set("grid-charging", "on")
        assert (row["outcome"], row["exit_code"]) == ("accepted_absent", 7)
        here.set("grid-charging", "off")
        assert here.set("grid-charging", "on")["outcome"] == "applied"
        again = here.run("set", "grid-charging", "on", "--yes")
        assert (again.returncode, "already; nothing is sent" in again.stderr) == (0, True), "the site reports the flag"
        here.set("export", "never")
        assert here.set("export", "everything")["outcome"] == "accepted_absent"
        assert [(row["value_before"], row["value_after"], row["changed_by"]) for row in here.history()] == [
            (None, None, "wattlog (cli)"),
            (None, "off", "wattlog (cli)"),
            ("off", "on", "wattlog (cli)"),
            (None, "never", "wattlog (cli)"),
            ("never", None, "wattlog (cli)"),
        ]


@pytest.mark.parametrize(
    ("fault", "code", "advice"),
    [(MISSING_SCOPES, 4, "wattlog login --commands"), (SUBSCRIPTION_REQUIRED, 4, "subscription")],
)
def test_what_the_account_may_not_do_is_refused(tmp_path: Path, fault: ErrorResponse, code: int, advice: str) -> None:
    with shell(tmp_path, None, at_posts(fault)) as here:
        done = here.run("set", "reserve", "40", "--yes")
        assert (done.returncode, advice in done.stderr) == (code, True)
        assert len(here.posts()) == 1
        assert here.history()[0]["outcome"] == "rejected"


def lost_then(fault: Fault) -> tuple[Rule, ...]:
    """The change is carried out and its answer is lost; the repeat is refused."""
    return at_posts(ConnectionReset(share=0), last=1), at_posts(fault, first=2)


@pytest.mark.parametrize("fault", [SUBSCRIPTION_REQUIRED, MISSING_SCOPES, ErrorResponse(400, "not now")])
def test_a_change_that_was_made_is_not_recorded_as_refused(tmp_path: Path, fault: ErrorResponse) -> None:
    """Q66: the refusal is about the repeat; what was read back decides."""
    with shell(tmp_path, None, *lost_then(fault)) as here:
        row = here.set("reserve", "40")
        assert (row["outcome"], row["value_after"], row["attempts"], row["exit_code"]) == ("applied", "40", 2, 0)
        assert f"another attempt was refused: status {fault.status}" in row["reason"]
        assert [event["outcome"] for event in here.history()] == ["applied"]


def ledger_code(here: Shell) -> int | None:
    return ledger.runs(here.directory / "data" / "raw")[-1].exit_code


def test_where_nothing_is_sent_no_exit_code_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The intent cannot be stored, so no request is sent, and the ledger has the code of the run."""
    with shell(tmp_path) as here:
        here.run("sites")
        keep = RawArchive.keep

        def full(self: RawArchive, response: Response, **facts: str) -> IndexEntry:
            if response.request.path.startswith("/intent/"):
                raise ArchiveError("the raw archive", "no space left")
            return keep(self, response, **facts)

        monkeypatch.setattr(RawArchive, "keep", full)
        done = here.run("set", "reserve", "40", "--yes")
        assert (done.returncode, here.posts(), ledger_code(here)) == (2, [], 2)


def test_an_answer_that_cannot_be_stored_is_not_polled_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request was sent, so the exit code is 7; and a full disk stays full while the setting is read back."""
    with shell(tmp_path) as here:
        here.run("sites")
        keep, refused = RawArchive.keep, list[str]()

        def full(self: RawArchive, response: Response, **facts: str) -> IndexEntry:
            if refused or response.request.body is not None:
                refused.append(response.request.path)
                raise ArchiveError("the raw archive", "no space left")
            return keep(self, response, **facts)

        monkeypatch.setattr(RawArchive, "keep", full)
        done = here.run("set", "reserve", "40", "--yes")
        assert (done.returncode, len(here.posts()), ledger_code(here)) == (7, 1, 7)
        assert [path.rsplit("/", 1)[-1] for path in refused] == ["backup"]


def test_a_run_that_is_stopped_before_the_request_ends_as_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shell(tmp_path) as here:
        here.run("sites")
        keep = RawArchive.keep

        def interrupted(self: RawArchive, response: Response, **facts: str) -> IndexEntry:
            if response.request.path.startswith("/intent/"):
                signal.raise_signal(signal.SIGINT)
            return keep(self, response, **facts)

        monkeypatch.setattr(RawArchive, "keep", interrupted)
        done = here.run("set", "reserve", "40", "--yes")
        assert (done.returncode, here.posts(), ledger_code(here)) == (130, [], 130)
        assert "interrupted before the change was sent" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["reserve", "40"], 2, "--yes"),
        (["reserve", "101", "--yes"], 2, "'101' is not a whole number from 0 to 100"),
        (["mode", "fast", "--yes"], 2, "'fast' is not one of self-powered, time-based, backup"),
        (["reserve", "90", "--yes"], 2, "--force sends it all the same"),
        (["reserve", "40", "--yes", "--site", "42"], 2, "site 42 is not on this account"),
        (["tariff", "--yes"], 2, "give a tariff file, or --restore"),
        (["tariff", "--restore", "--yes"], 2, "none can be put back"),
        (["tariff", "none.json", "--yes"], 2, "none.json"),
    ],
)
def test_what_cannot_be_sent_is_not_sent(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    with shell(tmp_path) as here:
        done = here.run("set", *arguments)
        assert (done.returncode, here.posts()) == (code, [])
        assert says in done.stderr.splitlines()[-1]


def test_a_site_without_a_battery_has_no_reserve(tmp_path: Path) -> None:
    served = World((SiteSpec(site_id=SITE, battery_energy_wh=0, battery_power_w=0),))
    with shell(tmp_path, replace(served, scopes=(*served.scopes, COMMAND_SCOPE))) as here:
        done = here.run("set", "reserve", "40", "--yes", "--force")
        assert (done.returncode, here.posts()) == (2, [])
        assert "the site has no battery" in done.stderr


def test_of_several_sites_one_must_be_named(tmp_path: Path) -> None:
    with shell(tmp_path, world(SiteSpec(site_id=7))) as here:
        done = here.run("set", "reserve", "40", "--yes")
        assert (done.returncode, here.posts()) == (2, [])
        assert f"choose a site with --site; the account has: 7, {SITE}" in done.stderr
        assert here.set("reserve", "40", "--site", "7")["site_id"] == 7


class Keyboard(StringIO):
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "sent"), [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0)])
def test_on_a_terminal_the_change_is_shown_and_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, sent: int
) -> None:
    monkeypatch.setattr("tests.shell.StringIO", Keyboard)
    with shell(tmp_path) as here:
        done = here.run("set", "reserve", "40", typed=answer)
        assert (done.returncode, len(here.posts())) == (code, sent), done.stderr
        assert "keeps 40 %" in done.stdout
        assert "Send it?" in done.stderr
        assert ("nothing is sent" in done.stderr) == (not sent)


def test_an_end_of_the_input_instead_of_an_answer_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.shell.StringIO", Keyboard)
    with shell(tmp_path) as here:
        done = here.run("set", "reserve", "40", typed="")
        assert (done.returncode, here.posts(), here.history()) == (130, [], [])
        assert "interrupted before the change was sent" in done.stderr


def test_a_setting_that_changed_during_the_question_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Q69: never late."""
    with shell(tmp_path) as here:

        def slowly() -> bool:
            change = SettingsChange(datetime.now(UTC), (("backup_reserve_percent", 55),))
            here.server.world.change(SITE, change)
            return is_to_be_sent()

        monkeypatch.setattr("tests.shell.StringIO", Keyboard)
        monkeypatch.setattr("flows.cli.question.is_to_be_sent", slowly)
        done = here.run("set", "reserve", "40", typed="y\n")
        assert (done.returncode, here.posts()) == (1, [])
        assert "reserve is 55 by now, and no longer 20" in done.stderr
        refused = here.run("set", "reserve", "40", "--json")
        assert (refused.returncode, "--json asks no question" in refused.stderr) == (2, True)


def test_a_dry_run_shows_request_value_and_effect(tmp_path: Path) -> None:
    with shell(tmp_path) as here:
        shown = here.run("set", "reserve", "90", "--dry-run")
        assert shown.returncode == 0
        for text in (
            f"POST /api/1/energy_sites/{SITE}/backup",
            '{"backup_reserve_percent":90}',
            "keeps 90 %",
            "advice",
        ):
            assert text in shown.stdout
        (plan,) = [json.loads(here.run("set", "reserve", "90", "--dry-run", "--json").stdout)]
        assert (plan["value_before"], plan["value_asked"], plan["is_set"]) == ("20", "90", False)
        assert here.posts() == []
        assert here.history() == []


def test_a_login_without_the_scope_learns_how_to_get_it(tmp_path: Path) -> None:
    """The scope is asked for by `login --commands` alone."""
    with shell(tmp_path, World((SiteSpec(site_id=SITE),))) as here:
        environment = {name: value for name, value in here.environment.items() if name != "WATTLOG_ACCESS_TOKEN"}
        here.environment = environment | {"WATTLOG_TOKEN_STORE": "file"}
        for options, code in (((), 4), (("--commands",), 0)):
            assert log_in(here, *options)
            done = here.run("set", "reserve", "40", "--yes")
            assert done.returncode == code, done.stderr
            assert ("wattlog login --commands" in done.stderr) == (code == 4)
        assert len(here.posts()) == 1


def log_in(here: Shell, *options: str) -> bool:
    """Log in by a pasted address, as the simulator's page would give it."""
    import httpx

    from extract.auth.redirect import code_in
    from flows.cli import login_dialog

    def follow(settings: Any, client: Any, redirect_uri: str, verifier: str, *, browser: bool) -> str:
        url, state = client.authorization_url(redirect_uri, settings.scopes, verifier)
        return code_in(httpx.get(url).headers["location"], state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(login_dialog, "_pasted_code", follow)
        return here.run("login", "--paste", "--no-browser", *options).returncode == 0


def test_what_changed_without_us_is_in_the_history(tmp_path: Path) -> None:
    """Q74: a change that no command explains, between two of ours."""
    soon = datetime.now(UTC) - timedelta(days=1)
    with shell(tmp_path) as here:
        here.set("reserve", "40")
        here.server.world.change(SITE, SettingsChange(soon, (("backup_reserve_percent", 55),)))
        here.set("storm-watch", "off")
        here.set("reserve", "60")
        assert [
            (row["name"], row["value_before"], row["value_after"], row["changed_by"]) for row in here.history()
        ] == [
            ("reserve", "20", "40", "wattlog (cli)"),
            ("reserve", "40", "55", "not wattlog"),
            ("storm-watch", "on", "off", "wattlog (cli)"),
            ("reserve", "55", "60", "wattlog (cli)"),
        ]


@pytest.mark.slow
def test_a_rebuild_gives_the_rows_that_the_command_printed(tmp_path: Path) -> None:
    with shell(tmp_path) as here:
        sent = [here.set("reserve", "40"), here.set("grid-charging", "on"), here.set("reserve", "30")]
        assert here.run("rebuild").returncode == 0
        verified = here.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        query = "select * from commands order by command_id"
        rows = json.loads(here.run("sql", query, "--format", "json").stdout)
        names = (
            "command_id",
            "site_id",
            "name",
            "value_before",
            "value_asked",
            "value_after",
            "outcome",
            "reason",
            "attempts",
        )
        assert [[row[name] for name in names] for row in rows] == [[row[name] for name in names] for row in sent]
        settings = json.loads(
            here.run(
                "sql", "select backup_reserve_pct from site_settings order by valid_from", "--format", "json"
            ).stdout
        )
        assert [row["backup_reserve_pct"] for row in settings] == [20, 40, 30]
        counted = "select method_count from (select count(*) as method_count from requests where series = 'command')"
        (count,) = json.loads(here.run("sql", counted, "--format", "json").stdout)
        commands = [entry for entry in RawArchive(tmp_path / "data" / "raw").entries(SITE) if entry.series == "command"]
        assert count["method_count"] == len(commands) - len(sent), "an intent is no request"
