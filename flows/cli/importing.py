"""What importing commands share: keep files, then make lake and warehouse from the archive."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extract.archive.imported import ImportedFile
    from extract.archive.raw_archive import RawArchive
    from flows.run_context import RunContext
    from flows.settings import Settings
    from transform.sites import Site

FilesFor = Callable[["RawArchive", "Site"], "list[ImportedFile]"]
SitesOf = Callable[["Sequence[Site]"], "Sequence[Site]"]


def site_of(site_id: int) -> SitesOf:
    """Chooses one site of the account.

    Raises:
        UsageError: When it is used: the site is not on the account.
    """

    def chosen(sites: "Sequence[Site]") -> "Sequence[Site]":
        from flows.account import choose

        return choose(sites, [site_id])

    return chosen


def import_files(settings: "Settings", sites_of: SitesOf, files_for: FilesFor, command: str) -> bool:
    """Keep the files for some sites and publish what follows from them; returns whether there were any.

    Args:
        settings: The settings.
        sites_of: Chooses the sites among those of the account.
        files_for: Gives the files to keep for one of them; none where they are stored already.
        command: The command, for the ledger.

    Raises:
        UsageError: No site of the account is meant.
    """
    from flows.account import known_sites
    from flows.data_directory import locked
    from flows.imports import keep
    from flows.orchestration.context import new_context

    context = new_context(settings)
    with locked(settings.data_dir, command):
        archive = context.open_archive()
        sites = sites_of(known_sites(archive, settings.site_timezones))
        files = [(file, site.zone) for site in sites for file in files_for(archive, site)]
        if not files:
            return False
        keep(archive, files, context, command)
        publish_imports(context)
    return True


def publish_imports(context: "RunContext", *, is_quiet: bool = False) -> None:
    """Make lake and warehouse from the archive, in the locked data directory.

    Args:
        context: The run that imported.
        is_quiet: No progress is shown.
    """
    from flows.console import progress_to_console
    from flows.executors.choice import ExecutorChoice, open_executor
    from flows.pipeline import reconcile
    from flows.stop_signal import StopSignal

    stop = StopSignal()
    with progress_to_console(is_quiet=is_quiet) as progress, open_executor(ExecutorChoice(), context, stop) as executor:
        reconcile(context, executor, stop=stop, progress=progress)
