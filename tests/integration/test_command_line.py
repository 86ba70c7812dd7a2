"""The command line as its users meet it: exit codes, one line on standard error, real processes where it matters."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from extract.simulator import DEMO_TOKEN, SimulatorServer, demo_world, serve
from flows.data_directory import locked
from tests.patience import PATIENCE_S
from tests.shell import run_here
from wattlog import checked_lines
from wattlog.zones import Zone

SITE = "2104877316"
WATTLOG = [sys.executable, "-c", "import sys; from flows.cli import main; main(sys.argv[1:])"]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """The demo account at the real clock, as the processes have it."""
    from extract.api.client import utc_now

    with serve(demo_world(utc_now().date())) as made:
        yield made


class Shell:
    """Runs wattlog in a directory of its own, with nothing of this machine's environment but what it needs to run."""

    def __init__(self, directory: Path, base_url: str) -> None:
        self.directory = directory
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        self.environment = kept | {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": base_url,
            "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
        }

    def run_here(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command in this process."""
        return run_here(arguments, self.directory, self.environment | environment)

    def run_on_terminal(
        self, columns: int | None, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The command in this process, on a terminal of that width; None for none."""
        return run_here(arguments, self.directory, self.environment | environment, columns=columns)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own."""
        return subprocess.run(
            [*WATTLOG, *arguments],
            cwd=self.directory,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path, server: SimulatorServer) -> Shell:
    return Shell(tmp_path, server.base_url)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, server: SimulatorServer) -> Shell:
    """A shell whose data directory holds the last days of one site."""
    made = Shell(tmp_path_factory.mktemp("filled"), server.base_url)
    done = made.run("backfill", "--site", SITE, "--since", _days_ago(3), "--json")
    assert done.returncode == 0, done.stderr
    return made


def _days_ago(days: int) -> str:
    """A day of the site's own calendar, which is not always UTC's."""
    return (datetime.now(Zone("Australia/Sydney")).date() - timedelta(days=days)).isoformat()


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert line.startswith("wattlog: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["backfill", "--site", "42"], 2, f"site 42 is not on this account; its sites are: {SITE}"),
        (
            ["backfill", "--since", "2025-05-02", "--until", "2025-05-01"],
            2,
            "--since 2025-05-02 is after --until 2025-05-01",
        ),
        (["backfill", "--since", "2025-02-30"], 2, "'2025-02-30' is not a day"),
        (["backfill", "--series", "steam"], 2, "steam"),
        (["backfill", "--series", "tariff_file"], 2, "series tariff_file is not requested: its records are files"),
        (["backfill", "--max-requests", "0"], 2, "--max-requests"),
        (["backfil"], 2, "No such command 'backfil'"),
        (["sql"], 2, "give one query"),
        (["sql", "select 1"], 2, "wattlog backfill"),
        (["sql", "-f", "nothing.sql"], 2, "nothing.sql cannot be read"),
        (["export", "power", "--out", "x.csv"], 2, "wattlog backfill"),
        (["--data-dir", "/proc/nowhere", "backfill"], 2, "the data directory /proc/nowhere cannot be written"),
    ],
)
def test_wrong_input_gets_one_line_and_the_right_code(shell: Shell, arguments: list[str], code: int, says: str) -> None:
    done = shell.run_here(*arguments)
    line = one_line(done) if "sites are" not in says else done.stderr
    assert says in line
    assert done.returncode == code


def test_a_wrong_token(shell: Shell) -> None:
    done = shell.run_here("backfill", WATTLOG_ACCESS_TOKEN="wrong-secret")
    assert done.returncode == 3
    assert "set WATTLOG_ACCESS_TOKEN" in done.stderr
    assert "wrong-secret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_no_token_at_all(shell: Shell) -> None:
    """Nothing is asked without one."""
    done = shell.run_here(
        "backfill", WATTLOG_PROVIDER="teslemetry", WATTLOG_ACCESS_TOKEN="", WATTLOG_API_BASE_URL="http://127.0.0.1:9"
    )
    assert done.returncode == 3
    assert "none is set" in one_line(done)


def test_a_data_directory_that_cannot_be_written(shell: Shell) -> None:
    (shell.directory / "data").write_text("a file where the directory should be")
    done = shell.run_here("backfill")
    assert done.returncode == 2
    assert "cannot be written" in one_line(done)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WATTLOG_PROVIDER", "unknown"),
        ("WATTLOG_SITE_TIMEZONES", '{"1": "Mars/Olympus"}'),
        ("WATTLOG_SITE_TIMEZONES", '{"1": "localtime"}'),
        ("WATTLOG_SITE_TIMEZONES", '{"1": "posixrules"}'),
        ("WATTLOG_SITE_TIMEZONES", "{"),
        ("WATTLOG_SETTLE_HOURS", "soon"),
        ("WATTLOG_API_BASE_URL", "localhost"),
        ("WATTLOG_REQUESTS_PER_MINUTE", "0"),
        ("WATTLOG_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_setting_is_named(shell: Shell, name: str, value: str) -> None:
    done = shell.run_here("config", **{name: value})
    assert done.returncode == 2
    assert name in one_line(done)


def test_a_wrong_settings_file_is_named(shell: Shell) -> None:
    (shell.directory / "wattlog.toml").write_text("provider = [")
    done = shell.run_here("config")
    assert done.returncode == 2
    assert "wattlog.toml" in one_line(done)


def test_settings_come_in_their_order_and_secrets_are_masked(shell: Shell) -> None:
    (shell.directory / "wattlog.toml").write_text('concurrency = 1\nsettle_hours = 1\nlog_level = "error"\n')
    (shell.directory / ".env").write_text("WATTLOG_CONCURRENCY=2\nWATTLOG_SETTLE_HOURS=2\n")
    done = shell.run_here("config", "--json", WATTLOG_CONCURRENCY="3")
    shown = json.loads(done.stdout)
    assert (shown["WATTLOG_CONCURRENCY"], shown["WATTLOG_SETTLE_HOURS"], shown["WATTLOG_LOG_LEVEL"]) == (3, 2, "ERROR")
    assert DEMO_TOKEN not in done.stdout
    assert "*" in shown["WATTLOG_ACCESS_TOKEN"]


@pytest.mark.slow
def test_another_run_holds_the_directory(shell: Shell) -> None:
    with locked(shell.directory / "data", "backfill"):
        done = shell.run("backfill")
    assert done.returncode == 6
    assert f"process {os.getpid()}" in one_line(done)


@pytest.mark.slow
def test_nothing_listens(shell: Shell) -> None:
    """Five attempts, then one line."""
    done = shell.run_here("sites", WATTLOG_API_BASE_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "check the network" in one_line(done)


def test_sites_are_listed(filled: Shell) -> None:
    shown = {site["site_id"]: site for site in json.loads(filled.run_here("sites", "--json").stdout)}
    assert shown[int(SITE)]["timezone"] == "Australia/Sydney"
    assert shown[int(SITE)]["days_held"] == 4
    assert shown[987654321]["status"] == "ghost"
    table = filled.run_here("sites").stdout
    assert "Banksia Terrace" in table


def test_a_query_in_every_format(filled: Shell) -> None:
    query = "select site_id, local_date, solar_kwh from analytics.daily order by 2 desc limit 2"
    assert "solar_kwh" in filled.run_here("sql", query).stdout
    rows = json.loads(filled.run_here("sql", query, "--json").stdout)
    assert [row["site_id"] for row in rows] == [int(SITE)] * 2
    assert filled.run_here("sql", query, "--format", "csv").stdout.splitlines()[0] == "site_id,local_date,solar_kwh"
    assert filled.run_here("sql", query, "--format", "markdown").stdout.startswith("| site_id |")
    (filled.directory / "q.sql").write_text(query)
    assert filled.run_here("sql", "-f", "q.sql", "--format", "csv").stdout.count("\n") == 3


def test_the_warehouse_is_read_only_to_queries(filled: Shell) -> None:
    for query in ("delete from power", "create table x as select 1", "select 1; select 2", "selec 1"):
        done = filled.run_here("sql", query)
        assert done.returncode == 2, query
        one_line(done)


def test_export_writes_and_never_over_a_file(filled: Shell) -> None:
    done = filled.run_here("export", "power", "--out", "power.csv", "--since", _days_ago(1), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["rows"] == len((filled.directory / "power.csv").read_text().splitlines()) - 1
    again = filled.run_here("export", "power", "--out", "power.csv")
    assert again.returncode == 2
    assert "--force" in one_line(again)
    assert filled.run_here("export", "power", "--out", "power.csv", "--force").returncode == 0
    assert filled.run_here("export", "nothing", "--out", "n.csv").returncode == 2


def test_the_scenarios_are_named_and_explained(shell: Shell) -> None:
    listed = json.loads(shell.run_here("simulate", "--list", "--json").stdout)
    assert {"demo", "faults", "everything"} <= {scenario["name"] for scenario in listed}
    assert all(scenario["explanation"] for scenario in listed)
    done = shell.run_here("simulate", "--scenario", "none-such")
    assert done.returncode == 2
    assert "--list" in one_line(done)


@pytest.mark.slow
def test_a_scenario_is_served_until_it_is_stopped(shell: Shell) -> None:
    command = [*WATTLOG, "simulate", "--scenario", "payment", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=shell.directory, env=shell.environment, stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        facts = json.loads("".join(iter(served.stdout.readline, "}\n")) + "}")
        done = shell.run("sites", WATTLOG_API_BASE_URL=facts["WATTLOG_API_BASE_URL"])
        served.terminate()
        assert served.wait(PATIENCE_S) == 0
    assert done.returncode == 4
    assert "payment required" in one_line(done)


def test_the_demo_does_not_touch_a_real_history(filled: Shell) -> None:
    (index,) = (filled.directory / "data/raw/site_id=0").glob("index-*.ndjson")
    before = index.read_bytes()
    texts = (checked_lines.without_checksum(line) for line in before.splitlines())
    real = (text.replace(b'"simulator"', b'"teslemetry"') for text in texts)
    index.write_bytes(b"".join(map(checked_lines.with_checksum, real)))
    try:
        done = filled.run_here("demo", "--days", "1")
    finally:
        index.write_bytes(before)
    assert done.returncode == 2
    assert "holds the history of a real account" in one_line(done)


@pytest.mark.slow
def test_a_cap_on_requests_is_kept_and_the_next_run_goes_on(shell: Shell) -> None:
    since = ("--site", SITE, "--since", _days_ago(4), "--series", "power", "--json")
    first = json.loads(shell.run_here("backfill", *since, "--max-requests", "6").stdout)
    assert (first["requests"], first["windows_left"], first["exit_code"]) == (6, 2, 0)
    second = json.loads(shell.run_here("backfill", *since).stdout)
    assert second["windows_left"] == 0
    assert second["rows"]["power"] > first["rows"]["power"]


def test_commands_start_at_once(filled: Shell) -> None:
    """Nothing heavy is imported before it is needed: no Prefect for a query, no pandas for help."""
    probe = (
        "import sys; from flows.cli import run; run(sys.argv[1:]);"
        "print(sorted({'prefect', 'pandas', 'duckdb', 'starlette'} & set(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["--help"], ["config"], ["backfill", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", probe, *arguments],
            cwd=filled.directory,
            env=filled.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert done.stderr.splitlines()[-1] == "[]"
    done = subprocess.run(
        [sys.executable, "-c", probe, "sql", "select 1"],
        cwd=filled.directory,
        env=filled.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert "prefect" not in done.stderr
    assert "starlette" not in done.stderr
