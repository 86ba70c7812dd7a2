"""`wattlog logout`."""

from typing import TYPE_CHECKING

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def logout(settings: "Settings", *, as_json: Json = False) -> None:
    """Delete the stored tokens."""
    from flows.console import note, print_json
    from flows.credentials import forget_login

    places = forget_login(settings)
    if as_json:
        print_json({"forgotten": places})
    else:
        note("; ".join(f"deleted the tokens in: {place}" for place in places) or "no tokens were stored")
    for name in ("access_token", "refresh_token"):
        if getattr(settings, name) is not None:
            note(f"WATTLOG_{name.upper()} is still set; unset it, too")
