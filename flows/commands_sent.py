"""The commands in the raw archive."""

from extract.archive.raw_archive import ArchiveRecord, RawArchive
from transform.commands import Command, commands_in
from wattlog.series_spec import Series


def command_records(archive: RawArchive, site_id: int) -> list[ArchiveRecord]:
    """The records of all commands to a site, in order of time."""
    return list(archive.load_all(entry for entry in archive.entries(site_id) if entry.series == Series.COMMAND))


def commands_sent(archive: RawArchive, site_id: int) -> list[Command]:
    """The commands to a site, by their ids."""
    return commands_in(command_records(archive, site_id))
