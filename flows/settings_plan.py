"""The plan of settings: what it says for today, and the changes that follow.

A setting that has its value is left alone, so applying the plan again changes nothing. A change that could not be confirmed
because the site does not report the setting is not sent again until the plan says something else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extract.errors import ExtractError
from extract.windows import local_today
from flows.account import NOT_ON_ACCOUNT, discover, known_sites
from flows.commands import Change, check_scope, objections, preview, send
from flows.errors import STOPS_THE_RUN, ExitCode, UsageError, exit_code_for
from flows.fetch_session import FetchSession
from flows.run_context import RunContext
from flows.settings_history import settings_history
from flows.stop_signal import StopSignal
from transform.sites import Site
from wattlog.commands.intent import Origin
from wattlog.commands.outcomes import Outcome
from wattlog.commands.plan import PlanRule, wanted


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What came of one rule of the plan.

    Attributes:
        site_id: The site.
        name: The setting.
        value_before: The value that site_info showed; None where it had none, or was not read.
        value_asked: The value of the plan.
        state: `set already`, `to be sent`, `not confirmed before`, `refused`, `failed`, or the outcome of the command.
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
        ExtractError: An error that every further request would meet.
        UsageError: There is no plan.
    """
    stop = stop or StopSignal()
    if not context.settings.plan:
        raise UsageError("there is no plan; write rules as [[plan]] into wattlog.toml (see docs/OPERATIONS.md)")
    archive = context.open_archive()
    with FetchSession(context, archive, stop=stop) as session:
        if not is_dry:
            check_scope(session)
        if not known_sites(archive, context.settings.site_timezones):
            discover(session, (), has_live_status=False)
        now = session.now()
    sites = [
        site for site in known_sites(archive, context.settings.site_timezones) if site.status not in NOT_ON_ACCOUNT
    ]
    rules = [
        (site, rule)
        for site in sites
        for rule in wanted(context.settings.plan, site.site_id, local_today(now, site.zone)).values()
    ]
    return list(_steps(context, rules, is_dry=is_dry, origin=origin, stop=stop))


def _steps(
    context: RunContext, rules: Sequence[tuple[Site, PlanRule]], *, is_dry: bool, origin: str, stop: StopSignal
) -> Iterator[PlanStep]:
    archive = context.open_archive()
    for number, (site, rule) in enumerate(rules, 1):
        if stop.is_stopped():
            return
        of_command = replace(context, run_id=f"{context.run_id}-{number:03d}")
        with FetchSession(of_command, archive, stop=stop) as session:
            try:
                yield _step(session, site, rule, is_dry=is_dry, origin=origin)
            except STOPS_THE_RUN:
                raise
            except ExtractError as error:
                step = PlanStep(site.site_id, rule.setting, None, rule.value, "failed", str(error))
                yield replace(step, exit_code=exit_code_for(error))


def _step(session: FetchSession, site: Site, rule: PlanRule, *, is_dry: bool, origin: str) -> PlanStep:
    change = Change(rule.spec, rule.spec.values.parse(rule.value))
    planned = preview(session, site, change, origin)
    step = PlanStep(site.site_id, rule.setting, planned.before.text, rule.value, "to be sent")
    if planned.is_set:
        return replace(step, state="set already")
    if _is_sent_in_vain(session, site, rule):
        return replace(step, state="not confirmed before", reason="site_info does not have the setting")
    reasons = objections(planned, is_forced=False)
    if reasons:
        return replace(step, state="refused", reason=reasons[0], exit_code=ExitCode.INCOMPLETE)
    if is_dry:
        return step
    sent = send(session, planned, "apply-plan")
    return replace(step, state=sent.command.outcome.value, reason=sent.command.reason or "", exit_code=sent.exit_code)


def _is_sent_in_vain(session: FetchSession, site: Site, rule: PlanRule) -> bool:
    """Whether the last that happened to the setting is this very change, and the site does not report the setting."""
    events = [event for event in settings_history(session.archive, site) if event.name == rule.setting]
    command = events[-1].command if events else None
    return command is not None and command.outcome is Outcome.ACCEPTED_ABSENT and command.value_asked == rule.value
