"""Public sessions: pages, both envelopes, null tiers, fees priced by time, amounts to the cent, and the unit of energy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pandas as pd
import pytest

from tests.unit.transform.answers import KeptAnswer, answer, checked, reasons, records
from transform.public_charging import session_ids, shape_public_charging
from transform.vehicles import outcome_of_car
from wattlog.series_spec import Series

TIERS = ("Base", "Tier1", "Tier2", "Tier3", "Tier4")
ASKED = datetime(2026, 1, 15, tzinfo=UTC)


def fee(kind: str = "CHARGING", due: float | None = 15.1, used: float | None = 30.0, **more: Any) -> dict[str, Any]:
    given = {f"usage{tier}": used if tier == "Base" else None for tier in TIERS}
    given |= {f"total{tier}": None for tier in TIERS} | {f"rate{tier}": None for tier in TIERS}
    return {
        "feeType": kind,
        "pricingType": "PAYMENT",
        "uom": "kwh",
        "currencyCode": "EUR",
        "totalDue": due,
        "isPaid": True,
        **given,
        **more,
    }


def session(number: int = 1, *fees: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "sessionId": number,
        "vin": "vin-000001",
        "chargeStartDateTime": "2025-07-01T11:00:00+02:00",
        "chargeStopDateTime": "2025-07-01T11:25:00+02:00",
        "fees": list(fees) or [fee()],
        **more,
    }


def page(*sessions: Any, minutes: int = 0, is_bare: bool = False) -> KeptAnswer:
    body: Any = {"data": list(sessions)}
    return replace(
        answer(Series.VEHICLE_CHARGING, [], site_id=0, raw_id=f"raw-{minutes}"),
        body=orjson.dumps(body if is_bare else {"response": body}),
        requested_at=ASKED + timedelta(minutes=minutes),
    )


def rows_of(*pages: KeptAnswer) -> list[dict[str, Any]]:
    return records(checked(shape_public_charging(pages))["public_charging"])


@pytest.mark.parametrize("is_bare", [True, False])
def test_a_session_is_a_row_in_either_envelope(is_bare: bool) -> None:
    """Q113, Q114."""
    given = page(session(101), is_bare=is_bare)
    (row,) = rows_of(given)
    assert row["session_id"] == "101"
    assert row["vehicle"] == "vin-000001"
    assert row["started_at"] == pd.Timestamp("2025-07-01T09:00:00Z")
    assert row["ended_at"] == pd.Timestamp("2025-07-01T09:25:00Z")
    assert (row["energy_kwh"], row["total_due"], row["currency"], row["is_paid"]) == (
        30.0,
        Decimal("15.1"),
        "EUR",
        True,
    )
    assert outcome_of_car(given.body, Series.VEHICLE_CHARGING) == "data"
    assert session_ids(given.body) == ["101"]


def test_amounts_are_added_to_the_cent() -> None:
    """Ten times ten cents are one euro, and 0.1 + 0.2 is 0.3."""
    fees = [fee(due=0.1) for _ in range(9)] + [fee("PARKING", due=0.1, uom="min", usageBase=7)]
    (row,) = rows_of(page(session(1, *fees)))
    assert (row["total_due"], row["charging_due"], row["parking_due"]) == (Decimal(1), Decimal("0.9"), Decimal("0.1"))


def test_energy_is_the_sum_of_the_tiers_and_totals_are_taken_as_given() -> None:
    """Q115: the documented example has usages of two tiers, and a total that is that of the base alone."""
    (row,) = rows_of(page(session(1, fee(due=20.0, used=40.0, usageTier2=24.0, rateBase=0.5, totalBase=20.0))))
    assert (row["energy_kwh"], row["total_due"]) == (64.0, Decimal(20))


def test_energy_that_was_priced_by_time_is_not_known() -> None:
    """Q115: the minutes of charging are no kWh; those of parking do not matter."""
    by_time, parked = rows_of(
        page(session(1, fee(), fee(uom="min", used=12.0)), session(2, fee(), fee("PARKING", uom="min", used=12.0)))
    )
    assert pd.isna(by_time["energy_kwh"])
    assert by_time["total_due"] == Decimal("30.2")
    assert parked["energy_kwh"] == 30.0


def test_an_amount_that_is_null_is_not_zero_unless_the_fee_is_free() -> None:
    """Q115: null totals; the tiers stand in for a missing total where they are given."""
    unknown, free, tiers = rows_of(
        page(
            session(1, fee(), fee("CONGESTION", due=None)),
            session(2, fee(), fee("PARKING", due=None, pricingType="NO_CHARGE")),
            session(3, fee(due=None, totalBase=3.5, totalTier1=0.25)),
        )
    )
    assert pd.isna(unknown["total_due"])
    assert pd.isna(unknown["congestion_due"])
    assert unknown["charging_due"] == Decimal("15.1")
    assert free["total_due"] == Decimal("15.1")
    assert tiers["total_due"] == Decimal("3.75")


def test_fees_in_two_currencies_have_no_sum() -> None:
    (row,) = rows_of(page(session(1, fee(), fee("PARKING", currencyCode="CHF"))))
    assert pd.isna(row["total_due"])
    assert pd.isna(row["charging_due"])
    assert pd.isna(row["currency"])


def test_the_last_response_about_a_session_counts() -> None:
    """A fee is paid later; a page that comes again has nothing new; the order of the pages has no effect."""
    early = page(session(1, fee(isPaid=False)), session(2))
    late = page(session(1), minutes=5)
    assert rows_of(early, late) == rows_of(late, early)
    assert [(row["session_id"], row["is_paid"], row["_raw_id"]) for row in rows_of(early, late)] == [
        ("1", True, "raw-5"),
        ("2", True, "raw-0"),
    ]


def test_what_cannot_be_used_is_in_the_quarantine() -> None:
    tables = shape_public_charging(
        [page("x", session(1, chargeStartDateTime="today"), session(0, sessionId=None), session(4))]
    )
    assert len(tables["public_charging"]) == 1
    assert reasons(tables) == [(0, "not_an_object"), (1, "bad_timestamp"), (2, "contract")]


def test_energy_in_wh_needs_several_numbers_as_evidence() -> None:
    """Price and amount show the unit: three fees say Wh, so all are; two say nothing, and stay as they are."""
    in_wh = [session(number, fee(due=15.0, used=30_000.0, rateBase=0.5, totalBase=15.0)) for number in range(3)]
    assert [row["energy_kwh"] for row in rows_of(page(*in_wh, session(9, fee(used=20_000.0))))] == [
        30.0,
        30.0,
        30.0,
        20.0,
    ]
    small = [session(number, fee(due=0.2, used=400.0, rateBase=0.5, totalBase=0.2)) for number in range(2)]
    assert [row["energy_kwh"] for row in rows_of(page(*small))] == [400.0, 400.0]
    tables = shape_public_charging([page(in_wh[0])])
    assert tables["public_charging"]["energy_kwh"].isna().all()
    assert reasons(tables) == [(0, "out_of_range")]
