"""The few loops that the exact engines are made of, and where to find them for a device.

`compiled.py` runs numba kernels on the processor; `arrays.py` uses index tables with numpy (when
numba is missing, and as the reference in tests) or with torch on a GPU. Amplitudes are complex and
contiguous. Subsets of size k of n elements come in the order of `combinations`; `outer` and
`columns` are whatever surrounds them.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Amplitudes = Any
"""A complex numpy array, or a torch tensor on the GPU."""
Floats = NDArray[np.float64]
Device = Literal["cpu", "cuda"]


class Operations(Protocol):
    """What an engine asks of a device. Angles, overlaps and densities are on the host.

    The `_back` form of an operation takes a pair (2, ...) of states psi and lam, undoes it on both
    and returns Im<lam|G|psi> (columns,) with G its generator.
    """

    @property
    def lanes(self) -> int:
        """How many angle sets `field` runs at a time, at the same cost if there are fewer."""
        ...

    def array(self, values: NDArray[Any]) -> Any:
        """Return `values` on the device."""
        ...

    def host(self, values: Any) -> NDArray[Any]:
        """Return `values` as a numpy array."""
        ...

    def columns(self, psi: Amplitudes, at: NDArray[np.intp]) -> Amplitudes:
        """Return a copy of some columns of psi (outer, states, columns)."""
        ...

    def weigh(self, pair: Amplitudes, factors: Floats) -> None:
        """Set lam of pair (2, states, columns) to psi times real factors (states, columns or 1)."""
        ...

    def project(self, bra: Amplitudes, psi: Amplitudes) -> Amplitudes:
        """Return bra psi (columns,) for bra (states,) and psi (states, columns), on the device."""
        ...

    def lower(self, psi: Amplitudes, n: int, k: int, room: Amplitudes | None = None) -> Amplitudes:
        """Return A psi (outer, C(n, k-1), columns): entry T sums psi[T + i] over i not in T.

        The result may be `room`, an array of that shape which nobody needs.
        """
        ...

    def lift(self, w: Amplitudes, psi: Amplitudes, n: int, k: int) -> None:
        """Add A^T w to psi (outer, C(n, k), columns): entry S gains w[S - i] for all i in S."""
        ...

    def rotate(
        self, psi: Amplitudes, n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> None:
        """Apply exp(-i angle (XX + YY)/2) to elements a < b of psi (outer, C(n, k), columns)."""
        ...

    def rotate_back(
        self, pair: Amplitudes, n: int, k: int, edge: tuple[int, int], angles: Floats
    ) -> Floats:
        """Undo `rotate` on pair (2, outer, C(n, k), columns) and return the overlaps."""
        ...

    def hop(
        self, psi: Amplitudes, image: Amplitudes, n: int, k: int, edge: tuple[int, int]
    ) -> None:
        """Add (XX + YY)/2 of elements a < b, applied to psi, to `image`; shapes as above."""
        ...

    def turn(self, psi: Amplitudes, costs: Any, angles: Floats) -> None:
        """Multiply psi (states, columns) by exp(-i angle cost)."""
        ...

    def turn_back(
        self, pair: Amplitudes, costs: Any, angles: Floats, *, last: bool = False
    ) -> Floats:
        """Return the overlaps of pair (2, states, columns); undo `turn` on it, but for the last."""
        ...

    def field(self, psi: Amplitudes, start: Amplitudes, costs: Any, angles: Floats) -> Floats:
        """Write to psi (2^n, columns) what layers of `turn`, then exp(-i beta Y) make of `start`.

        Every qubit turns about Y; angles are (columns, 2, layers), gammas and betas. Returns the
        mean costs (columns,).
        """
        ...

    def field_back(self, pair: Amplitudes, costs: Any, angles: Floats) -> Floats:
        """Undo `field` on pair (2, 2^n, columns); return an overlap per angle, in their shape."""
        ...

    def means(self, psi: Amplitudes, costs: Any) -> Floats:
        """Return <psi|cost|psi> (columns,) in double precision for psi (states, columns)."""
        ...

    def densities(self, psi: Amplitudes) -> Floats:
        """Return |psi|^2 in double precision."""
        ...


def operations(device: Device = "cpu") -> Operations:
    """Return the fastest operations for `device`: numba if it may, else numpy; torch on "cuda".

    Raises:
        ConfigError: another device.
        BackendError: "cuda", but torch sees no GPU.
    """
    if device == "cuda":
        from qfl.simulators.arrays import on_gpu

        return on_gpu()
    if device != "cpu":
        raise ConfigError(f"device must be 'cpu' or 'cuda', got {device!r}")
    if not compiles():
        from qfl.simulators.arrays import on_host

        return on_host()
    from qfl.simulators.compiled import CompiledOperations

    return CompiledOperations()


def compiles() -> bool:
    """Return whether numba is there and NUMBA_DISABLE_JIT does not keep it from compiling."""
    if importlib.util.find_spec("numba") is None:
        return False
    from numba import config

    return not config.DISABLE_JIT


def threads() -> int:
    """Return how many threads may share a batch: numba's setting, 1 without numba.

    One angle set always runs in the calling thread. A worker process of a study should run with
    NUMBA_NUM_THREADS=1, because the study already keeps every core busy.
    """
    if importlib.util.find_spec("numba") is None:
        return 1
    from numba import config  # get_num_threads would start numba's pool, which resets torch's

    return int(config.NUMBA_NUM_THREADS)
