"""How much memory an engine would take, and a refusal that says what would fit.

Estimates count the arrays that are alive at the peak; they are made before anything is allocated.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qfl.core.errors import BackendError, CapacityError

GIB = 1 << 30
_CGROUP = Path("/sys/fs/cgroup")


def free_bytes(device: str = "cpu") -> int:
    """Return how much memory a new array could take: of the machine, its container, or the GPU.

    Raises:
        BackendError: "cuda", but torch sees no GPU.
    """
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise BackendError(
                "device 'cuda' was asked for, but torch sees no GPU; use device 'cpu'"
            )
        return int(torch.cuda.mem_get_info()[0])
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free = int(rows["MemAvailable"].split()[0]) * 1024
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        free = min(free, int(limit.read_text()) - int(used.read_text()))
    return free


def require(needed: int, *, what: str, advice: str, device: str = "cpu") -> None:
    """Do nothing if `needed` bytes are free.

    Raises:
        CapacityError: they are not; says how much is needed and free, and the advice.
    """
    free = free_bytes(device)
    if needed > free:
        raise CapacityError(f"{what} needs {gibibytes(needed)}, {gibibytes(free)} free; {advice}")


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return a new array, unset, that begins with a line of the cache.

    The widest vectors fill a line; to straddle two takes a compiled loop up to a third longer.

    >>> aligned((2, 3), np.float32).shape, aligned((5,), np.complex128).ctypes.data % 64
    ((2, 3), 0)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + _LINE, np.uint8)
    first = -raw.ctypes.data % _LINE
    return raw[first : first + size].view(dtype).reshape(shape)


def gibibytes(size: int) -> str:
    """Return a number of bytes in GiB, in short however large it is.

    >>> gibibytes(3 << 29), gibibytes(1 << 600)
    ('1.5 GiB', '2^570 GiB')
    """
    return f"{size / GIB:.1f} GiB" if size < _LONG * GIB else f"2^{_log2(size) - 30} GiB"


def whole(number: int) -> str:
    """Return a whole number with its digits, or as the power of two next to it if it is long.

    >>> whole(658008), whole(1 << 600)
    ('658008', '2^600')
    """
    return str(number) if number < _LONG**2 else f"2^{_log2(number)}"


_LONG = 10**9
_LINE = 64  # bytes


def _log2(number: int) -> int:
    """Return the whole exponent next below, exact for numbers beyond the range of floats."""
    return number.bit_length() - 1
