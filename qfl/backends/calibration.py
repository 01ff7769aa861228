"""What a device said about itself: the numbers of the qubits that a circuit used, under one id.

Read from the target and the properties of a qiskit BackendV2, live or stored. A number that the
device does not report is None. Times are seconds, errors are 1 - average fidelity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qfl.core.arrays import canonical_json, sha256_hex
from qfl.core.decision import Execution

if TYPE_CHECKING:
    from qfl.backends.placement import Placed

_NO_GATES = {"measure", "measure_2", "reset", "reset_2", "delay", "id"}


@dataclass(frozen=True, slots=True)
class QubitCalibration:
    """One qubit.

    Attributes:
        qubit: the device's number.
        t1_seconds, t2_seconds: relaxation and dephasing times.
        gate_error: the worst of its one-qubit gates; those that are only frame changes have none.
        readout_error: mean of the next two.
        read_1_given_0, read_0_given_1: probabilities of a wrong reading.
    """

    qubit: int
    t1_seconds: float | None
    t2_seconds: float | None
    gate_error: float | None
    readout_error: float | None
    read_1_given_0: float | None
    read_0_given_1: float | None


@dataclass(frozen=True, slots=True)
class PairCalibration:
    """One two-qubit gate on one pair."""

    gate: str
    qubits: tuple[int, int]
    error: float | None
    duration_seconds: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A device at one moment, as far as one circuit saw it.

    Attributes:
        device: its name.
        time: when it was calibrated, ISO 8601 in UTC; "" if it does not say.
        qubits, pairs: those that the circuit used, ascending.
    """

    device: str
    time: str
    qubits: tuple[QubitCalibration, ...]
    pairs: tuple[PairCalibration, ...]

    @property
    def id(self) -> str:
        """sha256 of the canonical JSON of `to_dict()`."""
        return sha256_hex(canonical_json(self.to_dict()).encode())

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` wrote."""
        return cls(
            device=record["device"],
            time=record["time"],
            qubits=tuple(QubitCalibration(**row) for row in record["qubits"]),
            pairs=tuple(
                PairCalibration(**{**row, "qubits": tuple(row["qubits"])})
                for row in record["pairs"]
            ),
        )


def calibration(device: Any, placed: Placed) -> Calibration:
    """Return what `device` reports about the qubits that a placed circuit uses.

    Args:
        device: a qiskit BackendV2; IBM's also report asymmetric readout and the time.
        placed: says which qubits and gates.
    """
    gates = sorted({(name, on) for name, on in placed.operations if len(on) == 2})
    return _read(device, placed.qubits, [(name, (a, b)) for name, (a, b) in gates])


def execution(device: Any, placed: Placed) -> Execution:
    """Return how a placed circuit runs on `device`, with what it reports now."""
    return Execution(
        calibrations=(calibration(device, placed).to_dict(),),
        qubits=len(placed.qubits),
        depth=placed.depth,
        two_qubit_gates=placed.two_qubit_gates,
    )


def again(device: Any, earlier: Calibration) -> Calibration:
    """Return what `device` reports now about the qubits and gates of an earlier calibration."""
    qubits = tuple(each.qubit for each in earlier.qubits)
    return _read(device, qubits, [(each.gate, each.qubits) for each in earlier.pairs])


def _read(
    device: Any, qubits: tuple[int, ...], gates: Iterable[tuple[str, tuple[int, int]]]
) -> Calibration:
    properties = _properties(device)
    when = getattr(properties, "last_update_date", None)
    return Calibration(
        device=device.name,
        time=when.astimezone(UTC).isoformat() if isinstance(when, datetime) else "",
        qubits=tuple(_qubit(device.target, properties, qubit) for qubit in qubits),
        pairs=tuple(_pair(device.target, name, on) for name, on in gates),
    )


def success_probability(
    device: Any, placed: Placed, *, one_qubit_gates: bool = False, readout: bool = False
) -> float:
    """Return the probability that no gate of a placed circuit fails: the product of 1 - error.

    Two-qubit gates always count; the others dominate only in shallow circuits.
    """
    log_survival = 0.0
    for (name, qubits), times in placed.operations.items():
        counted = readout if name == "measure" else one_qubit_gates or len(qubits) == 2
        error = _error(device.target, name, qubits) if counted else None
        if error is not None:
            log_survival += times * (math.log1p(-error) if error < 1 else -math.inf)
    return math.exp(log_survival)


def dead_pairs(device: Any, placed: Placed) -> list[tuple[int, ...]]:
    """Return the pairs on which a placed circuit has gates that always fail: reported error 1."""
    used = sorted({(name, on) for name, on in placed.operations if len(on) == 2})
    return [on for name, on in used if (_error(device.target, name, on) or 0.0) >= 1]


def _qubit(target: Any, properties: Any, qubit: int) -> QubitCalibration:
    listed = target.qubit_properties
    times = listed[qubit] if listed else None
    names = target.operation_names_for_qargs((qubit,)) - _NO_GATES
    given_0, given_1 = readout(target, properties, qubit)
    return QubitCalibration(
        qubit=qubit,
        t1_seconds=_number(getattr(times, "t1", None)),
        t2_seconds=_number(getattr(times, "t2", None)),
        gate_error=_worst(_error(target, name, (qubit,)) for name in names),
        readout_error=None if given_0 is None or given_1 is None else (given_0 + given_1) / 2,
        read_1_given_0=given_0,
        read_0_given_1=given_1,
    )


def readout(target: Any, properties: Any, qubit: int) -> tuple[float | None, float | None]:
    """Return the probabilities of reading 1 from |0> and 0 from |1>; equal if only one is known."""
    reported = properties.qubit_property(qubit) if properties is not None else {}
    if "prob_meas1_prep0" in reported and "prob_meas0_prep1" in reported:
        return _number(reported["prob_meas1_prep0"][0]), _number(reported["prob_meas0_prep1"][0])
    error = _error(target, "measure", (qubit,))
    return error, error


def _pair(target: Any, name: str, qubits: tuple[int, int]) -> PairCalibration:
    reported = target[name].get(qubits) if name in target.operation_names else None
    return PairCalibration(
        gate=name,
        qubits=qubits,
        error=_error(target, name, qubits),
        duration_seconds=_number(getattr(reported, "duration", None)),
    )


def _error(target: Any, name: str, qubits: tuple[int, ...]) -> float | None:
    if name not in target.operation_names:
        return None
    return _number(getattr(target[name].get(qubits), "error", None))


def _properties(device: Any) -> Any:
    """Return IBM's properties of a device, None where it has none."""
    ask = getattr(device, "properties", None)
    return ask() if callable(ask) else None


def _worst(errors: Iterable[float | None]) -> float | None:
    return max((error for error in errors if error is not None), default=None)


def _number(value: Any) -> float | None:
    """Return a finite number, None for what a device left out or could not measure."""
    return float(value) if value is not None and math.isfinite(value) else None
