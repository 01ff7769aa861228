"""The QAOA ansatz: a cost, a mixer, a depth and an initial state.

Conventions, decided here once. The cost is minimised. Layer l applies exp(-i gamma_l H) and then
exp(-i beta_l M); layer 1 acts first. The initial state is the *top* eigenstate of the X and of the
complete XY mixer, so an annealing-like ramp towards the minimum has gamma > 0 and beta < 0; equal
signs drive towards the maximum.

Mixers (M). Those named xy act inside every block, grover on all blocks at once:
    x               sum_k X_k over all qubits, from |+>^n; the only one without blocks
    xy_complete     1/2 sum_{a<b} (X_a X_b + Y_a Y_b), the exact exponential of the sum
    xy_trotter      the same pairs as an ordered product of two-qubit gates (order: mixers.edges)
    xy_ring         ordered product over the ring (0,1), (1,2), ..., (n-1,0)
    xy_ring_exact   the same pairs, the exact exponential of their sum
    xy_parity_ring  ordered product over the ring: even edges, odd edges, closing edge last
    grover          |D><D| with D the initial state, the product over the blocks
Only numpy and `circuits` may be imported here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from circuits import mixers
from circuits.dicke import Preparation, preparation
from circuits.spec import Basis, CircuitSpec, Gate, Resources
from circuits.swap_network import Pairs, packed_pairs, phase_network

MIXERS = (
    "x",
    "xy_complete",
    "xy_trotter",
    "xy_ring",
    "xy_ring_exact",
    "xy_parity_ring",
    "grover",
)

SUMS = ("xy_complete", "xy_ring_exact")
"""Mixers that exponentiate a sum of pairs that do not commute."""

PRODUCTS = ("xy_trotter", "xy_ring", "xy_parity_ring")
"""Mixers that are an ordered product of pairs; every other order of the pairs is one too."""

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
        initial: amplitudes over the states that the blocks allow for a warm start; None for the
            uniform superposition. Block 0 varies fastest, and inside a block its variables count
            upwards as the integer sum_i x_i 2^i.
        bias: (n,) probabilities of a 1 for a warm start of mixer "x", which then turns about it.
        order: for mixers in PRODUCTS, the pairs of variables that they couple, of all blocks and
            each once, in the order in which they act; None for the mixer's own. (a, b) is (b, a).
    """

    constant: float
    linear: NDArray[np.float64]
    quadratic: NDArray[np.float64]
    mixer: str
    depth: int
    blocks: Blocks = ()
    initial: NDArray[np.complex128] | None = None
    bias: NDArray[np.float64] | None = None
    order: Pairs | None = None

    def __post_init__(self) -> None:
        if self.mixer not in MIXERS:
            raise ValueError(f"unknown mixer {self.mixer!r}; allowed: {', '.join(MIXERS)}")
        if not isinstance(self.depth, int | np.integer) or self.depth < 0:
            raise ValueError(f"depth must be a whole number >= 0, got {self.depth!r}")
        if np.shape(self.quadratic) != (self.n, self.n):
            raise ValueError(
                f"quadratic must be ({self.n}, {self.n}), got shape {np.shape(self.quadratic)}"
            )
        if len(misplaced := np.argwhere(np.tril(self.quadratic))):
            j, i = misplaced[0].tolist()
            raise ValueError(
                f"quadratic must be strictly upper triangular, got {self.quadratic[j][i]} in entry "
                f"({j}, {i}): add it to {f'linear[{i}]' if i == j else f'entry ({i}, {j})'}"
            )
        for name in ("constant", "linear", "quadratic"):
            if np.iscomplexobj(getattr(self, name)):
                raise ValueError(f"costs must be real, got {name} = {getattr(self, name)!r}")
            bad = np.ravel(getattr(self, name))[~np.isfinite(np.ravel(getattr(self, name)))]
            if len(bad):
                raise ValueError(f"costs must be finite, got {bad[0]} in {name}")
        for variables, ones in self.blocks:
            if not isinstance(ones, int | np.integer) or not 0 <= ones <= len(variables):
                raise ValueError(
                    f"cannot choose {ones} of {len(variables)}; ones must be a whole number in "
                    f"0..{len(variables)}"
                )
        covered = sorted(variable for variables, _ in self.blocks for variable in variables)
        if self.blocks and covered != list(range(self.n)):
            raise ValueError(
                f"blocks must hold each of 0..{self.n - 1} exactly once, got {covered}"
            )
        if self.blocks and self.mixer == "x":
            raise ValueError("mixer 'x' keeps no block; leave blocks out and use a penalty")
        if not self.blocks and self.mixer.startswith("xy"):
            raise ValueError(f"mixer {self.mixer!r} needs blocks with a fixed number of ones")
        if self.bias is not None and (self.mixer != "x" or self.initial is not None):
            raise ValueError("a bias is a warm start of mixer 'x'; it excludes `initial`")
        if self.bias is not None:
            bias = np.asarray(self.bias)
            if bias.shape != (self.n,) or not ((bias >= 0) & (bias <= 1)).all():
                raise ValueError(f"bias must be {self.n} probabilities in 0..1, got {self.bias}")
        if self.order is not None:
            self._check_order(self.order)

    def _check_order(self, order: Pairs) -> None:
        if self.mixer not in PRODUCTS:
            raise ValueError(
                f"mixer {self.mixer!r} has no order of pairs; allowed: {', '.join(PRODUCTS)}"
            )
        own = [
            frozenset((variables[a], variables[b]))
            for variables, _ in self.blocks
            for a, b in mixers.edges(self.mixer, len(variables))
        ]
        if Counter(map(frozenset, order)) != Counter(own):
            pairs = ", ".join(str(tuple(sorted(pair))) for pair in own)
            raise ValueError(f"order must hold each pair of the mixer once, {pairs}; got {order}")

    def edges(self, block: int) -> Pairs:
        """Return the ordered pairs of positions that the XY mixer couples in one of the blocks."""
        variables, _ = self.blocks[block]
        if self.order is None:
            return mixers.edges(self.mixer, len(variables))
        place = {variable: i for i, variable in enumerate(variables)}
        return tuple((place[a], place[b]) for a, b in self.order if a in place)

    @property
    def tilts(self) -> NDArray[np.float64]:
        """Angle (n,) between Z and the axis of each qubit under mixer "x": pi/2 without a bias."""
        return 2 * np.arcsin(np.sqrt(np.full(self.n, 0.5) if self.bias is None else self.bias))

    @property
    def n(self) -> int:
        """Number of qubits."""
        return len(self.linear)


@dataclass(frozen=True, slots=True)
class _Frame:
    """All of an ansatz that decides which gates there are, but not their angles; hashable."""

    n: int
    mixer: str
    depth: int
    blocks: Blocks
    steps: int
    start: tuple[int, ...] | None
    tilts: tuple[float, ...] = ()
    edges: tuple[Pairs, ...] = ()
    packed: bool = True


def circuit(
    ansatz: QaoaAnsatz, *, trotter_steps: int | None = None, packed: bool = True
) -> CircuitSpec:
    """Return the gates of an ansatz, with parameters gamma_1..gamma_p, beta_1..beta_p.

    Bind angles of shape (2, depth) by `circuit(ansatz).bind(angles.ravel())`. The cost constant
    is a global phase and is left out. "xy_complete" is exact on blocks with a single 1 or a single
    0, where it is a Grover mixer of angle m beta; for other blocks no short exact circuit is known,
    nor is one for "xy_ring_exact" on more than two variables.

    A warm start has a circuit if it is one state of the blocks, say the choice of a greedy solver.

    Args:
        trotter_steps: first-order steps that stand in for "xy_complete" and "xy_ring_exact" on
            those other blocks; one step equals "xy_trotter" and "xy_ring". Other mixers do not use
            it.
        packed: order the interactions of the cost, which commute, as `packed_pairs` does; else as
            the matrix lists them, row by row.

    Raises:
        ValueError: the warm start is a superposition, or `trotter_steps` is needed and missing.

    >>> ansatz = QaoaAnsatz(0.0, np.ones(2), np.zeros((2, 2)), "x", 1)
    >>> print(circuit(ansatz).bind([0.5, -0.25]))
    qubits 2
    h 0
    h 1
    rz(-0.5) 0
    rz(-0.5) 1
    rx(-0.5) 0
    rx(-0.5) 1
    measure 0 1
    """
    if trotter_steps is None and (hard := _without_circuit(ansatz)):
        raise ValueError(
            f"{ansatz.mixer!r} has no short exact circuit for blocks of {', '.join(hard)}; "
            "use mixer 'xy_trotter', 'xy_ring' or 'xy_parity_ring', or give trotter_steps >= 1 to "
            "approximate it"
        )
    steps = 1 if trotter_steps is None else trotter_steps
    frame = replace(_frame(ansatz, steps), packed=packed)
    if ansatz.initial is not None and frame.start is None:
        raise ValueError(
            "a warm start that is a superposition has no short circuit; start from one state of "
            "the blocks, run it on an exact backend, or leave `initial` out"
        )
    if ansatz.bias is not None:
        frame = replace(frame, tilts=tuple(ansatz.tilts.tolist()))
    return _build(frame, *ising(ansatz))


def line_circuit(ansatz: QaoaAnsatz) -> CircuitSpec:
    """Return the circuit of an "x" ansatz with gates between neighbours on a line only.

    Dense costs go through the SWAP network of `phase_network`; qubits are positions on the line
    and `measured` undoes the permutation, so counts have variable k in column k as always.

    Raises:
        ValueError: another mixer: its start state and its pairs are not neighbours on a line.

    >>> dense = QaoaAnsatz(0.0, np.ones(4), np.triu(np.ones((4, 4)), 1), "x", 1)
    >>> line_circuit(dense).measured
    (1, 3, 0, 2)
    """
    warm = ansatz.initial is not None or ansatz.bias is not None
    if ansatz.mixer != "x" or warm:
        raise ValueError(
            f"only mixer 'x' from |+>^n is laid out on a line, got {ansatz.mixer!r}"
            f"{' with a warm start' if warm else ''}; use circuit()"
        )
    fields, couplings = ising(ansatz)
    line = tuple(range(ansatz.n))
    gates = [Gate("h", (k,)) for k in line]
    for layer in range(1, ansatz.depth + 1):
        gates += _fields_layer([fields[k] for k in line], f"gamma_{layer}")
        network, line = phase_network(couplings, line, f"gamma_{layer}")
        gates += (*network, *mixers.transverse_field(ansatz.n, f"beta_{layer}"))
    measured = tuple(int(position) for position in np.argsort(line))
    return CircuitSpec(ansatz.n, tuple(gates), _names(ansatz.depth), measured)


def resources(ansatz: QaoaAnsatz, *, trotter_steps: int = 1, basis: Basis = "cz") -> Resources:
    """Return what the circuit of an ansatz needs, counted as in `CircuitSpec.resources`.

    Only the pattern of zero coefficients matters, and the answer is cached on it. A mixer without
    a short exact circuit counts `trotter_steps` steps; the default of one is a lower bound. A warm
    start in a superposition is counted as if it began in the uniform one.

    >>> resources(QaoaAnsatz(0.0, np.ones(4), np.triu(np.ones((4, 4)), 1), "x", 2))
    Resources(qubits=4, depth=12, two_qubit_gates=24)
    """
    frame = _frame(ansatz, trotter_steps)
    fields, couplings = ising(ansatz)
    return _count(frame, (fields != 0).tobytes(), (couplings != 0).tobytes(), basis)


def stand_ins(ansatz: QaoaAnsatz) -> list[str]:
    """Return what `resources` counts in place of parts that have no short exact circuit."""
    warm = ansatz.initial is not None and _ones(ansatz, ansatz.initial) is None
    found = ["one Trotter step of the mixer"] if _without_circuit(ansatz) else []
    return [*found, "a uniform start"] if warm else found


def ising(ansatz: QaoaAnsatz) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return fields (n,) and couplings (n, n) of the cost as an Ising function of Z = 1 - 2x."""
    both = ansatz.quadratic + ansatz.quadratic.T
    return -ansatz.linear / 2 - both.sum(1) / 4, ansatz.quadratic / 4


def _without_circuit(ansatz: QaoaAnsatz) -> list[str]:
    """Return the blocks "k of n" on which the mixer has no short exact circuit."""
    if ansatz.mixer == "xy_complete":
        return [f"{k} of {len(block)}" for block, k in ansatz.blocks if 1 < k < len(block) - 1]
    if ansatz.mixer == "xy_ring_exact":
        return [f"{k} of {len(block)}" for block, k in ansatz.blocks if len(block) > 2]
    return []


def _frame(ansatz: QaoaAnsatz, steps: int) -> _Frame:
    if steps < 1:
        raise ValueError(f"trotter_steps must be at least 1, got {steps}")
    start = None if ansatz.initial is None else _ones(ansatz, ansatz.initial)
    coupled = ansatz.mixer.startswith("xy")
    edges = tuple(ansatz.edges(i) for i in range(len(ansatz.blocks)) if coupled)
    return _Frame(ansatz.n, ansatz.mixer, ansatz.depth, ansatz.blocks, steps, start, edges=edges)


def _ones(ansatz: QaoaAnsatz, initial: NDArray[np.complex128]) -> tuple[int, ...] | None:
    """Return which variables are 1 in the only state of a warm start; None for superpositions.

    Reference: Knuth, TAOCP 4A, 7.2.1.3, theorem L (the combinatorial number system).
    """
    occupied = np.flatnonzero(initial)
    if len(occupied) != 1 or not ansatz.blocks:
        return None
    rank = int(occupied[0])
    found = []
    for variables, ones in ansatz.blocks:
        rank, within = divmod(rank, comb(len(variables), ones))
        for left in range(ones, 0, -1):
            place = max(i for i in range(len(variables)) if comb(i, left) <= within)
            within -= comb(place, left)
            found.append(variables[place])
    return tuple(sorted(found))


@lru_cache(maxsize=256)
def _count(frame: _Frame, fields: bytes, couplings: bytes, basis: Basis) -> Resources:
    linear = np.frombuffer(fields, dtype=np.bool_).astype(np.float64)
    quadratic = np.frombuffer(couplings, dtype=np.bool_).reshape(frame.n, frame.n)
    return _build(frame, linear, quadratic.astype(np.float64)).resources(basis=basis)


def _build(
    frame: _Frame, fields: NDArray[np.float64], couplings: NDArray[np.float64]
) -> CircuitSpec:
    listed = ((int(a), int(b)) for a, b in np.argwhere(couplings))
    pairs = packed_pairs(couplings) if frame.packed else tuple(listed)
    blocks = [preparation(variables, ones) for variables, ones in frame.blocks]
    start = _joint(frame, blocks)
    gates = list(start.gates) if blocks else [Gate("h", (k,)) for k in range(frame.n)]
    if frame.tilts:
        gates = [Gate("ry", (k,), tilt) for k, tilt in enumerate(frame.tilts)]
    for layer in range(1, frame.depth + 1):
        gamma = f"gamma_{layer}"
        gates += _fields_layer(fields.tolist(), gamma)
        gates += (
            Gate("rzz", pair, factor=2 * float(couplings[pair]), parameter=gamma) for pair in pairs
        )
        gates += _mixer_layer(frame, blocks, start, f"beta_{layer}")
    return CircuitSpec(frame.n, tuple(gates), _names(frame.depth), tuple(range(frame.n)))


def _names(depth: int) -> tuple[str, ...]:
    kinds = ("gamma", "beta")
    return tuple(f"{kind}_{layer}" for kind in kinds for layer in range(1, depth + 1))


def _fields_layer(fields: Sequence[float], gamma: str) -> list[Gate]:
    angles = ((qubit, 2 * float(field)) for qubit, field in enumerate(fields) if field)
    return [Gate("rz", (qubit,), factor=angle, parameter=gamma) for qubit, angle in angles]


def _mixer_layer(
    frame: _Frame, blocks: list[Preparation], start: Preparation, beta: str
) -> list[Gate]:
    if frame.mixer == "x" and frame.tilts:
        return list(mixers.tilted_field(frame.tilts, beta))
    if frame.mixer == "x":
        return list(mixers.transverse_field(frame.n, beta))
    if frame.mixer == "grover":
        return list(mixers.grover(start, beta))
    gates: list[Gate] = []
    for (variables, ones), block, edges in zip(frame.blocks, blocks, frame.edges, strict=True):
        if frame.mixer == "xy_complete" and min(ones, len(variables) - ones) <= 1:
            gates += mixers.grover(block, beta, scale=float(len(variables)))
        else:
            steps = frame.steps if frame.mixer in SUMS else 1
            gates += mixers.xy_product(edges, variables, beta, steps=steps)
    return gates


def _joint(frame: _Frame, blocks: list[Preparation]) -> Preparation:
    """Return one preparation of the start state; |+>^n is written as coming from |1...1>."""
    if frame.start is not None:
        return Preparation(frame.start, ())
    if not blocks:
        from_ones = (Gate(name, (k,)) for k in range(frame.n) for name in ("x", "h"))
        return Preparation(tuple(range(frame.n)), tuple(from_ones))
    return Preparation(
        tuple(qubit for block in blocks for qubit in block.excited),
        tuple(gate for block in blocks for gate in block.spread),
    )
