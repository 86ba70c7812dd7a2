"""`wattlog config`."""

from typing import TYPE_CHECKING

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def config(settings: "Settings", *, as_json: Json = False) -> None:
    """Show the settings in force, secrets masked."""
    from flows.console import print_json, print_pairs

    values = {f"WATTLOG_{name.upper()}": value for name, value in settings.model_dump(mode="json").items()}
    if as_json:
        print_json(values)
        return
    print_pairs((name, "" if value is None else str(value)) for name, value in values.items())
