"""Small raw answers, in the shapes that the API has, and the very rows that come of them.

Each case is one file of `tests/golden/transform`: what it shows, the site, the answers as they were kept, and every row of
every table, NULL columns left out. The answers are made up; their shapes are those of API.md.
"""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, records
from transform import backup, charge, energy_intervals, energy_periods, history, live_status, power, soe
from transform.answer import Tables

SHAPES = {
    "power": power.shape,
    "soe": soe.shape,
    "energy_interval": energy_intervals.shape,
    "energy_day": energy_periods.shape,
    "energy_month": energy_periods.shape,
    "energy_year": energy_periods.shape,
    "history": history.shape,
    "backup": backup.shape,
    "charge": charge.shape,
    "snapshot": live_status.shape,
}

CASES = sorted((Path(__file__).parent / "transform").glob("*.json"))


def kept(given: dict[str, Any], site_id: int) -> KeptAnswer:
    return KeptAnswer(
        raw_id=given["raw_id"],
        run_id="run-1",
        site_id=site_id,
        series=given["series"],
        window_start=date.fromisoformat(given["window"][0]),
        window_end=date.fromisoformat(given["window"][1]),
        requested_at=datetime.fromisoformat(given["asked"]),
        body=orjson.dumps({"response": given["response"]}),
    )


def shaped(case: dict[str, Any]) -> Tables:
    facts = dict(case["site"])
    if facts.get("installed_at"):
        facts["installed_at"] = datetime.fromisoformat(facts["installed_at"])
    site = replace(BATTERY_SITE, **facts)
    shape = SHAPES[case["answers"][0]["series"]]
    return checked(shape([kept(each, site.site_id) for each in case["answers"]], site))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON would have them: text for dates and instants, no NULLs."""
    return [{name: _plain(value) for name, value in row.items() if not pd.isna(value)} for row in records(frame)]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_answers_become_exactly_the_rows_that_stand_beside_them(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert {name: plain(frame) for name, frame in shaped(case).items()} == case["tables"], case["about"]


def test_every_series_has_a_case() -> None:
    series = {answer["series"] for path in CASES for answer in json.loads(path.read_text(encoding="utf-8"))["answers"]}
    assert series == set(SHAPES)
