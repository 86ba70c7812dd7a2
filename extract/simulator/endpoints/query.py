"""The request that an endpoint gets, the error that it can raise, and fields that several responses share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from extract.simulator.anomalies.anomaly import RequestTiming
from extract.simulator.local_day import local_date, offset_s
from extract.simulator.site import SerialStyle, SiteSpec, ZoneMode
from extract.simulator.table import Table
from extract.simulator.truth.site_truth import Truth
from extract.simulator.worlds.world import World
from wattlog.zones import Zone

NOT_AN_IANA_NAME = "America/Pacific"
"""A zone name that the API has returned, and that is in no time-zone database. Source: Q8."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class ApiError(Exception):
    """An error response.

    Attributes:
        status: HTTP status.
        error: `error` of the envelope.
        description: `error_description` of the envelope.
    """

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description

    @property
    def envelope(self) -> dict[str, str | None]:
        """The body. Source: API.md#login."""
        return {"response": None, "error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Query:
    """One request about one site.

    Attributes:
        world: The account.
        truth: What happened at the site.
        params: Query parameters, decoded; an unencoded `+` has become a space.
        now: The simulator's current instant, UTC.
        repeat: Number of earlier requests that were identical.
    """

    world: World
    truth: Truth
    params: Mapping[str, str]
    now: datetime
    repeat: int = 0

    @property
    def spec(self) -> SiteSpec:
        """The site."""
        return self.truth.spec

    @property
    def present_spec(self) -> SiteSpec:
        """The site with the equipment that it has now."""
        return self.spec.on(local_date(self.spec.zone, int(self.now.timestamp())))

    @property
    def clock(self) -> tzinfo:
        """The time zone in which the server divides time into days: the site's zone, or the offset in force now (Q7)."""
        return server_clock(self.spec, self.now)

    @property
    def timing(self) -> RequestTiming:
        """Instant, repetition, and requested day of this request, for anomalies."""
        end = self.instant("end_date")
        requested_day = None if end is None else local_date(self.clock, int(end.timestamp()))
        return RequestTiming(self.now, self.repeat, requested_day)

    @property
    def days_before(self) -> int:
        """How many days before the requested ones the response has, too."""
        return max((anomaly.days_before(self.timing) for anomaly in self.spec.anomalies), default=0)

    def rows_of(self, table: Table) -> list[object]:
        """The rows of a table, with the anomalies of the site applied."""
        for anomaly in self.spec.anomalies:
            table = anomaly.apply(table, self.timing)
        rows: list[object] = list(table.render())
        for anomaly in self.spec.anomalies:
            rows = anomaly.rewrite(rows, table, self.timing)
        return rows

    def instant(self, name: str) -> datetime | None:
        """A parameter that is an RFC 3339 instant with an offset; None if it was not sent.

        Raises:
            ApiError: 400, the parameter is not such an instant.
        """
        text = self.params.get(name)
        if text is None:
            return None
        if _RFC3339.fullmatch(text):
            try:
                return datetime.fromisoformat(text).astimezone(UTC)
            except (ValueError, OverflowError) as error:
                raise _bad_instant(name, text) from error
        raise _bad_instant(name, text)


def _bad_instant(name: str, text: str) -> ApiError:
    return ApiError(400, f'parsing time "{text}": {name} must be RFC 3339 with an offset')


def server_clock(spec: SiteSpec, now: datetime) -> tzinfo:
    """The clock by which the server divides time into days at the instant of a request.

    That is the site's zone, or one that was set before it; for a fixed-offset site, the offset in force (Q7) or its own.
    """
    if spec.zone_mode is ZoneMode.FIXED_OFFSET:
        return timezone(timedelta(minutes=_offset_minutes(spec, now)))
    return Zone(_zone_name(spec, now))


def _zone_name(spec: SiteSpec, now: datetime) -> str:
    """The zone that the server has for a site at an instant."""
    return next((zone.time_zone for zone in spec.earlier_zones if now < zone.until), spec.time_zone)


def _offset_minutes(spec: SiteSpec, now: datetime) -> int:
    """Minutes from UTC that the server has for a site at an instant."""
    if spec.fixed_offset_minutes is not None:
        return spec.fixed_offset_minutes
    return offset_s(spec.zone, int(now.timestamp())) // 60


def zone_fields(spec: SiteSpec, now: datetime, mode: ZoneMode | None = None) -> dict[str, str | int]:
    """The zone in a response: a name, no field, an empty string, an invalid name, or minutes from UTC (Q7, Q8).

    Args:
        spec: The site.
        now: The instant of the request.
        mode: How the response gives the zone; None: as the history does.
    """
    match mode or spec.zone_mode:
        case ZoneMode.NAMED:
            return {"installation_time_zone": _zone_name(spec, now)}
        case ZoneMode.MISSING:
            return {}
        case ZoneMode.EMPTY:
            return {"installation_time_zone": ""}
        case ZoneMode.NOT_IANA:
            return {"installation_time_zone": NOT_AN_IANA_NAME}
        case ZoneMode.FIXED_OFFSET:
            return {"time_zone_offset": _offset_minutes(spec, now)}


def serial_fields(spec: SiteSpec) -> dict[str, str]:
    """The serial number in a response: given, empty, or missing (Q39)."""
    match spec.serial_style:
        case SerialStyle.GIVEN:
            return {"serial_number": serial_number(spec)}
        case SerialStyle.EMPTY:
            return {"serial_number": ""}
        case SerialStyle.MISSING:
            return {}


def connector_din(spec: SiteSpec, connector: int) -> str:
    """Device identification number of a wall connector, derived from the site id."""
    return f"1457768-02-G--SIM{spec.site_id % 10**6:06d}{connector:02d}"


def serial_number(spec: SiteSpec) -> str:
    """Serial number of the gateway, derived from the site id."""
    return f"1232100-00-E--SIM{spec.site_id % 10**9:09d}"
