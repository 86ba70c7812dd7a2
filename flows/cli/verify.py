"""`wattlog verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def verify(
    settings: "Settings",
    *,
    download: Annotated[bool, typer.Option("--download", help="Read every object of a store.")] = False,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Give up what the archive has lost; the next backfill requests it again."),
    ] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Remove tokens and other secrets from the raw archive first.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Check archive, lake, warehouse, and object store. The exit code is 1 if anything is wrong."""
    from extract.api.client import utc_now
    from flows import verification
    from flows.cli.tables.problems import print_problems
    from flows.console import note
    from flows.credentials import protect_stored
    from flows.data_directory import locked
    from flows.errors import ExitCode
    from flows.object_store.manifest import verify_store
    from flows.orchestration.context import new_context
    from wattlog import checked_lines, zones

    now, context = utc_now(), new_context(settings)
    with locked(settings.data_dir, "verify"):
        protect_stored(settings)
        archive = context.open_archive()
        if accept_loss:
            verification.accept_losses(archive, now)
        if redact:
            verification.redact(settings, archive)
        found = verification.secrets_in(settings.data_dir)
        found += verification.problems(context, archive)
        found += [
            verification.Problem("store", mismatch.where, mismatch.what)
            for mismatch in verify_store(settings, has_download=download)
        ]
        print_problems(found, as_json=as_json)
        for path, _ in list(checked_lines.unreported(archive.root)):
            checked_lines.mark_reported(path)
    if zones.is_older_than_a_year(now):
        note(
            f"the time zone database is {zones.VERSION}, more than a year old; clocks may have changed since: "
            "run `pip install --upgrade tzdata`, then `wattlog rebuild`"
        )
    if found:
        return ExitCode.INCOMPLETE
    note("raw, lake and warehouse are sound")
    return ExitCode.OK
