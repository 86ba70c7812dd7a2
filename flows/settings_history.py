"""The settings and the commands of a site as one timeline, from the raw archive: it is current without a new warehouse."""

from extract.archive.raw_archive import RawArchive
from flows.account import infos_seen
from flows.commands_sent import commands_sent
from transform.settings_history import SettingEvent, settings_timeline
from transform.sites import Site


def settings_history(archive: RawArchive, site: Site) -> list[SettingEvent]:
    """What happened to the settings of a site, in order of time."""
    return settings_timeline(commands_sent(archive, site.site_id), infos_seen(archive, site.site_id))
