"""Which executor the options choose, and what the deprecated options still mean."""

import pytest
from typer import BadParameter

from flows.cli.executor_options import EngineName, chosen_executor
from flows.executors.choice import ExecutorChoice, ExecutorName

DASK, THREADS = ExecutorName.DASK, ExecutorName.THREADS
SCHEDULER = "tcp://10.0.0.5:8786"


@pytest.fixture(autouse=True)
def without_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_threads_are_the_default() -> None:
    assert chosen_executor(None, None) == ExecutorChoice(THREADS)


def test_dask_starts_a_cluster_or_joins_one() -> None:
    assert chosen_executor(DASK, None) == ExecutorChoice(DASK)
    assert chosen_executor(DASK, SCHEDULER) == ExecutorChoice(DASK, SCHEDULER)


def test_a_run_is_a_flow_run_where_prefect_is_configured_and_no_executor_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert chosen_executor(None, None).is_prefect_flow
    assert not chosen_executor(THREADS, None).is_prefect_flow
    assert not chosen_executor(DASK, None).is_prefect_flow
    assert not chosen_executor(None, None, engine=EngineName.LOCAL).is_prefect_flow


@pytest.mark.parametrize("name", ExecutorName)
def test_runner_is_a_deprecated_name_for_executor(name: ExecutorName, capsys: pytest.CaptureFixture[str]) -> None:
    assert chosen_executor(None, None, runner=name) == ExecutorChoice(name)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"wattlog: --runner is deprecated and will be removed; use --executor {name}"


@pytest.mark.parametrize(
    ("engine", "choice", "instead"),
    [
        (EngineName.LOCAL, ExecutorChoice(THREADS), "use --executor threads"),
        (EngineName.PREFECT, ExecutorChoice(THREADS, is_prefect_flow=True), "PREFECT_API_URL"),
    ],
)
def test_engine_is_deprecated(
    engine: EngineName, choice: ExecutorChoice, instead: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chosen_executor(None, None, engine=engine) == choice
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wattlog: --engine is deprecated")
    assert instead in line


def test_options_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(BadParameter, match="only be used with --executor dask"):
        chosen_executor(THREADS, SCHEDULER)
    with pytest.raises(BadParameter, match="only be used with --executor dask"):
        chosen_executor(None, SCHEDULER)
    with pytest.raises(BadParameter, match="cannot be used with --executor dask"):
        chosen_executor(DASK, None, engine=EngineName.LOCAL)
