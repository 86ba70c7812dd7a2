"""Deliveries of a run: targets opened, sites chosen, and one after another brought what it lacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flows.deliveries.delivery import Deliverer, Delivery
from flows.deliveries.energy_dashboard import DashboardChange
from flows.deliveries.record import DeliveryRecord
from flows.deliveries.target import Part
from flows.deliveries.targets import home_assistant_of, open_targets
from flows.errors import ExitCode, exit_code_for
from flows.publish_settings import TargetSettings
from flows.run_context import RunContext
from warehouse.query.query import connect
from warehouse.query.site_choice import chosen_sites


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """What is delivered.

    Attributes:
        sites: Site ids; empty for those of the target.
        since: The first day; None for that of the target.
        is_dry_run: Nothing is sent.
        is_reset: What the record has of the targets and sites is forgotten first, so that all is sent again.
    """

    sites: tuple[int, ...] = ()
    since: date | None = None
    is_dry_run: bool = False
    is_reset: bool = False


def deliver(
    context: RunContext,
    targets: Sequence[TargetSettings],
    request: DeliveryRequest,
    on_part: Callable[[Part], None] = lambda _: None,
) -> list[Delivery]:
    """Deliver to targets, from the published warehouse, in the locked data directory. A target that fails stops no other one.

    Args:
        context: The run.
        targets: The targets.
        request: What is delivered.
        on_part: Called for each month that was sent.

    Raises:
        UsageError: A secret is missing.
        QueryFailed: A site is not in the warehouse.
        WarehouseError: There is no warehouse that can be read.
    """
    found = list[Delivery]()
    record = DeliveryRecord.of(context.directory.raw)
    opened = [(settings, target) for settings in targets for target in open_targets(context.settings, settings)]
    with connect(context.directory.warehouse) as connection:
        for settings, target in opened:
            since = request.since or settings.since
            deliverer = Deliverer(connection, record, context.run_id, context.clock, since, on_part)
            site_ids = chosen_sites(connection, request.sites or settings.sites or None)
            if request.is_dry_run:
                plans = [deliverer.plan(target, site_id, is_reset=request.is_reset) for site_id in site_ids]
                found.append(Delivery(target.name, plans))
            else:
                found.append(deliverer.deliver(target, site_ids, is_reset=request.is_reset))
    return found


def deliver_after_sync(context: RunContext) -> list[Delivery]:
    """Deliver to the targets that follow every sync; see `deliver`. A run that could publish no warehouse delivers nothing."""
    targets = [target for target in context.settings.publish if target.with_sync]
    if not targets or not context.directory.warehouse.exists():
        return []
    return deliver(context, targets, DeliveryRequest())


def first_error(found: Sequence[Delivery]) -> tuple[str, ExitCode] | None:
    """What went wrong first, in one line, and its exit code; None where every target has everything."""
    for delivery in found:
        if delivery.error is not None:
            return f"{delivery.target}: {delivery.error}", exit_code_for(delivery.error)
    return None


def set_up_dashboards(
    context: RunContext, targets: Sequence[TargetSettings], request: DeliveryRequest
) -> DashboardChange:
    """Add sites to the Energy dashboards of targets; returns what was added and what was left out.

    Raises:
        UsageError: A target is no Home Assistant.
        ServiceError: It cannot be reached, or refuses.
    """
    found = DashboardChange()
    homes = [(settings, home_assistant_of(context.settings, settings)) for settings in targets]
    with connect(context.directory.warehouse) as connection:
        for settings, home in homes:
            sites = chosen_sites(connection, request.sites or settings.sites or None)
            change = home.set_up_dashboard(connection, sites)
            found.added += change.added
            found.left_out += change.left_out
    return found
