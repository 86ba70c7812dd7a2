"""What importing commands share: keep files, then make lake and warehouse from the archive."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extract.archive.imported import ImportedFile
    from extract.archive.raw_archive import RawArchive
    from flows.settings import Settings
    from transform.sites import Site

FilesFor = Callable[["RawArchive", "Site"], "list[ImportedFile]"]


def import_files(settings: "Settings", site_id: int, files_for: FilesFor, command: str) -> bool:
    """Keep the files for a site and publish what follows from them; returns whether there were any.

    Args:
        settings: The settings.
        site_id: The site.
        files_for: Gives the files to keep; none where they are stored already.
        command: The command, for the ledger.

    Raises:
        UsageError: The site is not on the account.
    """
    from flows.account import choose, known_sites
    from flows.console import progress_to_console
    from flows.data_directory import locked
    from flows.executors.choice import ExecutorChoice, open_executor
    from flows.imports import keep
    from flows.orchestration.context import new_context
    from flows.pipeline import reconcile
    from flows.stop_signal import StopSignal

    context, stop = new_context(settings), StopSignal()
    with locked(settings.data_dir, command):
        archive = context.open_archive()
        (site,) = choose(known_sites(archive, settings.site_timezones), [site_id])
        files = files_for(archive, site)
        if not files:
            return False
        keep(archive, [(file, site.zone) for file in files], context, command)
        with progress_to_console() as progress, open_executor(ExecutorChoice(), context, stop) as executor:
            reconcile(context, executor, stop=stop, progress=progress)
    return True
