"""Deliveries to PVOutput: a stand-in that counts requests and enforces the limits."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows.deliveries import pvoutput
from tests.integration.published_homes import HOMES, RIDGE, Published
from tests.pvoutput import KEY, StandIn, stand_in
from tests.recordings import Recordings

pytestmark = pytest.mark.slow

TODAY = date(2025, 11, 4)
SYSTEM = "4711"


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(TODAY, SYSTEM) as found:
        yield found


@pytest.fixture
def published(homes: Path, tmp_path: Path, server: StandIn, monkeypatch: pytest.MonkeyPatch) -> Published:
    """On the evening of the day in California."""
    now = datetime(2025, 11, 5, 3, tzinfo=UTC)
    for kind in (pvoutput.OutputsTarget, pvoutput.StatusesTarget):
        monkeypatch.setattr(kind.__init__, "__defaults__", (lambda: now,))
    found = Published.copy(homes, tmp_path / "data")
    found.environment["WATTLOG_SECRET_PVOUTPUT"] = KEY
    found.targets([{"target": "pvoutput", "to": server.url, "systems": {str(RIDGE): int(SYSTEM)}}])
    return found


def until_done(published: Published, server: StandIn) -> int:
    """Deliver, an hour after another; returns how many hours it takes."""
    for hours in range(1, 12):
        server.used = 0
        found = published.wattlog("publish")
        if found.returncode == 0:
            return hours
        assert found.returncode == 1
        assert "allows no more requests in this hour" in found.stderr
        assert "00:00 UTC" not in found.stderr or "after" in found.stderr
    raise AssertionError("it never ends")


def test_outputs_and_statuses_equal_the_warehouse(published: Published, server: StandIn) -> None:
    """Within 60 requests an hour, one output and 30 statuses a request; what was sent is not sent again."""
    assert until_done(published, server) > 1
    assert server.refused == []
    rows = published.rows(
        "select strftime(local_date, '%Y%m%d'), round(solar_energy_exported_wh)::bigint, round(grid_export_wh)::bigint, "
        f"round(grid_energy_imported_wh)::bigint, round(home_wh)::bigint from daily where site_id = {RIDGE} "
        "and status <> 'missing' and solar_energy_exported_wh is not null and local_date < date '2025-11-04' order by all"
    )
    assert [day for _, day in sorted(server.outputs)] == [day for day, *_ in rows]
    for day, *values in rows:
        generated, exported, *_, imported, _off, _shoulder, _high, consumed = server.outputs[SYSTEM, day]
        expected = [str(value) for value in values]
        assert exported == (expected[1] if values[1] <= values[0] else "")
        assert [generated, imported, consumed] == [expected[0], expected[2], expected[3]]
    days = sorted({day for _, day, _ in server.statuses})
    assert days == ["20251031", "20251101", "20251102", "20251103"]
    for day in days:
        last = server.statuses[SYSTEM, day, "23:55"]
        ((wh, home),) = published.rows(
            "select round(sum(solar_energy_exported_wh))::bigint, round(sum(consumer_energy_imported_from_grid_wh "
            "+ consumer_energy_imported_from_solar_wh + consumer_energy_imported_from_battery_wh "
            "+ consumer_energy_imported_from_generator_wh))::bigint from energy_intervals "
            f"where site_id = {RIDGE} and strftime(local_date, '%Y%m%d') = '{day}'"
        )
        assert [last[0], last[2]] == [str(wh), str(home)]
    server.used = 0
    published.publish()
    assert server.used == 0


def test_days_that_grow_too_old_are_not_taken_away(published: Published, server: StandIn) -> None:
    until_done(published, server)
    published.change(f"delete from daily where site_id = {RIDGE} and local_date = date '2025-11-01'")
    server.used = 0
    found = published.publish()
    assert [site["taken_away"] for target in found["targets"] for site in target["sites"]] == [[]] * 4
    assert (SYSTEM, "20251101") in server.outputs


def test_export_above_generation_is_left_out(published: Published, server: StandIn) -> None:
    published.change(
        "update daily set grid_export_wh = solar_energy_exported_wh + 500 "
        f"where site_id = {RIDGE} and local_date = date '2025-11-01'"
    )
    until_done(published, server)
    assert server.refused == []
    assert server.outputs[SYSTEM, "20251101"][1] == ""


def test_a_donation_allows_more(published: Published) -> None:
    with stand_in(TODAY, SYSTEM, has_donated=True) as server:
        given = {"target": "pvoutput", "to": server.url, "systems": {str(RIDGE): int(SYSTEM)}, "donation": True}
        published.targets([given])
        published.publish()
        assert server.refused == []
        assert server.used < 100


def test_a_wrong_key_is_one_line(published: Published, server: StandIn) -> None:
    published.environment["WATTLOG_SECRET_PVOUTPUT"] = "another-key-that-is-wrong"
    found = published.wattlog("publish")
    assert found.returncode == 2
    assert "refuses the credentials" in found.stderr
    assert "another-key" not in found.stderr
    assert server.outputs == {}
