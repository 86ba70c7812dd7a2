"""Pages, wrong windows, and series that are not offered."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from extract.api.paging import MAX_PAGES, fetch_all_pages, next_end_date
from extract.archive.raw_archive import IndexEntry, RawArchive, Response
from extract.errors import EndpointRetired, ExtractError, NotOffered, PagesEndless, PagingLooped, Refused, WrongWindow
from extract.requests import PRODUCTS, Request, history, legacy_history
from extract.windows import windows
from wattlog.series import SERIES
from wattlog.series_spec import Series
from wattlog.zones import Zone

ZONE = Zone("Europe/London")
TODAY = date(2025, 7, 1)
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def request_of(series: Series) -> Request:
    grain = SERIES[series].grain
    assert grain is not None
    (window,) = windows(grain, TODAY, TODAY, ZONE, today=TODAY, installed_on=date(2020, 1, 1))
    return history(1001, series, window, ZONE)


class Server:
    """Gives the bodies and errors that it was made with, in order."""

    def __init__(self, root: Path, *answers: object) -> None:
        self.archive = RawArchive(root)
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def fetch(self, request: Request) -> IndexEntry:
        self.asked.append(dict(request.params))
        answer = self.answers.pop(0)
        if isinstance(answer, ExtractError):
            raise answer
        body = orjson.dumps({"response": answer})
        at = NOW + timedelta(seconds=len(self.asked))
        return self.archive.keep(Response(request, at, 1.0, 1, 200, {}, body, "data"), run_id="r", provider="simulator")

    def ask(self, request: Request) -> list[IndexEntry]:
        return fetch_all_pages(request, self.fetch, self.archive.load)


def test_one_request_has_one_response(tmp_path: Path) -> None:
    server = Server(tmp_path, {"time_series": []})
    assert len(server.ask(request_of(Series.POWER))) == 1


def test_pages_are_followed_to_the_last(tmp_path: Path) -> None:
    """Q32: each has the `end_date` that the one before names, and otherwise the same parameters."""
    ends = ["2024-05-01T10:00:00+01:00", "2023-01-01T10:00:00Z"]
    server = Server(tmp_path, *({"events": [], "next_end_date": end} for end in ends), {"events": []})
    entries = server.ask(request_of(Series.BACKUP))
    assert [params["end_date"] for params in server.asked] == ["2025-07-01T23:59:59+01:00", *ends]
    assert {(params["kind"], params["period"], params["time_zone"]) for params in server.asked} == {
        ("backup", "lifetime", "Europe/London")
    }
    assert [server.archive.load(entry).window_start for entry in entries] == [date(2020, 1, 1)] * 3


@pytest.mark.parametrize(
    "following",
    ["2025-07-01T23:59:59+01:00", "2025-07-01T22:59:59Z", "2026-01-01T00:00:00Z", "soon", "2024-01-01T00:00:00"],
    ids=["the same", "the same in UTC", "later", "no instant", "no offset"],
)
def test_a_page_that_does_not_go_back_ends_it(tmp_path: Path, caplog: pytest.LogCaptureFixture, following: str) -> None:
    """Q32: a warning and a failure; the pages so far are kept."""
    server = Server(tmp_path, {"events": [], "next_end_date": following})
    with pytest.raises(PagingLooped, match="not older"):
        server.ask(request_of(Series.BACKUP))
    assert "does not go back" in caplog.text
    assert len(server.archive.entries(1001)) == 1


def test_pages_without_end_are_followed_to_a_bound(tmp_path: Path) -> None:
    """Each page is older than the one before it, by a second, for ever; what came is kept."""
    ends = (NOW - timedelta(days=30, seconds=page) for page in range(10 * MAX_PAGES))
    server = Server(tmp_path, *({"events": [], "next_end_date": end.isoformat()} for end in ends))
    with pytest.raises(PagesEndless, match=f"{MAX_PAGES} pages came"):
        server.ask(request_of(Series.BACKUP))
    assert len(server.asked) == len(server.archive.entries(1001)) == MAX_PAGES


def test_the_other_series_have_no_pages(tmp_path: Path) -> None:
    server = Server(tmp_path, {"time_series": [], "next_end_date": "2020-01-01T00:00:00Z"})
    assert len(server.ask(request_of(Series.ENERGY_YEAR))) == 1


@pytest.mark.parametrize("body", [b'{"response": ""}', b'{"response": null}', b'{"response": {"next_end_date": ""}}'])
def test_nothing_is_the_last_page(body: bytes) -> None:
    """Q23: empty responses have no next page."""
    assert next_end_date(body) is None


def test_a_wrong_window_is_requested_once_more(tmp_path: Path) -> None:
    """Q22: the second response may be right; if not, it is a failure, and there is no third request."""
    wrong = WrongWindow("site 1001 power 2025-07-01", "2025-07-01")
    healed = Server(tmp_path / "healed", wrong, {"time_series": []})
    assert len(healed.ask(request_of(Series.POWER))) == 1
    stuck = Server(tmp_path / "stuck", wrong, wrong, {"time_series": []})
    with pytest.raises(WrongWindow, match="not used"):
        stuck.ask(request_of(Series.POWER))
    assert len(stuck.asked) == 2


@pytest.mark.parametrize("detail", ["kind `soe` is not supported", "Period must either be 'day'", "interval `15m`"])
def test_a_series_that_the_provider_does_not_have_is_not_offered(tmp_path: Path, detail: str) -> None:
    server = Server(tmp_path, Refused("site 1001 soe", detail, 400))
    with pytest.raises(NotOffered, match="series soe is not offered"):
        server.ask(request_of(Series.SOE))


@pytest.mark.parametrize(
    ("detail", "status"), [("kind `soe` is not supported", 404), ("parsing time", 400), ("invalid_request", 400)]
)
def test_any_other_4xx_is_a_failure(tmp_path: Path, detail: str, status: int) -> None:
    server = Server(tmp_path, Refused("site 1001 soe", detail, status))
    with pytest.raises(Refused):
        server.ask(request_of(Series.SOE))


def test_a_snapshot_is_always_offered(tmp_path: Path) -> None:
    server = Server(tmp_path, Refused("account products", "what kind of request is this", 400))
    with pytest.raises(Refused):
        server.ask(PRODUCTS)


def test_the_retired_endpoint_is_not_offered_and_no_other_may_retire(tmp_path: Path) -> None:
    """API.md#legacy: 410 since December 2025."""
    gone = EndpointRetired("site 1001 history", "No longer supported")
    with pytest.raises(NotOffered, match="No longer supported"):
        Server(tmp_path / "a", gone).ask(legacy_history(1001)[0])
    with pytest.raises(EndpointRetired):
        Server(tmp_path / "b", gone).ask(request_of(Series.POWER))
