"""The registry: every scenario has a name, an explanation, an account that shows it."""

from datetime import date

import pytest

from extract.simulator.scenarios import SCENARIOS, TRANSPORT_FAULTS, scenario
from extract.simulator.worlds import CONTRADICTIONS, FAMILIES, contradicting_world, family_world

TODAY = date(2026, 7, 20)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_named_explained_and_built(name: str) -> None:
    """Names can be typed, explanations are sentences, accounts have sites and a token."""
    found = scenario(name)
    assert found.name == name == name.lower().replace(" ", "-")
    assert found.explanation.endswith(".")
    assert found.explanation[0].isupper() or found.explanation[0].isdigit()
    world = found.world(TODAY)
    assert world.sites
    assert world.access_token


def test_no_two_scenarios_say_the_same() -> None:
    """A list in which two lines agree explains nothing."""
    assert len({each.explanation for each in SCENARIOS.values()}) == len(SCENARIOS)


def test_an_unknown_scenario_is_answered_with_the_known() -> None:
    """The error names what there is."""
    with pytest.raises(ValueError, match="no scenario is called 'nonsense'; there are demo, calm, faults"):
        scenario("nonsense")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_some_sites_but_not_all(family: str) -> None:
    """Each kind of site exists, on any day of the year, and is told from the others."""
    for today in (TODAY, date(2026, 1, 1), date(2028, 2, 29)):
        some = {each.site_name for each in family_world(today, family).sites}
        assert some
        assert some < {each.site_name for each in scenario("personalities").world(today).sites}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_comes_alone(name: str) -> None:
    """One kind only, and the truth knows what it touches."""
    world = contradicting_world(TODAY, name)
    found = [each for site in world.sites for each in site.contradictions]
    assert len({type(each) for each in found}) == 1
    assert all(each.injections(world.sites[0].zone) for each in found)


def test_the_contradictions_are_all_there_are() -> None:
    """Each contradiction of the quirky account belongs to exactly one scenario."""
    quirky = [each for site in scenario("quirks").world(TODAY).sites for each in site.contradictions]
    singles = [
        each
        for name in CONTRADICTIONS
        for site in contradicting_world(TODAY, name).sites
        for each in site.contradictions
    ]
    assert sorted(map(repr, singles)) == sorted(map(repr, quirky))


def test_everything_is_the_sum() -> None:
    """All sites of the two large accounts, with the quirks' contradictions."""
    whole = scenario("everything").world(TODAY)
    parts = [scenario(name).world(TODAY) for name in ("quirks", "personalities")]
    assert set(whole.sites) == {site for part in parts for site in part.sites}
    assert set(whole.ghosts) == {ghost for part in parts for ghost in part.ghosts}
    assert scenario("everything").conditions.faults.rules == TRANSPORT_FAULTS


def test_a_patient_client_gets_through_the_faults() -> None:
    """No rule of the mixed faults hits the same request for ever, and the burst is shorter than common patience."""
    assert all(rule.asks == 2 or (rule.last is not None and rule.last - rule.first < 3) for rule in TRANSPORT_FAULTS)
