"""The Date header bounds the present instant."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from extract.api.server_time import TOLERANCE, ServerTime

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def headers(instant: datetime, **more: str) -> dict[str, str]:
    return {"date": format_datetime(instant, usegmt=True), **more}


def test_a_clock_that_is_ahead_is_corrected_and_keeps_its_order(caplog: pytest.LogCaptureFixture) -> None:
    instants = [NOW + timedelta(days=10, seconds=0.1 * number) for number in range(50)]
    time = ServerTime(lambda: instants[0])
    with caplog.at_level(logging.WARNING):
        for number, instant in enumerate(instants):
            time.note(headers(NOW + timedelta(seconds=0.1 * number)), instant)
    bounded = [time.bounded(instant) for instant in instants]
    assert bounded == sorted(set(bounded))
    assert all(
        abs(found - (NOW + 0.1 * number * timedelta(seconds=1))) < timedelta(seconds=2)
        for number, found in enumerate(bounded)
    )
    (record,) = caplog.records
    assert "10 days, 0:00:00 ahead of the server's" in record.getMessage()


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_clock_that_is_about_right_is_left_alone(seconds: int, caplog: pytest.LogCaptureFixture) -> None:
    time = ServerTime(lambda: NOW)
    time.note(headers(NOW - timedelta(seconds=seconds)), NOW)
    assert time.now() == NOW
    assert not caplog.records


def test_a_clock_that_is_behind_is_reported_and_not_changed(caplog: pytest.LogCaptureFixture) -> None:
    """A response that is dated too early settles nothing too early."""
    time = ServerTime(lambda: NOW)
    time.note(headers(NOW + timedelta(hours=2)), NOW)
    assert time.now() == NOW
    assert "behind the server's" in caplog.text


def test_a_clock_that_is_set_right_within_a_run() -> None:
    time = ServerTime(lambda: NOW)
    time.note(headers(NOW - timedelta(days=1)), NOW)
    assert NOW - time.now() >= timedelta(days=1)
    time.note(headers(NOW), NOW)
    assert time.now() == NOW


def test_a_cached_response_was_sent_earlier() -> None:
    time = ServerTime(lambda: NOW)
    time.note(headers(NOW - timedelta(hours=1), age="3600"), NOW)
    assert time.now() == NOW


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT", "0"])
def test_a_header_that_cannot_be_read_changes_nothing(date: str | None) -> None:
    time = ServerTime(lambda: NOW)
    time.note({} if date is None else {"date": date}, NOW + 2 * TOLERANCE)
    assert time.now() == NOW
