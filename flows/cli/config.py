"""`wattlog config`."""

from flows.console import print_json, print_pairs
from flows.settings import Settings


def config(settings: Settings, *, as_json: bool) -> None:
    """Print every setting with the name of its environment variable; secrets are masked by their type."""
    values = {f"WATTLOG_{name.upper()}": value for name, value in settings.model_dump(mode="json").items()}
    if as_json:
        print_json(values)
        return
    print_pairs((name, "" if value is None else str(value)) for name, value in values.items())
