"""What a number of requests costs."""

import pytest

from extract.pricing import estimate
from wattlog.providers import FLEET_EU, OWNER, SIMULATOR, TESLEMETRY, Provider


@pytest.mark.parametrize(
    ("requests", "price", "to_pay"), [(0, 0.0, 0.0), (500, 1.0, 0.0), (5000, 10.0, 0.0), (5501, 11.0, 1.0)]
)
def test_the_fleet_api_charges_a_dollar_for_500_after_ten_dollars_of_credit(
    requests: int, price: float, to_pay: float
) -> None:
    """API.md#limits."""
    cost = estimate(requests, FLEET_EU)
    assert (cost.price_usd, cost.to_pay_usd, cost.minutes) == (price, to_pay, requests / 60)


@pytest.mark.parametrize(("provider", "minutes"), [(TESLEMETRY, 5500 / 30), (OWNER, 5500 / 60), (SIMULATOR, None)])
def test_other_providers_do_not_charge_single_requests(provider: Provider, minutes: float | None) -> None:
    cost = estimate(5500, provider)
    assert (cost.price_usd, cost.to_pay_usd, cost.minutes) == (None, None, minutes)
