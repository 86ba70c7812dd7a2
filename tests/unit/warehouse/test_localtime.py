"""Instants as text: the site's clock, with the offset of that moment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pyarrow as pa
import pytest

from warehouse.localtime import Stamper, iso, zone
from wattlog.zones import Zone

LOS_ANGELES = Zone("America/Los_Angeles")


def _instants(*texts: str | None) -> pa.Array:
    parsed = [None if text is None else datetime.fromisoformat(text) for text in texts]
    return pa.array(parsed, pa.timestamp("us", tz="UTC"))


def test_both_hours_of_the_autumn_change_are_distinct() -> None:
    """01:55 comes twice on the day clocks go back (Q5, Q6): the offset says which."""
    stamps = Stamper(fallback=LOS_ANGELES).stamp(_instants("2025-11-02T08:55:00Z", "2025-11-02T09:55:00Z"), None)
    assert stamps.to_pylist() == ["2025-11-02T01:55:00-07:00", "2025-11-02T01:55:00-08:00"]


def test_spring_change_skips_an_hour() -> None:
    """01:55−08:00 is followed by 03:00−07:00 (Q5)."""
    stamps = Stamper(fallback=LOS_ANGELES).stamp(_instants("2025-03-09T09:55:00Z", "2025-03-09T10:00:00Z"), None)
    assert stamps.to_pylist() == ["2025-03-09T01:55:00-08:00", "2025-03-09T03:00:00-07:00"]


def test_each_row_speaks_by_its_own_sites_clock() -> None:
    """Rows of several sites mix in one column (Q36: quarter and half hours); no site means the fallback."""
    stamper = Stamper({1: LOS_ANGELES, 2: Zone("Asia/Kathmandu"), 3: zone("UTC-07:00")}, UTC)
    instants = _instants(*["2025-01-01T00:00:00Z"] * 5, None)
    stamps = stamper.stamp(instants, pa.array([2, 1, None, 3, 99, 1]))
    assert stamps.to_pylist() == [
        "2025-01-01T05:45:00+05:45",
        "2024-12-31T16:00:00-08:00",
        "2025-01-01T00:00:00+00:00",
        "2024-12-31T17:00:00-07:00",
        "2025-01-01T00:00:00+00:00",
        None,
    ]


def test_stamps_are_of_the_pinned_database() -> None:
    """Vancouver keeps its summer time since 2026, also where the machine's files differ."""
    stamps = Stamper(fallback=Zone("America/Vancouver")).stamp(_instants("2026-12-01T20:00:00Z"), None)
    assert stamps.to_pylist() == ["2026-12-01T13:00:00-07:00"]


def test_no_rows_are_no_stamps() -> None:
    """An empty batch is stamped, too."""
    assert Stamper({1: UTC}).stamp(_instants(), pa.array([], pa.int64())).to_pylist() == []
    assert Stamper().stamp(_instants(), None).to_pylist() == []


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("UTC-07:00", timedelta(hours=-7)),
        ("UTC+05:30", timedelta(hours=5, minutes=30)),
        ("UTC-03:30", timedelta(hours=-3, minutes=-30)),
        (None, timedelta()),
        ("", timedelta()),
    ],
)
def test_fixed_offsets_and_no_zone(name: str | None, offset: timedelta) -> None:
    """A fixed-offset site (Q7) has the same offset all year; a ghost is in UTC."""
    assert zone(name).utcoffset(datetime(2025, 7, 1, tzinfo=UTC)) == offset


def test_zone_that_does_not_exist_is_an_error() -> None:
    """`America/Pacific` was seen in the wild (Q8)."""
    with pytest.raises(ZoneInfoNotFoundError):
        zone("America/Pacific")


def test_fraction_is_written_only_where_there_is_one() -> None:
    """Whole seconds read better; a fraction is never cut."""
    whole = pa.array([datetime(2025, 1, 1, 12), None], pa.timestamp("us"))  # noqa: DTZ001 (the local clock is naive)
    assert iso(whole).to_pylist() == ["2025-01-01T12:00:00", None]
    split = pa.array([datetime(2025, 1, 1, 12, 0, 0, 5)], pa.timestamp("us"))  # noqa: DTZ001 (the local clock is naive)
    assert iso(split).to_pylist() == ["2025-01-01T12:00:00.000005"]


def test_instants_before_1970_keep_their_second() -> None:
    """Counting backwards from the epoch rounds no value."""
    assert Stamper().stamp(_instants("1969-12-31T23:59:59Z"), None).to_pylist() == ["1969-12-31T23:59:59+00:00"]
