"""`python -m tests.torture.coverage_guided -runs=N`: atheris looks for payloads that reach new branches of `transform`.

atheris is no dependency: `make torture` installs it into a directory of its own.
"""

import logging
import sys
from pathlib import Path
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["transform", "wattlog.api_json"]):
    from tests.torture.payloads import check_parsed, check_shaped, proper

logging.disable(logging.CRITICAL)

SHAPED = 32
"""One of so many payloads is shaped, too: that takes twenty times as long."""


def one_payload(data: bytes) -> None:
    """Read a payload, and shape some; the first byte chooses the series."""
    if not data:
        return
    series, body = proper()[data[0] % len(proper())][0], data[1:]
    check_parsed(series, body)
    if crc32(body) % SHAPED == 0:
        check_shaped([(series, body)])


def write_corpus(directory: str) -> None:
    """The proper responses, with which the search begins."""
    for number, (_, body) in enumerate(proper()):
        (Path(directory) / f"proper-{number}").write_bytes(bytes([number]) + body)


if __name__ == "__main__":
    write_corpus(sys.argv[-1])
    atheris.Setup(sys.argv, one_payload)
    atheris.Fuzz()
