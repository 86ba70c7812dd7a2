"""A stand-in for PVOutput: it keeps what it is given, counts requests by the hour, and enforces its limits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

KEY = "an-api-key-of-the-stand-in"
RESET = 1768507200
"""Midnight after the present of the tests, as the end of the hour."""


@dataclass
class StandIn:
    """What it has.

    Attributes:
        today: Its present day.
        systems: The systems of the account.
        has_donated: More is allowed.
        outputs: System and day → fields of its output.
        statuses: System, day and time → fields of the status.
        used: Requests of this hour.
        refused: Requests that were refused, by reason.
    """

    today: date
    systems: tuple[str, ...]
    has_donated: bool = False
    outputs: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    statuses: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    used: int = 0
    refused: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def limit(self) -> int:
        return 300 if self.has_donated else 60

    def answer(self, path: str, key: str, system: str, data: str) -> tuple[int, str]:
        """Status and text of the answer to a request."""
        if key != KEY:
            return 401, "Unauthorized 401: Invalid API Key"
        if self.used >= self.limit:
            return 403, f"Forbidden 403: Exceeded {self.limit} requests per hour"
        self.used += 1
        if system not in self.systems:
            return 401, "Unauthorized 401: Invalid System ID"
        rows = [row.split(",") for row in data.split(";")]
        if path.endswith("/addoutput.jsp"):
            return self._outputs(system, rows)
        return self._statuses(system, rows) if path.endswith("/addbatchstatus.jsp") else (404, "Not found")

    def _outputs(self, system: str, rows: list[list[str]]) -> tuple[int, str]:
        if len(rows) > (100 if self.has_donated else 1):
            return 400, "Bad request 400: too many outputs"
        for row in rows:
            if len(row) != 14 or not row[1].isdecimal() or not all(field_.isdecimal() for field_ in row[2:] if field_):
                return 400, f"Bad request 400: Could not read {row}"
            if row[2] and int(row[2]) > int(row[1]):
                return 400, "Bad request 400: Export cannot exceed generation"
            if row[0] > f"{self.today:%Y%m%d}":
                return 400, "Bad request 400: Date is in the future"
        for row in rows:
            self.outputs[system, row[0]] = row[1:]
        return 200, "OK 200: Added Output"

    def _statuses(self, system: str, rows: list[list[str]]) -> tuple[int, str]:
        if len(rows) > 30:
            return 400, "Bad request 400: too many statuses"
        first = self.today - timedelta(days=(90 if self.has_donated else 14) - 1)
        results = []
        for day, time, *fields in rows:
            is_wrong = day < f"{first:%Y%m%d}" or len(fields) != 4 or not any(fields)
            if not is_wrong:
                self.statuses[system, day, time] = fields
            results.append(f"{day},{time},{0 if is_wrong else 1}")
        return 200, ";".join(results)


@contextmanager
def stand_in(today: date, *systems: str, has_donated: bool = False) -> Iterator[StandIn]:
    """A stand-in on a free port; its address is `url`."""
    home = StandIn(today, systems, has_donated)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
            key, system = self.headers["X-Pvoutput-Apikey"], self.headers["X-Pvoutput-SystemId"]
            status, text = home.answer(self.path, key, system, body["data"][0])
            if status >= 400:
                home.refused.append(text)
            self.send_response(status)
            if self.headers.get("X-Rate-Limit") == "1":
                self.send_header("X-Rate-Limit-Remaining", str(home.limit - home.used))
                self.send_header("X-Rate-Limit-Reset", str(RESET))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        home.url = f"http://127.0.0.1:{server.server_port}"
        yield home
        server.shutdown()
    thread.join()
