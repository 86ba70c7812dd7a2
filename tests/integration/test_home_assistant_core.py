"""A real Home Assistant core: it answers as recorded, and a history delivered to it is that of the warehouse, hour by hour.

`make test-home-assistant` installs it; without it, these tests are left out.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from extract.services.home_assistant import logged_in
from tests.home_assistant_core import PYTHON, core
from tests.home_assistant_talk import TALK, answers_of, recorded
from tests.integration.published_homes import HARBOUR, HOMES, RIDGE, Published, changed
from tests.integration.test_publish_home_assistant import FLOWS, MONTHS
from tests.recordings import Recordings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no Home Assistant core; `make test-home-assistant` installs it"),
]
TEN_YEARS = 120
STORES_WITHIN_S = 3.0

KILLED_MIDWAY = """
import os
import signal
import sys

from extract.services.home_assistant import HomeAssistant
from flows.cli import run
from flows.deliveries import home_assistant

home_assistant.MONTHS, home_assistant.ROWS = 1, 50
whole, imports = HomeAssistant.call, iter(range(20))


def call(self, command, **values):
    answer = whole(self, command, **values)
    if command == "recorder/import_statistics" and next(imports, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


HomeAssistant.call = call
sys.exit(run(sys.argv[1:]))
"""
"""`wattlog publish` that kills itself at its 21st message with hours."""


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[str, str]]:
    with core(tmp_path / "home-assistant") as found:
        yield found


@pytest.fixture
def published(homes: Path, tmp_path: Path, home: tuple[str, str]) -> Published:
    found = Published.copy(homes, tmp_path / "data")
    found.environment["WATTLOG_SECRET_HOME_ASSISTANT"] = home[1]
    found.targets([{"target": "home-assistant", "to": home[0]}])
    return found


def check(published: Published, home: tuple[str, str]) -> None:
    with logged_in(*home) as connection:
        for site_id in (RIDGE, HARBOUR):
            for flow, wh in FLOWS.items():
                rows = published.rows(
                    f"select epoch_ms(time_bucket(interval '1 hour', interval_start)) as hour, sum({wh}) "
                    f"from energy_intervals where site_id = {site_id} and {wh} is not null group by hour order by hour"
                )
                statistic_id = f"wattlog:{site_id}_{flow}"
                stored = connection.call(
                    "recorder/statistics_during_period",
                    start_time=datetime(2020, 1, 1, tzinfo=UTC).isoformat(),
                    statistic_ids=[statistic_id],
                    period="hour",
                    types=["state", "sum"],
                ).get(statistic_id, [])
                if site_id == HARBOUR and flow.startswith("battery"):
                    assert stored == []
                    continue
                assert [row["start"] for row in stored] == [start for start, _ in rows]
                assert [row["state"] * 1000 for row in stored] == pytest.approx(
                    [energy for _, energy in rows], abs=1e-6
                )
                assert stored[-1]["sum"] * 1000 == pytest.approx(sum(energy for _, energy in rows), abs=1e-3)


def test_the_core_answers_as_recorded(home: tuple[str, str]) -> None:
    with logged_in(*home) as connection:
        answers = answers_of(connection, lambda: time.sleep(STORES_WITHIN_S))
        for (command, values), answer, expected in zip(TALK, answers, recorded(), strict=True):
            assert answer == expected, (command, values)


def test_a_history_in_a_real_core(published: Published, home: tuple[str, str]) -> None:
    """Sent, sent again, a restated hour, hours that are gone; and the dashboard has no issue."""
    assert changed(published.publish()) == {RIDGE: MONTHS, HARBOUR: MONTHS}
    check(published, home)
    assert changed(published.publish()) == {RIDGE: [], HARBOUR: []}
    published.change(
        "update energy_intervals set solar_energy_exported_wh = solar_energy_exported_wh + 250 "
        f"where site_id = {RIDGE} and interval_start = timestamptz '2025-10-05 19:00:00+00'"
    )
    assert changed(published.publish()) == {RIDGE: MONTHS[1:], HARBOUR: []}
    check(published, home)
    published.change(
        f"delete from energy_intervals where site_id = {RIDGE} and interval_start < timestamptz '2025-03-09 00:00:00+00'"
    )
    assert changed(published.publish()) == {RIDGE: MONTHS, HARBOUR: []}
    check(published, home)
    added = published.publish("home-assistant", "--energy-dashboard")["energy_dashboard"]
    assert f"wattlog:{RIDGE}_battery_out" in added
    with logged_in(*home) as connection:
        assert not any(issue for kind in connection.call("energy/validate").values() for issue in kind)


def test_a_kill_midway_and_a_reset(published: Published, home: tuple[str, str]) -> None:
    """A run that is killed within the second month of the first site is made good; a core that lost hours gets all of them."""
    environment = os.environ | published.environment | {"WATTLOG_PROVIDER": "simulator"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_MIDWAY, "--data-dir", str(published.place), "publish"],
        cwd=published.place.parent,
        env=environment,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert changed(published.publish()) == {RIDGE: MONTHS[1:], HARBOUR: MONTHS}
    check(published, home)
    with logged_in(*home) as connection:
        connection.call("recorder/clear_statistics", statistic_ids=[f"wattlog:{RIDGE}_solar"])
    assert changed(published.publish()) == {RIDGE: [], HARBOUR: []}
    published.change(
        f"delete from energy_intervals where site_id = {HARBOUR} and interval_start < timestamptz '2025-03-09 00:00:00+00'"
    )
    assert changed(published.publish("--reset")) == {RIDGE: MONTHS, HARBOUR: MONTHS}
    check(published, home)


def test_ten_years_twice(published: Published, home: tuple[str, str]) -> None:
    """A site with ten years of hours: all of them arrive, and the second time nothing is sent."""
    published.change(
        "insert into energy_intervals by name select * exclude (interval_start, local_date, n), "
        "interval_start - to_days(n::integer) as interval_start, (local_date - n::integer)::date as local_date "
        "from energy_intervals, range(3, 3650, 3) as days(n) "
        f"where site_id = {HARBOUR} and local_date between date '2025-10-04' and date '2025-10-06'"
    )
    published.change(
        f"delete from energy_intervals where site_id = {HARBOUR} and interval_start >= timestamptz '2025-10-04 00:00:00+00'"
    )
    arguments = ("home-assistant", "--site", str(HARBOUR))
    assert len(changed(published.publish(*arguments))[HARBOUR]) >= TEN_YEARS
    statistic_id = f"wattlog:{HARBOUR}_solar"
    hours, wh = published.rows(
        "select count(distinct time_bucket(interval '1 hour', interval_start)), sum(solar_energy_exported_wh) "
        f"from energy_intervals where site_id = {HARBOUR} and solar_energy_exported_wh is not null"
    )[0]
    assert hours > 80_000
    with logged_in(*home) as connection:
        stored = connection.call(
            "recorder/statistics_during_period",
            start_time=datetime(2010, 1, 1, tzinfo=UTC).isoformat(),
            statistic_ids=[statistic_id],
            period="hour",
            types=["sum"],
        )[statistic_id]
    assert (len(stored), stored[-1]["sum"] * 1000) == (hours, pytest.approx(wh, abs=1e-3))
    assert changed(published.publish(*arguments)) == {HARBOUR: []}
