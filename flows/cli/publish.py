"""`wattlog publish`: the history delivered to other programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Since, Sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.deliveries.run import DeliveryRequest
    from flows.publish_settings import TargetSettings
    from flows.run_context import RunContext
    from flows.settings import Settings


def publish(
    settings: "Settings",
    *,
    target: Annotated[
        str | None,
        typer.Argument(
            help="A target of wattlog.toml, or what it is: parquet, influxdb, home-assistant. All of wattlog.toml if left out.",
            metavar="TARGET",
            show_default=False,
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Argument(help="Its address or directory, if not that of wattlog.toml.", metavar="TO", show_default=False),
    ] = None,
    site: Sites = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Send everything again, whatever was sent before.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List what was sent.")] = False,
    energy_dashboard: Annotated[
        bool,
        typer.Option("--energy-dashboard", help="Add the sites to Home Assistant's Energy dashboard, too."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Deliver what changed to Home Assistant and others.

    What a target was given is remembered by content: a second run sends nothing, a revised value sends what it must.
    """
    from flows.data_directory import locked
    from flows.deliveries.run import DeliveryRequest
    from flows.deliveries.targets import chosen_targets
    from flows.errors import UsageError
    from flows.orchestration.context import new_context

    context = new_context(settings)
    if list_:
        if target is not None or site or since or dry_run or reset or energy_dashboard:
            raise UsageError("--list takes nothing but --json")
        return _list(context, as_json=as_json)
    targets = chosen_targets(settings, target, place)
    request = DeliveryRequest(tuple(site or ()), since, is_dry_run=dry_run, is_reset=reset)
    with locked(settings.data_dir, "publish"):
        return _publish(context, targets, request, with_dashboard=energy_dashboard, as_json=as_json)


def _publish(
    context: "RunContext",
    targets: "Sequence[TargetSettings]",
    request: "DeliveryRequest",
    *,
    with_dashboard: bool,
    as_json: bool,
) -> int:
    from flows.cli.tables.deliveries import deliveries_as_json, print_deliveries
    from flows.console import note, print_json
    from flows.deliveries.energy_dashboard import DashboardChange
    from flows.deliveries.run import deliver, first_error, set_up_dashboards
    from flows.errors import ExitCode

    if with_dashboard:
        from flows.deliveries.targets import home_assistant_of

        for settings in targets:
            home_assistant_of(context.settings, settings)  # before anything is sent
    found = deliver(context, targets, request)
    error = first_error(found)
    is_set_up = with_dashboard and not request.is_dry_run and error is None
    dashboard = set_up_dashboards(context, targets, request) if is_set_up else DashboardChange()
    if as_json:
        print_json(deliveries_as_json(found, request, dashboard.added))
    else:
        print_deliveries(found, is_dry_run=request.is_dry_run)
        if is_set_up:
            note(f"added to the Energy dashboard: {', '.join(dashboard.added) or 'nothing, all of it was there'}")
    for sentence in dashboard.left_out:
        note(sentence)
    for delivery in found:
        for plan in delivery.plans:
            for sentence in plan.left_out:
                note(f"{delivery.target}: {sentence}")
        if delivery.error is not None:
            note(f"{delivery.target}: {delivery.error}")
    return ExitCode.OK if error is None else error[1]


def _list(context: "RunContext", *, as_json: bool) -> int:
    from flows.cli.tables.deliveries import entries_as_json, print_entries
    from flows.console import print_json
    from flows.deliveries.record import DeliveryRecord
    from flows.errors import ExitCode

    entries = DeliveryRecord.of(context.directory.raw).entries()
    if as_json:
        print_json(entries_as_json(entries))
    else:
        print_entries(entries)
    return ExitCode.OK
