"""`--runner dask` on a real cluster of two worker processes: the warehouse of the local engine, whatever happens to a worker.

One cluster and one Prefect server serve all of it: they take longer to start than all of this takes to run. `make test` has
what was promised; what else can happen to a run on a cluster is `make exhaustive`.
"""

import os
import pickle
import signal
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from extract.allowance import Allowance, CommonPace
from extract.archive import RawArchive
from extract.client import Client
from extract.series import Series, live_status
from extract.simulator import DEMO_TOKEN, serve
from extract.simulator.authority import DEMO_REFRESH_TOKEN, OAuthSetup, RefreshOutcome
from extract.simulator.conditions import Conditions
from extract.simulator.faults import FaultPlan, Latency, Rule, Where
from extract.simulator.limits import RateLimit
from flows import runners
from flows.engines.local import LocalEngine
from flows.errors import Interrupted, UsageError
from flows.pipeline import Selection, Summary, backfill, rebuild, reconcile
from flows.runners import ALLOWANCE, connected, require_reach, run_on
from flows.workspace import Workspace
from tests.integration.test_command_line import Shell
from tests.simulated import Account, account, ticking
from tests.warehouse_rows import content
from tests.young_site import young_world

WANTED = Selection(series=(Series.ENERGY_INTERVAL, Series.ENERGY_DAY), since=date(2025, 12, 31), until=date(2026, 1, 2))
"""Three days over the end of a year: two sites, two years, four owners."""

SLOW = Conditions(faults=FaultPlan((Rule(Latency(0.1), Where("calendar_history")),)))
"""Slow enough for something to happen meanwhile."""


@pytest.fixture(scope="module")
def cluster(prefect_api: str) -> Iterator[Any]:
    """Two worker processes of two threads each."""
    with connected(None, 2, 4) as client:
        yield client


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Summary]:
    """What the local engine makes of the same account."""
    with account() as served, closing(served.workspace(tmp_path_factory.mktemp("local"))) as workspace:
        yield backfill(workspace, LocalEngine(), WANTED)


def on_dask(
    cluster: Any, workspace: Workspace, do: Callable[..., Summary] = backfill, *arguments: object, command: str = "test"
) -> Summary:
    """Run a pipeline on the cluster."""
    workspace.root.mkdir(exist_ok=True)
    workspace.allowance = Allowance(workspace.root / ALLOWANCE)
    workspace.allowance.begin()
    with closing(workspace):
        return run_on(cluster, workspace, command, lambda engine: do(workspace, engine, *arguments))


def windows_asked(served: Account) -> Counter[tuple[object, ...]]:
    return Counter((path, *sorted(params.items())) for path, params in served.asked_history())


def soon(served: Account, requests: int, do: Callable[[], object]) -> threading.Thread:
    """Do something as soon as the server has seen so many requests for history."""

    def wait() -> None:
        deadline = time.monotonic() + 120
        while len(served.asked_history()) < requests and time.monotonic() < deadline:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@cache
def told(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the local engine made, read once."""
    return content(warehouse)


def same(ours: Summary, theirs: Summary, *, runs: int = 1, days: int = 3) -> None:
    """Two warehouses hold the same, table by table; in more runs, more was asked."""
    assert ours.warehouse is not None
    assert theirs.warehouse is not None
    expected, found = told(ours.warehouse), content(theirs.warehouse)
    for name in expected.keys() - ({"requests", "live_status"} if runs > 1 else set()):
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
        first = on_dask(cluster, served.workspace(tmp_path), partial(backfill, progress=progress), WANTED)
        same(local, first)
        assert (first.exit_code, first.requests, first.answered) == (0, local.requests, local.answered)
        assert len(served.server.requests) == first.requests
        assert max(windows_asked(served).values()) == 1
        same(local, on_dask(cluster, served.workspace(tmp_path), rebuild))
        same(local, on_dask(cluster, served.workspace(tmp_path), reconcile))
        assert len(served.server.requests) == first.requests, "nothing right of raw asks"
    assert progress.done == Counter(progress.stages), "what workers do is seen while they do it"
    assert not (tmp_path / ".lake.rebuilding").exists()
    shards = {str(each.relative_to(tmp_path / "raw")) for each in (tmp_path / "raw").rglob("index-*")}
    assert len([each for each in shards if "site_id=0/" not in each]) == 4


def test_a_worker_that_is_killed_costs_nothing(cluster: Any, local: Summary, tmp_path: Path) -> None:
    """SIGKILL in the middle: another process goes on with its site-years, and asks again what was in flight at most."""
    victim = next(iter(cluster.run(os.getpid).values()))
    with account(conditions=SLOW) as served:
        killer = soon(served, 7, lambda: os.kill(victim, signal.SIGKILL))
        summary = on_dask(cluster, served.workspace(tmp_path), backfill, WANTED)
        killer.join()
        asked = windows_asked(served)
    assert victim not in cluster.run(os.getpid).values()
    assert (summary.exit_code, summary.answered, summary.left) == (0, local.answered, 0)
    assert asked.total() - len(asked) <= 2, "a request in flight for each thread of the process"
    same(local, summary)
    assert list(RawArchive(tmp_path / "raw").verify()) == []


@pytest.mark.exhaustive
def test_what_an_interrupt_and_a_cap_leave_over_the_next_run_fetches(cluster: Any, tmp_path: Path) -> None:
    """A signal reaches the workers, a cap is one cap for all of them, and neither loses anything nor asks for much twice."""
    wanted = replace(WANTED, since=date(2025, 12, 28), until=date(2026, 1, 5))
    with account() as served, closing(served.workspace(tmp_path / "local")) as workspace:
        local = backfill(workspace, LocalEngine(), wanted)
    with account(conditions=SLOW) as served:
        workspace = served.workspace(tmp_path / "dask")
        hand = soon(served, 3, lambda: workspace.interrupt(signal.SIGINT))
        with pytest.raises(Interrupted, match="what was fetched is kept"):
            on_dask(cluster, workspace, backfill, wanted)
        hand.join()
        interrupted = len(served.server.requests)
        history = len(served.asked_history())
        assert 3 <= history <= 3 + 4 + 4 < local.answered, "what is in flight is finished, nothing further is asked"
        capped = served.workspace(tmp_path / "dask")
        capped.max_requests = 7
        second = on_dask(cluster, capped, backfill, wanted)
        assert (second.requests, len(served.server.requests), second.exit_code) == (7, interrupted + 7, 0)
        assert second.left > 0
        third = on_dask(cluster, served.workspace(tmp_path / "dask"), backfill, wanted)
    assert max(windows_asked(served).values()) <= 2
    assert (third.exit_code, third.left) == (0, 0)
    same(local, third, runs=3, days=9)


@pytest.mark.exhaustive
def test_tokens_that_end_and_a_limit_that_others_use_too(cluster: Any, local: Summary, tmp_path: Path) -> None:
    """Access tokens of two seconds, each got with a refresh token that is good once, in two processes (Q29); and the provider
    counts fewer requests than we were told: a 429 is waited out by all (Q28). Nothing is lost by either.

    How often the limit is met depends on how quick this machine is. That each of the four requests in flight may meet it once
    does not: whoever met it waits for the second, at least, that the answer names.
    """
    hard = Conditions(oauth=OAuthSetup(expires_in_s=2, static_token_s=0), limit=RateLimit(6, 2.0))
    with account(now=ticking(), conditions=hard) as served:
        served.login = {"refresh_token": DEMO_REFRESH_TOKEN, "client_id": "wattlog", "config_dir": tmp_path / "config"}
        summary = on_dask(cluster, served.workspace(tmp_path, requests_per_minute=240), backfill, WANTED)
        refreshes = served.server.authority.refreshes
        refused = sorted(each.instant.timestamp() for each in served.server.requests if each.status == 429)
    assert (summary.exit_code, summary.answered) == (0, local.answered)
    assert len(refreshes) >= 2
    assert {each.outcome for each in refreshes} == {RefreshOutcome.ROTATED}, "no spent refresh token was sent"
    assert refused, "the limit was met"
    within_a_second = [bisect_left(refused, start + 1.0) - number for number, start in enumerate(refused)]
    assert max(within_a_second) <= 4, "a pause is met by the requests in flight, and by none of them twice"


LIMIT, MINUTE_S, EACH = 30, 3.0, 25
"""A minute of three seconds, and more requests than fit into one; either process alone could send all of its own at once."""

ON_THE_WAY_S = 1.0
"""A request may take so long from its turn to the server's count: as with real minutes."""


def ask_often(path: Path, base_url: str, site_id: int) -> int:
    """What a worker process does: asks as fast as the common pace lets it."""
    pace = CommonPace(Allowance(path), LIMIT, minute_s=MINUTE_S + ON_THE_WAY_S)
    with Client(base_url, lambda: DEMO_TOKEN, user_agent="wattlog/test", classify=lambda *_: "data") as client:
        for _ in range(EACH):
            pace.wait()
            client.send(live_status(site_id), token=DEMO_TOKEN, attempt=1)
    return os.getpid()


def test_the_limit_holds_over_all_processes(cluster: Any, tmp_path: Path) -> None:
    """Two processes, one sliding minute of the server's: never a request too many (Q28).

    That nearly none is too few is shown where no clock ticks, with the allowance itself: here the machine has its say.
    """
    allowance = Allowance(tmp_path / ALLOWANCE)
    allowance.begin()
    with account(now=ticking(), conditions=Conditions(limit=RateLimit(LIMIT, MINUTE_S))) as served:
        site_id = served.world.sites[0].site_id
        cluster.wait_for_workers(2, timeout=60)
        workers = list(cluster.scheduler_info(n_workers=-1)["workers"])
        asking = [
            cluster.submit(ask_often, allowance.path, served.server.base_url, site_id, workers=[each], pure=False)
            for each in workers
        ]
        processes = {each.result(timeout=120) for each in asking}
        asked = list(served.server.requests)
    assert len(processes) == len(workers) == 2
    assert {each.status for each in asked} == {200}, "not one 429"
    instants = sorted(each.instant.timestamp() for each in asked)
    assert max(bisect_left(instants, start + MINUTE_S) - number for number, start in enumerate(instants)) <= LIMIT


@pytest.mark.exhaustive
def test_a_timer_runs_sync_on_a_cluster_that_stands(cluster: Any, prefect_api: str, tmp_path: Path) -> None:
    """`sync --runner dask --scheduler …`, as for a large fleet's night: a process of its own, no word, the cap holds."""
    with serve(young_world()) as server:
        shell = Shell(tmp_path, server.base_url)
        scheduler = cluster.scheduler_info()["address"]
        arguments = ("sync", "--runner", "dask", "--scheduler", scheduler, "--max-requests", "6")
        done = shell.run(*arguments, PREFECT_API_URL=prefect_api, PREFECT_HOME=os.environ["PREFECT_HOME"])
        asked = len(server.requests)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert asked == 6
    assert (tmp_path / "data/warehouse.duckdb").exists()
    assert not (tmp_path / "data" / ALLOWANCE).exists()


@pytest.mark.parametrize(
    ("years", "processes", "tasks"),
    [(4, 2, 4), (100, 2, 4), (320, 2, 10), (3_000, 2, 16), (3_000, 8, 64), (5, 0, 2)],
)
def test_a_task_is_worth_what_it_costs(years: int, processes: int, tasks: int) -> None:
    """Two for each process at least, eight at most, and in between one for 32 site-years."""
    from flows.engines.dask_engine import tasks_for

    assert tasks_for(years, processes) == tasks


def test_settings_travel_whole(prefect_api: str) -> None:
    """What a worker is given are Prefect's settings themselves, which it takes as they are, and not values to be read anew."""
    from prefect.context import get_settings_context

    from flows.engines.dask_engine import SentWhole

    here = get_settings_context()
    sent = SentWhole(profile=here.profile, settings=here.settings).serialize()
    arrived = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own
    assert arrived["settings"] == here.settings
    assert type(here)(**arrived).settings is arrived["settings"]


def test_workers_that_do_not_reach_the_api_are_said(cluster: Any) -> None:
    """As on other machines, where the command's own Prefect server is out of reach: before anything is asked or made."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    require_reach(cluster)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(UsageError, match=r"worker tcp://\S+ does not reach Prefect's API at http://127\.0\.0\.1:9/api"),
    ):
        require_reach(cluster)


def test_a_scheduler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "CONNECT_S", 0.5)
    with (
        pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        connected("tcp://127.0.0.1:9", 2, 4),
    ):
        pytest.fail("nobody is there")
