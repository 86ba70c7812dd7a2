"""Small raw responses, in the shapes that the API has, and the exact rows that are made from them.

Each case is one file of `tests/golden/transform`: what it shows, the site, the responses as they are kept, and every row of
every table, NULL columns left out. The responses are made up; their shapes are those of API.md.
"""

import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from extract.requests import ACCOUNT
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, checked, records
from transform.responses import Tables
from transform.shapers import ACCOUNT_SHAPERS, SHAPERS
from wattlog.series import old_histories

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
        body=given["file"].encode() if "file" in given else orjson.dumps({"response": given["response"]}),
        path=given.get("path", ""),
    )


def shaped(case: dict[str, Any]) -> Tables:
    facts = dict(case["site"])
    if facts.get("installed_at"):
        facts["installed_at"] = datetime.fromisoformat(facts["installed_at"])
    site = replace(BATTERY_SITE, **facts)
    series = case["responses"][0]["series"]
    if series in ACCOUNT_SHAPERS:
        return checked(ACCOUNT_SHAPERS[series]([kept(given, ACCOUNT) for given in case["responses"]]))
    return checked(SHAPERS[series]([kept(given, site.site_id) for given in case["responses"]], site))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON would have them: text for dates and instants, no NULLs."""
    return [{name: _plain(value) for name, value in row.items() if not pd.isna(value)} for row in records(frame)]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_responses_become_exactly_the_expected_rows(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert {name: plain(frame) for name, frame in shaped(case).items()} == case["tables"], case["about"]


def test_every_series_has_a_case() -> None:
    series = {given["series"] for path in CASES for given in json.loads(path.read_text(encoding="utf-8"))["responses"]}
    imported = set(old_histories())  # all of one shaper; their formats have tests of their own
    assert series - imported == (set(SHAPERS) | set(ACCOUNT_SHAPERS)) - imported
    assert series & imported
