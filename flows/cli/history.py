"""`wattlog history`: what happened to the settings of a site."""

from typing import TYPE_CHECKING

from flows.cli.options import Json, Sites

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
