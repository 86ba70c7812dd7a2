"""The commands and their options. What a command does stands in its module and is imported when it runs."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import (
    Engine,
    InPlaceViews,
    IntervalName,
    Json,
    MaxRequests,
    SeriesNames,
    Since,
    Sites,
    Until,
)
from flows.cli.outlets import export, report, sql
from flows.cli.runner_options import Runner, RunnerName, Scheduler, on_dask
from flows.cli.running import carry_out
from flows.settings import load_settings

app = typer.Typer(
    help="The whole history of your Tesla energy sites, in SQL.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _settings(
    context: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where archive, lake and warehouse live; or s3://bucket/prefix.", metavar="DIR", show_default="./data"
        ),
    ] = None,
) -> None:
    settings = load_settings(data_dir=data_dir)
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    context.obj = settings


@app.command()
def demo(
    context: typer.Context,
    days: Annotated[
        int, typer.Option(min=1, max=400, help="Days of history to fetch, rounded up to whole months.")
    ] = 365,
    as_json: Json = False,
) -> int:
    """Do the whole job on the built-in simulator: two sites, a year, nothing to configure."""
    from flows.cli.demo import demo as command

    return carry_out(command, context, days=days, as_json=as_json)


@app.command()
def backfill(
    context: typer.Context,
    site: Sites = None,
    series: SeriesNames = None,
    since: Since = None,
    until: Until = None,
    max_requests: MaxRequests = None,
    newest_first: Annotated[bool, typer.Option("--newest-first/--oldest-first", help="Which end to begin at.")] = True,
    interval: IntervalName = None,
    engine: Engine = None,
    runner: Runner = RunnerName.THREADS,
    scheduler: Scheduler = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Fetch every window that is not settled yet, then transform and publish. Run it again to go on."""
    from flows.cli.backfill import backfill as command

    return carry_out(
        command,
        context,
        sites=site or [],
        series=series or [],
        since=since,
        until=until,
        max_requests=max_requests,
        newest_first=newest_first,
        has_quarter_hours=interval is not None,
        engine=str(engine) if engine else None,
        on_dask=on_dask(runner, scheduler),
        in_place_views=in_place_views,
        as_json=as_json,
    )


@app.command()
def sync(
    context: typer.Context,
    site: Sites = None,
    max_requests: MaxRequests = None,
    healthcheck_url: Annotated[
        str | None,
        typer.Option(help="Ping there on success, and at URL/fail on failure.", metavar="URL", show_default=False),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what is done, without a terminal too.")] = False,
    engine: Engine = None,
    runner: Runner = RunnerName.THREADS,
    scheduler: Scheduler = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Do the nightly run: fetch what is not settled, reconcile, publish. Quiet under cron when all went well."""
    from flows.cli.sync import sync as command

    return carry_out(
        command,
        context,
        sites=site or [],
        max_requests=max_requests,
        is_verbose=verbose,
        healthcheck_url=healthcheck_url,
        engine=str(engine) if engine else None,
        on_dask=on_dask(runner, scheduler),
        in_place_views=in_place_views,
        as_json=as_json,
    )


@app.command()
def deploy(
    context: typer.Context,
    work_pool: Annotated[str, typer.Option(help="Work pool, made if it is not there.", metavar="NAME")] = "wattlog",
    timezone: Annotated[
        str | None,
        typer.Option(help="Zone of the schedules; the account's if not given.", metavar="ZONE", show_default=False),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            help="Name of the account, where several share a Prefect server.", metavar="NAME", show_default=False
        ),
    ] = None,
    takes_over: Annotated[
        bool, typer.Option("--take-over", help="Turn deployments that serve another data directory to this one.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Register pool, limits and deployments with the Prefect API that is configured. Repeat it after an update."""
    from flows.cli.deploy import deploy as command

    return carry_out(
        command,
        context,
        work_pool=work_pool,
        timezone=timezone,
        account=account,
        takes_over=takes_over,
        as_json=as_json,
    )


@app.command()
def login(
    context: typer.Context,
    paste: Annotated[
        bool, typer.Option("--paste", help="Bring the address back by hand: for machines without a browser.")
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open one.")] = True,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the browser.", metavar="S")] = 300,
    as_json: Json = False,
) -> int:
    """Log in: at Tesla with a browser, at Teslemetry with a token."""
    from flows.cli.login import login as command

    return carry_out(command, context, paste=paste, browser=browser, timeout_s=timeout, as_json=as_json)


@app.command()
def logout(context: typer.Context, as_json: Json = False) -> int:
    """Forget the stored tokens."""
    from flows.cli.login import logout as command

    return carry_out(command, context, as_json=as_json)


@app.command()
def whoami(context: typer.Context, as_json: Json = False) -> int:
    """Show provider, region, scopes, expiry, and where the tokens are kept."""
    from flows.cli.login import whoami as command

    return carry_out(command, context, as_json=as_json)


@app.command()
def plan(
    context: typer.Context,
    site: Sites = None,
    series: SeriesNames = None,
    since: Since = None,
    until: Until = None,
    interval: IntervalName = None,
    as_json: Json = False,
) -> int:
    """Show what a backfill would ask, how long it takes and what it costs; asks for no history."""
    from flows.cli.plan import plan as command
    from flows.pipeline import Selection

    selection = Selection(tuple(site or ()), tuple(series or ()), since, until, has_quarter_hours=interval is not None)
    return carry_out(command, context, selection=selection, as_json=as_json)


@app.command()
def sites(
    context: typer.Context,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the API first.")] = False,
    as_json: Json = False,
) -> int:
    """List the account's sites: what they have, their time zone, the days held, the last sync."""
    from flows.cli.sites import sites as command

    return carry_out(command, context, refresh=refresh, as_json=as_json)


for each in (sql, export, report):
    app.command()(each)


@app.command()
def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Option(help="What the API does; see --list.", metavar="NAME")] = "demo",
    list_them: Annotated[bool, typer.Option("--list", help="Name and explain the scenarios.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for any free one.")] = 8787,
    as_json: Json = False,
) -> int:
    """Serve the simulated API until interrupted."""
    from flows.cli.simulate import simulate as command

    return carry_out(command, context, scenario=scenario, list_them=list_them, port=port, as_json=as_json)


@app.command()
def gaps(
    context: typer.Context,
    site: Sites = None,
    series: SeriesNames = None,
    since: Since = None,
    as_json: Json = False,
) -> int:
    """Show what is missing, and why."""
    from flows.cli.gaps import gaps as command

    return carry_out(command, context, sites=site or [], series=series or [], since=since, as_json=as_json)


@app.command()
def reconcile(
    context: typer.Context,
    site: Sites = None,
    since: Since = None,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 1 when a difference is unexplained.")
    ] = False,
    runner: Runner = RunnerName.THREADS,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> int:
    """Show where the API contradicts itself, by how much, and why."""
    from flows.cli.reconcile import reconcile as command

    return carry_out(
        command,
        context,
        sites=site or [],
        since=since,
        is_strict=is_strict,
        on_dask=on_dask(runner, scheduler),
        as_json=as_json,
    )


@app.command()
def rebuild(
    context: typer.Context,
    runner: Runner = RunnerName.THREADS,
    scheduler: Scheduler = None,
    in_place_views: InPlaceViews = False,
    as_json: Json = False,
) -> int:
    """Make lake and warehouse again from the raw archive, without one request."""
    from flows.cli.rebuild import rebuild as command

    return carry_out(
        command, context, on_dask=on_dask(runner, scheduler), in_place_views=in_place_views, as_json=as_json
    )


@app.command()
def verify(
    context: typer.Context,
    download: Annotated[bool, typer.Option("--download", help="Read every object of a store back.")] = False,
    as_json: Json = False,
) -> int:
    """Check archive, lake and warehouse, and the object store; exit code 1 if anything is wrong."""
    from flows.cli.verify import verify as command

    return carry_out(command, context, has_download=download, as_json=as_json)


@app.command()
def config(context: typer.Context, as_json: Json = False) -> int:
    """Show the settings in force, secrets masked."""
    from flows.cli.config import config as command

    return carry_out(command, context, as_json=as_json)
