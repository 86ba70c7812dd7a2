"""Commands are repeated within seconds only, never after an answer that may mean acceptance, and every answer is kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from extract.api.client import Client
from extract.api.fetch import Fetcher
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.archive.raw_archive import RawArchive
from extract.commands.requests import day_of, intent_record, read_back_request, setting_request
from extract.errors import (
    AuthExpired,
    ExtractError,
    MissingCommandScope,
    PaymentRequired,
    RateLimited,
    Refused,
    TransportFailed,
    UpstreamFailed,
)
from wattlog.commands.intent import Intent, intent_of
from wattlog.commands.schedule import MAX_ATTEMPTS, RETRY_WITHIN_S
from wattlog.commands.settings import SETTINGS, Setting

SITE = 1001
NOW = datetime(2025, 7, 1, 23, 59, tzinfo=UTC)
SPEC = SETTINGS[Setting.RESERVE]
INTENT = Intent("reserve", SPEC.path(SITE), SPEC.body(40), "40", "20", "cli")
ACCEPTED = httpx.Response(200, json={"response": {"Code": 200, "Message": "Backup reserve updated"}})
ERROR = {"response": None, "error": "why", "error_description": ""}


class Sender:
    """A fetcher with scripted answers, whose clock moves by its own pauses and by the time that each answer takes."""

    def __init__(
        self,
        root: Path,
        *answers: httpx.Response | httpx.TransportError,
        answer_s: float = 0.0,
        requests_per_minute: int | None = None,
    ) -> None:
        self.archive = RawArchive(root)
        self.sent: list[httpx.Request] = []
        self.now_s = 0.0
        self._answers, self._answer_s = list(answers), answer_s
        client = Client(
            "http://api.test",
            lambda: "a-very-secret-token",
            user_agent="wattlog/test",
            classify=lambda *_: "data",
            clock=lambda: NOW,
            transport=httpx.MockTransport(self._answer),
        )
        limiter = RateLimiter(requests_per_minute, clock=lambda: self.now_s, sleep=self._sleep)
        self.fetcher = Fetcher(
            client,
            self.archive,
            limiter,
            RequestBudget(None),
            "run",
            "simulator",
            renew=lambda _: True,
            sleep=self._sleep,
            jitter=lambda: 1.0,
            seconds=lambda: self.now_s,
        )

    def submit(self) -> None:
        self.fetcher.submit(setting_request(SITE, INTENT, day_of(NOW)))

    def outcomes(self) -> list[str]:
        return [entry.outcome for entry in self.archive.entries(SITE)]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.now_s += self._answer_s
        answer = self._answers[min(len(self.sent), len(self._answers)) - 1]
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    def _sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_what_is_sent_is_json_with_the_token(tmp_path: Path) -> None:
    sender = Sender(tmp_path, ACCEPTED)
    sender.submit()
    (request,) = sender.sent
    assert (request.method, request.url.path) == ("POST", f"/api/1/energy_sites/{SITE}/backup")
    assert json.loads(request.content) == {"backup_reserve_percent": 40}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer a-very-secret-token"
    assert request.url.query == b""


@pytest.mark.parametrize(
    "answer",
    [
        ACCEPTED,
        httpx.Response(200, json={"response": ""}),
        httpx.Response(200, json={"response": None}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(204),
        httpx.Response(200, json={"response": {"code": 500, "message": "no"}}),
    ],
)
def test_nothing_is_sent_after_an_answer_that_may_be_acceptance(tmp_path: Path, answer: httpx.Response) -> None:
    """Q66."""
    sender = Sender(tmp_path, answer)
    sender.submit()
    assert len(sender.sent) == 1
    assert len(sender.outcomes()) == 1


@pytest.mark.parametrize(
    ("answer", "error", "attempts"),
    [
        (httpx.ConnectError("refused"), TransportFailed, MAX_ATTEMPTS),
        (httpx.Response(408, json=ERROR), UpstreamFailed, MAX_ATTEMPTS),
        (httpx.Response(502, json=ERROR), UpstreamFailed, MAX_ATTEMPTS),
        (httpx.Response(429, headers={"retry-after": "2"}), RateLimited, MAX_ATTEMPTS),
        (httpx.Response(429, headers={"retry-after": "60"}), RateLimited, 1),
        (httpx.Response(400, json=ERROR), Refused, 1),
        (httpx.Response(402, json=ERROR), PaymentRequired, 1),
        (httpx.Response(403, json=ERROR), MissingCommandScope, 1),
        (httpx.Response(401, json=ERROR), AuthExpired, 2),
    ],
)
def test_only_what_may_pass_is_repeated(
    tmp_path: Path, answer: httpx.Response | httpx.TransportError, error: type[ExtractError], attempts: int
) -> None:
    """Q66; a token that is refused is renewed once, since the command was not accepted."""
    sender = Sender(tmp_path, answer)
    with pytest.raises(error):
        sender.submit()
    assert len(sender.sent) == len(sender.outcomes()) == attempts
    assert sender.now_s <= RETRY_WITHIN_S


def test_a_late_repeat_is_not_sent(tmp_path: Path) -> None:
    """Q69: the owner may have changed the setting meanwhile."""
    sender = Sender(tmp_path, httpx.ReadTimeout("slow"), answer_s=60.0)
    with pytest.raises(TransportFailed):
        sender.submit()
    assert len(sender.sent) == 1


def test_a_repeat_that_the_rate_limit_delays_too_long_is_not_sent(tmp_path: Path) -> None:
    """Q69: no attempt begins later than ten seconds after the first one, whatever it waited for."""
    sender = Sender(tmp_path, httpx.Response(502, json=ERROR), ACCEPTED, requests_per_minute=1)
    with pytest.raises(UpstreamFailed):
        sender.submit()
    assert len(sender.sent) == 1


def test_a_first_request_may_wait_for_the_rate_limit(tmp_path: Path) -> None:
    sender = Sender(tmp_path, ACCEPTED, requests_per_minute=1)
    sender.fetcher.fetch(read_back_request(SITE, day_of(NOW)))
    sender.submit()
    assert [request.method for request in sender.sent] == ["GET", "POST"]
    assert sender.now_s > RETRY_WITHIN_S


def test_after_a_passing_fault_the_command_is_accepted(tmp_path: Path) -> None:
    sender = Sender(tmp_path, httpx.Response(502, json=ERROR), ACCEPTED)
    sender.submit()
    assert sender.outcomes() == ["unknown", "accepted"]


def test_the_records_of_a_command_are_in_one_segment(tmp_path: Path) -> None:
    """Also where the month ends between them; and the intent can be read again."""
    sender = Sender(tmp_path, ACCEPTED)
    kept = sender.archive.keep(intent_record(SITE, INTENT, NOW), run_id="run", provider="simulator")
    sender.submit()
    sender.fetcher.fetch(read_back_request(SITE, day_of(NOW)))
    entries = sender.archive.entries(SITE)
    assert [(entry.series, entry.month, entry.method) for entry in entries] == [
        ("command", "2025-07", "GET"),
        ("command", "2025-07", "POST"),
        ("command", "2025-07", "GET"),
    ]
    assert intent_of(sender.archive.load(kept).body) == INTENT
    assert RawArchive(tmp_path).entries(SITE) == entries


def test_free_text_of_an_answer_is_kept_and_other_fields_are_redacted(tmp_path: Path) -> None:
    sender = Sender(tmp_path, httpx.Response(200, json={"response": {"code": 201, "message": "Updated", "owner": "A"}}))
    sender.submit()
    (entry,) = sender.archive.entries(SITE)
    assert json.loads(sender.archive.load(entry).body) == {
        "response": {"code": 201, "message": "Updated", "owner": "redacted"}
    }
