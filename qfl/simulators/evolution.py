"""Values, gradients and samples of any exact QAOA engine, for one angle set or a batch.

An engine supplies states, costs and a mixer; everything else is here, once. Gradients run the
circuit backwards (adjoint method): about three evaluations, whatever the depth, and no stored
states. A batch is cut into groups of columns that share a pass over the states; groups are spread
over `operations.threads()` threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np

from qfl.simulators.memory import free_bytes
from qfl.simulators.operations import Amplitudes, Floats, Operations, threads

Figure = Callable[[Floats], tuple[Floats, Floats]]
"""probabilities (states, columns) -> values (columns,), derivatives (states, columns or 1)."""
T = TypeVar("T")


class Engine(Protocol):
    """The states of one ansatz, their costs, and its mixer."""

    operations: Operations
    costs: Any
    columns: int
    """How many angle sets to run together."""
    needed: int
    """Bytes that they take at the peak of a gradient."""

    def start(self, columns: int, states: int = 1) -> Amplitudes:
        """Return room (states, dimension, columns); the first is the initial state."""
        ...

    def layers(self, betas: Floats) -> list[Any]:
        """Return what `mix` needs to know for each layer of betas (layers, columns)."""
        ...

    def mix(self, psi: Amplitudes, layer: Any) -> None:
        """Apply exp(-i beta M) up to a global phase."""
        ...

    def mix_back(self, pair: Amplitudes, layer: Any) -> Floats:
        """Undo it on psi, lam of `pair` (2, states, columns); return Im<lam|M|psi> (columns,)."""
        ...


def evolve(engine: Engine, angles: Floats) -> Amplitudes:
    """Return the final states (states, columns) for angles (columns, 2, depth)."""
    psi = engine.start(len(angles))[0]
    _run(engine, psi, angles)
    return psi


def probabilities(engine: Engine, angles: Floats) -> Floats:
    """Return the final distributions (states, columns) for angles (columns, 2, depth)."""
    return engine.operations.densities(evolve(engine, angles))


def values(engine: Engine, angles: Floats, figure: Figure) -> Floats:
    """Return the figure of merit (columns,) for angles (columns, 2, depth)."""
    groups = _map(engine, angles, lambda group: figure(probabilities(engine, group))[0])
    return np.concatenate(groups)


def values_and_gradients(engine: Engine, angles: Floats, figure: Figure) -> tuple[Floats, Floats]:
    """Return the figure of merit (columns,) and its gradient (columns, 2, depth).

    Reference: Jones and Gacon, arXiv:2009.02823, algorithm 1, with the observable
    diag(d figure / d probability).
    """
    groups = _map(engine, angles, lambda group: _gradient(engine, group, figure))
    return (
        np.concatenate([value for value, _ in groups]),
        np.concatenate([gradient for _, gradient in groups]),
    )


def _run(engine: Engine, psi: Amplitudes, angles: Floats) -> None:
    """Take psi (states, columns) through all layers."""
    for gammas, layer in zip(angles[:, 0].T, engine.layers(angles[:, 1].T), strict=True):
        engine.operations.turn(psi, engine.costs, np.ascontiguousarray(gammas))
        engine.mix(psi, layer)


def _gradient(engine: Engine, angles: Floats, figure: Figure) -> tuple[Floats, Floats]:
    operations = engine.operations
    pair = engine.start(len(angles), 2)
    _run(engine, pair[0], angles)
    value, derivatives = figure(operations.densities(pair[0]))
    operations.weigh(pair, derivatives)
    gradient = np.empty(angles.shape)
    layers = engine.layers(angles[:, 1].T)
    for layer in reversed(range(angles.shape[2])):
        gradient[:, 1, layer] = 2 * engine.mix_back(pair, layers[layer])
        gradient[:, 0, layer] = 2 * operations.overlaps(pair, engine.costs)
        if layer:
            for states in pair:
                operations.turn(states, engine.costs, -angles[:, 0, layer])
    return value, gradient


def _map(engine: Engine, angles: Floats, function: Callable[[Floats], T]) -> list[T]:
    """Return function(group) for groups of at most `engine.columns` angle sets, in order."""
    workers = 1
    if len(angles) > 1:  # every worker holds a group of its own
        workers = max(1, min(threads(), len(angles), free_bytes() // engine.needed))
    size = max(1, min(engine.columns, -(-len(angles) // workers)))
    groups = [angles[start : start + size] for start in range(0, len(angles), size)]
    if workers == 1:
        return [function(group) for group in groups]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, groups))
