"""A circuit on the qubits of a snapshot, under its noise, as steps of `qfl.simulators.pauli`.

The noise is Aer's own device model: depolarising noise and relaxation after every gate. What
Aer's model leaves out can be switched on here: relaxation of idle qubits, slow frequency errors,
decoupling pulses against them, and twirling, which turns the noise of two-qubit gates and of
readings into its average over all Pauli frames.

Reference: decoupling as in Viola and Lloyd, quant-ph/9803057; twirling as in Wallman and Emerson,
arXiv:1512.01098.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import exp, inf, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression
from qiskit.quantum_info import PTM
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay, TimeUnitConversion
from qiskit_aer.noise.device import basic_device_gate_errors

from qfl.backends.practice import Decoupling
from qfl.core.errors import BackendError
from qfl.core.rng import Streams
from qfl.simulators.pauli import Pair, transfer, two_terms

Floats = NDArray[np.float64]
Values = Mapping[str, float]

_PULSES: Mapping[Decoupling, str] = {"": "", "XX": "XX", "XpXm": "XX", "XY4": "XYXY"}
_FLIPS = {"X": np.diag([1.0, 1.0, -1.0, -1.0]), "Y": np.diag([1.0, -1.0, 1.0, -1.0])}


@dataclass(frozen=True, slots=True)
class Noise:
    """What acts on a circuit beside the noise of its gates.

    Attributes:
        idle_errors: qubits relax while they wait.
        decoupling: pulses while they wait; only seen with `idle_errors`.
        drift_hz: standard deviation of slow frequency errors of waiting qubits.
        twirling: noise of two-qubit gates is averaged over Pauli frames.
        seed: of the drift.
    """

    idle_errors: bool = False
    decoupling: Decoupling = ""
    drift_hz: float = 0.0
    twirling: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """A gate whose angles are not known yet."""

    gate: Any

    def transfer(self, values: Values) -> Floats:
        """Return its transfer matrix at the values of its parameters."""
        numbers = [
            float(angle.bind({each: values[each.name] for each in angle.parameters}))
            if isinstance(angle, ParameterExpression)
            else angle
            for angle in self.gate.params
        ]
        return transfer(self.gate.base_class(*numbers).to_matrix())


@dataclass(frozen=True, slots=True, eq=False)
class _Two:
    """A two-qubit gate, its noise that is diagonal, and what happened to its qubits before."""

    qubits: tuple[int, int]
    before: tuple[tuple[Floats | _Turn, ...], tuple[Floats | _Turn, ...]]
    gate: Floats | _Turn
    diagonal: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A circuit with its noise, compiled once; angles are put in by `steps`."""

    gates: tuple[_Two, ...]
    after: tuple[tuple[Floats | _Turn, ...], ...]

    def steps(self, values: Values) -> tuple[list[Pair], Floats]:
        """Return the two-qubit steps and the channels (n, 4, 4) at the end, for these angles."""
        pairs = []
        for each in self.gates:
            gate = each.gate
            matrix = gate.transfer(values) if isinstance(gate, _Turn) else gate
            before = np.array([_product(parts, values) for parts in each.before])
            pairs.append(Pair(each.qubits, before, *two_terms(each.diagonal[:, None] * matrix)))
        return pairs, np.array([_product(parts, values) for parts in self.after])


def program(
    circuit: QuantumCircuit, target: Target, qubits: tuple[int, ...], noise: Noise
) -> Program:
    """Return a circuit with its noise.

    Args:
        circuit: in the gates of `target`; its parameters may be free.
        target: of these qubits alone, numbered as in the circuit.
        qubits: their numbers on the device, which drift by those.
        noise: what acts beside the noise of gates.

    Raises:
        BackendError: the noise of a gate is not of Aer's form.
    """
    errors = _errors(target, noise.twirling)
    waiting = _Waiting(target, qubits, noise, errors) if noise.idle_errors else None
    ready = scheduled(circuit, target) if waiting else circuit
    pending: list[list[Floats | _Turn]] = [[] for _ in qubits]
    gates: list[_Two] = []
    touched: set[int] = set()
    for step in ready.data:
        gate, where = step.operation, tuple(ready.find_bit(bit).index for bit in step.qubits)
        if gate.name == "delay" and waiting:
            if touched.issuperset(where):  # before its first gate a qubit waits in |0>
                for part in waiting.parts(where[0], gate.duration, gate.unit):
                    _append(pending[where[0]], part)
            continue
        touched.update(where)
        if len(where) == 1:
            _append(pending[where[0]], _matrix(gate))
            if (error := errors.get((gate.name, where))) is not None:
                _append(pending[where[0]], error)
        elif len(where) == 2:
            low, high = where
            relaxed, diagonal = _split(errors.get((gate.name, where), np.eye(16)), gate.name)
            before = tuple(pending[low]), tuple(pending[high])
            gates.append(_Two((low, high), before, _matrix(gate), diagonal))
            pending[low], pending[high] = [relaxed[0]], [relaxed[1]]
    return Program(tuple(gates), tuple(tuple(parts) for parts in pending))


def scheduled(circuit: QuantumCircuit, target: Target) -> QuantumCircuit:
    """Return a circuit with its gates as late as possible and delays where qubits wait."""
    passes = [
        TimeUnitConversion(target=target),
        ALAPScheduleAnalysis(target=target),
        PadDelay(target=target),
    ]
    return PassManager(passes).run(circuit)


class _Waiting:
    """What happens to a qubit that waits."""

    def __init__(
        self,
        target: Target,
        qubits: tuple[int, ...],
        noise: Noise,
        errors: Mapping[tuple[str, tuple[int, ...]], Floats],
    ) -> None:
        self._target, self._errors = target, errors
        self._pulses = _PULSES[noise.decoupling]
        if self._pulses and "x" not in target.operation_names:
            raise BackendError("the snapshot has no gate 'x' to decouple with; leave it out")
        shifts = Streams(noise.seed)("drift").normal(size=1 + max(qubits)) * noise.drift_hz
        self._shifts = shifts[list(qubits)]

    def parts(self, qubit: int, duration: float, unit: str) -> Iterator[Floats]:
        """Yield what acts during a delay, in dt or seconds: decay and, if it fits, pulses."""
        seconds = duration * (self._target.dt if unit == "dt" else 1.0)
        pulse = self._target["x"][(qubit,)].duration if self._pulses else 0.0
        rest = seconds - len(self._pulses) * pulse
        if not self._pulses or rest <= 0:
            yield self._decay(qubit, seconds)
            return
        gap = rest / len(self._pulses)
        yield self._decay(qubit, gap / 2)
        for count, name in enumerate(self._pulses, start=1):
            yield self._errors[("x", (qubit,))] @ _FLIPS[name]  # Y is X and a change of frame
            yield self._decay(qubit, gap if count < len(self._pulses) else gap / 2)

    def _decay(self, qubit: int, seconds: float) -> Floats:
        """Return relaxation towards |0>, and the turn of a qubit that is off its frequency."""
        times = self._target.qubit_properties[qubit]
        t1 = times.t1 or inf
        t2 = min(times.t2 or inf, 2 * t1)
        stays, coherent = exp(-seconds / t1), exp(-seconds / t2)
        angle = 2 * pi * self._shifts[qubit] * seconds
        x, y = coherent * np.cos(angle), coherent * np.sin(angle)
        return np.array([[1, 0, 0, 0], [0, x, -y, 0], [0, y, x, 0], [1 - stays, 0, 0, stays]])


def _matrix(gate: Any) -> Floats | _Turn:
    if any(isinstance(angle, ParameterExpression) for angle in gate.params):
        return _Turn(gate)
    return transfer(gate.to_matrix())


def _append(parts: list[Floats | _Turn], part: Floats | _Turn) -> None:
    """Add a channel; what is known already is multiplied up."""
    if parts and isinstance(part, np.ndarray) and isinstance(parts[-1], np.ndarray):
        parts[-1] = part @ parts[-1]
    else:
        parts.append(part)


def _product(parts: tuple[Floats | _Turn, ...], values: Values) -> Floats:
    """Return the transfer matrix of channels that act one after the other."""
    found = np.eye(4)
    for part in parts:
        found = (part if isinstance(part, np.ndarray) else part.transfer(values)) @ found
    return found


def _errors(target: Target, twirled: bool) -> dict[tuple[str, tuple[int, ...]], Floats]:
    """Return the transfer matrix of the noise after each gate, as Aer's device model has it."""
    found = {}
    relaxing = bool(target.qubit_properties)
    reported = basic_device_gate_errors(target=target, thermal_relaxation=relaxing)
    for name, where, error in reported:
        matrix = np.asarray(PTM(error.to_quantumchannel()).data.real)
        if twirled and len(where) == 2:
            matrix = np.diag(matrix.diagonal())
        found[name, tuple(where)] = matrix
    return found


def _split(error: Floats, name: str) -> tuple[tuple[Floats, Floats], Floats]:
    """Return the noise of a two-qubit gate as channels on its qubits after a diagonal one.

    Raises:
        BackendError: it is of another form.
    """
    first, second = error[:4, :4], error[::4, ::4]
    both = np.outer(second.diagonal(), first.diagonal()).reshape(-1)
    diagonal = np.divide(error.diagonal(), both, out=np.zeros(16), where=both != 0)
    if not np.allclose(np.kron(second, first) * diagonal, error, atol=1e-9):
        raise BackendError(
            f"the noise of gate {name!r} is not depolarising and relaxation; use method "
            "'density_matrix'"
        )
    return (first, second), diagonal
