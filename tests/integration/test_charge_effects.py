"""What a charge did to the house: four charges of a day against the simulated truth, and none for a fifth in an outage."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extract.simulator import CarState, Plug, Signing, SiteSpec, Truth, Vehicle, World
from flows.car_commands import plan_for_car, send_to_car
from flows.cars import cars_of, with_fleet_status
from flows.executors.threads import ThreadExecutor
from flows.fetch_session import FetchSession
from flows.pipeline import BackfillRequest, backfill
from tests.simulated import Account, account
from warehouse.query.query import connect
from wattlog.commands.cars import CarCommand, charge
from wattlog.commands.intent import Origin
from wattlog.providers import VEHICLE_SCOPES
from wattlog.series_spec import Series

DAY = date(2026, 1, 14)
SITE = SiteSpec(
    site_id=77, installed_at=datetime(2026, 1, 10, 20, tzinfo=UTC), wall_connectors=1, outages_per_year=365, seed=12
)
CAR = Vehicle(
    1,
    "TESTVIN0000000001",
    "Comet",
    state=CarState.ONLINE,
    signing=Signing.OFF,
    plug=Plug(77),
    level_pct=10,
    battery_wh=200_000,
)
WORLD = World((SITE,), vehicles=(CAR,), scopes=("openid", "energy_device_data", *VEHICLE_SCOPES))
SCOPE = BackfillRequest(series=(Series.ENERGY_INTERVAL, Series.BACKUP), since=DAY, until=DAY)

SQL = (
    "select requested_at, value_asked, status, reason, home_difference_w, expected_difference_w, after_connector_w, site_id "
    "from analytics.charge_effects order by requested_at"
)


def ticking_from(served: Account, instant: datetime) -> None:
    """The clock of server and pipeline goes on from an instant by two seconds with every request."""
    before = len(served.server.requests)
    served.now = lambda: instant + timedelta(seconds=2 * (len(served.server.requests) - before))


def command(served: Account, data_dir: Path, asked: CarCommand, at: datetime) -> None:
    ticking_from(served, at)
    context = served.context(data_dir)
    with FetchSession(context, context.open_archive()) as session:
        (car,) = with_fleet_status(session, cars_of(session))
        sent = send_to_car(session, plan_for_car(session, car, asked, Origin.CLI, wake=False), "vehicle charge")
        assert sent.exit_code == 0, sent.row


def true_difference_w(truth: Truth, at: datetime) -> float:
    """Mean power of three whole slots after the first full one, less that of the three before the slot of the command."""
    found = truth.day(DAY)
    starts = found.interval_start.astype(np.int64)
    slot = int(np.searchsorted(starts, int(at.timestamp()), side="right")) - 1
    home = found.home_wh
    return float((home[slot + 2 : slot + 5].sum() - home[slot - 3 : slot].sum()) * 4)


@pytest.mark.slow
def test_four_charges_have_four_effects_and_one_in_an_outage_has_none(tmp_path: Path) -> None:
    """Q119, Q120: within 3 % of the truth; the connector's power and the expected change are beside it."""
    (outage,) = Truth(SITE).day(DAY).outages
    outage_at = datetime.fromtimestamp(outage.start_s, UTC)
    hours = [datetime(2026, 1, 14, hour, 2, 30, tzinfo=UTC) for hour in range(9, 32 - 8)]
    free = [at for at in hours if abs((at - outage_at).total_seconds()) > 3 * 3600][:8:2]
    assert len(free) == 4
    with account(replace(WORLD)) as served:
        ticking_from(served, datetime(2026, 1, 14, 8, 30, tzinfo=UTC))
        backfill(served.context(tmp_path), ThreadExecutor(), SCOPE)  # the sites are known from now on
        for at in sorted([*free, outage_at + timedelta(seconds=10)]):
            command(served, tmp_path, charge(is_start=True), at)
            command(served, tmp_path, charge(is_start=False), at + timedelta(minutes=45))
        ticking_from(served, datetime(2026, 1, 17, 20, tzinfo=UTC))
        backfill(served.context(tmp_path), ThreadExecutor(), SCOPE)
        truth = served.world.truth(77)
    with connect(tmp_path / "warehouse.duckdb") as connection:
        rows: list[tuple[Any, ...]] = connection.execute(SQL).fetchall()
    assert len(rows) == 10
    started = [row for row in rows if row[1] == "start"]
    claimed = [row for row in started if row[2] == "comparable"]
    assert len(claimed) == 4, [row[3] for row in started]
    for requested_at, _, _, _, difference_w, expected_w, connector_w, site_id in claimed:
        assert difference_w == pytest.approx(true_difference_w(truth, requested_at), rel=0.03)
        assert (expected_w, connector_w, site_id) == (11_040.0, None, 77)
    ((lost),) = [row for row in started if row[2] != "comparable"]
    assert lost[3:5] == ("an outage is in the time compared", None)
