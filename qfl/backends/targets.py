"""What a device offers, changed: some of its qubits, no error rates, with or without fractional
gates. The device itself stays as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from qiskit.circuit import Parameter
from qiskit.circuit.library import RXGate, RZZGate
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import InstructionProperties, Target

from qfl.core.errors import ConfigError

FRACTIONAL = ("rzz", "rx")
"""Gates that turn by any angle in one go."""

Reported = Mapping[tuple[int, ...], Any]


class Device(BackendV2):  # type: ignore[misc]  # Qiskit is not typed
    """A device as far as transpiling, calibration and noise models look at one."""

    def __init__(self, target: Target, like: Any = None) -> None:
        super().__init__(name=like.name if like is not None else None)
        self._target, self._like = target, like

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    def properties(self) -> Any:
        """Return what the device that it stands for reports; None without one."""
        return None if self._like is None else self._like.properties()

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise TypeError("this device says what it has, but runs nothing")


def part(whole: Target, qubits: tuple[int, ...]) -> Target:
    """Return the target of some qubits alone, renumbered 0, 1, ... in their order."""
    place_of = {qubit: place for place, qubit in enumerate(qubits)}
    listed = whole.qubit_properties
    found = Target(
        num_qubits=len(qubits),
        dt=whole.dt,
        qubit_properties=[listed[qubit] for qubit in qubits] if listed else None,
    )

    def inside(name: str, reported: Reported) -> Reported:
        return {
            tuple(place_of[qubit] for qubit in where): each
            for where, each in reported.items()
            if where and place_of.keys() >= set(where)
        }

    return _copied(whole, found, inside)


def without_errors(whole: Target) -> Target:
    """Return the target with its couplers and gate times, but without error rates."""
    found = Target(num_qubits=whole.num_qubits, dt=whole.dt)

    def silenced(name: str, reported: Reported) -> Reported:
        return {
            where: each and InstructionProperties(duration=each.duration)
            for where, each in reported.items()
        }

    return _copied(whole, found, silenced)


def fractional(device: Any, wanted: bool) -> Any:
    """Return a device with rzz and rx, or without them; itself if that is how it is.

    Stored calibrations say nothing about rzz, but for that of "fake_fractional". Where they do
    not, an rzz is taken to be as good and as fast as the cz of its pair, an rx as the sx.

    Raises:
        ConfigError: it has no cz either, as machines before the Herons.
    """
    target = device.target
    if wanted == ("rzz" in target.operation_names):
        return device
    if not wanted:
        kept = _copied(target, _blank(target), lambda name, on: {} if name in FRACTIONAL else on)
        return Device(kept, like=device)
    if "cz" not in target.operation_names:
        raise ConfigError(f"{device.name} has no fractional gates; leave fractional_gates out")
    more, angle = _copied(target, _blank(target), lambda name, on: on), Parameter("angle")
    more.add_instruction(RZZGate(angle), dict(target["cz"]), name="rzz")
    if "rx" not in target.operation_names:
        more.add_instruction(RXGate(angle), dict(target["sx"]), name="rx")
    return Device(more, like=device)


def _blank(whole: Target) -> Target:
    """Return a target of the same qubits without gates."""
    return Target(num_qubits=whole.num_qubits, dt=whole.dt, qubit_properties=whole.qubit_properties)


def _copied(whole: Target, found: Target, chosen: Callable[[str, Reported], Reported]) -> Target:
    """Return `found` with the gates of `whole`, on the qubits and with the numbers `chosen`."""
    for name in whole.operation_names:
        operation = whole.operation_from_name(name)
        if inspect.isclass(operation):
            continue  # control flow
        reported = whole[name]
        if reported is None or None in reported:
            continue  # on all qubits alike: barriers and the like
        if kept := chosen(name, reported):
            found.add_instruction(operation, dict(kept), name=name)
    return found
