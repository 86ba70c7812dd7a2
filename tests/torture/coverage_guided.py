"""`python -m tests.torture.coverage_guided [OPTION…] CORPUS`: atheris looks for payloads that reach new branches.

It counts branches of `transform` and of the reader of JSON. CORPUS is a directory of payloads to begin with and to add to; the
options are those of libFuzzer, such as `-max_total_time=120`. atheris is no dependency: `make torture` installs it into a
directory of its own, which has to be in `PYTHONPATH`.
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
