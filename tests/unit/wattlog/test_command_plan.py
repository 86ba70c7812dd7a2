"""A plan of settings: which rule counts on which day."""

import tomllib
from datetime import date
from typing import Any

import pytest

from wattlog.commands.plan import PlanRule, rule_of, wanted

PLAN = tomllib.loads("""
[[plan]]
setting = "reserve"
value = 20

[[plan]]
setting = "reserve"
value = 100
from = 2026-12-20
until = 2026-12-27

[[plan]]
setting = "mode"
value = "self-powered"
from = "04-01"
until = "09-30"

[[plan]]
setting = "mode"
value = "time-based"
from = "10-01"
until = "03-31"
site = 7
""")
RULES = [rule_of(given) for given in PLAN["plan"]]


@pytest.mark.parametrize(
    ("day", "site", "values"),
    [
        (date(2026, 12, 19), 7, {"reserve": "20", "mode": "time-based"}),
        (date(2026, 12, 20), 7, {"reserve": "100", "mode": "time-based"}),
        (date(2026, 12, 27), 8, {"reserve": "100"}),
        (date(2026, 12, 28), 8, {"reserve": "20"}),
        (date(2027, 3, 31), 7, {"reserve": "20", "mode": "time-based"}),
        (date(2027, 4, 1), 7, {"reserve": "20", "mode": "self-powered"}),
        (date(2024, 2, 29), 7, {"reserve": "20", "mode": "time-based"}),
    ],
)
def test_the_last_rule_that_applies_counts(day: date, site: int, values: dict[str, str]) -> None:
    assert {name: rule.value for name, rule in wanted(RULES, site, day).items()} == values


def test_a_rule_may_have_one_end_alone() -> None:
    rule = rule_of({"setting": "reserve", "value": "80 %", "until": "2026-12-24"})
    assert rule == PlanRule("reserve", "80", None, None, date(2026, 12, 24))
    assert rule.applies(1, date(2026, 12, 24))
    assert not rule.applies(1, date(2026, 12, 25))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("reserve", "setting and value"),
        ({"setting": "tariff", "value": "x"}, "cannot be planned"),
        ({"setting": "warp", "value": "9"}, "cannot be planned"),
        ({"setting": "reserve", "value": 120}, "'120' is not a whole number"),
        ({"setting": "reserve", "value": 20, "to": 1}, "has no 'to'"),
        ({"setting": "reserve", "value": 20, "site": "a"}, "'a' of the plan is not a number"),
        ({"setting": "reserve", "value": 20, "from": "02-30", "until": "03-01"}, "'02-30' is not a day"),
        ({"setting": "reserve", "value": 20, "from": "soon"}, "'soon' is not a day"),
        ({"setting": "reserve", "value": 20, "from": "02-01"}, "both"),
        ({"setting": "reserve", "value": 20, "from": date(2026, 2, 2), "until": date(2026, 2, 1)}, "ends before"),
    ],
)
def test_a_rule_that_cannot_be_read_has_a_reason(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        rule_of(given)
