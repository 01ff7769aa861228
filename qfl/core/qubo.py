"""The objective: a quadratic function of binary variables, always minimised.

Conventions (kept by every adapter): x = (1 - z)/2, so Z = +1 means x = 0; variable k is column k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.arrays import frozen
from qfl.core.errors import ProblemError


@dataclass(frozen=True, slots=True, eq=False)
class Ising:
    """H = offset + sum_i fields_i Z_i + sum_{i<j} couplings_ij Z_i Z_j."""

    offset: float
    fields: NDArray[np.float64]
    couplings: NDArray[np.float64]

    def energy(self, z: ArrayLike) -> NDArray[np.float64]:
        """Return the energy of spins `z`, shape (..., n) with entries +1 or -1."""
        spins = np.asarray(z, dtype=np.float64)
        return self.offset + spins @ self.fields + ((spins @ self.couplings) * spins).sum(-1)

    def to_qubo(self) -> Qubo:
        """Return the same function of x = (1 - z)/2."""
        both = self.couplings + self.couplings.T
        return Qubo(
            constant=self.offset + float(self.fields.sum() + self.couplings.sum()),
            linear=-2.0 * self.fields - 2.0 * both.sum(1),
            quadratic=4.0 * self.couplings,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Qubo:
    """f(x) = constant + sum_i linear_i x_i + sum_{i<j} quadratic_ij x_i x_j.

    Attributes:
        constant: carried through every transformation, never dropped.
        linear: (n,) float64.
        quadratic: (n, n) float64, strictly upper triangular.

    >>> q = Qubo(1.0, [1.0, -2.0], [[0.0, 3.0], [0.0, 0.0]])
    >>> q.energy([[0, 0], [0, 1], [1, 1]]).tolist()
    [1.0, -1.0, 3.0]
    """

    constant: float
    linear: NDArray[np.float64]
    quadratic: NDArray[np.float64]

    def __post_init__(self) -> None:
        linear, quadratic = _real("linear", self.linear), _real("quadratic", self.quadratic)
        n = linear.size
        if linear.ndim != 1 or quadratic.shape != (n, n):
            raise ProblemError(
                f"a Qubo needs linear of shape (n,) and quadratic of shape (n, n), "
                f"got {linear.shape} and {quadratic.shape}"
            )
        for name, part in (
            ("constant", _real("constant", self.constant)),
            ("linear", linear),
            ("quadratic", quadratic),
        ):
            if not np.isfinite(part).all():
                where = np.argwhere(~np.isfinite(part))[0].tolist()
                raise ProblemError(
                    f"a Qubo needs finite coefficients, got {name}{where or ''} = "
                    f"{part[tuple(where)]}"
                )
        if np.tril(quadratic).any():
            raise ProblemError(
                "quadratic must be strictly upper triangular; use Qubo.from_matrix for a "
                "symmetric matrix or one with a diagonal"
            )
        object.__setattr__(self, "constant", float(self.constant))
        object.__setattr__(self, "linear", linear)
        object.__setattr__(self, "quadratic", quadratic)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, *, constant: float = 0.0) -> Qubo:
        """Return the Qubo of constant + x^T M x; M is any square matrix, x_i^2 = x_i."""
        dense = _real("matrix", matrix)
        return cls(constant, np.diagonal(dense).copy(), np.triu(dense + dense.T, 1))

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.linear.size

    def energy(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the objective of `x`, shape (..., n) with entries 0 or 1; result shape (...)."""
        bits = np.asarray(x, dtype=np.float64)
        if bits.shape[-1:] != (self.n,):
            raise ProblemError(f"x must have shape (..., {self.n}), got {bits.shape}")
        return self.constant + bits @ self.linear + ((bits @ self.quadratic) * bits).sum(-1)

    def to_ising(self) -> Ising:
        """Return the same function of z = 1 - 2x (exact, constant included)."""
        both = self.quadratic + self.quadratic.T
        return Ising(
            offset=self.constant + float(self.linear.sum()) / 2 + float(self.quadratic.sum()) / 4,
            fields=frozen(-self.linear / 2 - both.sum(1) / 4, np.float64),
            couplings=frozen(self.quadratic / 4, np.float64),
        )

    def scaled(self, factor: float) -> Qubo:
        """Return factor * f."""
        return Qubo(factor * self.constant, factor * self.linear, factor * self.quadratic)

    def __add__(self, other: Qubo) -> Qubo:
        """Return the sum of two objectives over the same variables (for penalties)."""
        if self.n != other.n:
            raise ProblemError(f"cannot add objectives over {self.n} and {other.n} variables")
        return Qubo(
            self.constant + other.constant,
            self.linear + other.linear,
            self.quadratic + other.quadratic,
        )


def _real(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a read-only copy of real coefficients."""
    if np.iscomplexobj(values):
        raise ProblemError(f"a Qubo needs real coefficients, got {name} = {values!r}")
    return frozen(values, np.float64)
