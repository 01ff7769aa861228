"""Read-only arrays and canonical bytes, shared by the nouns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


def frozen(values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Return a read-only copy of `values`."""
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


def real(values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as floats; numpy alone would drop imaginary parts with a warning.

    Raises:
        TypeError: complex numbers, or no numbers.
        ValueError: rows of different lengths, or text.
    """
    array = np.asarray(values)
    if np.iscomplexobj(array):
        raise TypeError(f"expected real numbers, got {array.dtype} ones")
    return np.asarray(array, dtype=np.float64)


def canonical_json(value: Mapping[str, Any]) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, shortest floats, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_hex(*parts: bytes) -> str:
    """Return the sha256 of the parts, each preceded by its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
