"""Memory that a stage has used, given back to the system before the next one."""

import pyarrow as pa


def release_unused_memory() -> None:
    """Give back what the allocator keeps for later: after some years are shaped, that is half of what the process has.

    DuckDB takes as much anew while it publishes, from an allocator of its own. The command line has Arrow use the system's
    allocator, as Python and numpy do, so this is glibc's `malloc_trim`; where there is none it does nothing.
    """
    pa.default_memory_pool().release_unused()
