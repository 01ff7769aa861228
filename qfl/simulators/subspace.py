"""QAOA on the states that a constraint allows, and on no others.

Blocks of variables with a fixed number of ones span prod C(n_b, k_b) states instead of 2^n; XY and
Grover mixers never leave them. States have the outer order of `blocks.rows`, but for amplitudes,
which have the inner one.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from math import ceil, comb, isqrt, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import BackendError
from qfl.simulators import chebyshev
from qfl.simulators.blocks import Block, checked_start, quadratic_costs, rows
from qfl.simulators.combinations import rank
from qfl.simulators.evolution import evolve, largest, run_layers, run_layers_back
from qfl.simulators.grover import Reflection
from qfl.simulators.ladder import Plan, Share, plans
from qfl.simulators.memory import free_bytes, require, whole
from qfl.simulators.operations import Amplitudes, Device, Floats, Operations, operations

MIXERS = ("xy_complete", "xy_trotter", "xy_ring", "xy_ring_exact", "xy_parity_ring", "grover")

_DTYPES = {"double": np.complex128, "single": np.complex64}
_GROUP = 1 << 18  # amplitudes that a group of angle sets may hold: 4 MiB in double precision


Spare = dict[tuple[int, ...], list[Amplitudes]]


@dataclass(frozen=True, slots=True)
class Climb:
    """How a layer mixes one block: plans, and the arrays of lowered states it leaves to the next.

    Memory that is given back and asked for again takes longer than what is done in it.
    """

    shares: list[Share]
    spare: Spare


class Subspace:
    """The engine for one ansatz with blocks; see `evolution.Engine`.

    Args:
        ansatz: blocks and one of MIXERS.
        precision: "double" or "single".
        device: "cpu" or "cuda".

    Raises:
        BackendError: a mixer that leaves the blocks, or an ansatz without blocks.
        CapacityError: the states do not fit the memory.
        ProblemError: a warm start of the wrong length or norm.

    >>> blocks = (((0, 1, 2, 3), 2),)
    >>> engine = Subspace(QaoaAnsatz(0.0, np.ones(4), np.zeros((4, 4)), "grover", 1, blocks))
    >>> engine.dimension, engine.states(np.arange(2)).tolist()
    (6, [[1, 1, 0, 0], [1, 0, 1, 0]])
    """

    def __init__(
        self,
        ansatz: QaoaAnsatz,
        *,
        precision: str = "double",
        device: Device = "cpu",
        use: Operations | None = None,
    ) -> None:
        self.needed = self.check_size(ansatz, precision=precision, device=device)
        self.n, self.mixer, self.precision = ansatz.n, ansatz.mixer, precision
        self.blocks = Block.all_of(ansatz)
        self.dimension = prod(block.size for block in self.blocks)
        self.columns = _columns(self.dimension)
        self._dtype = np.dtype(_DTYPES[precision])
        self.operations = operations(device) if use is None else use
        self.table = quadratic_costs(self.blocks, ansatz, self.operations)
        self.costs = self.operations.array(self.table)
        self.largest, self.filled = largest(self.table), False
        start = checked_start(ansatz.initial, self.dimension, self._dtype)
        if ansatz.initial is not None:
            start = self.reordered(start)
        self._kept = threading.local()
        self._reflection = Reflection(start, self.operations)
        self.start, self.room = self._reflection.start, self._reflection.room

    @staticmethod
    def check_size(ansatz: QaoaAnsatz, *, precision: str, device: Device) -> int:
        """Return the bytes at the peak of a gradient: states and four tables.

        Two are the costs; two are what an objective, a listing or a start state may hold.

        Raises:
            BackendError: a mixer that leaves the blocks, or an ansatz without blocks.
            CapacityError: they are not free.
        """
        if ansatz.mixer not in MIXERS or not ansatz.blocks:
            raise BackendError(
                f"the subspace engine needs blocks and a mixer that keeps them "
                f"({', '.join(MIXERS)}), got mixer {ansatz.mixer!r} and {len(ansatz.blocks)} "
                "blocks; use the backend 'statevector'"
            )
        blocks, itemsize = Block.all_of(ansatz), np.dtype(_DTYPES[precision]).itemsize
        dimension = prod(block.size for block in blocks)
        alive = max(_alive(ansatz.mixer, block, _columns(dimension)) for block in blocks)
        each, single = (ceil(alive * size) + 32 for size in (itemsize, 8))
        amplitudes = dimension * _columns(dimension)
        free, advice = free_bytes(device), "try solver 'decompose'"
        if len(blocks) == 1:
            n = blocks[0].n
            fits = takewhile(lambda k: comb(n, k) * each <= free, range(blocks[0].weight))
            advice = f"try k <= {max(fits, default=0)}, or solver 'decompose'"
        elif amplitudes * single <= free:
            advice = "try precision='single', or solver 'decompose'"
        if ansatz.mixer == "grover":
            advice = f"try backend 'levels' if few costs differ, or {advice.removeprefix('try ')}"
        what = " x ".join(f"C({block.n}, {block.ones})" for block in blocks)
        what = f"{what} = {whole(dimension)} states"
        require(amplitudes * each, what=what, advice=advice, device=device)
        return amplitudes * each

    def states(self, ranks: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the states with these places in the outer order as rows, (len(ranks), n)."""
        return rows(self.blocks, ranks)

    def rank(self, states: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the places of allowed states (m, n) in the outer order."""
        ranks = np.zeros(len(states), dtype=np.int64)
        for block in reversed(self.blocks):
            ranks = ranks * block.size + rank(states[:, block.variables])
        return ranks

    def reordered(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return a vector (states, ...) of the inner order in the outer one, and the other way."""
        shape = [block.size for block in reversed(self.blocks)]
        axes = tuple(i for i, block in enumerate(reversed(self.blocks)) if block.flipped)
        turned = np.flip(vector.reshape(*shape, *vector.shape[1:]), axes)
        return np.ascontiguousarray(turned).reshape(vector.shape)

    def run(self, psi: Amplitudes, angles: Floats) -> Floats:
        """Write the final states to psi (states, columns); return their mean costs (columns,)."""
        return run_layers(self, psi, angles)

    def run_back(self, pair: Amplitudes, angles: Floats) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|G|psi> per angle."""
        return run_layers_back(self, pair, angles)

    def layers(self, betas: Floats) -> list[Any]:
        """Return what each layer of betas (layers, columns) takes: one entry per block."""
        if self.mixer == "grover":
            return list(betas)
        if self.mixer != "xy_complete":
            return [[beta] * len(self.blocks) for beta in betas]
        found: dict[tuple[int, int], list[list[Share]]] = {}
        for n, k in {(block.n, block.weight) for block in self.blocks if block.weight}:
            found[n, k] = plans(n, k, betas, self.precision)
        spare = self._spare(betas.shape[1])
        return [
            [Climb(found[b.n, b.weight][layer], spare) if b.weight else None for b in self.blocks]
            for layer in range(len(betas))
        ]

    def _spare(self, columns: int) -> Spare:
        """Return what this thread's last run of so many columns left; nothing if large."""
        if self.columns == 1:
            return defaultdict(list)
        kept = vars(self._kept)
        if kept.get("columns") != columns:
            kept.update(columns=columns, spare=defaultdict(list))
        spare: Spare = kept["spare"]
        return spare

    def mix(self, psi: Amplitudes, layer: Any) -> None:
        """Apply exp(-i beta M) up to a global phase, `layer` being one of `layers`."""
        if self.mixer == "grover":
            self._reflection.mix(psi, layer)
            return
        for block, entry, outer in self._axes(layer):
            view = psi.reshape(outer, block.size, -1)
            repeat = view.shape[2] // psi.shape[-1]
            if self.mixer == "xy_complete":
                for part, plan, spare in self._shared(view, entry, repeat):
                    for _ in range(plan.steps):
                        self._climb(part, block, (plan, spare), repeat)
            elif self.mixer == "xy_ring_exact":
                view[:] = self._exponentiated(view, block, np.tile(entry, repeat))
            else:
                for edge in block.pairs:
                    angles = np.tile(entry, repeat)
                    self.operations.rotate(view, block.n, block.weight, edge, angles)

    def mix_back(self, pair: Amplitudes, layer: Any) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|M|psi> (columns,)."""
        if self.mixer == "grover":
            return self._reflection.mix_back(pair, layer)
        columns = pair.shape[-1]
        overlaps = np.zeros(columns)
        for block, entry, outer in self._axes(layer):
            view = pair.reshape(2, outer, block.size, -1)
            repeat = view.shape[3] // columns
            if self.mixer == "xy_complete":
                found = self._climb_back(view, block, entry, repeat)
            elif self.mixer == "xy_ring_exact":
                found = self._overlaps(self._image(view[0], block), view[1])
                for states in view:
                    states[:] = self._exponentiated(states, block, np.tile(-entry, repeat))
            else:
                found, angles = np.zeros(view.shape[3]), np.tile(entry, repeat)
                for edge in reversed(block.pairs):
                    n, k = block.n, block.weight
                    found += self.operations.rotate_back(view, n, k, edge, angles)
            overlaps += found.reshape(repeat, columns).sum(0)
        return overlaps

    def amplitudes(self, angles: Floats) -> NDArray[Any]:
        """Return the final state (states,) in the outer order for angles (2, depth)."""
        psi = self.reordered(self.operations.host(evolve(self, angles[None]))[:, 0])
        if self.mixer == "xy_complete":  # the phase that `mix` leaves out
            weight = sum(block.weight for block in self.blocks)
            psi *= np.exp(1j * weight * angles[1].sum())
        return psi

    def _shared(
        self, psi: Amplitudes, climb: Climb, repeat: int
    ) -> Iterator[tuple[Amplitudes, Plan, Spare]]:
        """Yield the columns of psi (outer, subsets, ...) that share a plan; write them back."""
        if len(climb.shares) == 1:
            yield psi, climb.shares[0][1], climb.spare
            return
        for columns, plan in climb.shares:
            at = np.add.outer(np.arange(repeat) * (psi.shape[2] // repeat), columns).ravel()
            part = self.operations.columns(psi, at)
            yield part, plan, defaultdict(list)
            psi[:, :, at] = part

    def _climb(
        self,
        psi: Amplitudes,
        block: Block,
        way: tuple[Plan, Spare],
        repeat: int,
        lowered: Amplitudes | None = None,
    ) -> None:
        """Apply exp(-i beta A^T A) to psi (outer, subsets, ...); `lowered` is A psi if known.

        Columns of psi are those of the plan, `repeat` times over.
        """
        n, k, (plan, spare) = block.n, block.weight, way
        rungs, levels = [psi], len(plan.ladder)
        if levels:
            rungs.append(self._lower(psi, n, k, spare) if lowered is None else lowered)
        first = rungs[-1]
        uniform = _split(first)
        left = 0.0 * uniform if levels > 1 else _split(first)
        for level in range(1, levels):
            rungs.append(self._lower(rungs[level], n, k - level, spare))
            mean = _split(rungs[-1])  # what rounding has left, which the polynomial would magnify
            if level == 1:
                left = mean / (n - k + 2)
        self._interpolate(rungs[-1], n, k - levels, way, repeat)
        for level in range(levels - 1, 0, -1):
            rungs[level] *= self._row(plan.ladder[level], repeat)
            self.operations.lift(rungs[level + 1], rungs[level], n, k - level)
        done = plan.ladder[1] if levels > 1 else 0.0 * plan.uniform
        uniform *= self._row(plan.uniform, repeat)
        first += uniform + self._row(plan.uniform - done, repeat) * left
        if levels:
            self.operations.lift(first, psi, n, k)
        for rung in rungs[1:]:
            spare[tuple(rung.shape)].append(rung)

    def _climb_back(self, pair: Amplitudes, block: Block, climb: Climb, repeat: int) -> Floats:
        """Climb down with psi, lam of `pair` (2, outer, subsets, ...); return their overlaps."""
        lowered = [self._lower(states, block.n, block.weight, climb.spare) for states in pair]
        overlaps = self._overlaps(lowered[0], lowered[1])
        for states, known in zip(pair, lowered, strict=True):
            w: Amplitudes | None = known
            if len(climb.shares) > 1:
                climb.spare[tuple(known.shape)].append(known)
                w = None
            for part, plan, spare in self._shared(states, climb, repeat):
                for step in range(plan.steps):
                    way = plan.inverse(), spare
                    self._climb(part, block, way, repeat, w if step == 0 else None)
        return overlaps

    def _lower(self, psi: Amplitudes, n: int, k: int, free: Spare) -> Amplitudes:
        """Return A psi, in a spare array if there is one."""
        spare = free[psi.shape[0], comb(n, k - 1), psi.shape[2]]
        return self.operations.lower(psi, n, k, spare.pop() if spare else None)

    def _overlaps(self, psi: Amplitudes, lam: Amplitudes) -> Floats:
        """Return Im<lam|psi> for every column of (outer, subsets, ...)."""
        return np.asarray(self.operations.host(_sum(lam.conj() * psi).sum(0)).imag)

    def _image(self, psi: Amplitudes, block: Block) -> Amplitudes:
        """Return the sum of (XX + YY)/2 over the pairs of a block, applied to psi."""
        image = 0.0 * psi
        for edge in block.pairs:
            self.operations.hop(psi, image, block.n, block.weight, edge)
        return image

    def _exponentiated(self, psi: Amplitudes, block: Block, angles: Floats) -> Amplitudes:
        """Return exp(-i angle M) psi for the sum M of a block, of norm at most 2 k on a ring."""
        norm = 2.0 * block.weight
        terms = [self._row(row, 1) for row in chebyshev.coefficients(norm * angles)]
        return chebyshev.expand(psi, lambda term: self._image(term, block) / norm, terms)

    def _interpolate(
        self, psi: Amplitudes, n: int, k: int, way: tuple[Plan, Spare], repeat: int
    ) -> None:
        """Apply the Newton polynomial of a plan in A^T A to psi (outer, subsets, ...)."""
        term, (plan, spare) = 1.0 * psi if k > 1 else psi, way
        psi *= self._row(plan.newton[0], repeat)
        for node, difference in zip(plan.nodes[:-1], plan.newton[1:], strict=True):
            product = -node * term
            lowered = self._lower(term, n, k, spare)
            self.operations.lift(lowered, product, n, k)
            spare[tuple(lowered.shape)].append(lowered)
            psi += self._row(difference, repeat) * product
            term = product

    def _row(self, values: NDArray[np.complex128], repeat: int) -> Any:
        return self.operations.array(np.tile(values, repeat).astype(self._dtype))

    def _axes(self, layer: Any) -> Iterator[tuple[Block, Any, int]]:
        """Yield each block that can move, its part of the layer, and how often it repeats."""
        outer = self.dimension
        for block, entry in zip(self.blocks, layer, strict=True):
            outer //= block.size
            if block.weight:
                yield block, entry, outer


def _split(psi: Amplitudes) -> Amplitudes:
    """Subtract from every column of (outer, subsets, ...) its mean, and return that."""
    mean = _sum(psi)[:, None] / psi.shape[1]
    psi -= mean
    return mean


def _sum(psi: Amplitudes) -> Amplitudes:
    """Return the sums of (outer, subsets, columns) over subsets, stretch by stretch.

    Libraries add up one by one where columns lie side by side: rounding grows with the subsets.
    """
    length = isqrt(psi.shape[1])
    most = length * (psi.shape[1] // length)
    stretches = psi[:, :most].reshape(len(psi), -1, length, psi.shape[2]).sum(2)
    return stretches.sum(1) + psi[:, most:].sum(1)


def _columns(dimension: int) -> int:
    """Return how many angle sets run together."""
    return max(1, min(64, _GROUP // dimension))


def _alive(mixer: str, block: Block, columns: int) -> float:
    """Return how many states' worth of amplitudes a mixer keeps at once while it is undone."""
    n, k = block.n, block.weight
    if mixer == "xy_ring_exact":
        return 8.0  # psi, lam, and the terms of a series
    if mixer != "xy_complete" or k == 0:
        return 3.0
    smaller = 4 * comb(n, k - 1) + sum(comb(n, j) for j in range(k - 1))
    each = smaller / comb(n, k)  # A psi, A lam, a polynomial, and the rungs
    return 2.0 + each + (1.0 + each if columns > 1 else 0.0)  # psi, lam, and some columns apart
