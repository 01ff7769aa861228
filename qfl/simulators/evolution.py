"""Values, gradients and samples of any exact QAOA engine, for one angle set or a batch.

An engine supplies states, costs and a mixer; everything else is here, once. Gradients run the
circuit backwards (adjoint method): about three evaluations, whatever the depth, and no stored
states. A batch is cut into groups of columns that share a pass over the states; threads share the
groups.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np

from qfl.core.errors import BackendError
from qfl.simulators.memory import free_bytes
from qfl.simulators.operations import Amplitudes, Floats, Operations, threads

Figure = Callable[[Floats], tuple[Floats, Floats]]
"""probabilities (states, columns) -> values (columns,), derivatives (states, columns or 1)."""
T = TypeVar("T")
_LAST = 2.0**52  # radians: neighbouring floats lie 1 apart from here on
_WORTHWHILE = 1 << 22  # bytes of a group from which threads gain more than they cost


class Engine(Protocol):
    """The states of one ansatz and its circuit."""

    operations: Operations
    costs: Any
    largest: float
    """The largest |cost|."""
    columns: int
    """How many angle sets to run together."""
    filled: bool
    """Whether fewer take as long, or other loops, so that the groups of a batch are filled up."""
    needed: int
    """Bytes that they take at the peak of a gradient."""

    def room(self, columns: int, states: int = 1) -> Amplitudes:
        """Return room for so many states of every column, (states, dimension, columns)."""
        ...

    def run(self, psi: Amplitudes, angles: Floats) -> Floats:
        """Write the final states to psi (dimension, columns) for angles (columns, 2, depth).

        Returns:
            Their mean costs (columns,).
        """
        ...

    def run_back(self, pair: Amplitudes, angles: Floats) -> Floats:
        """Undo the circuit on psi, lam of `pair` (2, dimension, columns), which it uses up.

        Returns:
            Im<lam|G|psi> with G the generator of each angle, just before it is undone; in the
            shape of the angles.
        """
        ...


class Layered(Protocol):
    """A start state (dimension,), costs and a mixer, of which `run_layers` makes a circuit."""

    operations: Operations
    costs: Any
    start: Amplitudes

    def layers(self, betas: Floats) -> list[Any]:
        """Return what `mix` needs to know for each layer of betas (layers, columns)."""
        ...

    def mix(self, psi: Amplitudes, layer: Any) -> None:
        """Apply exp(-i beta M) up to a global phase."""
        ...

    def mix_back(self, pair: Amplitudes, layer: Any) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|M|psi> (columns,)."""
        ...


def largest(costs: Floats) -> float:
    """Return the largest |cost|, without room for another table."""
    return max(float(costs.max()), -float(costs.min()))


def evolve(engine: Engine, angles: Floats) -> Amplitudes:
    """Return the final states (states, columns) for angles (columns, 2, depth).

    Raises:
        BackendError: gamma * cost is too large for a phase.
    """
    _check_phases(engine, angles)
    psi = engine.room(len(angles))[0]
    engine.run(psi, angles)
    return psi


def probabilities(engine: Engine, angles: Floats) -> Floats:
    """Return the final distributions (states, columns) for angles (columns, 2, depth)."""
    return engine.operations.densities(evolve(engine, angles))


def values(engine: Engine, angles: Floats, figure: Figure | None = None) -> Floats:
    """Return the figure of merit, or the mean cost, (columns,) for angles (columns, 2, depth)."""

    def value(states: Amplitudes, group: Floats) -> Floats:
        mean = engine.run(states[0], group)
        return mean if figure is None else figure(engine.operations.densities(states[0]))[0]

    return np.concatenate(_map(engine, angles, 1, value))[: len(angles)]


def values_and_gradients(
    engine: Engine, angles: Floats, figure: Figure | None = None
) -> tuple[Floats, Floats]:
    """Return the figure of merit, or the mean cost, (columns,), and its gradient (columns, 2, p).

    Reference: Jones and Gacon, arXiv:2009.02823, algorithm 1, with the observable
    diag(d figure / d probability).
    """

    def gradient(pair: Amplitudes, group: Floats) -> tuple[Floats, Floats]:
        value, derivatives = engine.run(pair[0], group), engine.operations.host(engine.costs)
        if figure is not None:
            value, derivatives = figure(engine.operations.densities(pair[0]))
        engine.operations.weigh(pair, derivatives.reshape(len(derivatives), -1))
        return value, 2 * engine.run_back(pair, group)

    groups = _map(engine, angles, 2, gradient)
    return (
        np.concatenate([value for value, _ in groups])[: len(angles)],
        np.concatenate([found for _, found in groups])[: len(angles)],
    )


def run_layers(engine: Layered, psi: Amplitudes, angles: Floats) -> Floats:
    """Run a circuit layer by layer; see `Engine.run`."""
    psi[:] = engine.start[:, None]
    for gammas, layer in zip(angles[:, 0].T, engine.layers(angles[:, 1].T), strict=True):
        engine.operations.turn(psi, engine.costs, np.ascontiguousarray(gammas))
        engine.mix(psi, layer)
    return engine.operations.means(psi, engine.costs)


def run_layers_back(engine: Layered, pair: Amplitudes, angles: Floats) -> Floats:
    """Undo a circuit layer by layer; see `Engine.run_back`."""
    overlaps, layers = np.empty(angles.shape), engine.layers(angles[:, 1].T)
    for layer in reversed(range(angles.shape[2])):
        gammas, last = np.ascontiguousarray(angles[:, 0, layer]), layer == 0
        overlaps[:, 1, layer] = engine.mix_back(pair, layers[layer])
        overlaps[:, 0, layer] = engine.operations.turn_back(pair, engine.costs, gammas, last=last)
    return overlaps


def _check_phases(engine: Engine, angles: Floats) -> None:
    """Refuse phases of which double precision knows no digit, and which no sine reduces.

    Raises:
        BackendError: |gamma * cost| beyond 2^52.
    """
    phase = float(np.abs(angles[:, 0]).max(initial=0)) * engine.largest
    if not phase <= _LAST:
        raise BackendError(
            f"|gamma * cost| must be at most 2^52 = {_LAST:.1e}, where a float has no digit of the "
            f"phase left, got {phase:.1e} (costs up to {engine.largest:.1e}); scale the gammas or "
            "the costs down"
        )


def _map(
    engine: Engine, angles: Floats, states: int, function: Callable[[Amplitudes, Floats], T]
) -> list[T]:
    """Return function(room for so many states, group) for groups of angle sets, in order.

    Angles of zero may fill the last group; their results come last.

    Where a group ends depends on the engine and the number of angle sets only, so that the same
    call gives the same bits on any number of threads. Each thread keeps its room.
    """
    _check_phases(engine, angles)
    count = -(-len(angles) // engine.columns)
    size = -(-len(angles) // count)
    if engine.filled and count > 1:
        size = engine.columns
        angles = np.pad(angles, ((0, count * size - len(angles)), (0, 0), (0, 0)))
    groups = [angles[first : first + size] for first in range(0, len(angles), size)]

    def work(first: int) -> list[T]:
        room, found = engine.room(size, states), []
        for group in groups[first::workers]:
            own = room if len(group) == size else engine.room(len(group), states)
            found.append(function(own, group))
        return found

    workers = 1
    if count > 1 and engine.needed >= _WORTHWHILE:
        workers = max(1, min(threads(), len(groups), free_bytes() // engine.needed))
    if workers == 1:
        return work(0)
    with ThreadPoolExecutor(workers - 1) as pool:
        others = pool.map(work, range(1, workers))
        parts = [work(0), *others]
    return [parts[at % workers][at // workers] for at in range(len(groups))]
