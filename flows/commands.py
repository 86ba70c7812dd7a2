"""Change a setting of a site: read what is set, say what follows, send the command once, read it back.

Every step is in the raw archive before the next one begins, first of all the intent. So a run that is killed has sent no
request, or leaves a row of table `commands` that says what is known; no later run sends the request again.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from signal import SIGINT
from typing import Any

from extract.archive.raw_archive import RawArchive
from extract.commands.requests import day_of, intent_record, read_back_request, setting_request
from extract.errors import (
    ArchiveError,
    BudgetSpent,
    ExtractError,
    Fatal,
    RunStopped,
    SiteUnusable,
    TokenStoreFailed,
)
from extract.requests import site_info
from flows import ledger
from flows.account import NOT_ON_ACCOUNT, choose, discover, infos_seen, known_sites
from flows.errors import ChangeInterrupted, ExitCode, UsageError, exit_code_for
from flows.fetch_session import FetchSession
from flows.identity import check_command_scope
from flows.settings import Settings
from flows.settings_history import command_records
from transform.commands import Command, Shown, command_of, commands_in, comparison, shown_in
from transform.responses import response_of
from transform.sites import Site
from transform.tariffs import read_tariff, tariff_document, validate, write_tariff
from wattlog import durable
from wattlog.api_json import UnreadableJson, write
from wattlog.commands.checks import Remark, Weight, remarks
from wattlog.commands.intent import Intent, intent_of, is_intent
from wattlog.commands.outcomes import UNCONFIRMED, Outcome, is_decided
from wattlog.commands.schedule import read_back_pauses_s
from wattlog.commands.settings import SETTINGS, Setting, SettingSpec
from wattlog.names import DataDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting and the value that it is to have.

    Attributes:
        spec: The setting.
        value: The value of the API.
    """

    spec: SettingSpec
    value: Any

    @property
    def text(self) -> str:
        """The value, as people write it."""
        return self.spec.values.text(self.value) or ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do.

    Attributes:
        site: The site.
        change: The change.
        before: What site_info shows now.
        remarks: What is to be said before it is sent.
        intent: The intent, with the request.
        is_set: Whether site_info shows the value already (Q68).
    """

    site: Site
    change: Change
    before: Shown
    remarks: tuple[Remark, ...]
    intent: Intent
    is_set: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a change that was sent.

    Attributes:
        command: The row of table `commands`.
        error: The error that ended the request, if one did.
        is_sent: Whether a request was sent at all.
    """

    command: Command
    error: ExtractError | ChangeInterrupted | None
    is_sent: bool

    @property
    def exit_code(self) -> ExitCode:
        """0 applied, 7 sent and not confirmed; otherwise the code of the error, and 1 of a refusal inside status 200."""
        if self.command.outcome is Outcome.APPLIED:
            return ExitCode.OK
        if self.is_sent and self.command.outcome in UNCONFIRMED:
            return ExitCode.UNCONFIRMED
        return ExitCode.INCOMPLETE if self.error is None else exit_code_for(self.error)


def check_scope(session: FetchSession) -> None:
    """Check that the token may change settings, where its scopes are known.

    Raises:
        AuthExpired: There is no token.
        MissingCommandScope: It may not.
    """
    check_command_scope("settings", session.granted_scopes())


def one_site(session: FetchSession, site_id: int | None) -> Site:
    """The site that is meant: the one named, or the only one of the account.

    Raises:
        UsageError: None is named and there are several, or it is not on the account.
        ExtractError: The archive has no site yet, and the products cannot be had.
    """
    sites = choose(present_sites(session), () if site_id is None else (site_id,))
    if len(sites) != 1:
        known = ", ".join(str(site.site_id) for site in sites) or "none"
        raise UsageError(f"choose a site with --site; the account has: {known}")
    return sites[0]


def present_sites(session: FetchSession) -> list[Site]:
    """The sites that the account has now; they are requested where the archive has none yet.

    Raises:
        ExtractError: The archive has no site yet, and the products cannot be had.
    """
    archive, zones = session.archive, session.context.settings.site_timezones
    if not known_sites(archive, zones):
        discover(session, (), has_live_status=False)
    return [site for site in known_sites(archive, zones) if site.status not in NOT_ON_ACCOUNT]


def preview(session: FetchSession, site: Site, change: Change, origin: str) -> Preview:
    """Read the site, and say what the change would do. Nothing is changed.

    Raises:
        ExtractError: The site cannot be read.
    """
    info, spec = _info(session, site.site_id), change.spec
    before = shown_in(spec, info, is_reported=_is_reported(session.archive, site, spec))
    is_same = comparison(spec, change.value, [before])
    intent = Intent(
        spec.name,
        spec.path(site.site_id),
        spec.body(change.value),
        change.text,
        before.text,
        origin,
        before.value if spec.name is Setting.TARIFF and before.text is not None else None,
    )
    is_set = before.text is not None and is_same(change.text, before.text)
    return Preview(site, change, before, tuple(remarks(spec, change.text, info)), intent, is_set)


def objections(planned: Preview, *, is_forced: bool) -> list[str]:
    """Why a change is not sent: what is impossible, and what is advised against unless a person insists."""
    refused = [
        f"{remark.sentence}; nothing is sent" for remark in planned.remarks if remark.weight is Weight.IMPOSSIBLE
    ]
    advice = [] if is_forced else [remark for remark in planned.remarks if remark.weight is Weight.ADVICE]
    return [*refused, *(f"{remark.sentence}; nothing is sent: --force sends it all the same" for remark in advice)]


def send(session: FetchSession, planned: Preview, command: str) -> Sent:
    """Store the intent, send the request, and read the setting back.

    Args:
        session: Sends the requests; its run id becomes the id of the command.
        planned: The change.
        command: The command of wattlog, for the ledger.

    Raises:
        ArchiveError: A record cannot be written; nothing is sent without the intent.
    """
    context, archive = session.context, session.archive
    provider, now, before = context.settings.resolved_provider, session.now(), session.requests
    run = ledger.begin(archive.root, context.run_id, command, provider.name, context.clock())
    code = ExitCode.INCOMPLETE
    try:
        sent = _sent(session, planned, now)
        code = sent.exit_code
    except BaseException as error:
        code = exit_code_for(error) if session.requests == before else ExitCode.UNCONFIRMED
        raise
    finally:
        ledger.end(archive.root, run, exit_code=code, requests=session.requests, rows_written=0, now=context.clock())
    return sent


def _sent(session: FetchSession, planned: Preview, now: datetime) -> Sent:
    site_id, context, before = planned.site.site_id, session.context, session.requests
    intent = intent_record(site_id, planned.intent, now)
    session.archive.keep(intent, run_id=context.run_id, provider=context.settings.resolved_provider.name)
    error = _submit(session, planned, now)
    is_sent = session.requests > before
    if is_sent and not isinstance(error, ArchiveError):
        _read_back(session, planned, now)
    interrupted_by = session.stop.interrupted_by
    if isinstance(error, RunStopped) and not is_sent and interrupted_by is not None:
        return Sent(_command(session, site_id), ChangeInterrupted(by_keyboard=interrupted_by is SIGINT), is_sent)
    return Sent(_command(session, site_id), error, is_sent)


def replaced_tariff(archive: RawArchive, site_id: int) -> Mapping[str, Any] | None:
    """The tariff that the last `set tariff` replaced; None if there is none. One that was refused has replaced nothing."""
    records = command_records(archive, site_id)
    has_effect = {command.command_id for command in commands_in(records) if command.outcome is not Outcome.REJECTED}
    for record in reversed(records):
        if is_intent(record.path) and record.run_id in has_effect:
            document = intent_of(record.body).document_before
            if document is not None:
                return document
    return None


def tariff_to_set(archive: RawArchive, site: Site, document: object | None) -> object:
    """The tariff that a site is to have: the one given, else the one that was replaced last.

    Raises:
        UsageError: None is given, and none was replaced.
    """
    found = replaced_tariff(archive, site.site_id) if document is None else document
    if found is None:
        raise UsageError(f"no tariff of site {site.site_id} was replaced by wattlog, so none can be put back")
    return found


def tariff_change(document: object) -> Change:
    """The change to a tariff, written with every field (Q135).

    Raises:
        UsageError: The document breaks a rule, so the site would have times without a price.
    """
    found = tariff_document(document)
    errors = [violation for violation in validate(document) if violation.is_error]
    if found is None or errors:
        first = f"{errors[0].path}: {errors[0].sentence}" if errors else "there is no tariff"
        raise UsageError(f"the tariff breaks {max(len(errors), 1)} rules, the first: {first} Nothing is sent")
    return Change(SETTINGS[Setting.TARIFF], write_tariff(read_tariff(found)))


def save_replaced(settings: Settings, planned: Preview, run_id: str) -> Path | None:
    """Save the tariff that is about to be replaced in a file of its own; returns the file, None without a tariff."""
    document = planned.intent.document_before
    if document is None:
        return None
    path = DataDirectory(settings.data_dir).replaced_tariffs / f"{planned.site.site_id}-{run_id}.json"
    path.parent.mkdir(mode=durable.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    durable.replace(path, write(document))
    return path


def _info(session: FetchSession, site_id: int) -> Mapping[str, Any]:
    """A fresh site_info."""
    request = site_info(site_id)
    try:
        info = response_of(session.archive.load(session.fetcher.fetch(request)).body)
    except (UnreadableJson, LookupError):
        info = None
    if not isinstance(info, Mapping) or not info:
        raise SiteUnusable(request.what, "the response holds nothing that can be used")
    return info


def _is_reported(archive: RawArchive, site: Site, spec: SettingSpec) -> bool:
    """Whether the site has ever shown a setting whose field may be absent (Q54)."""
    if spec.absent_is is None:
        return False
    return any(spec.shown(info) is not None for _, _, info in infos_seen(archive, site.site_id))


def _submit(session: FetchSession, planned: Preview, now: datetime) -> ExtractError | None:
    """Send the request; returns the error that ended it."""
    try:
        session.fetcher.submit(setting_request(planned.site.site_id, planned.intent, day_of(now)))
    except ExtractError as error:
        return error
    return None


def _read_back(session: FetchSession, planned: Preview, now: datetime) -> None:
    """Read the setting until it is decided, or until the provider's time is over."""
    site_id, spec = planned.site.site_id, planned.change.spec
    command = _command(session, site_id)
    if command.outcome is Outcome.REJECTED:
        return
    for pause_s in read_back_pauses_s(session.context.settings.resolved_provider.read_back_s):
        if pause_s and session.stop.wait(pause_s):
            return
        try:
            entry = session.fetcher.fetch(read_back_request(site_id, day_of(now)))
            info = response_of(session.archive.load(entry).body)
        except (Fatal, TokenStoreFailed, ArchiveError, BudgetSpent, RunStopped) as error:  # reading again is the same
            log.warning("the setting cannot be read back: %s", error)
            return
        except (ExtractError, UnreadableJson, LookupError) as error:
            log.info("the setting was not read back: %s", error)
            continue
        if isinstance(info, Mapping) and info and spec.has_place(info) and _is_decided(planned, shown_in(spec, info)):
            return


def _is_decided(planned: Preview, shown: Shown) -> bool:
    spec = planned.change.spec
    is_same = comparison(spec, planned.change.value, [shown])
    return is_decided(spec, planned.change.text, shown.text, planned.before.text, is_same)


def _command(session: FetchSession, site_id: int) -> Command:
    """The command of this run, by its records."""
    of_run = [r for r in command_records(session.archive, site_id) if r.run_id == session.context.run_id]
    found = command_of(of_run)
    if found is None:
        raise AssertionError("the intent is stored before anything else")
    return found
