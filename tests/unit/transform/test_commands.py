"""Table `commands` from the records of commands, in any order and as far as they go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import orjson
import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE as SITE
from tests.unit.transform.answers import KeptAnswer
from transform.commands import command_of, shape_commands
from transform.tariffs.comparison import has_same_prices
from wattlog.api_json import checksum
from wattlog.commands.intent import Intent
from wattlog.commands.settings import SETTINGS, Setting

AT = datetime(2025, 11, 20, 20, tzinfo=UTC)
RESERVE = SETTINGS[Setting.RESERVE]
ACCEPTED = {"response": {"code": 201, "message": "Updated"}}


def record(path: str, body: object, after_s: float, *, status: int = 200, run_id: str = "run-1") -> KeptAnswer:
    return KeptAnswer(
        raw_id=f"{run_id}-{path}-{after_s}",
        series="command",
        window_start=date(2025, 11, 20),
        window_end=date(2025, 11, 20),
        requested_at=AT + timedelta(seconds=after_s),
        body=body if isinstance(body, bytes) else orjson.dumps(body),
        site_id=SITE.site_id,
        run_id=run_id,
        status=status,
        path=path,
    )


def intent(run_id: str = "run-1", text: str = "40", name: Setting = Setting.RESERVE, value: Any = None) -> KeptAnswer:
    spec = SETTINGS[name]
    value = spec.values.parse(text) if value is None else value
    made = Intent(name, spec.path(SITE.site_id), spec.body(value), text, "20", "cli")
    return record(made.record_path, made.to_json(), 0, run_id=run_id)


def answer(body: object = ACCEPTED, after_s: float = 1, **more: Any) -> KeptAnswer:
    return record(RESERVE.path(SITE.site_id), body, after_s, **more)


def read_back(percent: object, after_s: float = 2, **more: Any) -> KeptAnswer:
    body = {"response": {"backup_reserve_percent": percent}}
    return record(f"/api/1/energy_sites/{SITE.site_id}/site_info", body, after_s, **more)


def rows(records: Sequence[KeptAnswer]) -> list[dict[str, Any]]:
    frame = shape_commands(records, SITE)["commands"]
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


RECORDS = [intent(), answer(b"", status=502), answer(after_s=1.5), read_back(20), read_back(40, 5)]


@pytest.mark.parametrize(
    ("count", "outcome", "attempts"),
    [
        (1, "failed", 0),
        (2, "failed", 1),
        (3, "accepted_unconfirmed", 2),
        (4, "accepted_unconfirmed", 2),
        (5, "applied", 2),
    ],
)
def test_a_row_says_what_is_known_wherever_the_run_ended(count: int, outcome: str, attempts: int) -> None:
    (row,) = rows(RECORDS[:count])
    assert (row["outcome"], row["attempts"]) == (outcome, attempts)
    assert (row["command_id"], row["name"], row["origin"]) == ("run-1", "reserve", "cli")
    assert (row["value_before"], row["value_asked"]) == ("20", "40")
    assert row["requested_at"] == AT
    assert pd.isna(row["reason"]) == (outcome == "applied")


def test_the_order_of_records_has_no_effect() -> None:
    assert {str(rows(ordered)) for ordered in permutations(RECORDS)} == {str(rows(RECORDS))}
    assert command_of(RECORDS[::-1]) == command_of(RECORDS)


def test_commands_are_separate_and_ordered() -> None:
    others = [replace(kept, run_id="run-0", raw_id=f"0-{kept.raw_id}") for kept in (intent(), answer(status=403))]
    assert [(row["command_id"], row["outcome"]) for row in rows([*RECORDS, *others])] == [
        ("run-0", "rejected"),
        ("run-1", "applied"),
    ]


def test_records_without_an_intent_are_no_command() -> None:
    assert rows(RECORDS[1:]) == []
    assert command_of(RECORDS[1:]) is None


@pytest.mark.parametrize("body", [b"{}", b"[", b"null", b'{"name": "warp"}'])
def test_an_intent_that_cannot_be_read_is_quarantined(body: bytes) -> None:
    tables = shape_commands([replace(intent(), body=body)], SITE)
    assert tables["commands"].empty
    assert tables["quarantine"]["reason"].tolist() == ["contract"]


def test_a_site_info_that_cannot_be_used_shows_nothing() -> None:
    site_info = read_back(40)
    useless = [replace(site_info, body=body) for body in (b"[", b'{"response":""}', b'{"response":null}', b"{}")]
    for kept in (*useless, replace(site_info, status=500)):
        assert rows([intent(), answer(), kept])[0]["outcome"] == "accepted_unconfirmed"


def tariff(**prices: float) -> dict[str, Any]:
    period = {"toDayOfWeek": 6}
    return {
        "code": "T",
        "currency": "EUR",
        "energy_charges": {"ALL": {"rates": {"ALL": 0}}, "Year": {"rates": prices}},
        "seasons": {
            "Year": {
                "fromMonth": 1,
                "fromDay": 1,
                "toMonth": 12,
                "toDay": 31,
                "tou_periods": {
                    "DAY": {"periods": [period | {"fromHour": 6, "toHour": 22}]},
                    "NIGHT": {"periods": [period | {"fromHour": 22, "toHour": 6}]},
                },
            }
        },
    }


def test_tariffs_are_the_same_by_their_prices() -> None:
    """Q131: a document that was written is normalised, and a label has no meaning."""
    asked, shown = tariff(DAY=0.3, NIGHT=0.2), tariff(DAY=0.3, NIGHT=0.2)
    del shown["energy_charges"]["ALL"]
    shown["name"] = "Renamed"
    assert has_same_prices(asked, shown)
    assert not has_same_prices(asked, tariff(DAY=0.3, NIGHT=0.21))
    assert has_same_prices(asked, shown | {"sell_tariff": tariff(DAY=0.1, NIGHT=0.1)})
    assert not has_same_prices(asked | {"sell_tariff": tariff(DAY=0.1, NIGHT=0.1)}, shown)
    later = tariff(DAY=0.3, NIGHT=0.2)
    later["seasons"]["Year"]["tou_periods"]["DAY"]["periods"][0]["fromHour"] = 7
    assert not has_same_prices(asked, later)


def test_a_tariff_is_applied_where_the_prices_are_those_asked_for() -> None:
    asked, shown = tariff(DAY=0.3, NIGHT=0.2), tariff(DAY=0.3, NIGHT=0.2) | {"name": "Normalised"}
    spec = SETTINGS[Setting.TARIFF]
    kept = intent(text=checksum(asked), name=Setting.TARIFF, value=asked)
    accepted = record(spec.path(SITE.site_id), ACCEPTED, 1)
    info = record(f"/api/1/energy_sites/{SITE.site_id}/site_info", {"response": {"tariff_content_v2": shown}}, 2)
    (row,) = rows([kept, accepted, info])
    assert (row["outcome"], row["value_after"]) == ("applied", checksum(shown))
