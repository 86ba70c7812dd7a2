"""Which deployments there are, and when they run.

Declared once: `wattlog deploy` registers them, and `prefect.yaml` is generated from them.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final

QUEUE: Final = "wattlog"
"""The work queue of all deployments. It starts one run at a time: a run locks the data directory, and a second run should wait
in the queue, on whichever machine the workers are, and not fail."""

RUNS_AT_A_TIME: Final = 1

EXTRA_LOGGERS: Final = "flows,extract,transform,warehouse"
"""Packages whose log lines appear in the log of the flow run, too."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        name: Its name.
        flow: Name of the flow in `flows.orchestration.flows`.
        description: What it does.
        cron: When it runs, in the account's zone; None for on demand.
        account: Name of the account, where one Prefect server has several.
    """

    name: str
    flow: str
    description: str
    cron: str | None = None
    account: str | None = None

    @property
    def entrypoint(self) -> str:
        """Where a worker finds the flow: a module, since what is deployed is what the worker has installed."""
        return f"flows.orchestration.flows.{self.flow}"

    @property
    def full_name(self) -> str:
        """`flow/deployment`, as Prefect's commands take it."""
        return f"{self.flow}/{self.name}"

    @property
    def tags(self) -> list[str]:
        """Tags of the deployment and of its runs."""
        return ["wattlog", self.flow, *([] if self.account is None else [self.account])]


DEPLOYMENTS: Final = (
    Deployment("sync", "sync", "Fetch what is not settled, reconcile, publish.", "30 3 * * *"),
    Deployment("backfill", "backfill", "Fetch every window that is not settled yet. On demand, with parameters."),
    Deployment("rebuild", "rebuild", "Make lake and warehouse again from the raw archive. On demand."),
    Deployment("weekly-reconcile", "reconcile", "Compare every source with every other again.", "0 5 * * 1"),
    Deployment("publish", "publish", "Deliver what changed to the targets of the settings. On demand."),
    Deployment("apply-plan", "apply", "Change the settings that the plan says, or report them. On demand."),
    Deployment("set", "change", "Change a setting of a site. On demand, with parameters."),
    Deployment(
        "set-tariff", "change_tariff", "Replace the tariff of a site, or put it back. On demand, with parameters."
    ),
    Deployment("monthly-report", "report", "Write the report, one page of HTML.", "0 6 1 * *"),
)
"""At 03:30 the last rows of the day are final nearly everywhere; the next run fetches the rest (Q12)."""


ACCOUNT_NAMES: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What Prefect, its URLs and its artifacts take as a part of a name."""


def deployments_of(account: str | None) -> tuple[Deployment, ...]:
    """The deployments of an account: where it has a name, the names of its deployments end in it (`sync-north`)."""
    if account is None:
        return DEPLOYMENTS
    return tuple(
        replace(deployment, name=f"{deployment.name}-{account}", account=account) for deployment in DEPLOYMENTS
    )


def queue_of(account: str | None) -> str:
    """The queue of an account: one run at a time for each data directory, not for all of them."""
    return QUEUE if account is None else f"{QUEUE}-{account}"


def job_variables(*, working_dir: str | None) -> dict[str, Any]:
    """How a worker starts the process of a run; a working directory is where `.env` and `wattlog.toml` are found."""
    environment = {"env": {"PREFECT_LOGGING_EXTRA_LOGGERS": EXTRA_LOGGERS}}
    return environment if working_dir is None else {"working_dir": working_dir, **environment}
