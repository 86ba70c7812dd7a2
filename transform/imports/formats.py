"""Every format of imported histories, in the order in which they are tried; a new one is added here and in `wattlog.series`."""

from typing import Final

from transform.imports.files import Format, Sample
from transform.imports.home_assistant import HOME_ASSISTANT
from transform.imports.mapped import MAPPED
from transform.imports.powerwall_dashboard import POWERWALL_DASHBOARD
from transform.imports.pypowerwall_server import PYPOWERWALL_SERVER
from transform.imports.solar_download import SOLAR_DOWNLOAD
from transform.imports.tesla_app import TESLA_APP
from wattlog.series_spec import Series

FORMATS: Final[dict[Series, Format]] = {
    found.series: found
    for found in (TESLA_APP, SOLAR_DOWNLOAD, POWERWALL_DASHBOARD, PYPOWERWALL_SERVER, HOME_ASSISTANT, MAPPED)
}
"""Series → its format. The one with a mapping is only used where an owner gives one."""


def recognised(sample: Sample) -> Format | None:
    """The format of a file, by its content; None where it is of none."""
    for found in FORMATS.values():
        if found is not MAPPED and found.recognises(sample):
            return found
    return None
