"""The check of table `commands`: which rows contradict themselves, and which only look like it."""

import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.checks.sql_checks import checks, run_checks

COMMAND: Row = {"name": "reserve", "value_asked": "40", "value_after": "40", "outcome": "applied", "attempts": 1}
REFUSED = {"outcome": "rejected", "reason": "no"}


@pytest.mark.parametrize(
    ("row", "is_found"),
    [
        ({"value_after": "80"}, True),
        ({"outcome": "accepted_unconfirmed", "reason": "?"}, True),
        ({"outcome": "failed", "reason": "?"}, True),
        ({"outcome": "accepted_absent", "reason": "?"}, True),
        ({"outcome": "accepted_unconfirmed", "reason": "?", "value_after": None, "attempts": 0}, True),
        ({"outcome": "failed", "reason": None, "value_after": None}, True),
        ({"value_asked": "90", "value_after": "80", "outcome": "accepted_unconfirmed", "reason": "?"}, False),
        ({"outcome": "accepted_unconfirmed", "reason": "?", "value_after": None}, False),
        ({"outcome": "failed", "reason": "?", "value_after": None, "attempts": 0}, False),
        ({"name": "tariff", "value_asked": "aa", "value_after": "bb"}, False),
        ({"reason": "the answer was lost, but site_info shows the value"}, False),
        ({**REFUSED, "value_after": None}, False),
        (REFUSED, False),
    ],
)
def test_a_command_that_contradicts_itself_is_found(row: Row, is_found: bool, database: Database) -> None:
    """Q48, Q64: a reserve that was replaced and a value that was not read are sound; another value that was applied is not."""
    check = next(check for check in checks() if check.name == "command_outcomes_match_values")
    found = run_checks(database({"commands": [{**COMMAND, **row}]}), [check])
    assert [failed.rows for failed in found] == [1] * is_found
