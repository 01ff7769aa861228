"""The exponential of a Hermitian generator that is only known by its products, to rounding error.

Reference: Tal-Ezer and Kosloff, J. Chem. Phys. 81 (1984) 3967. Imports scipy.special.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import jv


def coefficients(reach: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the (terms, columns) coefficients of exp(-i reach x) in T_j(x) for x in -1..1.

    Terms end where all that follow are below 1e-17.

    >>> terms = coefficients(np.array([0.3]))[:, 0]
    >>> bool(abs(np.polynomial.chebyshev.chebval(0.6, terms) - np.exp(-0.18j)) < 1e-15)
    True
    """
    order = np.arange(int(1.2 * np.abs(reach).max(initial=0)) + 40)
    found = 2 * (-1j) ** order[:, None] * jv(order[:, None], reach)
    found[0] /= 2
    kept = np.flatnonzero(np.abs(found).max(axis=1, initial=0) > 1e-17)
    return found[: int(kept.max(initial=0)) + 1]


def expand(psi: Any, apply: Callable[[Any], Any], rows: list[Any]) -> Any:
    """Return sum_j rows[j] T_j(M) psi, where apply(psi) is M psi and |M| <= 1."""
    total = rows[0] * psi
    before, term = psi, None
    for row in rows[1:]:
        if term is None:
            term = apply(psi)
        else:
            before, term = term, 2 * apply(term) - before
        total += row * term
    return total
