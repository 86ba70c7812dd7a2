"""`wattlog dashboard`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json, Timeout

if TYPE_CHECKING:
    from flows.settings import Settings

LOOPBACK = "127.0.0.1"
STATEMENT_S = 60.0


def dashboard(
    settings: "Settings",
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = 8788,
    host: Annotated[
        str, typer.Option(help="Address to serve on. One that other machines reach needs the token that is printed.")
    ] = LOOPBACK,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    timeout: Timeout = STATEMENT_S,
    as_json: Json = False,
) -> None:
    """Serve pages about any day and year until Ctrl-C."""
    import ipaddress
    import secrets
    import socket
    import webbrowser

    from flows.console import note, print_json
    from flows.errors import UsageError
    from flows.store_address import store_address
    from warehouse.dashboard import Access, PublishedWarehouse, dashboard_app, serve
    from warehouse.dashboard.serve import listen
    from wattlog.names import DataDirectory

    if store_address(settings.data_dir) is not None:
        raise UsageError(
            f"{settings.data_dir} is a store, and the dashboard follows a data directory of this machine; "
            "run it where the runs are, or use `wattlog report`"
        )
    directory = DataDirectory(settings.data_dir)
    warehouse = PublishedWarehouse(directory.warehouse)
    with warehouse.reading():  # one line now, if there is none or it cannot be read, and not a page of errors later
        pass
    try:
        listening = listen(host, port)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot serve on {host} port {port}: {error}; choose another --host or --port") from None
    bound, bound_port = listening.getsockname()[:2]
    is_local = ipaddress.ip_address(bound).is_loopback
    name = socket.gethostname().lower()
    access = Access(
        frozenset({host.lower(), name, f"{name}.local"}),
        None if is_local else secrets.token_urlsafe(32),
        f"wattlog_dashboard_{bound_port}",
    )
    shown = name if ipaddress.ip_address(bound).is_unspecified else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{bound_port}/"
    url = address if access.token is None else f"{address}?token={access.token}"

    def ready() -> None:
        if as_json:
            print_json({"url": url})
        else:
            note(f"{url}")
            note("serving the dashboard; stop with Ctrl-C")
        if open_browser:
            webbrowser.open(url)

    app = dashboard_app(warehouse, access, answers=directory.what_if, statement_s=timeout or None)
    try:
        serve(app, listening, ready=ready)
    finally:
        warehouse.close()
