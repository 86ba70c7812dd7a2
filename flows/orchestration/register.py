"""Registers the deployments and what they need with a Prefect API. Everything here may be repeated."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows.errors import UsageError
from flows.orchestration import flows as deployed
from flows.orchestration.deployments import (
    ACCOUNT_NAMES,
    RUNS_AT_A_TIME,
    Deployment,
    deployments_of,
    job_variables,
    queue_of,
)
from flows.orchestration.rate_limiter import ensure_limit
from flows.settings import Settings
from flows.store_address import store_address
from transform.sites import Site
from wattlog.zones import zone_names

PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Registered:
    """What `register` did.

    Attributes:
        api_url: Prefect's address.
        work_pool: The pool; workers are started for it.
        timezone: Zone of the schedules.
        deployments: Full name → cron, None for on demand.
        created: What did not exist before.
    """

    api_url: str
    work_pool: str
    timezone: str
    deployments: dict[str, str | None]
    created: tuple[str, ...]


def register(
    settings: Settings, *, work_pool: str, timezone: str, account: str | None = None, takes_over: bool = False
) -> Registered:
    """Register pool, queue, limits and deployments.

    A pool, queue or limit that exists is left as it is, and a deployment that was paused stays paused.

    Args:
        settings: Name the data directory that the deployments serve.
        work_pool: The pool; made if it does not exist.
        timezone: Zone of the schedules.
        account: Name of the account, where several share the Prefect server: a part of all names.
        takes_over: Whether deployments that serve another data directory are to serve this one.

    Raises:
        UsageError: No API is configured, or it does not answer, or a name is not legal, or the deployments serve another data
            directory.
    """
    if timezone not in zone_names():
        raise UsageError(f"{timezone!r} is not a time zone; write it like America/Los_Angeles")
    if account is not None and not ACCOUNT_NAMES.fullmatch(account):
        raise UsageError(f"{account!r} cannot be part of a deployment's name; use a-z, 0-9 and dashes")
    scope = deployments_of(account)
    with _api() as client:
        found = {
            deployment.full_name: registered
            for deployment in scope
            if (registered := _found(client, deployment)) is not None
        }
        if not takes_over:
            _refuse_others(found, _data_dir(settings))
        pool_type, new_pool = _pool(client, work_pool)
        created = [*new_pool, *_queue(client, work_pool, queue_of(account))]
        if settings.shared_rate_limit is not None and ensure_limit(client, settings):
            created.append(f"limit {settings.shared_rate_limit}")
        for deployment in scope:
            is_paused = deployment.full_name in found and found[deployment.full_name].paused
            _deploy(
                deployment, settings, work_pool=work_pool, pool_type=pool_type, timezone=timezone, is_paused=is_paused
            )
    created += [f"deployment {deployment.full_name}" for deployment in scope if deployment.full_name not in found]
    deployments = {deployment.full_name: deployment.cron for deployment in scope}
    return Registered(str(PREFECT_API_URL.value()), work_pool, timezone, deployments, tuple(created))


def zone_of_account(sites: Sequence[Site]) -> str | None:
    """The time zone of most sites; None where no site has a named one."""
    zones = Counter(site.timezone for site in sites if site.timezone in zone_names())
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


def _queue(client: SyncPrefectClient, pool: str, queue: str) -> list[str]:
    try:
        client.read_work_queue_by_name(queue, work_pool_name=pool)
    except ObjectNotFound:
        client.create_work_queue(queue, concurrency_limit=RUNS_AT_A_TIME, work_pool_name=pool)
        return [f"work queue {queue}"]
    return []


def _found(client: SyncPrefectClient, deployment: Deployment) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(deployment.full_name)
    except ObjectNotFound:
        return None


def _data_dir(settings: Settings) -> str:
    """The data directory of the deployments, absolute since Prefect runs them in another working directory."""
    return str(store_address(settings.shown_data_dir) or settings.data_dir.resolve())


def _refuse_others(found: Mapping[str, DeploymentResponse], data_dir: str) -> None:
    """Refuse to change deployments that serve another data directory.

    Raises:
        UsageError: One of them serves another data directory.
    """
    for name, registered in found.items():
        served = (registered.parameters or {}).get("data_dir", data_dir)
        if served != data_dir:
            raise UsageError(
                f"{name} serves another data directory, {served}; name this account with --account, "
                "or repeat with --take-over if the directory has moved"
            )


def _deploy(
    deployment: Deployment,
    settings: Settings,
    *,
    work_pool: str,
    pool_type: str,
    timezone: str,
    is_paused: bool,
) -> None:
    """Register one deployment.

    A process worker gets this directory and this data directory, so that a run finds what the command line finds. Other
    workers bring their own.
    """
    is_process = pool_type == PROCESS
    RunnerDeployment.from_flow(
        getattr(deployed, deployment.flow),
        name=deployment.name,
        description=deployment.description,
        tags=deployment.tags,
        schedule=None if deployment.cron is None else Cron(deployment.cron, timezone=timezone),
        paused=is_paused,
        parameters={"data_dir": _data_dir(settings)} if is_process else {},
        work_pool_name=work_pool,
        work_queue_name=queue_of(deployment.account),
        job_variables=job_variables(working_dir=str(Path.cwd()) if is_process else None),
        entrypoint_type=EntrypointType.MODULE_PATH,
    ).apply()
