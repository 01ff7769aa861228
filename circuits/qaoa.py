"""The QAOA ansatz: a cost, a mixer, a depth and an initial state.

Conventions, decided here once. The cost is minimised. Layer l applies exp(-i gamma_l H) and then
exp(-i beta_l M); layer 1 acts first. The initial state is the *top* eigenstate of the X and of the
complete XY mixer, so an annealing-like ramp towards the minimum has gamma > 0 and beta < 0; equal
signs drive towards the maximum.

Mixers (M), each acting inside every block:
    x               sum_k X_k over all qubits, from |+>^n; the only one without blocks
    xy_complete     1/2 sum_{a<b} (X_a X_b + Y_a Y_b), the exact exponential of the sum
    xy_trotter      the same pairs as an ordered product of two-qubit gates
    xy_ring         ordered product over the ring (0,1), (1,2), ..., (n-1,0)
    xy_parity_ring  ordered product over the ring: even edges, odd edges, closing edge last
    grover          |D><D| with D the initial state
Only numpy may be imported here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIXERS = ("x", "xy_complete", "xy_trotter", "xy_ring", "xy_parity_ring", "grover")

Blocks = tuple[tuple[tuple[int, ...], int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class QaoaAnsatz:
    """A parametrised circuit family; angles have shape (2, depth): gammas, then betas.

    Attributes:
        constant, linear, quadratic: cost f(x) = constant + linear.x + x^T quadratic x with
            quadratic strictly upper triangular, x_k in {0, 1}, variable k = qubit k.
        mixer: one of MIXERS.
        depth: number of layers p >= 0.
        blocks: ((variables, ones), ...), disjoint and covering; the state starts in the product of
            Dicke states (W states for ones = 1) and never leaves these weights. Empty for "x".
        initial: amplitudes over the states that the blocks allow (in the order of the subspace
            engine) for a warm start; None for the uniform superposition.
    """

    constant: float
    linear: NDArray[np.float64]
    quadratic: NDArray[np.float64]
    mixer: str
    depth: int
    blocks: Blocks = ()
    initial: NDArray[np.complex128] | None = None

    def __post_init__(self) -> None:
        if self.mixer not in MIXERS:
            raise ValueError(f"unknown mixer {self.mixer!r}; allowed: {', '.join(MIXERS)}")
        if self.depth < 0:
            raise ValueError(f"depth must be >= 0, got {self.depth}")
        covered = sorted(variable for variables, _ in self.blocks for variable in variables)
        if self.blocks and covered != list(range(self.n)):
            raise ValueError(f"blocks must hold each of 0..{self.n - 1} exactly once: {covered}")
        if not self.blocks and self.mixer.startswith("xy"):
            raise ValueError(f"mixer {self.mixer!r} needs blocks with a fixed number of ones")

    @property
    def n(self) -> int:
        """Number of qubits."""
        return len(self.linear)
