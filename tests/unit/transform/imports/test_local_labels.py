"""Labels of a clock become the instants that they were written at, around every change of every kind of zone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from transform.imports.local_labels import instants_of_labels
from wattlog.zones import clock_periods, zone_named

ZONES = [
    "America/Los_Angeles",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Tehran",
    "UTC-05:30",
    "Asia/Kathmandu",
]


def labels_around(change: datetime, zone: str) -> tuple[list[int], list[int]]:
    """Instants of every quarter hour of three days around a change, and what the clock shows then, in microseconds."""
    instants, walls = [], []
    for quarter in range(-4 * 36, 4 * 36):
        instant = change + timedelta(minutes=15 * quarter)
        local = instant.astimezone(zone_named(zone))
        instants.append(int(instant.timestamp()) * 1_000_000)
        walls.append(int(local.replace(tzinfo=UTC).timestamp()) * 1_000_000)
    return instants, walls


@pytest.mark.parametrize("zone", ZONES)
def test_labels_in_order_are_the_instants_that_they_were(zone: str) -> None:
    changes = [period.begins_at for period in clock_periods(zone) if period.begins_at is not None]
    recent = [change for change in changes if change.year >= 2010][:24] or [datetime(2024, 6, 1, tzinfo=UTC)]
    for change in recent:
        instants, walls = labels_around(change, zone)
        found, is_shown = instants_of_labels(np.array(walls, dtype=np.int64), zone)
        assert is_shown.all()
        assert found.tolist() == instants, change


def test_labels_that_the_clock_never_showed_are_no_instants() -> None:
    """Half past two on the night on which the clock goes from two to three."""
    walls = [int(datetime(2024, 3, 10, hour, 30, tzinfo=UTC).timestamp()) * 1_000_000 for hour in (1, 2, 3)]
    found, is_shown = instants_of_labels(np.array(walls, dtype=np.int64), "America/Los_Angeles")
    assert is_shown.tolist() == [True, False, True]
    assert found[2] - found[0] == 3_600_000_000


def test_one_of_two_hours_is_taken_for_the_first() -> None:
    """Without labels that go back nothing shows which of the two it is; the day is the same."""
    walls = [int(datetime(2024, 11, 3, 1, minute, tzinfo=UTC).timestamp()) * 1_000_000 for minute in (0, 15, 30, 45)]
    found, _ = instants_of_labels(np.array(walls, dtype=np.int64), "America/Los_Angeles")
    assert found[0] == int(datetime(2024, 11, 3, 8, tzinfo=UTC).timestamp()) * 1_000_000
