"""The plan of settings: what it says for today, and the changes that follow.

A setting that has its value is left alone, so applying the plan again changes nothing. A change that could not be confirmed
because the site does not report the setting is not sent again until the plan says something else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from signal import SIGINT
from typing import Final

from extract.errors import ArchiveError, ExtractError, RunStopped
from extract.windows import local_today
from flows.commands import Change, check_scope, objections, present_sites, preview, send
from flows.errors import STOPS_THE_RUN, ChangeInterrupted, ExitCode, UsageError, exit_code_for
from flows.fetch_session import FetchSession
from flows.run_context import RunContext
from flows.settings_history import settings_history
from flows.stop_signal import StopSignal
from transform.sites import Site
from wattlog.commands.intent import Origin
from wattlog.commands.outcomes import Outcome
from wattlog.commands.plan import PlanRule, wanted

ENDS_THE_PLAN: Final = (*STOPS_THE_RUN, ArchiveError)
"""Errors that every further change would meet, too."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What came of one rule of the plan.

    Attributes:
        site_id: The site.
        name: The setting.
        value_before: The value that site_info showed; None where it had none, or was not read.
        value_asked: The value of the plan.
        state: `set already`, `to be sent`, `not confirmed before`, `refused`, `failed`, `not sent`, or the outcome of the
            command.
        reason: More about it; empty where there is nothing.
        exit_code: The exit code that follows from it.
    """

    site_id: int
    name: str
    value_before: str | None
    value_asked: str
    state: str
    reason: str = ""
    exit_code: ExitCode = ExitCode.OK


def apply_plan(
    context: RunContext, *, is_dry: bool, origin: str = Origin.SCHEDULE, stop: StopSignal | None = None
) -> list[PlanStep]:
    """Change what the plan says for today, site by site, each change as a command of its own.

    Args:
        context: The run.
        is_dry: Send nothing.
        origin: Where the changes come from.
        stop: Stops the run.

    Raises:
        ExtractError: The account cannot be read, or its token may not change settings; no change was sent.
        UsageError: There is no plan.
    """
    stop = stop or StopSignal()
    if not context.settings.plan:
        raise UsageError("there is no plan; write rules as [[plan]] into wattlog.toml (see docs/OPERATIONS.md)")
    archive = context.open_archive()
    with FetchSession(context, archive, stop=stop) as session:
        if not is_dry:
            check_scope(session)
        sites, now = present_sites(session), session.now()
    rules = [
        (site, rule)
        for site in sites
        for rule in wanted(context.settings.plan, site.site_id, local_today(now, site.zone)).values()
    ]
    return list(_steps(context, rules, is_dry=is_dry, origin=origin, stop=stop))


def exit_code_of(steps: Sequence[PlanStep]) -> ExitCode:
    """The exit code of a plan: the highest of its steps."""
    return max((step.exit_code for step in steps), default=ExitCode.OK)


def _steps(
    context: RunContext, rules: Sequence[tuple[Site, PlanRule]], *, is_dry: bool, origin: str, stop: StopSignal
) -> Iterator[PlanStep]:
    """One step a rule. After an error that every further request would meet, the rest is not sent, and says so."""
    archive = context.open_archive()
    ended_by: Exception | None = None
    for number, (site, rule) in enumerate(rules, 1):
        if ended_by is None and stop.is_stopped():
            ended_by = ChangeInterrupted(by_keyboard=stop.interrupted_by is SIGINT)
        if ended_by is not None:
            step = PlanStep(site.site_id, rule.setting, None, rule.value, "not sent", str(ended_by))
            yield replace(step, exit_code=exit_code_for(ended_by))
            continue
        of_command = replace(context, run_id=f"{context.run_id}-{number:03d}")
        with FetchSession(of_command, archive, stop=stop) as session:
            try:
                step, error = _step(session, site, rule, is_dry=is_dry, origin=origin)
            except ExtractError as failure:
                step = PlanStep(site.site_id, rule.setting, None, rule.value, "failed", str(failure))
                step, error = replace(step, exit_code=exit_code_for(failure)), failure
        if isinstance(error, RunStopped | ChangeInterrupted):
            ended_by = ChangeInterrupted(by_keyboard=stop.interrupted_by is SIGINT)
            step = replace(step, state="not sent", reason=str(ended_by), exit_code=ended_by.exit_code)
        elif isinstance(error, ENDS_THE_PLAN):
            ended_by = error
        yield step


def _step(
    session: FetchSession, site: Site, rule: PlanRule, *, is_dry: bool, origin: str
) -> tuple[PlanStep, Exception | None]:
    """Do what a rule says; returns the error that ended the request, too, if one did."""
    change = Change(rule.spec, rule.spec.values.parse(rule.value))
    planned = preview(session, site, change, origin)
    step = PlanStep(site.site_id, rule.setting, planned.before.text, rule.value, "to be sent")
    if planned.is_set:
        return replace(step, state="set already"), None
    if _is_sent_in_vain(session, site, rule):
        return replace(step, state="not confirmed before", reason="site_info does not have the setting"), None
    reasons = objections(planned, is_forced=False)
    if reasons:
        return replace(step, state="refused", reason=reasons[0], exit_code=ExitCode.INCOMPLETE), None
    if is_dry:
        return step, None
    sent = send(session, planned, "apply-plan")
    step = replace(step, state=sent.command.outcome.value, reason=sent.command.reason or "", exit_code=sent.exit_code)
    return step, sent.error


def _is_sent_in_vain(session: FetchSession, site: Site, rule: PlanRule) -> bool:
    """Whether the last that happened to the setting is this very change, and the site does not report the setting."""
    events = [event for event in settings_history(session.archive, site) if event.name == rule.setting]
    command = events[-1].command if events else None
    return command is not None and command.outcome is Outcome.ACCEPTED_ABSENT and command.value_asked == rule.value
