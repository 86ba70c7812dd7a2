"""Everything that can happen to a data directory, in any order; `make torture` has more and longer examples."""

from datetime import UTC, datetime

import pytest
from hypothesis import Phase, settings

from tests.examples import share
from tests.torture.damages import Damage
from tests.torture.machine import HistoryMachine

TestHistory = HistoryMachine.TestCase
TestHistory.settings = settings(max_examples=share(3), stateful_step_count=10, phases=[Phase.generate])


@pytest.mark.slow
def test_a_rebuild_after_the_products_lists_were_lost_has_every_row() -> None:
    """The loss of the account's segment was accepted: the responses of the site itself show that there is one."""
    machine = HistoryMachine()
    machine.begin(now=datetime(2026, 2, 9, 11, 31, tzinfo=UTC))
    number = [path.parts[-1] for path in sorted(machine.data_dir.glob("raw/site_id=*/**/*.zst"))]
    assert len(number) >= 2
    machine.segment_is_damaged(number=0, damage=Damage.DELETED, is_restored=False)
    machine.lake_is_damaged(number=0, damage=Damage.CUT)
    machine.rebuilt()
    machine.teardown()


@pytest.mark.slow
def test_a_battery_that_was_added_while_the_gateway_was_offline_has_gaps() -> None:
    """No state of energy has come since, but site_info has the battery."""
    machine = HistoryMachine()
    machine.begin(now=datetime(2026, 2, 9, 11, 31, tzinfo=UTC))
    machine.gateway_goes_offline(number=0, quarters=27)
    machine.battery_is_added(number=0)
    machine.nights(count=5, is_published=False)
    machine.gateway_returns(days=1, number=1, quarters=46)
    machine.nights(count=2, is_published=False)
    machine.teardown()
