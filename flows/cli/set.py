"""`wattlog set`: change a setting of a site. Each setting is a command; all are made from the declarations of the settings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.options import Json, OneSite
from flows.cli.running import Command
from wattlog.commands.settings import SETTINGS, Setting, SettingSpec

if TYPE_CHECKING:
    from flows.commands import Change, Preview, Sent
    from flows.fetch_session import FetchSession
    from flows.settings import Settings
    from transform.sites import Site

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the request, the present value, and the effect; change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed where no terminal is.")]
Force = Annotated[bool, typer.Option("--force", help="Send it against advice; what is impossible stays impossible.")]

HELP = {
    Setting.RESERVE: "Set the part of the battery that is kept for outages.",
    Setting.MODE: "Set the mode of the battery.",
    Setting.STORM_WATCH: "Switch storm watch on or off.",
    Setting.EXPORT: "Set what may be exported to the grid.",
    Setting.GRID_CHARGING: "Allow or forbid charging the battery from the grid.",
    Setting.OFF_GRID_RESERVE: "Set the level above which cars charge during an outage.",
}
"""The help text of each setting with a plain value."""


def setter_of(spec: SettingSpec) -> Command:
    """The command that sets a setting with a plain value."""

    def command(
        settings: "Settings",
        *,
        value: Annotated[str, typer.Argument(help="The new value.", metavar=spec.values.form)],
        site: OneSite = None,
        dry_run: DryRun = False,
        yes: Yes = False,
        force: Force = False,
        as_json: Json = False,
    ) -> int:
        from flows.commands import Change
        from flows.errors import UsageError

        try:
            change = Change(spec, spec.values.parse(value))
        except ValueError as error:
            raise UsageError(f"{spec.name}: {error}") from None
        dialog = _Dialog(is_dry=dry_run, is_agreed=yes, is_forced=force, is_json=as_json)
        return dialog.run(settings, site, lambda *_: change)

    command.__name__ = f"set_{spec.name}"
    command.__doc__ = HELP[spec.name]
    return command


def set_tariff(
    settings: "Settings",
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A tariff as JSON or TOML; needed without --restore.", metavar=SETTINGS[Setting.TARIFF].values.form
        ),
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Put back the tariff that was replaced last.")] = False,
    site: OneSite = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Replace the tariff of a site. The present one is saved, and --restore puts it back."""
    from flows.commands import tariff_change, tariff_to_set
    from flows.console import note
    from flows.errors import UsageError
    from flows.tariffs import read_tariff_file
    from transform.tariffs import validate

    if (file is None) != restore:
        raise UsageError("give a tariff file, or --restore")
    document = None if file is None else read_tariff_file(file)[2]

    def change_of(session: "FetchSession", chosen: "Site") -> "Change":
        found = tariff_to_set(session.archive, chosen, document)
        for violation in validate(found):
            if not violation.is_error:
                note(str(violation))
        return tariff_change(found)

    dialog = _Dialog(is_dry=dry_run, is_agreed=yes, is_forced=force, is_json=as_json)
    return dialog.run(settings, site, change_of)


SETTERS: dict[str, Command] = {
    **{name: setter_of(SETTINGS[name]) for name in HELP},
    Setting.TARIFF: set_tariff,
}
"""The commands of the group, by name."""


class _Dialog:
    """Preview, question, and result of one change.

    Args:
        is_dry: Only the preview.
        is_agreed: Send it without a question.
        is_forced: Send it against advice.
        is_json: Print JSON.
    """

    def __init__(self, *, is_dry: bool, is_agreed: bool, is_forced: bool, is_json: bool) -> None:
        self._is_dry, self._is_agreed = is_dry, is_agreed
        self._is_forced, self._is_json = is_forced, is_json

    def run(self, settings: "Settings", site_id: int | None, change_of: Any) -> int:
        """Do it; returns the exit code.

        Args:
            settings: The settings.
            site_id: The site; None for the only one.
            change_of: Makes the change from the session and the site.
        """
        from flows.cli.tables.commands import print_preview, print_sent
        from flows.commands import check_scope, one_site, preview, save_replaced, send
        from flows.console import note
        from flows.data_directory import locked
        from flows.fetch_session import FetchSession
        from flows.interrupts import graceful
        from flows.orchestration.context import new_context
        from flows.stop_signal import StopSignal
        from wattlog.commands.intent import Origin

        self._check_options()
        context, stop = new_context(settings), StopSignal()
        with (
            locked(settings.data_dir, "set"),
            FetchSession(context, context.open_archive(), stop=stop) as session,
        ):
            if not self._is_dry:
                check_scope(session)
            site = one_site(session, site_id)
            planned = preview(session, site, change_of(session, site), Origin.CLI)
            if self._is_dry or not self._is_agreed:
                print_preview(planned, as_json=self._is_json)
            if self._is_dry:
                return 0
            if planned.is_set:
                note(f"site {site.site_id} has {planned.change.spec.name} {_short(planned)} already; nothing is sent")
                return self._print_unsent(planned)
            self._refuse(planned)
            if not self._is_agreed and not self._is_confirmed(session, planned):
                note("nothing is sent")
                return 1
            saved = save_replaced(settings, planned, context.run_id)
            if saved is not None:
                note(f"the present tariff is saved in {saved}; `wattlog set tariff --restore` puts it back")
            with graceful(stop):
                sent: Sent = send(session, planned, "set")
        print_sent(sent, as_json=self._is_json)
        return sent.exit_code

    def _check_options(self) -> None:
        """Refuse what could only end in a question that nothing answers.

        Raises:
            UsageError: There is no terminal, or it shows JSON.
        """
        from flows.errors import UsageError

        if self._is_dry or self._is_agreed:
            return
        if not sys.stdin.isatty():
            raise UsageError(
                "no terminal is there to ask at; give --yes to change the setting, or --dry-run to see how"
            )
        if self._is_json:
            raise UsageError("--json asks no question; give --yes to change the setting, or --dry-run to see how")

    def _is_confirmed(self, session: "FetchSession", planned: "Preview") -> bool:
        """Ask; an answer may take hours, so the setting must still have the value that was shown."""
        from flows.cli.question import is_to_be_sent
        from flows.cli.tables.commands import short
        from flows.commands import preview
        from flows.console import note

        if not is_to_be_sent():
            return False
        now = preview(session, planned.site, planned.change, planned.intent.origin).before.text
        if now != planned.before.text:
            note(f"{planned.change.spec.name} is {short(now)} by now, and no longer {short(planned.before.text)}")
        return now == planned.before.text

    def _print_unsent(self, planned: "Preview") -> int:
        from flows.cli.tables.commands import print_preview

        if self._is_json:
            print_preview(planned, as_json=True)
        return 0

    def _refuse(self, planned: "Preview") -> None:
        """Refuse what is impossible, and what is advised against without `--force`; print the rest.

        Raises:
            UsageError: The change is not sent.
        """
        from flows.commands import objections
        from flows.console import note
        from flows.errors import UsageError

        reasons = objections(planned, is_forced=self._is_forced)
        if reasons:
            raise UsageError(reasons[0])
        for remark in planned.remarks:
            note(remark.sentence)


def _short(planned: "Preview") -> str:
    from flows.cli.tables.commands import short

    return short(planned.change.text)
