"""Histories from a server: a real InfluxDB, and a Home Assistant that answers as the real one does."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from extract.simulator import FLOWS, SiteSpec, Truth, World
from extract.simulator.local_day import days_between
from tests.dashboard_database import dashboard_points
from tests.home_assistant import TOKEN, StandIn, stand_in
from tests.import_files import STATISTICS, House, site_in
from tests.influxdb import ask, influxd, needs_influxd, write
from tests.integration.test_imports import Home
from tests.simulated import account

pytestmark = pytest.mark.slow

SITE = SiteSpec(site_id=77, installed_at=datetime(2021, 3, 1, 20, tzinfo=UTC), seed=7)
FIRST, LAST = date(2024, 10, 30), date(2024, 11, 4)
"""Two months, and the day on which the clocks go back."""

DAYS = list(days_between(FIRST, LAST))
SHARES = (*("consumer_energy_imported_from_",), "grid_energy_exported_from_", "battery_energy_imported_from_")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A day from the API; not to be changed."""
    place = tmp_path_factory.mktemp("servers") / "data"
    with account(World((SITE,))) as served:
        served.backfill(place, date(2026, 1, 4), until=date(2026, 1, 5))
        yield Home(served, place, House(Truth(SITE), site_in("America/Los_Angeles")))


@pytest.fixture
def home(bare: Home, tmp_path: Path) -> Home:
    """A copy that a test may change."""
    shutil.copytree(bare.place, tmp_path / "data")
    return Home(bare.served, tmp_path / "data", bare.house)


def check_days(home: Home, source: str, allowed_wh: float) -> None:
    rows = home.rows(
        "select local_date, home_wh, solar_energy_exported_wh, grid_energy_imported_wh, grid_export_wh, "
        f"battery_energy_exported_wh, battery_charge_wh from import_days where source = '{source}' order by all"
    )
    names = ("home_wh", "solar_energy_exported_wh", "grid_energy_imported_wh", "grid_export_wh",
             "battery_energy_exported_wh", "battery_charge_wh")  # fmt: skip
    assert [day for day, *_ in rows] == DAYS
    for day, *values in rows:
        totals = home.house.totals(day)
        assert dict(zip(names, values, strict=True)) == pytest.approx(
            {name: totals[name] for name in names}, abs=allowed_wh
        )


# --- InfluxDB ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_influxd
def test_powerwall_dashboard_from_its_database(home: Home, tmp_path: Path) -> None:
    """Minutes, hours, days, and readings; a second time nothing is new, and a rebuild needs no server."""
    with influxd(tmp_path / "influxdb") as url:
        ask(url, "CREATE DATABASE powerwall")
        for policy, points in dashboard_points(home.house, DAYS).items():
            if policy != "autogen":
                ask(url, f"CREATE RETENTION POLICY {policy} ON powerwall DURATION INF REPLICATION 1")
            write(url, policy, points)
        found = home.wattlog("import", url, "--site", "77", "--json")
        assert found.returncode == 0, found.stderr
        names = sorted(file["name"] for file in json.loads(found.stdout)["files"])
        again = home.wattlog("import", url, "--site", "77")
        assert "changes nothing" in again.stderr, again.stderr
    months = [f"{policy}/2024-{month}.csv" for policy in ("autogen", "grid", "pod") for month in (10, 11)]
    assert names == sorted([*months, "daily/daily.csv", "kwh/2024.csv"])
    check_days(home, "import:powerwall_dashboard/days", 1e-6)
    check_days(home, "import:powerwall_dashboard/intervals", 1e-6)
    check_days(home, "import:powerwall_dashboard/power", 0.5)
    hours = sum(len(home.house.locals(day)[::12]) for day in DAYS)
    assert home.rows("select device, reading, unit, count(*) from device_readings group by all order by all") == [
        ("PW1", "POD_nom_full_pack_energy", "Wh", hours),
        ("grid", "status", None, hours),
    ]
    assert home.rows("select count(*) from quarantine where raw_id in (select raw_id from requests "
                     "where series = 'import:powerwall_dashboard')") == [(0,)]  # fmt: skip
    before = home.rows("select * from import_days order by all")
    assert home.wattlog("rebuild").returncode == 0
    assert home.rows("select * from import_days order by all") == before


@pytest.mark.slow
@needs_influxd
def test_a_server_with_a_password(home: Home, tmp_path: Path) -> None:
    """Without the secret one line says what to set; nothing of it is printed."""
    with influxd(tmp_path / "influxdb", user="reader:swordfish-8") as url:
        refused = home.wattlog("import", url, "--site", "77")
        assert (refused.returncode, "refuses the credentials" in refused.stderr) == (2, True)
        home.secrets = {"WATTLOG_SECRET_INFLUXDB": "reader:swordfish-8"}
        empty = home.wattlog("import", url, "--site", "77")
        assert empty.returncode == 2
        assert "database not found: powerwall" in empty.stderr
        assert "swordfish" not in empty.stderr + refused.stderr


# --- Home Assistant ---------------------------------------------------------------------------------------------------


@pytest.fixture
def assistant(home: Home) -> Iterator[StandIn]:
    """With the counters of six meters, and one that wattlog has written."""
    with stand_in() as found:
        for name, target in STATISTICS.items():
            prefix = {"home_wh": SHARES[0], "grid_export_wh": SHARES[1], "battery_charge_wh": SHARES[2]}.get(
                target, target.removesuffix("_wh")
            )
            total, hours = 5_000.0, dict[int, float]()
            for day in DAYS:
                truth = home.house.truth.day(day)
                starts = truth.interval_start.astype(np.int64)
                wh = np.sum([truth.flows[flow] for flow in FLOWS if flow.startswith(prefix)], axis=0)
                if not hours:
                    hours[int(starts[0] - 3600) * 1000] = total
                for at in range(0, len(starts), 12):
                    total += float(wh[at : at + 12].sum()) / 1000
                    hours[int(starts[at]) * 1000] = total
            found.add(name, hours)
        found.add("wattlog:77_solar", {0: 1.0})
        yield found


def test_statistics_of_home_assistant(home: Home, assistant: StandIn) -> None:
    """Two months, each with the hour before it; a second time nothing is new."""
    home.secrets = {"WATTLOG_SECRET_HOME_ASSISTANT": TOKEN}
    form = ("--format", "home_assistant", "--site", "77")
    found = home.wattlog("import", assistant.url, *form, "--json")
    assert found.returncode == 0, found.stderr
    assert sorted(file["name"] for file in json.loads(found.stdout)["files"]) == ["2024-10.json", "2024-11.json"]
    check_days(home, "import:home_assistant/intervals", 1e-3)
    assert "changes nothing" in home.wattlog("import", assistant.url, *form).stderr
    assert b"wattlog:77" not in b"".join(path.read_bytes() for path in home.place.rglob("*.ndjson"))


def test_a_wrong_token_is_one_line(home: Home, assistant: StandIn) -> None:
    form = ("--format", "home_assistant", "--site", "77")
    without = home.wattlog("import", assistant.url, *form)
    assert (without.returncode, "set WATTLOG_SECRET_HOME_ASSISTANT" in without.stderr) == (2, True)
    home.secrets = {"WATTLOG_SECRET_HOME_ASSISTANT": "another-token-that-is-wrong"}
    refused = home.wattlog("import", assistant.url, *form)
    assert (refused.returncode, "refuses the credentials" in refused.stderr) == (2, True)
    assert "another-token" not in refused.stderr
    nothing = home.wattlog("import", "http://127.0.0.1:9", *form)
    assert (nothing.returncode, "no connection" in nothing.stderr) == (1, True)


def test_a_password_in_the_address_is_refused(home: Home) -> None:
    found = home.wattlog("import", "http://me:swordfish@127.0.0.1:9", "--site", "77")
    assert found.returncode == 2
    assert "write no password into the address" in found.stderr
