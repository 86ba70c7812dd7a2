"""`--executor dask` on a real cluster of two worker processes: the same warehouse as threads make, also when a worker dies.

All tests share one cluster, which takes longer to start than they take. `make test` has what is promised; what else can happen
to a run on a cluster is in `make exhaustive`.
"""

import logging
import os
import signal
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

import pytest

from extract.api.client import Client
from extract.api.shared_limits import ProcessSharedLimiter, SharedLimits
from extract.archive.raw_archive import RawArchive
from extract.requests import live_status
from extract.simulator import DEMO_TOKEN, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import Latency, Rule, Where
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.login.authority import DEMO_REFRESH_TOKEN, OAuthSetup, RefreshOutcome
from flows.errors import Interrupted, UsageError
from flows.executors import cluster as clusters
from flows.executors.cluster import open_cluster
from flows.executors.dask import dask_executor, has_access, require_access, tasks_for
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild, reconcile
from flows.run_context import RunContext
from flows.settings import Settings
from flows.stop_signal import StopSignal
from tests.integration.test_command_line import Shell
from tests.new_site import new_site_world
from tests.patience import PATIENCE_S, wait_until
from tests.simulated import NOW, Account, Interruption, account, ticking
from tests.stepped import SteppedClock
from tests.warehouse_rows import OF_SNAPSHOTS, content
from wattlog.names import DataDirectory
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

WANTED = BackfillRequest(
    series=(Series.ENERGY_INTERVAL, Series.ENERGY_DAY), since=date(2025, 12, 31), until=date(2026, 1, 2)
)
"""Three days over the end of a year: two sites, two years, four owners."""

SLOW = (Rule(Latency(0.1), Where("calendar_history")),)
"""Slow enough for every thread to have a request in flight when something happens."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes of two threads each."""
    with open_cluster(None, 4, 2) as client:
        yield client


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Summary]:
    """What threads make of the same account."""
    with account() as served:
        context = served.context(tmp_path_factory.mktemp("local"))
        yield backfill(context, ThreadExecutor(), WANTED)


def on_dask(
    cluster: Any,
    context: RunContext,
    pipeline: Callable[..., Summary] = backfill,
    *arguments: object,
    stop: StopSignal | None = None,
) -> Summary:
    """Run a pipeline on the cluster."""
    context.directory.root.mkdir(exist_ok=True)
    stop = stop or StopSignal()
    with dask_executor(cluster, context, stop) as executor:
        return pipeline(context, executor, *arguments, stop=stop)


def windows_asked(served: Account) -> Counter[tuple[object, ...]]:
    return Counter((path, *sorted(params.items())) for path, params in served.asked_history())


@cache
def content_of(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """What threads made, read once."""
    return content(warehouse)


def same(ours: Summary, theirs: Summary, *, runs: int = 1, days: int = 3) -> None:
    """Two warehouses hold the same, table by table; in more runs, more was asked."""
    assert ours.warehouse is not None
    assert theirs.warehouse is not None
    expected, found = content_of(ours.warehouse), content(theirs.warehouse)
    for name in expected.keys() - ({"requests"} | OF_SNAPSHOTS if runs > 1 else set()):
        assert found[name] == expected[name], name
    assert len(expected["energy_intervals"]) == 2 * days * 288


class Counted:
    """Progress, counted by stage and part."""

    def __init__(self) -> None:
        self.stages: dict[str, int] = {}
        self.done: Counter[str] = Counter()
        self._stage = ""

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self._stage = stage
        self.stages[stage] = total

    def advance(self, part: str = "") -> None:
        """See `Progress`."""
        self.done[self._stage] += 1

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""


def test_backfill_rebuild_and_reconcile_leave_the_same_warehouse(cluster: Any, local: Summary, tmp_path: Path) -> None:
    """Each year of each site has one owner, and together they make what threads make: no request more or less."""
    progress = Counted()
    with account() as served:
        first = on_dask(cluster, served.context(tmp_path), partial(backfill, progress=progress), WANTED)
        same(local, first)
        assert (first.exit_code, first.requests, first.answered) == (0, local.requests, local.answered)
        assert len(served.server.requests) == first.requests
        assert max(windows_asked(served).values()) == 1
        same(local, on_dask(cluster, served.context(tmp_path), rebuild))
        same(local, on_dask(cluster, served.context(tmp_path), reconcile))
        assert len(served.server.requests) == first.requests, "nothing right of raw asks"
    assert progress.done == Counter(progress.stages), "what workers do is seen while they do it"
    assert not (tmp_path / ".lake.rebuilding").exists()
    shards = {str(path.relative_to(tmp_path / "raw")) for path in (tmp_path / "raw").rglob("index-*")}
    assert len([shard for shard in shards if "site_id=0/" not in shard]) == 4


def test_a_worker_that_is_killed_costs_nothing(cluster: Any, local: Summary, tmp_path: Path) -> None:
    """SIGKILL in the middle: another process goes on with its site-years, and asks again what was in flight at most."""
    victim = next(iter(cluster.run(os.getpid).values()))
    kill = Interruption(SLOW, do=lambda: os.kill(victim, signal.SIGKILL), at_request=7)
    with account(conditions=Conditions(faults=kill)) as served:
        summary = on_dask(cluster, served.context(tmp_path), backfill, WANTED)
        wait_until(lambda: served.server.is_idle)
        asked = windows_asked(served)
    assert victim not in cluster.run(os.getpid).values()
    assert (summary.exit_code, summary.answered, summary.left) == (0, local.answered, 0)
    assert asked.total() - len(asked) <= 2, "a request in flight for each thread of the process"
    same(local, summary)
    assert list(RawArchive(tmp_path / "raw").verify()) == []


@pytest.mark.exhaustive
def test_what_an_interrupt_and_a_cap_leave_over_the_next_run_fetches(cluster: Any, tmp_path: Path) -> None:
    """A signal reaches the workers, a cap is one cap for all of them, and neither loses anything nor asks for much twice."""
    scope = replace(WANTED, since=date(2025, 12, 28), until=date(2026, 1, 5))
    with account() as served:
        context = served.context(tmp_path / "local")
        local = backfill(context, ThreadExecutor(), scope)
    stop = StopSignal()
    hand = Interruption(SLOW, do=lambda: stop.interrupt(signal.SIGINT), at_request=4)
    with account(conditions=Conditions(faults=hand)) as served:
        context = served.context(tmp_path / "dask")
        with pytest.raises(Interrupted, match="what was fetched is kept"):
            on_dask(cluster, context, backfill, scope, stop=stop)
        wait_until(lambda: served.server.is_idle)
        interrupted = len(served.server.requests)
        history = len(served.asked_history())
        assert 3 <= history <= 3 + 4 + 4 < local.answered, "what is in flight is finished, nothing further is asked"
        capped = replace(served.context(tmp_path / "dask"), max_requests=7)
        second = on_dask(cluster, capped, backfill, scope)
        assert (second.requests, len(served.server.requests), second.exit_code) == (7, interrupted + 7, 0)
        assert second.left > 0
        third = on_dask(cluster, served.context(tmp_path / "dask"), backfill, scope)
    assert max(windows_asked(served).values()) <= 2
    assert (third.exit_code, third.left) == (0, 0)
    same(local, third, runs=3, days=9)


@pytest.mark.exhaustive
def test_tokens_that_end_and_a_limit_that_others_use_too(cluster: Any, local: Summary, tmp_path: Path) -> None:
    """Access tokens of two seconds, each got with a refresh token that is good once, in two processes (Q29); and the provider
    allows fewer requests than documented: a 429 is waited out by all (Q28). Nothing is lost by either.

    How often the limit is met depends on how quick this machine is. That each of the four requests in flight may meet it once
    does not: the process that met it waits for the second, at least, that the answer names.
    """
    hard = Conditions(oauth=OAuthSetup(expires_in_s=2, static_token_s=0), limit=RateLimit(6, 2.0))
    with account(now=ticking(), conditions=hard) as served:
        served.login = {"refresh_token": DEMO_REFRESH_TOKEN, "client_id": "wattlog", "config_dir": tmp_path / "config"}
        summary = on_dask(cluster, served.context(tmp_path, requests_per_minute=240), backfill, WANTED)
        refreshes = served.server.authority.refreshes
        refused = sorted(request.instant.timestamp() for request in served.server.requests if request.status == 429)
    assert (summary.exit_code, summary.answered) == (0, local.answered)
    assert len(refreshes) >= 2
    assert {refresh.outcome for refresh in refreshes} == {RefreshOutcome.ROTATED}, "no spent refresh token was sent"
    assert refused, "the limit was met"
    within_a_second = [bisect_left(refused, start + 1.0) - number for number, start in enumerate(refused)]
    assert max(within_a_second) <= 4, "a pause is met by the requests in flight, and by none of them twice"


LIMIT, MINUTE_S, EACH = 30, 6.0, 25
"""A minute of six seconds, since a waiting process looks every second; each process alone could send all of its own."""

TAKES_S = 0.025
"""How long a request takes by the clock of the test."""


def ask_often(directory: Path, base_url: str, site_id: int) -> int:
    """What a worker process does, as soon as the other is there too: asks as fast as the common pace lets it."""
    clock = SteppedClock(directory / "clock")
    rate_limiter = ProcessSharedLimiter(
        SharedLimits(DataDirectory(directory).shared_limits), LIMIT, minute_s=MINUTE_S, clock=clock, sleep=clock.sleep
    )
    with (
        Client(base_url, lambda: DEMO_TOKEN, user_agent="wattlog/test", classify=lambda *_: "data") as client,
        clock.awake(),
    ):
        (directory / f"{os.getpid()}.here").touch()
        wait_until(lambda: len(list(directory.glob("*.here"))) == 2)
        for _ in range(EACH):
            rate_limiter.wait()
            client.send(live_status(site_id), token=DEMO_TOKEN, attempt=1)
            clock.sleep(TAKES_S)
    return os.getpid()


def test_the_limit_holds_over_all_processes(cluster: Any, tmp_path: Path) -> None:
    """Two processes, one sliding minute of the server's: never a request too many (Q28).

    That nearly none is too few is shown with the allowance itself.
    """
    SharedLimits(DataDirectory(tmp_path).shared_limits).begin()
    clock = SteppedClock(tmp_path / "clock")
    limit = RateLimit(LIMIT, MINUTE_S)
    with account(now=lambda: NOW + timedelta(seconds=clock()), conditions=Conditions(limit=limit)) as served:
        site_id = served.world.sites[0].site_id
        cluster.wait_for_workers(2, timeout=PATIENCE_S)
        workers = list(cluster.scheduler_info(n_workers=-1)["workers"])
        asking = [
            cluster.submit(ask_often, tmp_path, served.server.base_url, site_id, workers=[worker], pure=False)
            for worker in workers
        ]
        processes = {answer.result(timeout=PATIENCE_S) for answer in asking}
        asked = list(served.server.requests)
    assert len(processes) == len(workers) == 2
    assert {request.status for request in asked} == {200}, "not one 429"
    instants = sorted(request.instant.timestamp() for request in asked)
    assert max(bisect_left(instants, start + MINUTE_S) - number for number, start in enumerate(instants)) <= LIMIT


@pytest.mark.exhaustive
def test_a_timer_runs_sync_on_a_running_cluster(cluster: Any, tmp_path: Path) -> None:
    """`sync --executor dask --scheduler …`, as for a large fleet's night: a process of its own, no output, the cap holds."""
    with serve(new_site_world()) as server:
        shell = Shell(tmp_path, server.base_url)
        scheduler = cluster.scheduler_info()["address"]
        arguments = ("sync", "--executor", "dask", "--scheduler", scheduler, "--max-requests", "6")
        done = shell.run(*arguments)
        asked = len(server.requests)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert asked == 6
    assert (tmp_path / "data/warehouse.duckdb").exists()
    assert not DataDirectory(tmp_path / "data").shared_limits.exists()


@pytest.mark.parametrize(
    ("years", "processes", "tasks"),
    [(4, 2, 4), (100, 2, 4), (320, 2, 10), (3_000, 2, 16), (3_000, 8, 64), (5, 0, 2)],
)
def test_a_task_is_worth_what_it_costs(years: int, processes: int, tasks: int) -> None:
    """Two for each process at least, eight at most, and in between one for 32 site-years."""
    assert tasks_for(years, processes) == tasks


def test_a_worker_without_the_data_directory_is_refused(cluster: Any, tmp_path: Path) -> None:
    """As on a machine that has another disk under the same path: before anything is requested or written."""
    limits = SharedLimits(tmp_path / "elsewhere" / "limits")
    with pytest.raises(UsageError, match=r"worker tcp://\S+ has no access to the data directory \S+elsewhere"):
        require_access(cluster, limits)
    limits = SharedLimits(tmp_path / "limits")
    limits.begin()
    require_access(cluster, limits)


def warn_on_worker() -> None:
    """What a step does that logs."""
    logging.getLogger("transform.observations").warning("a line of a worker")


def test_what_workers_log_is_logged_by_the_command(
    cluster: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the format of the command and with secrets masked, as for threads."""
    context = RunContext(Settings(data_dir=tmp_path), "run")
    with dask_executor(cluster, context, StopSignal()):
        # A task is sent behind the subscription to the logs; `run` has a connection of its own and may overtake it.
        cluster.submit(warn_on_worker, pure=False).result()
        wait_until(lambda: "a line of a worker" in caplog.text)
    caplog.clear()
    cluster.submit(warn_on_worker, pure=False).result()
    assert "a line of a worker" not in caplog.text


def test_a_worker_without_wattlog_is_refused(tmp_path: Path) -> None:
    class Client:
        def run(self, function: object, *_: object) -> dict[str, bool]:
            assert function is has_access
            raise ModuleNotFoundError("No module named 'flows'", name="flows")

    with pytest.raises(UsageError, match=r"no module flows; install wattlog\[dask\] on every worker"):
        require_access(cast("Any", Client()), SharedLimits(tmp_path / "limits"))


def test_a_scheduler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_S", 0.5)
    with (
        pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        open_cluster("tcp://127.0.0.1:9", 4),
    ):
        pytest.fail("there is no scheduler")
