"""The Grover mixer, and QAOA under it by distinct cost values, for any number of variables.

From the uniform start states of equal cost keep equal amplitudes, so one amplitude per distinct
cost is enough: as many as there are values, however many states share them.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ProblemError
from qfl.simulators.evolution import largest, run_layers, run_layers_back
from qfl.simulators.memory import aligned
from qfl.simulators.operations import Amplitudes, Floats, Operations, operations


class Reflection:
    """The start state D (states,) of an engine, and the mixer exp(-i beta |D><D|) about it."""

    def __init__(self, start: NDArray[Any], use: Operations) -> None:
        self._ket, self._operations = start, use

    def room(self, columns: int, states: int = 1) -> Amplitudes:
        """Return room for so many states of every column, (states, dimension, columns)."""
        shape = (states, len(self._ket), columns)
        return self._operations.array(aligned(shape, self._ket.dtype))

    @cached_property
    def start(self) -> Amplitudes:
        """The state D on the device."""
        return self._operations.array(self._ket)

    @cached_property
    def _bra(self) -> Amplitudes:
        return self._operations.array(self._ket.conj())

    @cached_property
    def _column(self) -> Amplitudes:
        return self._operations.array(self._ket[:, None])

    def mix(self, psi: Amplitudes, betas: Floats) -> None:
        """Apply the mixer, one beta per column."""
        self._reflect(psi, self._operations.project(self._bra, psi), betas)

    def mix_back(self, pair: Amplitudes, betas: Floats) -> Floats:
        """Undo it on psi, lam of `pair`; return Im<lam|D><D|psi> (columns,)."""
        on_psi, on_lam = (self._operations.project(self._bra, states) for states in pair)
        self._reflect(pair[0], on_psi, -betas)
        self._reflect(pair[1], on_lam, -betas)
        host = self._operations.host
        return np.asarray((host(on_psi) * host(on_lam).conj()).imag)

    def _reflect(self, psi: Amplitudes, overlaps: Amplitudes, betas: Floats) -> None:
        factors = self._operations.array((np.exp(-1j * betas) - 1).astype(self._ket.dtype))
        psi += self._column * (overlaps * factors)


class Spectrum:
    """The engine of distinct costs under the Grover mixer; see `evolution.Engine`.

    Args:
        values: (m,) the distinct costs.
        counts: (m,) how many states have each; whole numbers may be of any size.
        precision: "double" or "single".

    Raises:
        ProblemError: values and counts of different or no length, not finite, or a count <= 0.

    Reference: Bridi and Marquezino, arXiv:2401.11056, section II.

    >>> from qfl.simulators.evolution import probabilities
    >>> angles = np.full((1, 2, 2), np.pi)  # two rounds of Grover search for 3 of 56
    >>> probabilities(Spectrum([0.0, 1.0], [53, 3]), angles)[1].round(7).tolist()
    [0.8462448]
    """

    def __init__(self, values: ArrayLike, counts: ArrayLike, *, precision: str = "double") -> None:
        self.table = np.array(values, dtype=np.float64)
        shapes = self.table.shape, np.shape(counts)
        if len(shapes[0]) != 1 or shapes[0] != shapes[1] or not self.table.size:
            raise ProblemError(
                f"distinct costs need one count each, got shapes {shapes[0]} and {shapes[1]}"
            )
        amplitudes = _amplitudes(counts)
        if not (np.isfinite(self.table).all() and (amplitudes > 0).all()):
            raise ProblemError("distinct costs must be finite and their counts finite and > 0")
        self.operations = operations()
        self.costs, self.columns = self.table, 64
        self.largest, self.filled = largest(self.table), False
        self.needed = 96 * self.columns * self.table.size
        dtype = np.complex128 if precision == "double" else np.complex64
        self._reflection = Reflection(amplitudes.astype(dtype), self.operations)
        self.start, self.room = self._reflection.start, self._reflection.room
        self.mix = self._reflection.mix
        self.mix_back = self._reflection.mix_back

    @classmethod
    def of(cls, costs: ArrayLike, *, precision: str = "double") -> Spectrum:
        """Return the engine for states of these costs (states,), equal ones merged."""
        values, counts = np.unique(np.asarray(costs, dtype=np.float64), return_counts=True)
        return cls(values, counts, precision=precision)

    def run(self, psi: Amplitudes, angles: Floats) -> Floats:
        """Write the final states to psi (states, columns); return their mean costs (columns,)."""
        return run_layers(self, psi, angles)

    def run_back(self, pair: Amplitudes, angles: Floats) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|G|psi> per angle."""
        return run_layers_back(self, pair, angles)

    def layers(self, betas: Floats) -> list[Any]:
        """Return the betas of each layer (layers, columns)."""
        return list(betas)


def _amplitudes(counts: ArrayLike) -> Floats:
    """Return the roots of the shares of counts (m,), NaN for counts that are none."""
    try:
        share = np.array(counts, dtype=np.float64)
    except OverflowError:  # whole numbers beyond the range of floats, and so are their ratios
        whole = [int(count) for count in np.asarray(counts, dtype=object)]
        total = sum(whole)
        return np.array([_root(count, total) if count > 0 else np.nan for count in whole])
    if not (np.isfinite(share).all() and (share > 0).all()):
        return np.full(share.shape, np.nan)
    share /= share.max()  # the sum of counts may not be a float
    return np.sqrt(share / share.sum())


def _root(count: int, total: int) -> float:
    """Return sqrt(count / total), also where the quotient is too small for a float."""
    halvings = max(0, total.bit_length() - count.bit_length()) // 2
    return math.ldexp(math.sqrt((count << 2 * halvings) / total), -halvings)
