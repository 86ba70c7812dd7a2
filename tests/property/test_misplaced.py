"""The first look at a response's stamps never changes whether the response is about other days."""

from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from tests.examples import examples
from transform.responses.misplaced import RequestedDays, is_misplaced
from transform.responses.stamps import are_within
from wattlog.zones import Zone

ZONES = ("America/Los_Angeles", "Europe/London", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata", "")
OFFSETS = ("-08:00", "-07:00", "+00:00", "+01:00", "+10:30", "+11:00", "+05:30", "Z", "", "-0800", "+99:00")
FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%dT%H%M%S.0", "%Y-%m-%dT%H:%M", "%G-W%V-%uT%H:%M:%S", "never")
DAYS = (date(2025, 3, 9), date(2025, 3, 10), date(2025, 10, 5), date(2025, 11, 2), date(2025, 7, 1))


@st.composite
def stamps(draw: st.DrawFn, day: date) -> list[str]:
    """Stamps around a day, mostly of one layout and one offset."""
    usual = draw(st.sampled_from(OFFSETS))
    found = []
    for minutes in draw(st.lists(st.integers(-16 * 60, 40 * 60), min_size=0, max_size=6)):
        is_odd = draw(st.integers(0, 9)) == 0
        form = draw(st.sampled_from(FORMS)) if is_odd else FORMS[0]
        offset = draw(st.sampled_from(OFFSETS)) if draw(st.integers(0, 9)) == 0 else usual
        at = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 - a wall clock
        found.append(at.strftime(form) + offset)
    return found


@examples(200)
@given(st.data(), st.sampled_from(DAYS), st.integers(0, 2), st.sampled_from(ZONES), st.sampled_from(["soe", "backup"]))
def test_the_first_look_agrees_with_the_closer_one(
    data: st.DataObject, first: date, more: int, zone: str, series: str
) -> None:
    """Whatever the layout, the offset, and the clock of the stamps."""
    rows = [{"timestamp": stamp} for stamp in data.draw(stamps(first))]
    last = first + timedelta(days=more)
    requested = RequestedDays(first, last, Zone("America/Los_Angeles"), datetime(2026, 1, 1, tzinfo=UTC))
    envelope = {"installation_time_zone": zone}
    with patch("transform.responses.misplaced.are_within", return_value=False):
        expected = is_misplaced(series, rows, envelope, requested)
    assert is_misplaced(series, rows, envelope, requested) is expected


BEGIN, END = datetime(2025, 6, 1, 7, tzinfo=UTC), datetime(2025, 6, 2, 7, tzinfo=UTC)


@given(st.lists(st.integers(-60, 1500), min_size=1, max_size=8))
@example([0, 1439])
@example([1440])
def test_the_first_look_finds_usual_stamps(minutes: list[int]) -> None:
    """A day of the Pacific clock, to the minute."""
    at = (BEGIN + timedelta(minutes=number) for number in minutes)
    texts = [instant.astimezone(Zone("America/Los_Angeles")).isoformat() for instant in at]
    assert are_within(texts, BEGIN, END) is all(0 <= number < 1440 for number in minutes)
