"""The commands in the raw archive."""

from extract.archive.raw_archive import RawArchive
from transform.commands import Command, commands_in
from wattlog.series import Series


def commands_sent(archive: RawArchive, site_id: int) -> list[Command]:
    """The commands to a site, by their ids."""
    entries = (entry for entry in archive.entries(site_id) if entry.series == Series.COMMAND)
    return commands_in(list(archive.load_all(entries)))
