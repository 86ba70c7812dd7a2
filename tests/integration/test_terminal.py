"""What every command prints on a terminal: it fits, it is not broken in words, and text from elsewhere cannot steer it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from extract.api.client import utc_now
from extract.simulator import SimulatorServer, World, demo_world, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import ErrorResponse, FaultPlan, Rule, Where
from extract.simulator.fleet import fleet_world
from flows.cli.tables.gaps import Gap, print_gaps
from tests.integration.test_command_line import Shell

NAME = (
    "[red]Roof[/red] [link=https://evil]x[/link]\x1b[2J\x1b]0;owned\x07\x9b1m\u202e\u2066\r\x00\nwattlog: forged\u2028"
)
SHOWN = r"[red]Roof[/red] [link=https://evil]x[/link]\x1b[2J\x1b]0;owned\x07\x9b1m\u202e\u2066"
TROUBLE = "no \x1b]0;owned\x07\x9b2J\u202e [bold]backup[/bold]\nwattlog: forged"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
WIDTHS = (80, 120)
DAILY = "select * from analytics.daily order by local_date"
NAMES = "select site_name, local_date, solar_kwh from analytics.daily"

COMMANDS = {
    "config": ["config"],
    "whoami": ["whoami"],
    "sites": ["sites"],
    "refreshed sites": ["sites", "--refresh"],
    "plan": ["plan"],
    "backfill": ["backfill", "--series", "energy_day", "--series", "backup"],
    "sync": ["sync", "--verbose"],
    "reconcile": ["reconcile"],
    "gaps": ["gaps"],
    "verify": ["verify"],
    "rebuild": ["rebuild"],
    "first query": ["sql", f"{NAMES} order by local_date limit 5"],
    "all columns": ["sql", f"{DAILY} limit 5"],
    "many rows": ["sql", "select * from power limit 50"],
    "one row": ["sql", "select * from power limit 1"],
    "lineage": ["sql", "select * from power limit 1", "--lineage"],
    "no rows": ["sql", f"{DAILY} limit 0"],
    "markdown": ["sql", NAMES, "--format", "markdown"],
    "a refused query": ["sql", f"select error('{TROUBLE.splitlines()[0]}')"],
    "an unknown table": ["sql", 'select * from "\x1b[2J\u202e"'],
    "export": ["export", "analytics.daily", "--out", "daily.csv", "--force"],
    "scenarios": ["simulate", "--list"],
    "tariffs": ["tariff", "list"],
    "a tariff": ["tariff", "show"],
}
HEADINGS = {
    "sites": ("name", "solar", "battery", "grid", "connectors", "zone", "installed", "stored", "sync", "status"),
    "plan": ("site", "series", "requests", "from", "to"),
    "gaps": ("series", "from", "to", "cause", "rows"),
    "reconcile": ("check", "agree", "differ", "missing", "skipped", "causes"),
    "backfill": ("table", "rows", "status", "days", "windows", "count"),
    "one row": ("interval_start", "solar_w", "grid_services_w"),
    "all columns": ("local_date", "battery_discharge_kwh", "grid_to_battery_kwh"),
    "scenarios": ("scenario", "what happens", "expiring-token"),
}


def _world() -> World:
    site = demo_world(utc_now().date()).sites[0]
    return World(
        sites=(replace(site, site_name=NAME, installed_at=utc_now().replace(microsecond=0) - timedelta(days=3)),)
    )


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """One site with a hostile name; outages cannot be had, with a hostile reason."""
    failing = Rule(ErrorResponse(400, TROUBLE), Where(kind="backup"))
    with serve(_world(), conditions=Conditions(faults=FaultPlan((failing,)))) as made:
        yield made


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, server: SimulatorServer) -> Shell:
    made = Shell(tmp_path_factory.mktemp("terminal"), server.base_url)
    done = made.run_on_terminal(80, "backfill")
    assert done.returncode == 1, done.stderr
    return made


def _assert_fits(text: str, width: int) -> None:
    assert [line for line in text.splitlines() if cell_len(line) > width] == []


@pytest.mark.slow
@pytest.mark.parametrize("columns", [None, *WIDTHS])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_printed_fits_and_steers_nothing(shell: Shell, name: str, columns: int | None) -> None:
    """On terminals and in a pipe, on standard output and in the debug log on standard error."""
    done = shell.run_on_terminal(columns, *COMMANDS[name], WATTLOG_LOG_LEVEL="debug")
    printed = done.stdout + done.stderr
    assert "internal error" not in printed
    assert STEERING.search(printed.replace("\n", "")) is None
    assert "\nwattlog: forged" not in printed
    words = done.stdout.replace(",", " ").replace(";", " ").split()
    for heading in HEADINGS.get(name, ()):
        assert all(word in words for word in heading.split()), heading
    if columns is not None and name != "markdown":
        _assert_fits(done.stdout, columns)


def test_names_are_shown_letter_by_letter(shell: Shell) -> None:
    """Markup is none of Rich's, and what steers is an escape."""
    for name in ("sites", "plan", "reconcile"):
        assert SHOWN in shell.run_here(*COMMANDS[name]).stdout
    assert r"no \x1b]0;owned\x07\x9b2J\u202e [bold]backup[/bold]" in shell.run_here(*COMMANDS["backfill"]).stderr


def test_data_stay_as_they_are_in_files_and_pipes(shell: Shell) -> None:
    query = "select site_name from analytics.sites"
    assert json.loads(shell.run_here("sql", query, "--json").stdout) == [{"site_name": NAME}]
    assert json.loads(shell.run_here("sites", "--json").stdout)[0]["site_name"] == NAME
    out = shell.directory / "names.csv"
    assert shell.run_here("sql", query, "--format", "csv", "--out", str(out), "--force").returncode == 0
    with out.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["site_name"], [NAME]]
    for columns in WIDTHS:
        assert json.loads(shell.run_on_terminal(columns, "sql", query, "--json").stdout) == [{"site_name": NAME}]
        shown = shell.run_on_terminal(columns, "sql", query, "--format", "csv").stdout
        assert SHOWN in shown


def test_a_pipe_gets_full_values(shell: Shell) -> None:
    """Every column, doubles to the last digit, in lines as long as they are."""
    query = "select *, 1 / 3::double as third from power limit 1"
    piped = shell.run_here("sql", query).stdout
    assert "_raw_id" in piped
    assert "0.3333333333333333" in piped
    rows = list(csv.DictReader(io.StringIO(shell.run_here("sql", query, "--format", "csv").stdout)))
    assert rows[0]["third"] == "0.3333333333333333"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12345.678", "12346"),
        ("1234567.4", "1234567"),
        ("999.96", "1000"),
        ("0.123456", "0.1235"),
        ("8.119", "8.119"),
        ("-27.39499", "-27.39"),
        ("0", "0"),
        ("1e20", "100000000000000000000"),
        ("'nan'", "nan"),
        ("'-inf'", "-inf"),
        ("null", "NULL"),
    ],
)
def test_a_terminal_gets_four_significant_digits(shell: Shell, value: str, shown: str) -> None:
    done = shell.run_on_terminal(80, "sql", f"select {value}::double as v, 1234567890 as n")
    assert done.stdout.splitlines()[1].split() == [shown, "1234567890"]


def test_instants_are_to_the_second_where_that_is_exact(shell: Shell) -> None:
    query = "select '2025-03-09 01:55:00Z'::timestamptz as a, '2025-03-09 01:55:00.25Z'::timestamptz as b"
    assert shell.run_on_terminal(80, "sql", query).stdout.splitlines()[1].split() == [
        "2025-03-09T01:55:00+00:00",
        "2025-03-09T01:55:00.250000+00:00",
    ]


def test_lineage_is_left_out_of_a_star_and_shown_where_it_is_asked_for(shell: Shell) -> None:
    star = shell.run_on_terminal(80, "sql", "select * from power limit 1").stdout
    assert "without _fetched_at, _raw_id, _run_id; --lineage shows them" in star
    assert "_raw_id" in shell.run_on_terminal(80, "sql", "select * from power limit 1", "--lineage").stdout
    named = shell.run_on_terminal(80, "sql", "select _raw_id from power limit 1").stdout
    assert named.startswith("_raw_id")


def test_wide_shows_all_columns(shell: Shell) -> None:
    shown = shell.run_on_terminal(80, "sql", f"{DAILY} limit 3", "--wide").stdout
    assert "grid_to_battery_kwh" in shown.splitlines()[0]
    assert "battery_discharge_kwh" in shown.splitlines()[0]


def test_long_results_keep_the_layout_of_their_first_rows(shell: Shell) -> None:
    """A result of several pages is one table, and its columns stay under their headings."""
    done = shell.run_on_terminal(80, "sql", "select 10000 + range as n, range * 2 as twice from range(4500)")
    lines = done.stdout.splitlines()
    assert len(lines) == 4_501
    assert lines[4_500].split() == ["14499", "8998"]
    assert len({line.rindex(line.split()[1]) + len(line.split()[1]) for line in lines}) == 1


# --- three hundred sites ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with serve(fleet_world(utc_now().date(), 300)) as server:
        made = Shell(tmp_path_factory.mktemp("fleet"), server.base_url)
        done = made.run_on_terminal(80, "sites")
        assert done.returncode == 0, done.stderr
        assert "wattlog: sites: 300" in done.stderr.splitlines(), "progress counts sites"
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "width"),
    [("sites", 80), ("sites", 120), ("plan", 80), pytest.param("plan", 120, marks=pytest.mark.exhaustive)],
)
def test_tables_of_a_fleet_fit(fleet: Shell, command: str, width: int) -> None:
    done = fleet.run_on_terminal(width, command)
    assert done.returncode == 0, done.stderr
    _assert_fits(done.stdout, width)
    assert len(done.stdout.splitlines()) < 60
    words = done.stdout.replace(",", " ").replace(";", " ").split()
    assert all(word in words for word in HEADINGS[command])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sites", [1, 4, 300])
def test_gaps_of_one_site_and_of_a_fleet_fit(
    width: int, sites: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.console.terminal_width", lambda: width)
    begin = utc_now()
    print_gaps(
        [
            Gap(1_000_000_000_000_000 + site, "energy_interval", begin, begin, "before_install", 105_120)
            for site in range(sites)
        ]
    )
    printed = capsys.readouterr().out
    _assert_fits(printed, width)
    assert len(printed.splitlines()) <= 2 + 2 * min(sites, 4) + 1
