"""Prefect: a setting is changed by a flow run, and the plan by another; each ends as the command line would."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from extract.simulator import CommandBehaviour, Conditions, SiteSpec, World
from flows.errors import ExitCode, RunFailed, UsageError
from tests.simulated import Account, account
from tests.tariffs import document, period, year
from wattlog.commands.settings import Setting
from wattlog.providers import COMMAND_SCOPE

pytestmark = pytest.mark.slow

SITE = 1_000_000_001
WORLD = World((SiteSpec(site_id=SITE),))


@pytest.fixture
def served() -> Iterator[Account]:
    world = replace(WORLD, scopes=(*WORLD.scopes, COMMAND_SCOPE))
    with account(world) as made:
        yield made


def configure(made: Account, monkeypatch: pytest.MonkeyPatch, plan: str = "") -> None:
    monkeypatch.setenv("WATTLOG_PROVIDER", "simulator")
    monkeypatch.setenv("WATTLOG_API_BASE_URL", made.server.base_url)
    monkeypatch.setenv("WATTLOG_ACCESS_TOKEN", made.world.access_token)
    if plan:
        monkeypatch.setenv("WATTLOG_PLAN", plan)


def posts(made: Account) -> int:
    return sum(request.method == "POST" for request in made.server.requests)


def test_a_flow_changes_a_setting_once(
    served: Account, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    from flows.orchestration.flows import change

    configure(served, monkeypatch)
    assert change(Setting.RESERVE, "40", site=SITE, data_dir=tmp_path) == {"outcome": "applied", "value": "40"}
    with get_client(sync_client=True) as client:
        assert f"change reserve to 40, site {SITE}" in {run.name for run in client.read_flow_runs(limit=200)}
    assert change(Setting.RESERVE, "40", data_dir=tmp_path) == {"outcome": "set already", "value": "40"}
    with pytest.raises(UsageError, match="nothing is sent"):
        change(Setting.RESERVE, "90", data_dir=tmp_path)
    assert posts(served) == 1


def test_a_flow_replaces_a_tariff_and_puts_it_back(
    tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tariff is a parameter, as JSON has it; flow runs are named after what they change."""
    from prefect.client.orchestration import get_client

    from flows.orchestration.flows import change_tariff

    new = document({"Year": year(ALL=[period()])}, {"Year": {"ALL": 0.25}})
    world = World((SiteSpec(site_id=SITE, has_tariff=True),))
    with account(replace(world, scopes=(*world.scopes, COMMAND_SCOPE))) as made:
        configure(made, monkeypatch)
        with pytest.raises(UsageError, match="none can be put back"):
            change_tariff(restore=True, site=SITE, data_dir=tmp_path)
        with pytest.raises(UsageError, match="give a tariff, or restore"):
            change_tariff(data_dir=tmp_path)
        assert change_tariff(tariff=new, data_dir=tmp_path)["outcome"] == "applied"
        assert change_tariff(tariff=new, data_dir=tmp_path)["outcome"] == "set already"
        assert change_tariff(restore=True, data_dir=tmp_path)["outcome"] == "applied"
        assert posts(made) == 2
        assert len(list((tmp_path / "replaced-tariffs").iterdir())) == 2
    with get_client(sync_client=True) as client:
        names = {run.name for run in client.read_flow_runs(limit=200)}
    assert {f"change_tariff back, site {SITE}", "change_tariff back", "change_tariff"} <= names


def test_a_change_that_is_not_confirmed_fails_the_flow_run(
    tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.orchestration.flows import change

    world = replace(WORLD, scopes=(*WORLD.scopes, COMMAND_SCOPE))
    with account(world, conditions=Conditions(commands=CommandBehaviour(is_applied=False))) as made:
        configure(made, monkeypatch)
        with pytest.raises(RunFailed) as failed:
            change(Setting.RESERVE, "40", data_dir=tmp_path)
        assert failed.value.exit_code is ExitCode.UNCONFIRMED
        assert posts(made) == 1


def test_a_flow_applies_the_plan(
    served: Account, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.orchestration.flows import apply

    configure(served, monkeypatch, '[{"setting": "reserve", "value": 40}]')
    assert [step["state"] for step in apply(data_dir=tmp_path)["steps"]] == ["to be sent"]
    assert posts(served) == 0
    for state in ("applied", "set already"):
        assert [step["state"] for step in apply(dry_run=False, data_dir=tmp_path)["steps"]] == [state]
    assert posts(served) == 1
