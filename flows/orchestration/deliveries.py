"""Deliveries of a flow run: an error of a target ends the run as failed, after every other target was served."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flows.deliveries.delivery import Delivery
from flows.deliveries.run import DeliveryRequest, deliver, deliver_after_sync, first_error
from flows.deliveries.targets import chosen_targets
from flows.errors import RunFailed
from flows.run_context import RunContext


def deliver_to(context: RunContext, target: str | None, sites: Sequence[int], since: date | None) -> dict[str, Any]:
    """Deliver to a target of the settings, or to all of them; returns how many months each was sent.

    Raises:
        RunFailed: A target could not be reached, or refused.
    """
    found = deliver(context, chosen_targets(context.settings, target, None), DeliveryRequest(tuple(sites), since))
    _raise_first(found)
    return {"sent": {delivery.target: delivery.sent for delivery in found}}


def follow_sync(context: RunContext, result: dict[str, Any]) -> dict[str, Any]:
    """Deliver to the targets that follow every sync; returns the result of the sync.

    Raises:
        RunFailed: A target could not be reached, or refused.
    """
    _raise_first(deliver_after_sync(context))
    return result


def _raise_first(found: Sequence[Delivery]) -> None:
    error = first_error(found)
    if error is not None:
        raise RunFailed(error[1], error[0])
