"""Every scenario has a name, an explanation, and an account."""

from datetime import date

import pytest

from extract.simulator.scenarios import SCENARIOS, TRANSPORT_FAULTS, scenario
from extract.simulator.worlds.by_scenario import ANOMALIES, SITE_KINDS, anomaly_world, site_kind_world

TODAY = date(2026, 7, 20)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_has_a_name_an_explanation_and_an_account(name: str) -> None:
    """Names are lower case without spaces, explanations are sentences, accounts have sites and a token."""
    found = scenario(name)
    assert found.name == name == name.lower().replace(" ", "-")
    assert found.explanation.endswith(".")
    assert found.explanation[0].isupper() or found.explanation[0].isdigit()
    world = found.world(TODAY)
    assert world.sites
    assert world.access_token


def test_explanations_are_different() -> None:
    """No two scenarios have the same explanation."""
    assert len({listed.explanation for listed in SCENARIOS.values()}) == len(SCENARIOS)


def test_the_error_for_an_unknown_scenario_lists_the_known_ones() -> None:
    """The error lists the scenarios."""
    with pytest.raises(ValueError, match="no scenario is called 'nonsense'; there are demo, calm, commands, faults"):
        scenario("nonsense")


@pytest.mark.parametrize("kind", SITE_KINDS)
def test_a_kind_of_sites_is_some_sites_but_not_all(kind: str) -> None:
    """Each kind has sites on any day of the year, and not all sites."""
    for today in (TODAY, date(2026, 1, 1), date(2028, 2, 29)):
        some = {site.site_name for site in site_kind_world(today, kind).sites}
        assert some
        assert some < {site.site_name for site in scenario("personalities").world(today).sites}


@pytest.mark.parametrize("name", ANOMALIES)
def test_an_anomaly_scenario_has_one_kind_of_anomaly(name: str) -> None:
    """There is one class of anomalies only, with injections."""
    world = anomaly_world(TODAY, name)
    found = [anomaly for site in world.sites for anomaly in site.anomalies]
    assert len({type(anomaly) for anomaly in found}) == 1
    assert all(anomaly.injections(world.sites[0].zone) for anomaly in found)


def test_every_anomaly_of_the_quirky_account_has_one_scenario() -> None:
    """Each anomaly of the quirky account is in exactly one scenario."""
    quirky = [anomaly for site in scenario("quirks").world(TODAY).sites for anomaly in site.anomalies]
    singles = [anomaly for name in ANOMALIES for site in anomaly_world(TODAY, name).sites for anomaly in site.anomalies]
    assert sorted(map(repr, singles)) == sorted(map(repr, quirky))


def test_everything_has_all_sites_and_faults() -> None:
    """All sites of the two large accounts, with all anomalies."""
    whole = scenario("everything").world(TODAY)
    parts = [scenario(name).world(TODAY) for name in ("quirks", "personalities")]
    assert set(whole.sites) == {site for part in parts for site in part.sites}
    assert set(whole.ghosts) == {ghost for part in parts for ghost in part.ghosts}
    assert scenario("everything").conditions.faults.rules == TRANSPORT_FAULTS


def test_temporary_faults_end_after_a_few_attempts() -> None:
    """No rule affects the same request for ever, and the burst is shorter than the usual number of retries."""
    assert all(
        rule.attempts == 2 or (rule.last is not None and rule.last - rule.first < 3) for rule in TRANSPORT_FAULTS
    )
