"""One time zone database for everything: its content, and that no other one is read."""

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from transform.time import Ints, local_walls
from wattlog import zones
from wattlog.zones import ClockPeriod, Zone, clock_periods, fixed_name, fixed_zone, iana_zone, zone_named, zone_names


@pytest.mark.parametrize(
    "name",
    ["", "America/Pacific", "America", "../etc/passwd", "Europe/Berlin\x00", "Ünderland", "posix/UTC", "europe/berlin"],
)
def test_what_is_no_iana_name_is_no_zone(name: str) -> None:
    """Q8: the API gives empty names, names of no database, and nothing may crash on worse."""
    assert iana_zone(name) is None


@pytest.mark.parametrize(
    ("minutes", "name"), [(-420, "UTC-07:00"), (0, "UTC+00:00"), (345, "UTC+05:45"), (-210, "UTC-03:30")]
)
def test_a_fixed_offset_has_a_name_that_is_understood_again(minutes: int, name: str) -> None:
    """Q7: sites without a zone name have minutes."""
    zone = fixed_zone(minutes)
    assert zone is not None
    assert fixed_name(zone.utcoffset(None)) == name
    assert zone_named(name) == zone


@pytest.mark.parametrize("minutes", [1081, -1081, 1e9, 0.5, float("inf")])
def test_an_offset_that_no_clock_has_is_no_zone(minutes: float) -> None:
    assert fixed_zone(minutes) is None


@pytest.mark.parametrize("name", ["UTC-7", "UTC+99:00", "GMT+02:00:00", "Berlin"])
def test_other_spellings_name_no_zone(name: str) -> None:
    assert zone_named(name) is None


def test_an_iana_name_is_its_zone() -> None:
    zone = zone_named("Asia/Kathmandu")
    assert zone is not None
    assert zone.utcoffset(None) is None or zone.utcoffset(None) == timedelta(hours=5, minutes=45)
    assert str(zone) == "Asia/Kathmandu"


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory"])
def test_settings_of_a_machine_are_no_zones(name: str) -> None:
    """Some systems keep them beside the zones; where a site lives does not depend on where wattlog runs."""
    assert iana_zone(name) is None
    with pytest.raises(KeyError, match=f"'{name}' is not a time zone of the IANA database"):
        Zone(name)


OLD_ANSWER = """
import pickle, sys
from datetime import UTC, datetime
import numpy as np
import pandas as pd
import {module}
zone = pickle.loads(bytes.fromhex(sys.argv[1]))
december = datetime(2026, 12, 1, tzinfo=UTC)
print(december.astimezone(zone).isoformat(), pd.DatetimeIndex([december]).tz_convert(zone)[0].isoformat())
"""


@pytest.mark.parametrize("module", ["json", "wattlog.zones"])
def test_a_zone_is_read_from_the_package_in_another_process_too(tmp_path: Path, module: str) -> None:
    """A worker unpickles a zone before or after it imports this package, on a machine whose own files are old."""
    old = tmp_path / "America" / "Vancouver"
    old.parent.mkdir()
    old.write_bytes(files("tzdata").joinpath("zoneinfo/America/Los_Angeles").read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", OLD_ANSWER.format(module=module), pickle.dumps(Zone("America/Vancouver")).hex()],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2026-11-30T17:00:00-07:00"] * 2


def test_a_name_has_one_zone() -> None:
    """Copies are the zone itself: `datetime` compares zones by identity."""
    zone = Zone("Asia/Kathmandu")
    assert Zone("Asia/Kathmandu") is copy.deepcopy(zone) is pickle.loads(pickle.dumps(zone)) is zone  # noqa: S301


FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


def test_periods_are_what_every_zone_shows() -> None:
    """Every hour from 2010 to 2030 as pandas reads it, once for names with the same periods, and each change to the second as
    `datetime` does.
    """
    hours = pd.date_range(FIRST, LAST, freq="h", unit="us")
    compared, read = 0, set()
    for name in sorted(zone_names()):
        zone, periods = Zone(name), clock_periods(name)
        assert all(one.ends_at == following.begins_at for one, following in pairwise(periods)), name
        assert (periods[0].begins_at, periods[-1].ends_at) == (None, None), name
        if periods not in read:
            read.add(periods)
            assert (local_walls(pd.Series(hours), zone).view(np.int64) == walls_us(hours.asi8, periods)).all(), name
        for before, after in pairwise(periods):
            change = after.begins_at
            assert change is not None
            assert (change - timedelta(seconds=1)).astimezone(zone).utcoffset() == before.offset, (name, change)
            assert change.astimezone(zone).utcoffset() == after.offset, (name, change)
            compared += FIRST <= change < LAST
    assert compared > 9_000


def walls_us(instants_us: Ints, periods: Sequence[ClockPeriod]) -> Ints:
    """What a clock with these periods shows."""
    begins_us = [round((period.begins_at or datetime(1, 1, 1, tzinfo=UTC)).timestamp() * 1e6) for period in periods]
    offsets_us = np.array([period.offset // timedelta(microseconds=1) for period in periods], dtype=np.int64)
    return np.asarray(instants_us + offsets_us[np.searchsorted(begins_us, instants_us, side="right") - 1])


def test_a_fixed_offset_is_one_period_and_no_zone_is_none() -> None:
    (period,) = clock_periods("UTC-07:00")
    assert (period.begins_at, period.ends_at, period.offset) == (None, None, timedelta(hours=-7))
    assert clock_periods("Mars/Olympus_Mons") == ()
    assert zone_named("UTC-07:00") == timezone(timedelta(hours=-7))


def test_a_database_of_the_year_before_last_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "VERSION", "2026f")
    assert not zones.is_older_than_a_year(datetime(2027, 12, 31, tzinfo=UTC))
    assert zones.is_older_than_a_year(datetime(2028, 1, 1, tzinfo=UTC))
