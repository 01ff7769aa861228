"""Named arrays in the safetensors format, written with one copy and read with none.

The bytes are those of the safetensors library; the library itself copies every tensor several
times, which costs more than sealing them. Only the standard library and numpy are used here.

Reference: the format section of the safetensors README (huggingface/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ModuleMismatchError

_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in (
        ("U64", "<u8"),
        ("I64", "<i8"),
        ("F64", "<f8"),
        ("C64", "<c8"),
        ("F32", "<f4"),
        ("U32", "<u4"),
        ("I32", "<i4"),
        ("F16", "<f2"),
        ("U16", "<u2"),
        ("I16", "<i2"),
        ("I8", "i1"),
        ("U8", "u1"),
        ("BOOL", "?"),
    )
}
"""In the order in which tensors lie in a file; within a type they lie by name."""
_RANKS = {dtype: (rank, name) for rank, (name, dtype) in enumerate(_DTYPES.items())}
_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 100_000_000


def to_wire(arrays: Mapping[str, NDArray[Any]]) -> memoryview:
    """Return the arrays as one read-only block of bytes.

    Raises:
        ModuleMismatchError: a type that the format does not know.

    >>> from_wire(to_wire({"bias": np.ones(2, np.float32)}))
    {'bias': array([1., 1.], dtype=float32)}
    """
    little = {name: _little(name, array) for name, array in arrays.items()}
    order = sorted(little, key=lambda name: (_RANKS[little[name].dtype], name))
    header, offset = {}, 0
    for name in order:
        array = little[name]
        header[name] = {
            "dtype": _RANKS[array.dtype][1],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    head = len(text).to_bytes(_LENGTH_BYTES, "little") + text
    block = np.empty(len(head) + offset, np.uint8)
    block[: len(head)] = np.frombuffer(head, np.uint8)
    start = len(head)
    for name in order:
        flat = np.ascontiguousarray(little[name]).reshape(-1).view(np.uint8)
        block[start : start + len(flat)] = flat
        start += len(flat)
    return block.data.toreadonly()


def from_wire(block: bytes | memoryview) -> dict[str, NDArray[Any]]:
    """Return the arrays in a block by name; read-only, and without a copy of their content.

    Raises:
        ModuleMismatchError: the bytes are not such a block, or hold more than it says.
    """
    view = memoryview(block)
    length = int.from_bytes(view[:_LENGTH_BYTES], "little")
    data = view[_LENGTH_BYTES + length :]
    try:
        if not 0 < length <= min(len(view) - _LENGTH_BYTES, _MOST_HEADER_BYTES):
            raise ValueError("a header of impossible length")
        header = json.loads(bytes(view[_LENGTH_BYTES : _LENGTH_BYTES + length]))
        header.pop("__metadata__", None)
        found, end = {}, 0
        for name, row in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            (start, stop), shape = row["data_offsets"], row["shape"]
            dtype = _DTYPES[row["dtype"]]
            if start != end or not all(type(size) is int and size >= 0 for size in shape):
                raise ValueError("tensors that overlap or leave gaps")
            if stop - start != prod(shape) * dtype.itemsize:
                raise ValueError("a tensor of another size than its shape")
            found[name] = np.frombuffer(data, dtype, prod(shape), start).reshape(shape)
            found[name].setflags(write=False)
            end = stop
        if end != len(data):
            raise ValueError("bytes that belong to no tensor")
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ModuleMismatchError(f"these bytes are not a serialised update: {error}") from None
    return found


def _little(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with its lowest byte first."""
    found = np.asarray(array, dtype=array.dtype.newbyteorder("<"))
    if found.dtype not in _RANKS:
        raise ModuleMismatchError(
            f"tensor {name!r} is {array.dtype}; allowed: {', '.join(map(str, _DTYPES.values()))}"
        )
    return found
