"""What asking costs, in time and money, by the providers' published terms."""

from dataclasses import dataclass

from extract.providers import ProviderName


@dataclass(frozen=True, slots=True)
class Terms:
    """How a provider charges for requests.

    Attributes:
        requests_per_usd: How many requests a dollar buys; None where requests are not charged one by one.
        monthly_credit_usd: What is free each month.
        note: The terms in words.
        source: Where they stand.
        as_of: When they were read.
    """

    requests_per_usd: int | None
    monthly_credit_usd: float
    note: str
    source: str
    as_of: str


_FLEET = Terms(
    500,
    10.0,
    "pay per use: 500 data requests a dollar, $10 of credit a month; every answer below status 500 counts",
    "developer.tesla.com, Fleet API billing and limits",
    "2026-08",
)
_TESLEMETRY = Terms(
    None, 0.0, "a subscription; history requests are not charged one by one", "teslemetry.com, console page", "2026-08"
)
_FREE = Terms(None, 0.0, "not charged", "", "")

TERMS: dict[ProviderName, Terms] = {
    ProviderName.FLEET_NA: _FLEET,
    ProviderName.FLEET_EU: _FLEET,
    ProviderName.FLEET_CN: _FLEET,
    ProviderName.TESLEMETRY: _TESLEMETRY,
    ProviderName.OWNER: _FREE,
    ProviderName.SIMULATOR: _FREE,
}
"""Source: API.md §1.8. Whether Fleet API bills energy requests at all is not certain; these are its terms for data."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a number of requests costs.

    Attributes:
        requests: How many.
        minutes: The time they take at the provider's limit; None where there is none.
        price_usd: Their price before any credit; None where requests are not charged one by one.
        to_pay_usd: What is left of it when the whole of a month's credit is still there.
        terms: How the provider charges.
    """

    requests: int
    minutes: float | None
    price_usd: float | None
    to_pay_usd: float | None
    terms: Terms


def estimate(requests: int, provider: ProviderName, requests_per_minute: int | None) -> Estimate:
    """What `requests` cost at a provider, answered at the first attempt, all in one month."""
    terms = TERMS[provider]
    price = None if terms.requests_per_usd is None else round(requests / terms.requests_per_usd, 2)
    return Estimate(
        requests=requests,
        minutes=None if requests_per_minute is None else requests / requests_per_minute,
        price_usd=price,
        to_pay_usd=None if price is None else round(max(0.0, price - terms.monthly_credit_usd), 2),
        terms=terms,
    )
