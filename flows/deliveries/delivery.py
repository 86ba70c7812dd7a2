"""One delivery: compare what a target has with the warehouse, and bring it what changed, and only that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb

from extract.api.client import Clock
from extract.services.errors import ServiceError
from flows.deliveries.record import NOTHING, Delivered, DeliveryRecord
from flows.deliveries.target import Part, Target


@dataclass(frozen=True, slots=True)
class SitePlan:
    """What a target lacks of a site.

    Attributes:
        site_id: The site.
        changed: Months to send.
        unchanged: How many months the target has as they are.
        withdrawn: Months to take away first.
        left_out: What the warehouse has and the target does not get, in sentences.
    """

    site_id: int
    changed: tuple[Part, ...]
    unchanged: int
    withdrawn: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows to send."""
        return sum(part.rows for part in self.changed)


@dataclass(slots=True)
class Delivery:
    """What came of a delivery to a target.

    Attributes:
        target: Its name.
        plans: What it lacked, by site.
        sent_parts: Months that were sent, and that it has.
        error: What ended it early.
    """

    target: str
    plans: list[SitePlan] = field(default_factory=list)
    sent_parts: list[Part] = field(default_factory=list)
    error: ServiceError | None = None

    @property
    def sent(self) -> int:
        """How many months were sent."""
        return len(self.sent_parts)

    @property
    def rows(self) -> int:
        """Rows of these."""
        return sum(part.rows for part in self.sent_parts)


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers from one warehouse.

    Attributes:
        connection: The warehouse.
        record: What was delivered.
        run_id: The run.
        clock: Returns the present instant.
        since: The first day to deliver; its whole month is.
        on_part: Called for each month that was sent.
    """

    connection: duckdb.DuckDBPyConnection
    record: DeliveryRecord
    run_id: str
    clock: Clock
    since: date | None = None
    on_part: Callable[[Part], None] = lambda _: None

    def plan(self, target: Target, site_id: int, *, is_reset: bool = False) -> SitePlan:
        """What a target lacks of a site; everything if `is_reset`."""
        parts = [part for part in target.parts(self.connection, site_id) if self._is_wanted(part.month)]
        stored = self._stored(target, site_id)
        changed = tuple(
            part
            for part in parts
            if is_reset
            or part.month not in stored
            or stored[part.month].digest != part.digest
            or target.is_absent(part)
        )
        there = {part.month: part for part in parts}
        withdrawn = tuple(
            month
            for month in sorted(stored)
            if target.can_withdraw and (month not in there or _is_less(there[month].extent, stored[month].extent))
        )
        left_out = tuple(target.left_out(self.connection, site_id))
        return SitePlan(site_id, changed, len(parts) - len(changed), withdrawn, left_out)

    def deliver(self, target: Target, site_ids: Sequence[int], *, is_reset: bool = False) -> Delivery:
        """Bring a target what it lacks of some sites. An error of the target ends the delivery; what it has is noted.

        Args:
            target: The target.
            site_ids: The sites.
            is_reset: Send everything, as if the target had nothing.
        """
        delivery = Delivery(target.name)
        try:
            # all sites before anything is sent: a run that is killed afterwards is made good without another reset
            gone = {site_id: self._reset(target, site_id) for site_id in site_ids} if is_reset else {}
            for site_id in site_ids:
                plan = self.plan(target, site_id)
                withdrawn = gone.get(site_id, plan.withdrawn)
                if plan.withdrawn:
                    self._withdraw(target, plan)
                    plan = self.plan(target, site_id)
                plan = replace(plan, withdrawn=withdrawn)
                delivery.plans.append(plan)
                for part in target.send(self.connection, plan.changed) if plan.changed else ():
                    self.record.add([self._entry(target, part.site_id, part.month, part)])
                    delivery.sent_parts.append(part)
                    self.on_part(part)
        except ServiceError as error:
            delivery.error = error
        return delivery

    def _reset(self, target: Target, site_id: int) -> tuple[str, ...]:
        """Take away what the warehouse no longer has, and forget the rest; returns the months that were taken away."""
        plan = self.plan(target, site_id)
        self._withdraw(target, plan)
        self._forget(target, site_id, list(self._stored(target, site_id)))
        return plan.withdrawn

    def _withdraw(self, target: Target, plan: SitePlan) -> None:
        if plan.withdrawn:
            is_all = target.withdraw(plan.site_id, plan.withdrawn)
            gone = list(self.record.months(target.key, plan.site_id)) if is_all else plan.withdrawn
            self._forget(target, plan.site_id, gone)

    def _stored(self, target: Target, site_id: int) -> dict[str, Delivered]:
        return {month: of for month, of in self.record.months(target.key, site_id).items() if self._is_wanted(month)}

    def _is_wanted(self, month: str) -> bool:
        return self.since is None or month >= f"{self.since:%Y-%m}"

    def _forget(self, target: Target, site_id: int, months: Sequence[str]) -> None:
        self.record.add([self._entry(target, site_id, month, None) for month in months])

    def _entry(self, target: Target, site_id: int, month: str, part: Part | None) -> Delivered:
        if part is None:
            return Delivered(target.key, site_id, month, NOTHING, 0, {}, self.clock(), self.run_id)
        return Delivered(target.key, site_id, month, part.digest, part.rows, part.extent, self.clock(), self.run_id)


def _is_less(now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether something that a target has is not in the warehouse any more."""
    return any(int(bits or "0", 16) & ~int(now.get(name) or "0", 16) for name, bits in before.items())
