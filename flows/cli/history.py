"""`wattlog history`: what happened to the settings of a site."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Sites
from wattlog.commands.settings import Setting

if TYPE_CHECKING:
    from flows.settings import Settings


def history_settings(settings: "Settings", *, site: Sites = None, as_json: Json = False) -> None:
    """List every change of a setting: by wattlog, and by the app or the utility."""
    from flows.account import choose, known_sites
    from flows.cli.tables.commands import event_as_dict, print_history
    from flows.console import print_json
    from flows.data_directory import locked
    from flows.orchestration.context import new_context
    from flows.settings_history import settings_history

    context = new_context(settings)
    with locked(settings.data_dir, "history settings"):
        archive = context.open_archive()
        found = [
            (chosen, event)
            for chosen in choose(known_sites(archive, settings.site_timezones), site or ())
            for event in settings_history(archive, chosen)
        ]
    if as_json:
        print_json([event_as_dict(chosen, event) for chosen, event in found])
    else:
        print_history(found)


def history_effects(
    settings: "Settings",
    *,
    site: Sites = None,
    setting: Annotated[
        list[Setting] | None, typer.Option("--setting", help="Only this setting; repeat for more.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what differs before and after each change of a setting, or why that is not known."""
    from flows.cli.tables.effects import print_effects, stored_effects
    from flows.console import print_json
    from wattlog.names import DataDirectory

    found = stored_effects(DataDirectory(settings.data_dir).warehouse, site or (), setting or ())
    if as_json:
        print_json(found)
    else:
        print_effects(found)
