"""Everything that can go wrong on the way, at once, and the warehouse is the one of a quiet day."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from extract.api.fetch import MAX_ATTEMPTS
from extract.errors import Fatal
from extract.simulator.conditions import Conditions
from extract.simulator.faults.plan import FaultPlan
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.login.authority import DEMO_REFRESH_TOKEN, OAuthSetup, RefreshOutcome
from extract.simulator.scenarios import TRANSPORT_FAULTS, scenario
from extract.simulator.worlds.by_scenario import stale_sites_world
from flows.errors import ExitCode, exit_code_for
from tests.simulated import NOW, Account, account, standing, stepping
from tests.warehouse_rows import OF_SNAPSHOTS, content
from warehouse.query.query import connect

SINCE, UNTIL = date(2025, 12, 20), date(2026, 1, 12)


def questions(served: Account) -> Counter[tuple[str, ...]]:
    """How often each history window was asked."""
    return Counter(
        (path, *sorted(f"{key}={value}" for key, value in params.items())) for path, params in served.asked_history()
    )


@pytest.mark.slow
def test_the_same_warehouse_as_without_faults(tmp_path: Path) -> None:
    """All at once: late, cut, reset, refused, overloaded and garbled responses (about one request in seven), a limit, and
    access tokens that live for three seconds, each got with a refresh token that is good once (Q28, Q29, Q30).

    Time moves on with the requests, by less than it takes for the running month to have another figure.
    """
    with account() as quiet:
        quiet.backfill(tmp_path / "quiet", SINCE, until=UNTIL)
    everything = Conditions(
        faults=FaultPlan(TRANSPORT_FAULTS, seed=20_260_801),
        oauth=OAuthSetup(expires_in_s=3, static_token_s=0),
        limit=RateLimit(2000),
    )
    with account(conditions=everything) as noisy:
        noisy.now = stepping(noisy, 0.1)
        noisy.login = {"refresh_token": DEMO_REFRESH_TOKEN, "client_id": "wattlog", "config_dir": tmp_path / "config"}
        summary = noisy.backfill(tmp_path / "noisy", SINCE, until=UNTIL)
        met = {type(fault).__name__ for request in noisy.server.requests for fault in request.faults}
        asked = questions(noisy)
        again = noisy.backfill(tmp_path / "noisy", SINCE, until=UNTIL)
        settled_again = [
            params["end_date"]
            for _, params in noisy.asked_history()[asked.total() :]
            if params["kind"] in {"power", "soe"} or params.get("period") == "day"
        ]
        refreshes = noisy.server.authority.refreshes
    assert summary.exit_code == again.exit_code == ExitCode.OK
    assert len(met) >= 4, "the faults were there"
    assert max(asked.values()) <= MAX_ATTEMPTS + 1, "five attempts, and one more for a token that ended meanwhile"
    assert [end for end in settled_again if end < "2026-01-12"] == [], "what is settled is not asked again"
    assert len(refreshes) >= 3
    assert {refresh.outcome for refresh in refreshes} == {RefreshOutcome.ROTATED}, "no spent refresh token was sent"
    ours, theirs = content(tmp_path / "quiet/warehouse.duckdb"), content(tmp_path / "noisy/warehouse.duckdb")
    of_requests = {"requests", "quarantine", "gaps", "revisions", "site_settings", "tariffs"} | OF_SNAPSHOTS
    for name in set(ours) - of_requests:
        assert theirs[name] == ours[name], name


@pytest.mark.parametrize("name", ["payment", "missing-scope", "owner-closed"])
def test_an_error_that_no_retry_heals_ends_at_once(tmp_path: Path, name: str) -> None:
    """402 and 403 end the run within one request of each kind under way."""
    with scenario(name).serve(clock=lambda: NOW) as server:
        served = Account(server.world, standing)
        served.server = server
        with pytest.raises(Fatal) as raised:
            served.backfill(tmp_path, SINCE, until=UNTIL)
        assert exit_code_for(raised.value) is ExitCode.PAYMENT_OR_SCOPE
        assert len(server.requests) <= 2


@pytest.mark.exhaustive
def test_a_stale_site_is_skipped_and_the_others_complete(tmp_path: Path) -> None:
    """API.md#products: a ghost is skipped; a site that answers 500 to everything costs a few requests, not the run."""
    with account(stale_sites_world(NOW.date())) as served:
        summary = served.backfill(tmp_path, SINCE, until=UNTIL)
        asked = Counter(
            request.path.split("/")[4] for request in served.server.requests if "energy_sites" in request.path
        )
    assert summary.exit_code == ExitCode.INCOMPLETE
    assert {failure.what.split()[1] for failure in summary.failures} <= {"876543213", "876543214"}
    assert summary.failures
    assert asked["876543213"] <= 4 * MAX_ATTEMPTS
    assert "987654321" not in asked, "the ghost is not asked at all"
    with connect(tmp_path / "warehouse.duckdb") as warehouse:
        days = dict(warehouse.execute("select site_id, count(*) from daily group by 1").fetchall())
        statuses = dict(warehouse.execute("select site_id, status from sites").fetchall())
    assert days == {1689453203487921: 31 + 15, 2104877316: 31 + 16}, "the month series has whole months, to today"
    assert statuses[876543213] == "failing"
    assert statuses[987654321] == "ghost"
