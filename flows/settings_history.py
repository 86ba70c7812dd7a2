"""The settings and the commands of a site as one timeline, from the raw archive: it is current without a new warehouse."""

from extract.archive.raw_archive import ArchiveRecord, RawArchive
from flows.account import infos_seen
from transform.commands import commands_in
from transform.settings_history import SettingEvent, settings_timeline
from transform.sites import Site
from wattlog.series import Series


def settings_history(archive: RawArchive, site: Site) -> list[SettingEvent]:
    """What happened to the settings of a site, in order of time."""
    return settings_timeline(commands_in(command_records(archive, site.site_id)), infos_seen(archive, site.site_id))


def command_records(archive: RawArchive, site_id: int) -> list[ArchiveRecord]:
    """The records of all commands of a site, in order of time."""
    return list(archive.load_all(entry for entry in archive.entries(site_id) if entry.series == Series.COMMAND))
