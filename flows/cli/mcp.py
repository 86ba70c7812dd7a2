"""`wattlog mcp`."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from flows.cli.dashboard import STATEMENT_S
from flows.cli.options import Timeout

if TYPE_CHECKING:
    from flows.settings import Settings


def mcp(settings: "Settings", *, timeout: Timeout = STATEMENT_S) -> None:
    """Serve read-only tools to an assistant, by MCP."""
    from flows.errors import UsageError
    from flows.store_address import store_address
    from wattlog.names import DataDirectory

    if find_spec("mcp") is None:
        raise UsageError("this needs the extra wattlog[mcp]: pip install 'wattlog[mcp]'")
    if store_address(settings.data_dir) is not None:
        raise UsageError(f"{settings.data_dir} is a store, and the tools read a data directory of this machine")

    from warehouse.assistants.answers import Answers
    from warehouse.assistants.server import serve
    from warehouse.dashboard import PublishedWarehouse

    warehouse = PublishedWarehouse(DataDirectory(settings.data_dir).warehouse)
    with warehouse.reading():  # one line now, and not an error of each tool
        pass
    try:
        serve(Answers(warehouse, statement_s=timeout or None))
    except KeyboardInterrupt:
        return
    finally:
        warehouse.close()
