"""InfluxDB: points by line protocol, tagged `source=wattlog` and `site=…`; a month that changed is deleted and written anew."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import duckdb
import numpy as np

from extract.api.client import Clock, utc_now
from extract.services.errors import ServiceRefused
from extract.services.influxdb import InfluxBucket, InfluxDB
from flows.deliveries.hours import amounts_left_out
from flows.deliveries.influx_points import HTTP, SOURCE, Points, points_of
from flows.deliveries.target import Part, Target, digest_of
from flows.errors import UsageError
from flows.publish_settings import InfluxSchema, TargetSettings

LINES: Final = 5_000
"""Points of a request: what InfluxDB advises."""

Writer = InfluxDB | InfluxBucket


class InfluxTarget(Target):
    """A database.

    Args:
        writer: The database.
        settings: The target.
        name: Its name.
        clock: Returns the present instant.
    """

    def __init__(self, writer: Writer, settings: TargetSettings, name: str, clock: Clock = utc_now) -> None:
        self.key = f"influxdb {settings.address.rstrip('/')} {settings.database} {settings.layout}"
        self.name = name
        self._writer, self._layout, self._clock = writer, settings.layout, clock
        self._points: dict[int, list[Points]] = {}
        self._is_ready = False

    def parts(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[Part]:
        """See `Target`."""
        found = points_of(connection, site_id, self._layout, self._clock())
        self._points[site_id] = found
        months = sorted({str(month) for points in found for month in np.unique(points.months())})
        return [self._part(site_id, month) for month in months]

    def _part(self, site_id: int, month: str) -> Part:
        contents: list[str | np.ndarray] = []
        rows = 0
        for points in self._of_month(site_id, month):
            contents += [points.policy, points.measurement, points.seconds]
            for name, values in points.fields.items():
                contents += [name, values]
            rows += len(points.seconds)
        return Part(site_id, month, digest_of(*contents), rows)

    def _of_month(self, site_id: int, month: str) -> list[Points]:
        return [points.taken(points.months() == month) for points in self._points[site_id]]

    def send(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> Iterator[Part]:
        """See `Target`."""
        del connection
        self._prepare()
        for part in parts:
            self._delete(part.site_id, part.month)
            for points in self._of_month(part.site_id, part.month):
                lines = list(self._without_others(points, part.month).lines(part.site_id))
                for first in range(0, len(lines), LINES):
                    self._writer.write(points.policy, lines[first : first + LINES])
            yield part

    def left_out(self, connection: duckdb.DuckDBPyConnection, site_id: int) -> Sequence[str]:
        """See `Target`."""
        return amounts_left_out(connection, site_id) if self._layout is InfluxSchema.WATTLOG else ()

    def _prepare(self) -> None:
        """Make database and policies where they are missing."""
        if not self._is_ready and isinstance(self._writer, InfluxDB):
            policies = ("kwh", "daily") if self._layout is InfluxSchema.POWERWALL_DASHBOARD else ()
            try:
                existing = self._writer.policies()
            except ServiceRefused as error:
                if "database not found" not in error.detail:
                    raise
                existing = []
            if not existing or not set(policies) <= set(existing):
                self._writer.create(policies)
        self._is_ready = True

    def _without_others(self, points: Points, month: str) -> Points:
        """Without hours and days that the dashboard itself has: its boards add up all points."""
        if self._layout is not InfluxSchema.POWERWALL_DASHBOARD or not isinstance(self._writer, InfluxDB):
            return points
        begin, end = _bounds(month)
        policy, step_s = ("daily", 1) if points.policy == "daily" else ("kwh", 3600)
        taken = np.array(self._writer.times_without(policy, HTTP, "source", begin, end), dtype=np.int64)
        return points.taken(~np.isin(points.seconds // step_s, taken // step_s))

    def withdraw(self, site_id: int, months: Sequence[str]) -> bool:
        """See `Target`."""
        for month in months:
            self._delete(site_id, month)
        return False

    def _delete(self, site_id: int, month: str) -> None:
        begin, end = _bounds(month)
        tags = {"source": SOURCE, "site": str(site_id)}
        for policy, measurement in self._measurements():
            if isinstance(self._writer, InfluxBucket):
                self._writer.delete(measurement, tags, begin, end, policy)
            else:
                self._writer.delete(measurement, tags, begin, end)

    def _measurements(self) -> list[tuple[str, str]]:
        """Policy and measurement of all points; for 1.x a measurement once, since it deletes from every policy."""
        if self._layout is InfluxSchema.WATTLOG:
            return [("", f"wattlog_{name}") for name in ("power", "soe", "hours", "days")]
        policies = ("autogen", "kwh", "daily") if isinstance(self._writer, InfluxBucket) else ("",)
        return [(policy, HTTP) for policy in policies]


def _bounds(month: str) -> tuple[datetime, datetime]:
    """The first instant of a month, UTC, and that of the next one."""
    year, number = int(month[:4]), int(month[5:])
    following = year * 12 + number
    return datetime(year, number, 1, tzinfo=UTC), datetime(following // 12, following % 12 + 1, 1, tzinfo=UTC)


def writer_of(target: TargetSettings, secret: str | None) -> Writer:
    """The database of a target.

    Raises:
        UsageError: Its name cannot be used.
    """
    if target.version == 1:
        if not target.database.replace("_", "a").isalnum():
            raise UsageError(f"{target.database!r} is not a database of letters, digits and underscores")
        return InfluxDB.at(target.address, target.database, credentials=secret)
    return InfluxBucket.at(target.address, target.database, org=target.org, version=target.version, token=secret)
