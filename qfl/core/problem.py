"""A problem: an objective, its constraint, and what the variables mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.constraints import Constraint
from qfl.core.errors import ProblemError
from qfl.core.qubo import Qubo


def chosen_names(names: tuple[str, ...], x: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return the names whose variable is 1: the decoder of selection problems."""
    return tuple(name for name, bit in zip(names, x, strict=True) if bit)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is decided: minimise `qubo` over the x that satisfy `constraint`.

    Attributes:
        kind: the registry name of the problem family, for instance "client_selection".
        qubo: the objective.
        constraint: the feasible set.
        names: one name per variable.
        decode: (names, x) -> the decision in domain terms.
    """

    kind: str
    qubo: Qubo
    constraint: Constraint
    names: tuple[str, ...]
    decode: Callable[[tuple[str, ...], NDArray[np.uint8]], Any] = field(
        default=chosen_names, repr=False
    )

    def __post_init__(self) -> None:
        if len(self.names) != self.n or len(set(self.names)) != self.n:
            raise ProblemError(f"{self.n} variables need {self.n} distinct names, got {self.names}")
        self.constraint.check(self.n)

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.qubo.n

    @property
    def hash(self) -> str:
        """The sha256 that identifies the instance: kind, objective, constraint and names."""
        return sha256_hex(
            self.kind.encode(),
            np.float64(self.qubo.constant).tobytes(),
            self.qubo.linear.tobytes(),
            self.qubo.quadratic.tobytes(),
            repr(self.constraint).encode(),
            "\0".join(self.names).encode(),
        )

    def is_feasible(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Return whether each x of shape (..., n) satisfies the constraint."""
        return np.equal(self.constraint.violation(x), 0)
