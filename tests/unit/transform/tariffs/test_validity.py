"""Which tariff is valid when: seen, imported, written by a tool, and prices by interval."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pandas as pd

from tests.tariffs import Json, flat, two_seasons
from tests.unit.transform.answers import checked, records
from transform.frames import table_frame
from transform.site_settings import settings_of
from transform.tariffs.validity import TariffKind, tariffs_frame
from wattlog.zones import Zone

BERLIN = Zone("Europe/Berlin")
FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
A, B = two_seasons(code="A"), two_seasons(code="B")
TOOL = two_seasons(code="POWER_SYNC:AMBER")


def at(days: int) -> datetime:
    return FIRST + timedelta(days=days)


def seen(*observed: tuple[int, object]) -> list[tuple[datetime, datetime, object]]:
    """Observations on days; each lasted a day."""
    return [(at(day), at(day) + timedelta(hours=20), found) for day, found in observed]


def rows(**given: Any) -> list[dict[str, Any]]:
    frame = tariffs_frame(101, BERLIN, **given)
    return records(checked({"tariffs": frame})["tariffs"])


def spans(found: list[dict[str, Any]]) -> list[tuple[str, str, datetime, datetime | None]]:
    return [
        (row["code"], row["kind"], row["valid_from"], None if pd.isna(row["valid_to"]) else row["valid_to"])
        for row in found
    ]


def test_a_tariff_is_valid_from_when_it_was_first_seen_until_another_was() -> None:
    found = rows(seen=seen((0, A), (1, A), (5, B)))
    assert spans(found) == [("A", "api", at(0), at(5)), ("B", "api", at(5), None)]
    assert [row["last_seen_at"] for row in found] == [at(1) + timedelta(hours=20), at(5) + timedelta(hours=20)]
    assert found[0]["sha256"] == settings_of({"tariff_content_v2": A})["tariff_sha256"]
    assert (found[0]["name"], found[0]["utility"], found[0]["currency"]) == ("Test plan", "Test utility", "USD")


def test_a_tariff_that_is_gone_ends_and_comes_back_as_another_row() -> None:
    assert spans(rows(seen=seen((0, A), (3, None), (6, A)))) == [("A", "api", at(0), at(3)), ("A", "api", at(6), None)]


def test_an_imported_tariff_is_valid_from_its_local_day_until_the_next() -> None:
    begin = datetime(2024, 12, 31, 23, tzinfo=UTC)
    found = rows(files=[(date(2025, 1, 1), A), (date(2025, 6, 1), B)])
    assert spans(found) == [
        ("A", "file", begin, datetime(2025, 5, 31, 22, tzinfo=UTC)),
        ("B", "file", datetime(2025, 5, 31, 22, tzinfo=UTC), None),
    ]
    assert spans(rows(files=[(date(2025, 1, 1), A)], seen=seen((2, B)))) == [
        ("A", "file", begin, at(2)),
        ("B", "api", at(2), None),
    ]


def test_an_import_within_the_time_of_another_tariff_ends_it() -> None:
    found = rows(files=[(date(2025, 1, 10), A)], seen=seen((0, B)))
    assert spans(found) == [
        ("B", "api", at(0), datetime(2025, 1, 9, 23, tzinfo=UTC)),
        ("A", "file", datetime(2025, 1, 9, 23, tzinfo=UTC), None),
    ]


def test_of_two_imports_for_one_day_the_last_counts() -> None:
    assert [row["code"] for row in rows(files=[(date(2025, 1, 1), A), (date(2025, 1, 1), B)])] == ["B"]


def test_a_tariff_of_a_tool_is_marked_and_ends_what_was_seen_but_no_import() -> None:
    """Q137: the owner's plan is not known while a tool writes; an import says what it is."""
    found = rows(seen=seen((0, A), (4, TOOL), (8, A)))
    assert [row["is_synthetic"] for row in found] == [False, True, False]
    assert spans(found)[0] == ("A", "api", at(0), at(4))
    found = rows(seen=seen((4, TOOL)), files=[(date(2025, 1, 1), A)])
    assert [(row["kind"], row["is_synthetic"], pd.isna(row["valid_to"])) for row in found] == [
        ("file", False, True),
        ("api", True, True),
    ]


def test_prices_by_interval_are_a_row_of_their_own() -> None:
    starts = pd.date_range("2025-02-01", periods=4, freq="30min", tz="UTC").astype("datetime64[us, UTC]")
    price = pd.Series([Decimal("0.1")] * 4)
    lineage = {"_fetched_at": starts[0], "_raw_id": "r", "_run_id": "r"}
    columns = {
        "site_id": 101,
        "interval_start": pd.Series(starts),
        "interval_s": 1800,
        "buy_per_kwh": price,
        "currency": "GBP",
    }
    (row,) = rows(prices=table_frame("prices", columns | lineage))
    assert (row["kind"], row["currency"]) == (TariffKind.PRICES, "GBP")
    assert (row["valid_from"], row["valid_to"]) == (starts[0], starts[3] + pd.Timedelta(minutes=30))
    assert pd.isna(row["document"])


def test_what_is_no_tariff_makes_no_row() -> None:
    nothing: list[Json | str | None] = [None, {}, "x"]
    assert rows(seen=seen(*enumerate(nothing))) == []
    assert rows(files=[(date(2025, 1, 1), {"a": 1})]) == []


def test_a_document_is_stored_as_it_is() -> None:
    (row,) = rows(files=[(date(2025, 1, 1), {"tou_settings": {"tariff_content_v2": flat(0.25)}})])
    assert orjson.loads(row["document"]) == flat(0.25)
