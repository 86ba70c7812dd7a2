"""Registers the deployments and what they need with a Prefect API. Everything here may be repeated."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows import deployed
from flows.deployments import DEPLOYMENTS, QUEUE, RUNS_AT_A_TIME, Deployment, job_variables
from flows.errors import UsageError
from flows.object_store.address import store_address
from flows.settings import Settings
from flows.shared_pace import ensure_limit
from transform.sites import Site

PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Registered:
    """What `register` did.

    Attributes:
        api_url: Prefect's address.
        work_pool: The pool; workers are started for it.
        timezone: Zone of the schedules.
        deployments: Full name → cron, None for on demand.
        created: What was not there before.
    """

    api_url: str
    work_pool: str
    timezone: str
    deployments: dict[str, str | None]
    created: tuple[str, ...]


def register(settings: Settings, *, work_pool: str, timezone: str) -> Registered:
    """Register pool, queue, limits and deployments.

    A pool, queue or limit that is there is left as it is, and a deployment that somebody paused stays paused.

    Raises:
        UsageError: No API is configured, or it does not answer, or the zone is not an IANA name.
    """
    if timezone not in available_timezones():
        raise UsageError(f"{timezone!r} is not a time zone; write it like America/Los_Angeles")
    with _api() as client:
        pool_type, new_pool = _pool(client, work_pool)
        created = [*new_pool, *_queue(client, work_pool)]
        if settings.shared_rate_limit is not None and ensure_limit(client, settings):
            created.append(f"limit {settings.shared_rate_limit}")
        found = {each.full_name for each in DEPLOYMENTS if _is_there(client, each)}
        for each in DEPLOYMENTS:
            _deploy(client, each, settings, work_pool=work_pool, pool_type=pool_type, timezone=timezone)
    created += [f"deployment {each.full_name}" for each in DEPLOYMENTS if each.full_name not in found]
    deployments = {each.full_name: each.cron for each in DEPLOYMENTS}
    return Registered(str(PREFECT_API_URL.value()), work_pool, timezone, deployments, tuple(created))


def zone_of_account(sites: Sequence[Site]) -> str | None:
    """The zone in which most of the sites live; None where no site has a named one."""
    zones = Counter(site.timezone for site in sites if site.timezone in available_timezones())
    return zones.most_common(1)[0][0] if zones else None


@contextmanager
def _api() -> Iterator[SyncPrefectClient]:
    url = PREFECT_API_URL.value()
    if url is None:
        raise UsageError(
            "no Prefect API is configured; run `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.TransportError as error:
        raise UsageError(f"the Prefect API at {url} does not answer ({type(error).__name__}); is it running?") from None


def _pool(client: SyncPrefectClient, name: str) -> tuple[str, list[str]]:
    """The pool's type, and its name if it is new."""
    try:
        return client.read_work_pool(name).type, []
    except ObjectNotFound:
        template: dict[str, Any] = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type=PROCESS, base_job_template=template))
        return PROCESS, [f"work pool {name}"]


def _queue(client: SyncPrefectClient, pool: str) -> list[str]:
    try:
        client.read_work_queue_by_name(QUEUE, work_pool_name=pool)
    except ObjectNotFound:
        client.create_work_queue(QUEUE, concurrency_limit=RUNS_AT_A_TIME, work_pool_name=pool)
        return [f"work queue {QUEUE}"]
    return []


def _is_there(client: SyncPrefectClient, deployment: Deployment) -> bool:
    try:
        client.read_deployment_by_name(deployment.full_name)
    except ObjectNotFound:
        return False
    return True


def _deploy(
    client: SyncPrefectClient,
    deployment: Deployment,
    settings: Settings,
    *,
    work_pool: str,
    pool_type: str,
    timezone: str,
) -> None:
    """Register one deployment.

    A process worker gets this directory and this data directory, so that a run finds what the command line finds. Other
    workers bring their own.
    """
    is_process = pool_type == PROCESS
    data_dir = store_address(settings.shown_data_dir) or settings.data_dir.resolve()
    try:
        is_paused = client.read_deployment_by_name(deployment.full_name).paused
    except ObjectNotFound:
        is_paused = False
    RunnerDeployment.from_flow(
        getattr(deployed, deployment.flow),
        name=deployment.name,
        description=deployment.description,
        tags=deployment.tags,
        schedule=None if deployment.cron is None else Cron(deployment.cron, timezone=timezone),
        paused=is_paused,
        parameters={"data_dir": str(data_dir)} if is_process else {},
        work_pool_name=work_pool,
        work_queue_name=QUEUE,
        job_variables=job_variables(working_dir=str(Path.cwd()) if is_process else None),
        entrypoint_type=EntrypointType.MODULE_PATH,
    ).apply()
