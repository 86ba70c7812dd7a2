"""The records and requests of a command: the intent, the request that sets a value, and the one that reads it back.

All of them belong to the UTC day of the intent, so that the raw archive has them in one segment. A site_info that is read back
is one like any other: table `site_settings` uses it as well.
"""

from datetime import UTC, datetime

from extract.archive.record import Response
from extract.requests import Request, site_info
from extract.windows import Window, window
from wattlog.api_json import write
from wattlog.commands.intent import Intent
from wattlog.series_spec import Series

POST = "POST"


def day_of(now: datetime) -> Window:
    """The UTC day of an intent, as the window of all records of its command."""
    day = now.astimezone(UTC).date()
    return window(day, day, UTC, today=day)


def intent_record(site_id: int, intent: Intent, now: datetime) -> Response:
    """The record of an intent; it has no request."""
    request = Request(site_id, Series.COMMAND, intent.record_path, window=day_of(now))
    return Response(request, now, 0.0, 1, 200, {}, intent.to_json(), "data")


def setting_request(site_id: int, intent: Intent, day: Window) -> Request:
    """The request that sets the value of an intent."""
    return Request(site_id, Series.COMMAND, intent.path, window=day, method=POST, body=write(intent.body))


def read_back_request(site_id: int, day: Window) -> Request:
    """The request that reads a setting back."""
    return Request(site_id, Series.COMMAND, site_info(site_id).path, window=day)
