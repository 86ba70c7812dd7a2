"""Scalars of Arrow, made from bytes.

`pyarrow.scalar`, and every function of Arrow that is given a value of Python, imports pandas to look at the value. That takes
longer than most queries.
"""

import struct

import pyarrow as pa


def text_scalar(value: str) -> pa.Scalar:
    """A text."""
    content = value.encode()
    offsets = struct.pack("=ii", 0, len(content))
    return pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(content))[0]


def whole_scalar(value: int) -> pa.Scalar:
    """A whole number of 64 bits."""
    return pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(struct.pack("=q", value))])[0]
