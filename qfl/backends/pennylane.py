"""Any PennyLane simulator behind the backend port: values, gradients, distributions, samples.

The ansatz is lowered to PennyLane operators; gradients come from the device's adjoint method, or
from parameter shifts where it has none. "default.tensor" gives means term by term,
so that its tensors stay small, and no gradients. Only this adapter and the lowering import
PennyLane.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import ArrayLike, NDArray
from pennylane.devices import ExecutionConfig
from scipy.sparse import diags

from circuits.lowering.pennylane import to_pennylane
from circuits.qaoa import QaoaAnsatz, ising
from circuits.spec import CircuitSpec
from qfl.backends.exact import check_shots
from qfl.backends.gates import (
    NATIVE_MIXERS,
    allowed,
    angle_row,
    angle_rows,
    bits,
    costs,
    drawn,
    lowered,
)
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, ConfigError, UnknownNameError
from qfl.core.ports import Capabilities, Objective

_STATES_ONLY = frozenset({"default.tensor"})
"""Devices that list amplitudes, but neither probabilities nor samples nor derivatives."""

_IDLE = frozenset({"null.qubit"})
"""Devices that answer without running anything, for timings of PennyLane itself."""


@dataclass(frozen=True, slots=True)
class PennyLane:
    """A PennyLane simulator; constructing it configures it.

    Attributes:
        device: the name that `qml.device` takes: "default.tensor", or one with analytic
            probabilities and a seed.
        trotter_steps: stands in for "xy_complete" on blocks without an exact circuit; None
            refuses such an ansatz.
    """

    device: str = "lightning.qubit"
    trotter_steps: int | None = None

    def __post_init__(self) -> None:
        if self.device not in qml.plugin_devices:
            raise UnknownNameError("PennyLane device", self.device, qml.plugin_devices)
        if self.device in _IDLE:
            raise ConfigError(
                f"pennylane:{self.device} runs no gate, so its numbers mean nothing; use "
                "'lightning.qubit'"
            )

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        exact = self.device not in _STATES_ONLY
        return Capabilities(f"pennylane:{self.device}", exact, NATIVE_MIXERS)

    def compile(self, ansatz: QaoaAnsatz) -> PennyLaneCompiled:
        """Return the ansatz as a gate list on its device.

        Raises:
            BackendError: the device cannot be made, or the ansatz has no circuit (a warm start, or
                "xy_complete" as above).
        """
        spec = lowered(self.capabilities.name, ansatz, self.trotter_steps)
        return PennyLaneCompiled(self, ansatz, spec, self.on_wires(ansatz.n))

    def on_wires(self, n: int, **options: int) -> Any:
        """Return a new PennyLane device with n wires.

        Raises:
            BackendError: PennyLane misses a package for it, or it does not take an option.
        """
        try:
            return qml.device(self.device, wires=n, **options)
        except (qml.exceptions.DeviceError, ImportError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise BackendError(f"{self.capabilities.name} is not available: {reason}") from error

    def execute(self, scripts: Sequence[Any], device: Any) -> Any:
        """Return what a device of `on_wires` makes of circuits.

        Raises:
            BackendError: it does not have their gates.
        """
        try:
            with warnings.catch_warnings():  # the error says it, in one sentence
                warnings.filterwarnings("ignore", message="Operator .* does not define a decomp")
                return qml.execute(scripts, device, diff_method=None)
        except qml.exceptions.DeviceError as error:
            reason = " ".join(str(error).split())
            raise BackendError(f"{self.capabilities.name} cannot run this: {reason}") from error


@dataclass(frozen=True)
class PennyLaneCompiled:
    """One gate list on one PennyLane device."""

    backend: PennyLane
    ansatz: QaoaAnsatz
    spec: CircuitSpec
    device: Any

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the mean cost."""
        rows, shape = angle_rows(self.ansatz, angles)
        if self._states_only:
            return np.reshape([self._mean(row) for row in rows], shape)
        return np.reshape([each @ self._costs_there for each in self._listed(rows)], shape)

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the objective (default: mean cost), shape (...), and its gradient (..., 2, p).

        The gradient of any objective is that of a mean: the one of its derivatives with respect to
        the probabilities. So the device differentiates one diagonal observable.

        Raises:
            BackendError: the device has no derivatives.
        """
        if self._states_only:
            raise BackendError(
                f"{self.backend.capabilities.name} has no gradients; train on 'subspace' or on "
                "'pennylane:lightning.qubit'"
            )
        rows, shape = angle_rows(self.ansatz, angles)
        probabilities = self._probabilities(rows)
        weights = np.zeros((len(self._costs), len(rows)))
        if objective is None:
            values = probabilities @ self._costs
            weights[:] = self._costs[:, None]
        else:
            index = allowed(self.ansatz)
            values, weights[index] = objective.prepare(self._costs[index])(probabilities.T[index])
        gradients = [self._slope(row, each) for row, each in zip(rows, weights.T, strict=True)]
        return values.reshape(shape), np.reshape(gradients, (*shape, 2, self.ansatz.depth))

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the states that the ansatz allows and their probabilities at one angle set."""
        (probabilities,) = self._probabilities(angle_row(self.ansatz, angles))
        index = allowed(self.ansatz)
        return bits(index, self.ansatz.n), probabilities[index]

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set, drawn by the device where it can."""
        n = self.ansatz.n
        check_shots(shots)
        (row,) = angle_row(self.ansatz, angles)
        if self._states_only:
            return drawn(self._probabilities(row[None])[0], shots, rng)
        measured = [qml.sample(wires=range(n))]
        script = qml.tape.QuantumScript(self._operators(row), measured, shots=shots)
        device = self.backend.on_wires(n, seed=int(rng.integers(2**31)))
        (samples,) = self.backend.execute([script], device)
        return Counts.of(np.reshape(samples, (shots, n)))

    @property
    def _states_only(self) -> bool:
        return self.backend.device in _STATES_ONLY

    @cached_property
    def _idle(self) -> list[int]:
        """The wires without a gate."""
        return sorted(set(range(self.ansatz.n)).difference(*(g.qubits for g in self.spec.gates)))

    def _operators(self, values: Any) -> list[Any]:
        """Return the operators at one angle set (2p,), with at least one on every wire.

        Devices number wires anew where one has none, and "default.tensor" lists states so.
        """
        return to_pennylane(self.spec, values) + [qml.Identity(k) for k in self._idle]

    def _mean(self, row: NDArray[np.float64]) -> float:
        """Return the mean cost at one angle set (2p,), as a sum of local terms."""
        fields, couplings = ising(self.ansatz)
        terms = [(field, qml.Z(k)) for k, field in enumerate(fields.tolist())]
        terms += [
            (float(couplings[a, b]), qml.Z(a) @ qml.Z(b))
            for a, b in np.argwhere(couplings).tolist()
        ]
        observable = qml.Hamiltonian(*map(list, zip(*terms, strict=True)))
        script = qml.tape.QuantumScript(self._operators(row), [qml.expval(observable)])
        (found,) = self.backend.execute([script], self.device)
        ansatz = self.ansatz
        offset = ansatz.constant + ansatz.linear.sum() / 2 + ansatz.quadratic.sum() / 4
        return float(found) + float(offset)

    @cached_property
    def _costs(self) -> NDArray[np.float64]:
        return costs(self.ansatz)

    @cached_property
    def _costs_there(self) -> NDArray[np.float64]:
        """The costs in the order of the device: turning them round once is cheaper than states."""
        return _reversed_order(self._costs, self.ansatz.n)

    def _probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of all states, one row (2^n,) per angle set (2p,) of `rows`."""
        return np.array([_reversed_order(each, self.ansatz.n) for each in self._listed(rows)])

    def _listed(self, rows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the same in the order of the device."""
        states_only = self._states_only
        measured = [qml.state() if states_only else qml.probs(wires=range(self.ansatz.n))]
        scripts = [qml.tape.QuantumScript(self._operators(row), measured) for row in rows]
        found = self.backend.execute(scripts, self.device)
        if states_only:
            return [np.abs(np.asarray(each)) ** 2 for each in found]
        return list(found)

    def _slope(self, row: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gradient of sum_s weights_s p_s at one angle set (2p,)."""
        if not len(row):
            return row
        wires = range(self.ansatz.n)
        diagonal = _reversed_order(weights, self.ansatz.n)
        observable = qml.SparseHamiltonian(diags(diagonal).tocsr(), wires=wires)

        def mean(values: Any) -> Any:
            self._operators(values)
            return qml.expval(observable)

        def listed(values: Any) -> Any:
            self._operators(values)
            return qml.probs(wires=wires)

        script = qml.tape.make_qscript(mean)(row)
        if self.device.supports_derivatives(ExecutionConfig(gradient_method="adjoint"), script):
            node, factor = qml.QNode(mean, self.device, diff_method="adjoint"), np.ones(())
        else:
            node = qml.QNode(listed, self.device, diff_method="parameter-shift")
            factor = diagonal
        slope = qml.grad(lambda values: qml.math.sum(factor * node(values)))
        return np.asarray(slope(qml.numpy.array(row, requires_grad=True)))


def _reversed_order(values: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return an array over basis states (2^n,) with the order of the qubits turned round."""
    return np.reshape(values, (2,) * n).T.reshape(-1)
