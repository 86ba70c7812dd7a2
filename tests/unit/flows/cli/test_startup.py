"""`wattlog --help` is quick: what is slow to import is imported when a command runs."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flows.cli import run
from flows.cli.app import app
from flows.errors import ExitCode
from warehouse.schema_version import SCHEMA_VERSION

SLOW = frozenset(
    [
        "authlib",
        "botocore",
        "dask",
        "dotenv",
        "filelock",
        "flows.pipeline",
        "flows.settings",
        "httpx",
        "keyring",
        "numpy",
        "obstore",
        "pandas",
        "platformdirs",
        "prefect",
        "pyarrow",
        "pydantic_settings",
        "rich",
        "warehouse.schema",
    ]
)
"""Modules that take a hundredth of a second or more to import, and modules of wattlog that import some of them."""

OF_A_QUERY = frozenset(["duckdb", "logging", "orjson"])
OF_OPTIONS = frozenset(["pydantic"])
"""Typer imports it when it parses the options of a command."""

SCRIPT = """
import sys
from flows.cli import prepare_process, run
prepare_process()
code = run(sys.argv[1:])
sys.stderr.write(" ".join(sys.modules))
sys.exit(code)
"""


def _imported(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules of its process."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.split())


def test_the_list_of_commands_imports_nothing_that_is_slow() -> None:
    shown, modules = _imported("--help")
    assert "Usage: wattlog" in shown
    assert sorted((SLOW | OF_A_QUERY | OF_OPTIONS) & modules) == []


@pytest.mark.parametrize("command", ["backfill", "sql"])
def test_the_help_of_a_command_imports_nothing_that_is_slow(command: str) -> None:
    shown, modules = _imported(command, "--help")
    assert f"Usage: wattlog {command}" in shown
    assert sorted((SLOW | OF_A_QUERY) & modules) == []


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with a warehouse that has no tables."""
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("create schema meta")
        connection.execute("create table meta.build as select ?::integer as schema_version", [SCHEMA_VERSION])
    return tmp_path


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_query_imports_duckdb_and_nothing_else_that_is_slow(data_dir: Path, form: str) -> None:
    query = "select 1 as n, 'Oslo' as name, 0.5::double as share, true as is_on, date '2025-03-30' as day"
    shown, modules = _imported("--data-dir", str(data_dir), "sql", query, "--format", form)
    assert shown.splitlines()[-1].replace("|", " ").split() == ["1", "Oslo", "0.5", "true", "2025-03-30"]
    assert sorted(SLOW & modules) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_query_of_other_types_imports_arrow_but_not_pandas(data_dir: Path, form: str) -> None:
    query = "select timestamptz '2025-03-30 01:00:00+00' as at, 'Oslo' as name, 1.5::decimal(9, 1) as price"
    shown, modules = _imported("--data-dir", str(data_dir), "sql", query, "--format", form)
    assert "2025-03-30T01:00:00+00:00" in shown
    assert sorted((SLOW - {"numpy", "pyarrow"}) & modules) == []


OF_A_RUN = frozenset(
    ["filelock", "flows.pipeline", "flows.settings", "httpx", "numpy", "pandas", "platformdirs", "pyarrow"]
)
NOT_OF_A_RUN = (
    *sorted(SLOW - OF_A_RUN - {"rich", "warehouse.schema"}),
    "rich.console",
    "extract.simulator",
    "flows.deliveries",
    "flows.object_store",
    "flows.what_if",
    "transform.imports",
    "transform.prices",
    "warehouse.assistants",
    "warehouse.checks",
    "warehouse.dashboard",
    "warehouse.export",
    "warehouse.report",
)
"""What a run over plain sites does not need, with all modules below. The width of text is from `rich.cells`, which is small."""


def test_a_run_over_plain_sites_imports_nothing_of_other_commands(tmp_path: Path) -> None:
    """`sync` imports what `rebuild` does, which needs no server."""
    _, modules = _imported("--data-dir", str(tmp_path), "rebuild", "--json")
    assert {"flows.pipeline", "transform.shapers", "warehouse.build.build"} <= modules
    assert sorted(name for name in modules for other in NOT_OF_A_RUN if f"{name}.".startswith(f"{other}.")) == []


ENDING = """
import atexit, sys, threading
from flows.cli import main
atexit.register(print, "shut down")
if "thread" in sys.argv:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
main(["--data-dir", sys.argv[1], "sql", "select 1 as n, timestamptz '2025-03-30 01:00:00+00' as at", "--format", "csv"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("others", "is_shut_down"), [([], False), (["thread"], True)])
def test_the_interpreter_is_shut_down_only_where_something_else_happens_in_it(
    data_dir: Path, others: list[str], is_shut_down: bool
) -> None:
    command = [sys.executable, "-c", ENDING, str(data_dir), *others]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = ["n,at", "1,2025-03-30T01:00:00+00:00", *(["shut down"] if is_shut_down else [])]
    assert done.stdout.splitlines() == expected


def test_the_list_of_commands_cuts_no_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["--help"]) == ExitCode.OK
    lines = capsys.readouterr().out.split("Commands:")[1].splitlines()
    assert [line for line in lines if line and not line.endswith(".")] == []
    assert [line for line in lines if line.endswith("...")] == []


def test_every_command_and_every_option_has_a_help_text() -> None:
    from typer.main import get_command

    commands = dict(get_command(app).commands)  # type: ignore[attr-defined]
    for group in ("tariff", "prices"):
        commands |= {f"{group} {name}": command for name, command in commands[group].commands.items()}
    assert len(commands) > 20
    for name, command in commands.items():
        assert command.help, name
        for parameter in command.params:
            assert parameter.hidden or parameter.help, f"{name} {parameter.name}"
