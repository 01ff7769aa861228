"""One mixer layer on its own: what an engine makes of any state of a K-of-N subspace.

For questions about mixers, not about problems: spectra, alignment, Trotter error.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from circuits.mixers import edges
from circuits.qaoa import QaoaAnsatz
from circuits.swap_network import Pairs
from qfl.core.errors import CapacityError, ConfigError
from qfl.simulators.subspace import Subspace

MAX_STATES = 2000
_WRITTEN_OUT = 200
Vector = NDArray[np.complex128]


def mixed(
    start: ArrayLike, mixer: str, *, n: int, k: int, beta: float, order: Pairs | None = None
) -> Vector:
    """Return exp(-i beta M) start, shape (C(n, k),), global phase included.

    Args:
        start: (C(n, k),) amplitudes of norm 1; the states ascend as integers sum_i x_i 2^i.
        mixer: one of `subspace.MIXERS`; "grover" reflects about `start`.
        n, k: variables, and how many of them are 1.
        beta: radians.
        order: of the pairs of a product mixer, as in QaoaAnsatz.

    Raises:
        ConfigError: k outside 0..n.
        BackendError, ProblemError: as from the engine.

    >>> float(abs(mixed([1, 0, 0], "xy_complete", n=3, k=1, beta=0.4)[0]).round(6))
    0.846524
    """
    if not 0 <= k <= n:
        raise ConfigError(f"cannot choose {k} of {n}; k must lie in 0..{n}")
    ansatz = QaoaAnsatz(
        constant=0.0,
        linear=np.zeros(n),
        quadratic=np.zeros((n, n)),
        mixer=mixer,
        depth=1,
        blocks=((tuple(range(n)), k),),
        initial=np.asarray(start, dtype=np.complex128),
        order=order,
    )
    return np.asarray(Subspace(ansatz).amplitudes(np.array([[0.0], [beta]])))


def mixer_matrix(mixer: str, *, n: int, k: int, beta: float) -> NDArray[np.complex128]:
    """Return exp(-i beta M) on weight k, (C(n, k), C(n, k)); arguments as for `mixed`.

    Raises:
        CapacityError: more than MAX_STATES states.
    """
    states = comb(n, k) if 0 <= k <= n else 1
    if states > MAX_STATES:
        raise CapacityError(
            f"C({n}, {k}) = {states} states make too large a matrix; at most {MAX_STATES}"
        )
    columns = [mixed(row, mixer, n=n, k=k, beta=beta) for row in np.eye(states)]
    return np.array(columns).T


def ring_trotter_error(*, n: int, k: int, beta: float) -> float:
    """Return the spectral norm of the parity-ring product minus the exact ring, on weight k.

    Small matrices are written out; of larger ones the norm alone is found, by Lanczos.

    Raises:
        ConfigError: k outside 0..n.
        CapacityError: the states do not fit the memory.

    >>> round(ring_trotter_error(n=8, k=3, beta=0.3), 6)
    0.176261
    """
    names = ("xy_parity_ring", "xy_ring_exact")
    if not 0 <= k <= n or comb(n, k) <= _WRITTEN_OUT:
        product, exact = (mixer_matrix(name, n=n, k=k, beta=beta) for name in names)
        return float(np.linalg.norm(product - exact, ord=2))
    backwards = tuple(reversed(edges("xy_parity_ring", n)))

    def difference(vector: Vector, sign: int, order: Pairs | None) -> Vector:
        length = float(np.linalg.norm(vector))
        if length == 0:
            return vector
        start = vector.ravel() / length
        parts = [
            mixed(start, name, n=n, k=k, beta=sign * beta, order=pairs)
            for name, pairs in zip(names, (order, None), strict=True)
        ]
        return length * (parts[0] - parts[1])

    def squared(vector: Vector) -> Vector:
        return difference(difference(vector, 1, None), -1, backwards)

    return float(np.sqrt(_largest_eigenvalue(squared, comb(n, k))))


def _largest_eigenvalue(apply: Callable[[Vector], Vector], size: int) -> float:
    """Return the largest eigenvalue of a positive operator."""
    start = np.sin(np.arange(1.0, size + 1) ** 2) + 0j  # without any pattern, always the same
    if not apply(start).any():
        return 0.0
    operator = LinearOperator((size, size), matvec=apply, dtype=np.complex128)
    (largest,) = eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)
    return max(0.0, float(largest))
