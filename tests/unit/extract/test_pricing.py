"""What asking costs."""

import pytest

from extract.pricing import TERMS, estimate
from extract.providers import PROVIDERS, ProviderName


@pytest.mark.parametrize(
    ("requests", "price", "to_pay"), [(0, 0.0, 0.0), (500, 1.0, 0.0), (5000, 10.0, 0.0), (5501, 11.0, 1.0)]
)
def test_fleet_api_takes_a_dollar_for_500_and_forgives_ten(requests: int, price: float, to_pay: float) -> None:
    """API.md §1.8."""
    cost = estimate(requests, ProviderName.FLEET_EU, 60)
    assert (cost.price_usd, cost.to_pay_usd, cost.minutes) == (price, to_pay, requests / 60)


@pytest.mark.parametrize("provider", [ProviderName.TESLEMETRY, ProviderName.OWNER, ProviderName.SIMULATOR])
def test_the_others_do_not_charge_by_request(provider: ProviderName) -> None:
    cost = estimate(5500, provider, None)
    assert (cost.price_usd, cost.to_pay_usd, cost.minutes) == (None, None, None)


def test_every_provider_has_terms_and_every_price_a_source_and_a_date() -> None:
    assert set(TERMS) == set(PROVIDERS)
    for terms in TERMS.values():
        assert terms.note
        if terms.requests_per_usd is not None:
            assert terms.source
            assert terms.as_of
