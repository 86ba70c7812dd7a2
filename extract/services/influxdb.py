"""InfluxDB 1.x over HTTP: retention policies, and the points of a measurement as CSV.

Source: InfluxDB 1.8, its page about the HTTP API.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import orjson

from extract.errors import ServiceRefused
from extract.services.http import Service

_CSV: Final = {"Accept": "application/csv"}
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
        rows = self._rows(f"SHOW RETENTION POLICIES ON {quoted(self.database)}")
        return [str(row["name"]) for row in rows]

    def span(self, policy: str, measurement: str) -> tuple[datetime, datetime] | None:
        """When the first and the last point of a measurement are; None where there is none."""
        source = self._source(policy, measurement)
        ends = []
        for order in ("ASC", "DESC"):
            rows = self._rows(f"SELECT * FROM {source} ORDER BY time {order} LIMIT 1")  # noqa: S608 - see `quoted`
            if not rows:
                return None
            ends.append(datetime.fromtimestamp(int(str(rows[0]["time"])), UTC))
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
        query = (
            f"SELECT * FROM {self._source(policy, measurement)} "  # noqa: S608 - names are checked
            f"WHERE time >= '{begin:%Y-%m-%dT%H:%M:%SZ}' AND time < '{end:%Y-%m-%dT%H:%M:%SZ}'"
        )
        return self.service.download("/query", target, params={"q": query, "epoch": "ms"}, headers=_CSV)

    def _source(self, policy: str, measurement: str) -> str:
        return ".".join(map(quoted, (self.database, policy, measurement)))

    def _rows(self, query: str) -> list[dict[str, object]]:
        response = self.service.request("GET", "/query", params={"q": query, "epoch": "s"})
        (result,) = orjson.loads(response.content)["results"]
        if "error" in result:
            raise ServiceRefused(self.service.name, response.status_code, str(result["error"]))
        return [
            dict(zip(series["columns"], values, strict=True))
            for series in result.get("series", ())
            for values in series["values"]
        ]


def quoted(name: str) -> str:
    """A name in a query.

    Raises:
        ValueError: It has characters that names in queries would have to escape.
    """
    if not _PLAIN.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of letters, digits and underscores")
    return f'"{name}"'
