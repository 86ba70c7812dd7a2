"""InfluxDB over HTTP: what a database of 1.x has, and line protocol written to 1.x, 2.x and 3.

Source: InfluxDB 1.8, 2.7 and 3 Core, their pages about the HTTP API.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any, Final

import httpx
import orjson

from extract.services.errors import ServiceRefused, ServiceUnavailable
from extract.services.http import Service

_CSV: Final = {"Accept": "application/csv"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# InfluxQL binds values, and no names; `quoted` refuses a name with any other character.
_END: Final = Template("SELECT * FROM $source ORDER BY time $order LIMIT 1")
_POINTS: Final = Template("SELECT * FROM $source WHERE $where")
_DELETE: Final = Template("DELETE FROM $measurement WHERE $where")


@dataclass(frozen=True, slots=True)
class InfluxDB:
    """A database of a server.

    Attributes:
        service: The server.
        database: Name of the database.
    """

    service: Service
    database: str

    @classmethod
    def at(
        cls, url: str, database: str, *, credentials: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> "InfluxDB":
        """The database of a server.

        Args:
            url: The address of the server.
            database: Name of the database.
            credentials: `USER:PASSWORD`; None where the server asks for none.
            transport: Replaces the network in tests.
        """
        user, _, password = (credentials or "").partition(":")
        auth = (user, password) if credentials is not None else None
        return cls(Service("InfluxDB", url, auth=auth, transport=transport), database)

    def policies(self) -> list[str]:
        """The retention policies of the database.

        Raises:
            ServiceUnavailable: No answer came.
            ServiceRefused: There is no such database, or the credentials are wrong.
        """
        return self._column("name", f"SHOW RETENTION POLICIES ON {quoted(self.database)}")

    def span(self, policy: str, measurement: str) -> tuple[datetime, datetime] | None:
        """When the first and the last point of a measurement are; None where there is none."""
        source = self._source(policy, measurement)
        ends = []
        for order in ("ASC", "DESC"):
            times = self._times(_END.substitute(source=source, order=order))
            if not times:
                return None
            ends.append(datetime.fromtimestamp(times[0], UTC))
        return ends[0], ends[1]

    def download(self, policy: str, measurement: str, begin: datetime, end: datetime, target: Path) -> int:
        """Write the points of a time as CSV, times in milliseconds; returns how many bytes there are, 0 without a point.

        Args:
            policy: The retention policy.
            measurement: The measurement.
            begin: The first instant.
            end: The instant after the last one.
            target: The file to write.
        """
        query = _POINTS.substitute(source=self._source(policy, measurement), where=_within(begin, end))
        return self.service.download("/query", target, params={"q": query, "epoch": "ms"}, headers=_CSV)

    def times_without(self, policy: str, measurement: str, tag: str, begin: datetime, end: datetime) -> list[int]:
        """When the points of a time without a tag are, seconds since 1970.

        Args:
            policy: The retention policy.
            measurement: The measurement.
            tag: The tag that they lack.
            begin: The first instant.
            end: The instant after the last one.
        """
        where = f"{quoted(tag)} = '' AND {_within(begin, end)}"
        return self._times(_POINTS.substitute(source=self._source(policy, measurement), where=where))

    def create(self, policies: Iterable[str]) -> None:
        """Create the database, and retention policies that keep points for ever, where they are missing."""
        self._change(f"CREATE DATABASE {quoted(self.database)}")
        existing = self.policies()
        for policy in (name for name in policies if name not in existing):
            self._change(
                f"CREATE RETENTION POLICY {quoted(policy)} ON {quoted(self.database)} DURATION INF REPLICATION 1"
            )

    def write(self, policy: str, lines: Sequence[str]) -> None:
        """Write points; they are stored when this returns.

        Args:
            policy: The retention policy.
            lines: Line protocol, times in seconds.
        """
        params = {"db": self.database, "rp": policy, "precision": "s"}
        self.service.request("POST", "/write", params=params, content="\n".join(lines))

    def delete(self, measurement: str, tags: Mapping[str, str], begin: datetime, end: datetime) -> None:
        """Delete the points of a time that have some tags, in every retention policy."""
        conditions = [f"{quoted(name)} = '{_plain(value)}'" for name, value in tags.items()]
        where = " AND ".join([*conditions, _within(begin, end)])
        self._change(_DELETE.substitute(measurement=quoted(measurement), where=where))

    def _change(self, statement: str) -> None:
        response = self.service.request("POST", "/query", params={"db": self.database}, data={"q": statement})
        self._result(response)

    def _source(self, policy: str, measurement: str) -> str:
        return ".".join(map(quoted, (self.database, policy, measurement)))

    def _times(self, query: str) -> list[int]:
        try:
            return [int(text) for text in self._column("time", query)]
        except ValueError:
            raise self._unreadable() from None

    def _column(self, name: str, query: str) -> list[str]:
        """The values of a column of the answer to a query."""
        result = self._result(self.service.request("GET", "/query", params={"q": query, "epoch": "s"}))
        try:
            return [
                str(values[series["columns"].index(name)])
                for series in result.get("series", ())
                for values in series["values"]
            ]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise self._unreadable() from None

    def _result(self, response: httpx.Response) -> dict[str, Any]:
        try:
            (result,) = orjson.loads(response.content)["results"]
            found = dict(result)
        except (KeyError, TypeError, ValueError):
            raise self._unreadable() from None
        if "error" in found:
            raise ServiceRefused(self.service.name, response.status_code, str(found["error"]))
        return found

    def _unreadable(self) -> ServiceUnavailable:
        return ServiceUnavailable(self.service.name, "its answer is not that of InfluxDB 1.x")


@dataclass(frozen=True, slots=True)
class InfluxBucket:
    """A bucket of InfluxDB 2.x, or a database of InfluxDB 3: points are written, and in 2.x deleted.

    Attributes:
        service: The server.
        bucket: Name of the bucket or database. A retention policy of 1.x is another bucket, `NAME/POLICY`.
        org: The organisation of 2.x.
        version: 2 or 3.
    """

    service: Service
    bucket: str
    org: str
    version: int

    @classmethod
    def at(
        cls,
        url: str,
        bucket: str,
        *,
        org: str,
        version: int,
        token: str | None,
        transport: httpx.BaseTransport | None = None,
    ) -> "InfluxBucket":
        """A bucket of a server; see `InfluxDB.at`."""
        scheme = "Token" if version == 2 else "Bearer"
        headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
        return cls(Service("InfluxDB", url, headers=headers, transport=transport), bucket, org, version)

    def write(self, policy: str, lines: Sequence[str]) -> None:
        """Write points; see `InfluxDB.write`."""
        body = "\n".join(lines)
        if self.version == 2:
            params = {"org": self.org, "bucket": self._bucket_of(policy), "precision": "s"}
            self.service.request("POST", "/api/v2/write", params=params, content=body)
        else:
            params = {"db": self._bucket_of(policy), "precision": "second"}
            self.service.request("POST", "/api/v3/write_lp", params=params, content=body)

    def delete(
        self, measurement: str, tags: Mapping[str, str], begin: datetime, end: datetime, policy: str = ""
    ) -> None:
        """Delete the points of a time that have some tags. InfluxDB 3 deletes nothing: points are replaced by their time."""
        if self.version == 2:
            conditions = [
                f'_measurement="{measurement}"',
                *(f'{name}="{_plain(value)}"' for name, value in tags.items()),
            ]
            self.service.request(
                "POST",
                "/api/v2/delete",
                params={"org": self.org, "bucket": self._bucket_of(policy)},
                json={"start": _instant(begin), "stop": _instant(end), "predicate": " AND ".join(conditions)},
            )

    def _bucket_of(self, policy: str) -> str:
        return f"{self.bucket}/{policy}" if policy else self.bucket


def _within(begin: datetime, end: datetime) -> str:
    return f"time >= '{_instant(begin)}' AND time < '{_instant(end)}'"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _plain(value: str) -> str:
    """A value in a condition.

    Raises:
        ValueError: It has characters that would have to be escaped.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise ValueError(f"{value!r} is no value of letters, digits, underscores and hyphens")
    return value


def quoted(name: str) -> str:
    """A name in a query.

    Raises:
        ValueError: It has characters that names in queries would have to escape.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of letters, digits and underscores")
    return f'"{name}"'
