"""The table `[billing]` of `wattlog.toml`: how sites are billed, for all of them and for single ones.

[billing]
cycle_day = 14
netting = "annual"
true_up_month = 4

[billing.sites.1234567]
readings = ["2025-01-14", "2025-02-12"]
tax_pct = 8.25
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from transform.costs.cycles import BillingRules, CreditUnit, Netting, TrueUp

SITES: Final = "sites"


class SiteBilling(BaseModel):
    """How a site is billed; see `transform.costs.cycles.BillingRules`.

    Attributes:
        cycle_day: Day of the month on which a cycle begins.
        readings: First days of cycles, where they are known.
        netting: none, monthly, annual, or buy_all_sell_all.
        carry_credits: Carry credits to later cycles also without annual netting.
        true_up_month: Month whose cycle begins a new year of credits.
        true_up: paid or expires: what happens to credits that are left then.
        credit_unit: money or kwh: what credits are counted in.
        true_up_per_kwh: What a kWh of credit is paid with at the true-up.
        export_limit_kwh: Exports of a cycle beyond it give no credit.
        tax_pct: Tax on all that is to be paid.
        assume_tariff: Price the time in which no tariff was in force by the nearest one, marked as assumed.
        use_synthetic_tariffs: Price energy also by tariffs that a tool has written to steer the battery (Q137).
        region: Region of the market whose prices by interval apply, a name of the owner's choice; empty for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cycle_day: Annotated[int, Field(ge=1, le=31)] = 1
    readings: tuple[date, ...] = ()
    netting: Netting = Netting.NONE
    carry_credits: bool = False
    true_up_month: Annotated[int, Field(ge=1, le=12)] = 1
    true_up: TrueUp = TrueUp.EXPIRES
    credit_unit: CreditUnit = CreditUnit.MONEY
    true_up_per_kwh: Annotated[Decimal, Field(ge=0, decimal_places=6)] = Decimal(0)
    export_limit_kwh: Annotated[Decimal, Field(ge=0)] | None = None
    tax_pct: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)
    assume_tariff: bool = False
    use_synthetic_tariffs: bool = False
    region: str = ""

    @model_validator(mode="after")
    def _fit(self) -> "SiteBilling":
        if self.credit_unit is CreditUnit.KWH and self.netting is not Netting.ANNUAL:
            raise ValueError('credit_unit = "kwh" needs netting = "annual"')
        if self.true_up_per_kwh and self.credit_unit is not CreditUnit.KWH:
            raise ValueError('true_up_per_kwh needs credit_unit = "kwh"')
        return self

    @property
    def rules(self) -> BillingRules:
        """The same for `transform`."""
        return BillingRules(**{field.name: getattr(self, field.name) for field in fields(BillingRules)})


class Billing(SiteBilling):
    """The whole table.

    Attributes:
        sites: Site id → what is different there, over the values for all sites.
    """

    sites: Mapping[int, SiteBilling] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _with_values_for_all(cls, given: Any) -> Any:
        """Fill the tables of sites with the values for all of them, so that each stands alone."""
        sites = given.get(SITES) if isinstance(given, Mapping) else None
        if not isinstance(sites, Mapping):
            return given
        common = {name: value for name, value in given.items() if name != SITES}
        return common | {
            SITES: {site: common | dict(own) if isinstance(own, Mapping) else own for site, own in sites.items()}
        }

    def of(self, site_id: int) -> SiteBilling:
        """How a site is billed."""
        return self.sites.get(site_id, self)
