"""Everything that can happen to a data directory, in any order; `make torture` has more and longer examples."""

from hypothesis import Phase, settings

from tests.examples import share
from tests.torture.machine import HistoryMachine

TestHistory = HistoryMachine.TestCase
TestHistory.settings = settings(max_examples=share(3), stateful_step_count=10, phases=[Phase.generate])
