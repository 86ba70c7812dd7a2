"""What a number of requests costs, in time and money, by the provider's published terms."""

from dataclasses import dataclass

from wattlog.providers import Provider, Terms


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a number of requests costs.

    Attributes:
        requests: How many.
        minutes: The time they take at the provider's limit; None where there is none.
        price_usd: Their price before any credit; None where single requests are not charged.
        to_pay_usd: The rest of the price if the whole of a month's credit is still available.
        terms: How the provider charges.
    """

    requests: int
    minutes: float | None
    price_usd: float | None
    to_pay_usd: float | None
    terms: Terms


def estimate(requests: int, provider: Provider) -> Estimate:
    """What `requests` cost if each succeeds at the first attempt, all in one month."""
    terms, per_minute = provider.terms, provider.requests_per_minute
    price = None if terms.requests_per_usd is None else round(requests / terms.requests_per_usd, 2)
    return Estimate(
        requests=requests,
        minutes=None if per_minute is None else requests / per_minute,
        price_usd=price,
        to_pay_usd=None if price is None else round(max(0.0, price - terms.monthly_credit_usd), 2),
        terms=terms,
    )
