"""Histories that a server has, downloaded as files: what it answers, byte for byte, by month or year.

A past month has the same answer each time, so importing from a server again brings the new months alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from extract.services.errors import ServiceRefused
from extract.services.home_assistant import HomeAssistant, logged_in
from extract.services.http import Service
from extract.services.influxdb import InfluxDB
from flows.errors import UsageError
from flows.service_secrets import LONG_LIVED, check_address, needed_secret, secret_of
from flows.settings import Settings
from transform.imports.home_assistant import OWN_PREFIX
from transform.imports.mapping import UNITS
from transform.imports.powerwall_dashboard import MEASUREMENT, POLICIES
from wattlog.series_spec import Series

SCHEMES: Final = ("http://", "https://", "ws://", "wss://")
INFLUXDB: Final = "influxdb"
"""The name of the secret: `USER:PASSWORD`."""

HOME_ASSISTANT: Final = "home-assistant"
"""The name of the secret: a long-lived access token."""

DATABASE: Final = "powerwall"
_BY_YEAR: Final = frozenset({"kwh"})
_WHOLE: Final = frozenset({"daily"})
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Report = Callable[[str], None]
"""Takes a line about the progress."""


def is_address(text: str) -> bool:
    """Whether what is to be imported is the address of a server."""
    return text.startswith(SCHEMES)


@contextmanager
def downloaded(
    address: str, series: Series | None, settings: Settings, *, now: datetime, report: Report
) -> Iterator[tuple[Path, str]]:
    """A folder with the files of a server's history, and its name; the folder is removed afterwards.

    Args:
        address: The address of the server; of InfluxDB with the database after it, `powerwall` if it has none.
        series: The format; None to find out what the server is.
        settings: The settings, which have the secrets.
        now: The present instant.
        report: Called for each part of the history.

    Raises:
        UsageError: The server is neither, or a secret is missing or must not be sent.
        ServiceError: The server cannot be reached, or refuses a request.
    """
    parts = urlsplit(address)
    if "@" in parts.netloc:
        raise UsageError("write no password into the address; set WATTLOG_SECRET_INFLUXDB=USER:PASSWORD")
    server = f"{parts.scheme}://{parts.netloc}"
    kind = series or _kind_of(server)
    with TemporaryDirectory(prefix="wattlog-") as folder:
        if kind is Series.IMPORT_POWERWALL_DASHBOARD:
            database = parts.path.strip("/") or DATABASE
            credentials = secret_of(settings, INFLUXDB)
            check_address(settings, server, credentials)
            _download_influxdb(InfluxDB.at(server, database, credentials=credentials), Path(folder), now, report)
            yield Path(folder), f"{parts.netloc} {database}"
        elif kind is Series.IMPORT_HOME_ASSISTANT:
            token = needed_secret(settings, HOME_ASSISTANT, LONG_LIVED)
            check_address(settings, address, token)
            with logged_in(address, token) as connection:
                _download_home_assistant(connection, Path(folder), now, report)
            yield Path(folder), parts.netloc
        else:
            raise UsageError(f"{series} is no format of a server; there are powerwall_dashboard and home_assistant")


def _kind_of(server: str) -> Series:
    """What a server is."""
    if server.startswith(("ws://", "wss://")):
        return Series.IMPORT_HOME_ASSISTANT
    service = Service("the server", server)
    try:
        if "x-influxdb-version" in service.request("GET", "/ping").headers:
            return Series.IMPORT_POWERWALL_DASHBOARD
    except ServiceRefused as error:
        if error.status != httpx.codes.NOT_FOUND:
            raise
    try:
        service.request("GET", "/api/")
    except ServiceRefused as error:
        if error.status == httpx.codes.UNAUTHORIZED:
            return Series.IMPORT_HOME_ASSISTANT
    raise UsageError(
        f"{server} is neither InfluxDB nor Home Assistant; if it is, say --format powerwall_dashboard or home_assistant"
    )


# --- InfluxDB ---------------------------------------------------------------------------------------------------------


def _download_influxdb(database: InfluxDB, folder: Path, now: datetime, report: Report) -> None:
    try:
        existing = database.policies()
    except ValueError as error:
        raise UsageError(str(error)) from None
    for policy in (name for name in POLICIES if name in existing):
        span = database.span(policy, MEASUREMENT)
        if span is None:
            continue
        report(f"retention policy {policy}: {span[0]:%Y-%m} to {span[1]:%Y-%m}")
        (folder / policy).mkdir()
        # An hour that is not over has a point already.
        until = min(span[1], now - _HOUR) if policy in _BY_YEAR else span[1]
        for name, begin, end in _stretches(policy, span[0], until):
            target = folder / policy / f"{name}.csv"
            if database.download(policy, MEASUREMENT, begin, end, target) == 0:
                target.unlink()


def _stretches(policy: str, first: datetime, last: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The stretches of time that a file has each: name, beginning, end. Only the last may end before its period does."""
    after_last = last.replace(microsecond=0) + timedelta(seconds=1)
    if policy in _WHOLE:
        yield policy, first, after_last
        return
    step, form = (12, "%Y") if policy in _BY_YEAR else (1, "%Y-%m")
    begin = datetime(first.year, 1 if step > 1 else first.month, 1, tzinfo=UTC)
    while begin < after_last:
        end = _months_later(begin, step)
        yield begin.strftime(form), begin, min(end, after_last)
        begin = end


def _months_later(month: datetime, count: int) -> datetime:
    index = month.year * 12 + month.month - 1 + count
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


# --- Home Assistant ---------------------------------------------------------------------------------------------------


def _download_home_assistant(connection: HomeAssistant, folder: Path, now: datetime, report: Report) -> None:
    """The hours of all statistics of energy, by month; each file begins with the hour before, from which counters grow."""
    listed = connection.call("recorder/list_statistic_ids", statistic_type="sum")
    ids = sorted(str(found["statistic_id"]) for found in listed if _is_energy(found))
    if not ids:
        raise UsageError("Home Assistant has no statistics of energy")
    months = connection.call(
        "recorder/statistics_during_period",
        start_time=_EPOCH.isoformat(),
        statistic_ids=ids,
        period="month",
        types=["sum"],
        units={"energy": "kWh"},
    )
    starts = [row["start"] for rows in months.values() for row in rows]
    if not starts:
        raise UsageError("the statistics of energy of Home Assistant have no hours")
    first = datetime.fromtimestamp(min(starts) / 1000, UTC)
    report(f"{len(ids)} statistics of energy since {first:%Y-%m}")
    month = datetime(first.year, first.month, 1, tzinfo=UTC)
    while month <= now:
        end = _months_later(month, 1)
        answer = connection.answer(
            "recorder/statistics_during_period",
            message_id=month.year * 12 + month.month,  # it is in the answer, which is to be the same each time
            start_time=(month - _HOUR).isoformat(),
            end_time=end.isoformat(),
            statistic_ids=ids,
            period="hour",
            types=["sum"],
            units={"energy": "kWh"},
        )
        if b'"sum":' in answer:
            (folder / f"{month:%Y-%m}.json").write_bytes(answer)
        month = end


def _is_energy(listed: dict[str, Any]) -> bool:
    """Whether a statistic is of energy, and not one that wattlog itself has written."""
    unit = listed.get("statistics_unit_of_measurement") or listed.get("unit_of_measurement")
    return unit in UNITS and unit.endswith("Wh") and not str(listed["statistic_id"]).startswith(OWN_PREFIX)
