"""Prefect: both executors leave the same warehouse, deployments run on a worker, by schedule and by hand.

One real server and one real worker on loopback serve all of it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from extract.api.client import utc_now
from extract.archive.raw_archive import RawArchive
from extract.requests import ACCOUNT
from extract.simulator import DEMO_TOKEN, serve
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import ErrorResponse, FaultPlan, Rule, Where
from flows import ledger, pipeline
from flows.data_directory import locked
from flows.errors import ExitCode, RunFailed, UsageError
from flows.executors.threads import ThreadExecutor
from flows.orchestration.deployments import DEPLOYMENTS, QUEUE
from flows.pipeline import BackfillRequest
from flows.run_context import RunContext, new_run_id
from flows.settings import load_settings
from tests.integration.test_command_line import WATTLOG
from tests.new_site import new_site_world
from tests.patience import PATIENCE_S
from tests.processes import running
from tests.simulated import Account, account
from tests.warehouse_rows import content
from wattlog.series_spec import Series
from wattlog.zones import Zone

pytestmark = pytest.mark.slow

SINCE, UNTIL = date(2025, 10, 30), date(2025, 11, 4)
"""Six days around California's change of the clock, and over the end of a month."""

ZONE = "America/Los_Angeles"
ROOT = Path(__file__).parents[2]
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture
def served() -> Iterator[Account]:
    with account() as made:
        yield made


@dataclass(frozen=True)
class Prefect:
    """Prefect's own HTTP API, and a directory from which wattlog and a worker speak to it."""

    url: str
    directory: Path
    environment: dict[str, str]

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Any request, again while the server is busy: its SQLite takes one writer at a time, and it says 503 to others."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = httpx.request(method, f"{self.url}/{path}", json=body, timeout=PATIENCE_S)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)

    def get(self, path: str) -> Any:
        """What stands at a path."""
        return self.ask("GET", path).raise_for_status().json()

    def post(self, path: str, **body: object) -> Any:
        """What a path answers to a body."""
        return self.ask("POST", path, body).raise_for_status().json()

    def deployment(self, name: str) -> Any:
        """A deployment by its full name."""
        return self.get(f"deployments/name/{name}")

    def runs(self, deployment: str) -> list[Any]:
        """Every flow run of a deployment."""
        scope = {"deployments": {"id": {"any_": [self.deployment(deployment)["id"]]}}}
        found: list[Any] = self.post("flow_runs/filter", **scope)
        return found

    def begin(self, deployment: str, environment: dict[str, str] | None = None, **parameters: object) -> str:
        """Ask for a run now, its process with some more in its environment; its id."""
        path = f"deployments/{self.deployment(deployment)['id']}/create_flow_run"
        variables = {"env": environment} if environment else {}
        made = self.post(path, parameters=parameters, job_variables=variables, state={"type": "SCHEDULED"})
        return str(made["id"])

    def cancel(self, run_id: str) -> None:
        """What the button of Prefect's interface does."""
        self.post(f"flow_runs/{run_id}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})

    def schedule_every(self, seconds: int, deployment: str) -> str:
        """Add a schedule to a deployment, one run at a time; its id."""
        schedule = {"interval": seconds, "anchor_date": utc_now().isoformat()}
        made = self.ask(
            "POST",
            f"deployments/{self.deployment(deployment)['id']}/schedules",
            [{"schedule": schedule, "active": True, "max_scheduled_runs": 1}],
        )
        return str(made.raise_for_status().json()[0]["id"])

    def unschedule(self, deployment: str, schedule: str) -> None:
        """Take a schedule away, and with it the runs that it would still begin."""
        path = f"deployments/{self.deployment(deployment)['id']}/schedules/{schedule}"
        self.ask("DELETE", path).raise_for_status()

    def first_due(self, deployment: str) -> str:
        """The first run that a schedule begins within a minute; its id."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            soon = utc_now() + timedelta(minutes=1)
            due = [run for run in self.runs(deployment) if datetime.fromisoformat(run["expected_start_time"]) < soon]
            if due:
                return str(min(due, key=lambda run: str(run["expected_start_time"]))["id"])
            assert time.monotonic() < deadline, f"no run of {deployment} is due"
            time.sleep(0.3)

    def ended(self, run_id: str) -> Any:
        """A run that has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while (run := self.get(f"flow_runs/{run_id}"))["state_type"] not in ENDED:
            assert time.monotonic() < deadline, (run["state_name"], (self.directory / "worker.log").read_text()[-3000:])
            time.sleep(0.3)
        return run

    def of_run(self, kind: str, run_id: str) -> list[Any]:
        """Logs or artifacts of a run."""
        found: list[Any] = self.post(f"{kind}/filter", **{kind: {"flow_run_id": {"any_": [run_id]}}})
        return found

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command that has to go well."""
        done = subprocess.run(
            arguments,
            cwd=self.directory,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def deploy(self) -> dict[str, Any]:
        """`wattlog deploy`."""
        done = self.command(*WATTLOG, "deploy", "--timezone", ZONE, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def prefect(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """Everything deployed, and a worker that works; the token is in a Secret block, and in no environment."""
    from prefect.blocks.system import Secret

    directory = tmp_path_factory.mktemp("deployed")
    with serve(new_site_world()) as server:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WATTLOG_")} | {
            "WATTLOG_PROVIDER": "simulator",
            "WATTLOG_API_BASE_URL": server.base_url,
            "WATTLOG_CONFIG_DIR": str(directory / "config"),
        }
        made = Prefect(prefect_api, directory, environment)
        made.deploy()
        Secret(value=SecretStr(DEMO_TOKEN)).save("wattlog-access-token")
        worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "wattlog"]
        with running(worker, cwd=directory, environment=environment, log=directory / "worker.log"):
            yield made


def test_local_and_prefect_leave_the_same_warehouse(served: Account, tmp_path: Path, prefect_api: str) -> None:
    from flows.orchestration.flows import run_on_prefect

    local = served.backfill(tmp_path / "local", SINCE, until=UNTIL)
    context = served.context(tmp_path / "prefect")
    on_prefect = run_on_prefect(context, BackfillRequest(since=SINCE, until=UNTIL), "backfill")
    assert on_prefect.exit_code == local.exit_code == 0
    assert on_prefect.rows == local.rows
    assert on_prefect.requests == local.requests
    ours, theirs = content(tmp_path / "local/warehouse.duckdb"), content(tmp_path / "prefect/warehouse.duckdb")
    for name, rows in ours.items():
        assert theirs[name] == rows, name
    assert len(ours["energy_intervals"]) == 6 * 288 * 2 + 12, "the 25-hour day has twelve more"


def test_the_deployed_flow_runs_with_plain_parameters(
    served: Account, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deployment calls: settings from the worker's environment, parameters as JSON has them, counts back."""
    from flows.orchestration.flows import backfill, reconcile, report

    for name, value in served.settings(tmp_path).model_dump(mode="json").items():
        if name in {"provider", "api_base_url"}:
            monkeypatch.setenv(f"WATTLOG_{name.upper()}", str(value))
    as_json: dict[str, Any] = {"sites": [2104877316], "series": ["power"], "since": "2026-01-10", "until": "2026-01-13"}
    result = backfill(**as_json, data_dir=tmp_path)
    assert result["exit_code"] == 0
    assert result["rows"]["power"] > 0
    assert result["rows"]["energy_intervals"] == 0
    assert result["warehouse"] == str(tmp_path / "warehouse.duckdb")
    again = reconcile(data_dir=tmp_path)
    assert again["exit_code"] == again["requests"] == 0
    by_day: dict[str, Any] = {"since": "2026-01-12", "data_dir": str(tmp_path)}
    written = report(**by_day)
    assert written["path"] == str(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    shown = _newest(prefect_api, "wattlog-report")
    assert (tmp_path / "report.html").as_uri() in shown["data"]


def _newest(api: str, key: str) -> Any:
    """The newest artifact of a key."""
    return httpx.get(f"{api}/artifacts/{key}/latest", timeout=PATIENCE_S).raise_for_status().json()


def test_a_long_stage_has_a_bar(prefect_api: str) -> None:
    from prefect import flow

    from flows.orchestration.run_log import RunLog

    @flow
    def long_stage() -> None:
        log = RunLog(long=4, every_s=0)
        log.begin("short", 3)
        log.begin("long", 4)
        for _ in range(3):
            log.advance()
        log.end()

    long_stage()
    bar = _newest(prefect_api, "wattlog-progress")
    assert (float(bar["data"]), bar["description"]) == (75.0, "long: 4")


def test_a_relative_directory_is_refused_on_a_worker(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process worker runs in a temporary directory: what is fetched into `./data` there is gone when the run ends."""
    from flows.orchestration.flows import rebuild

    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    with pytest.raises(UsageError, match="absolute path"):
        rebuild(data_dir=Path("data"))


def test_workers_share_one_allowance(prefect_api: str) -> None:
    """However many wait, no more requests go than the limit's slots and what comes free meanwhile: load makes it fewer."""
    from prefect.client.orchestration import get_client

    from flows.orchestration.rate_limiter import PrefectLimiter, ensure_limit, slots

    with pytest.raises(UsageError, match="wattlog deploy"):
        PrefectLimiter("test-allowance", None).wait()
    settings = load_settings(provider="simulator", requests_per_minute=120, shared_rate_limit="test-allowance")
    with get_client(sync_client=True) as client:
        assert ensure_limit(client, settings)
        assert not ensure_limit(client, settings)
    burst, a_second = slots(120)
    paces = [PrefectLimiter("test-allowance", None) for _ in range(2)]

    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: paces[number % 2].wait(), range(burst + 6)))
    assert time.monotonic() - began >= 5 / a_second


def test_a_flow_run_that_failed_names_its_windows(
    tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its state and in a table; what else was fetched is loaded."""
    from flows.orchestration.flows import backfill

    teapot = FaultPlan((Rule(ErrorResponse(418, "teapot"), Where(kind="soe")),))
    with account(conditions=Conditions(faults=teapot)) as made:
        for name, value in (
            ("PROVIDER", "simulator"),
            ("API_BASE_URL", made.server.base_url),
            ("ACCESS_TOKEN", DEMO_TOKEN),
        ):
            monkeypatch.setenv(f"WATTLOG_{name}", value)
        as_json: dict[str, Any] = {
            "sites": [2104877316],
            "series": ["power", "soe"],
            "since": "2026-01-12",
            "until": "2026-01-13",
        }
        with pytest.raises(RunFailed, match="Failed: site 2104877316 soe 2026-01-13"):
            backfill(**as_json, data_dir=tmp_path)
    table = json.loads(_newest(prefect_api, "wattlog-failed")["data"])
    assert {row["window"] for row in table} == {f"site 2104877316 soe 2026-01-{day}" for day in (12, 13)}
    assert all("teapot" in row["reason"] for row in table)
    assert (tmp_path / "warehouse.duckdb").exists()


def test_the_deployed_flow_fails_where_a_run_does(
    served: Account, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed run is a failed flow run, and says what to do."""
    from extract.errors import AuthExpired
    from flows.orchestration.flows import backfill

    monkeypatch.setenv("WATTLOG_PROVIDER", "simulator")
    monkeypatch.setenv("WATTLOG_API_BASE_URL", served.server.base_url)
    monkeypatch.setenv("WATTLOG_ACCESS_TOKEN", "not-the-token")
    with pytest.raises(AuthExpired, match="WATTLOG_ACCESS_TOKEN"):
        backfill(data_dir=tmp_path)


def test_scheduled_runs_exist(prefect: Prefect) -> None:
    """Of the ways in which Prefect's dependencies break it, two are silent: deployments are there, and nothing is ever due."""
    due = [deployment for deployment in DEPLOYMENTS if deployment.cron is not None]
    assert due
    deadline = time.monotonic() + PATIENCE_S
    for deployment in due:
        while not (runs := prefect.runs(deployment.full_name)):
            assert time.monotonic() < deadline, f"no run of {deployment.full_name} is scheduled"
            time.sleep(0.5)
        assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    starts = [datetime.fromisoformat(run["expected_start_time"]) for run in prefect.runs("sync/sync")]
    assert {f"{start.astimezone(Zone(ZONE)):%H:%M}" for start in starts} == {"03:30"}


def test_deploying_again_changes_nothing_and_a_pause_stays(prefect: Prefect) -> None:
    """Nor does `prefect deploy --all` before it: prefect.yaml has the same deployments, and not one more."""
    before = {deployment.full_name: prefect.deployment(deployment.full_name) for deployment in DEPLOYMENTS}
    shutil.copy(ROOT / "prefect.yaml", prefect.directory)
    prefect.command(sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all")
    assert len(prefect.post("deployments/filter")) == len(DEPLOYMENTS)
    paused = before["rebuild/rebuild"]["id"]
    prefect.ask("PATCH", f"deployments/{paused}", {"paused": True}).raise_for_status()
    assert prefect.deploy()["created"] == []
    for name, deployment in before.items():
        after = prefect.deployment(name)
        for fact in ("id", "parameters", "tags", "entrypoint", "work_queue_name", "job_variables"):
            assert after[fact] == deployment[fact], (name, fact)
        assert after["paused"] == (name == "rebuild/rebuild")
    queue = prefect.get(f"work_pools/wattlog/queues/{QUEUE}")
    assert queue["concurrency_limit"] == 1
    assert prefect.get("work_pools/wattlog")["type"] == "process"


def test_sync_by_schedule_and_backfill_by_hand(prefect: Prefect) -> None:
    """Both are due at once, and the queue starts the second when the first is over, so neither finds the directory locked."""
    since = _days_ago(1)
    schedule = prefect.schedule_every(10, "sync/sync")
    by_hand = prefect.begin("backfill/backfill", series=["power"], since=since)
    by_schedule = prefect.first_due("sync/sync")
    synced, filled = prefect.ended(by_schedule), prefect.ended(by_hand)
    prefect.unschedule("sync/sync", schedule)
    for run in (synced, filled):
        assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert synced["auto_scheduled"]
    assert not filled["auto_scheduled"]
    assert synced["name"] == "sync all sites"
    assert filled["name"] == f"backfill all sites, {since} to today"
    assert set(synced["tags"]) >= {"wattlog", "sync"}
    first, second = sorted((synced, filled), key=lambda run: str(run["start_time"]))
    assert first["end_time"] <= second["start_time"]
    assert (prefect.directory / "data/warehouse.duckdb").exists()
    _shows_what_it_did(prefect, synced)


def _shows_what_it_did(prefect: Prefect, run: Any) -> None:
    lines = [line["message"] for line in prefect.of_run("logs", run["id"])]
    assert any(line.startswith("requests: ") for line in lines)
    assert not [line for line in lines if DEMO_TOKEN in line]
    shown = {artifact["key"]: artifact for artifact in prefect.of_run("artifacts", run["id"])}
    assert {"wattlog-fetched", "wattlog-reconciliation"} <= shown.keys()
    fetched = json.loads(shown["wattlog-fetched"]["data"])
    assert {row["series"] for row in fetched} >= {"snapshot", "power", "energy_interval", "energy_day"}
    assert all(row["answered"] == row["requests"] for row in fetched)
    assert shown["wattlog-reconciliation"]["data"].startswith("# Reconciliation")


def _days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def test_a_timer_runs_sync_on_prefect_without_a_word(prefect: Prefect) -> None:
    """Where PREFECT_API_URL is set the command line runs on Prefect, whose own lines cron would mail every night."""
    arguments = ("--data-dir", "elsewhere", "sync", "--max-requests", "4")
    done = prefect.command(*WATTLOG, *arguments, WATTLOG_ACCESS_TOKEN=DEMO_TOKEN)
    assert (done.stdout, done.stderr) == ("", "")
    by_hand = {"flow_runs": {"deployment_id": {"is_null_": True}, "tags": {"all_": ["wattlog", "sync"]}}}
    (run,) = prefect.post("flow_runs/filter", **by_hand)
    assert run["state_type"] == "COMPLETED"


def test_a_run_that_is_cancelled_leaves_nothing_behind_but_what_it_fetched(prefect: Prefect) -> None:
    """It waits for its turn when the button is pressed. The process ends, the lock is free, the ledger has how it ended;
    the next run goes on.
    """
    root = prefect.directory / "cancelled"
    days = {"series": ["power"], "since": _days_ago(1), "data_dir": str(root)}
    run_id = prefect.begin("backfill/backfill", {"WATTLOG_REQUESTS_PER_MINUTE": "4"}, **days)
    deadline = time.monotonic() + PATIENCE_S
    while not list(root.rglob("series=power/*.zst")):
        assert time.monotonic() < deadline, (prefect.directory / "worker.log").read_text()[-3000:]
        time.sleep(0.1)
    process = json.loads((root / ".holder.json").read_text())["pid"]
    prefect.cancel(run_id)
    assert prefect.ended(run_id)["state_type"] == "CANCELLED"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with locked(root, "test"):
        (run,) = ledger.runs(root / "raw")
    assert (run.exit_code, run.requests) == (ExitCode.INTERRUPTED, 4)
    archive = RawArchive(root / "raw")
    assert list(archive.verify()) == []
    kept = [entry for site_id in (ACCOUNT, *archive.site_ids()) for entry in archive.entries(site_id)]
    assert [entry.status for entry in kept] == [200] * 4

    base_url = prefect.environment["WATTLOG_API_BASE_URL"]
    settings = load_settings(provider="simulator", api_base_url=base_url, access_token=DEMO_TOKEN, data_dir=root)
    context = RunContext(settings, new_run_id(utc_now()))
    scope = BackfillRequest(series=(Series.POWER,), since=date.fromisoformat(_days_ago(1)))
    summary = pipeline.backfill(context, ThreadExecutor(), scope)
    assert (summary.exit_code, summary.left) == (0, 0)
    assert summary.rows["power"] > 0


def test_two_accounts_on_one_server_keep_apart(prefect: Prefect) -> None:
    """Another data directory takes over no deployments unless asked to: it gets names of its own."""
    from flows.orchestration.register import register

    ours, theirs = prefect.directory / "data", prefect.directory / "theirs"
    settings = load_settings(provider="simulator", data_dir=theirs)
    with pytest.raises(UsageError, match=f"sync/sync serves another data directory, {ours}; .* --account"):
        register(settings, work_pool="wattlog", timezone=ZONE)
    assert prefect.deployment("sync/sync")["parameters"] == {"data_dir": str(ours)}
    with pytest.raises(UsageError, match="cannot be part of a deployment's name"):
        register(settings, work_pool="wattlog", timezone=ZONE, account="Their Roofs")
    made = register(settings, work_pool="wattlog", timezone=ZONE, account="theirs")
    assert made.created == (f"work queue {QUEUE}-theirs", *(f"deployment {name}" for name in made.deployments))
    named = prefect.deployment("sync/sync-theirs")
    assert named["parameters"] == {"data_dir": str(theirs)}
    assert (named["work_queue_name"], named["tags"]) == (f"{QUEUE}-theirs", ["wattlog", "sync", "theirs"])
    moved = load_settings(provider="simulator", data_dir=prefect.directory / "moved")
    register(moved, work_pool="wattlog", timezone=ZONE, account="theirs", takes_over=True)
    assert prefect.deployment("sync/sync-theirs")["parameters"] == {"data_dir": str(prefect.directory / "moved")}
    assert prefect.deployment("sync/sync")["parameters"] == {"data_dir": str(ours)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_requests": 0},
        {"since": "yesterday"},
        {"sites": ["home"]},
        {"series": ["steam"]},
        {"newest_first": "perhaps"},
    ],
)
def test_wrong_parameters_are_refused_when_a_run_is_created(prefect: Prefect, wrong: dict[str, object]) -> None:
    deployment = prefect.deployment("backfill/backfill")["id"]
    answer = prefect.ask("POST", f"deployments/{deployment}/create_flow_run", {"parameters": wrong})
    assert answer.status_code == 409
    assert next(iter(wrong)) in answer.json()["detail"]
