"""Quantum modules, run on state vectors in one batch, and the controls that belong beside them.

Each has the form narrow layer -> core -> wide layer, where the core maps n numbers to n numbers:
a circuit; a classical core with exactly as many trainable parameters; or fixed random features.
Whatever the circuit is worth shows in the difference between the three.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from circuits.vqc import circuit
from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.models.layers import Linear
from qfl.models.stacks import Stackable, for_each, scaled
from qfl.simulators.fused import run_fused
from qfl.simulators.statevector import probabilities

Core = Literal["quantum", "classical", "random"]

ANGLES = "angles"
"""Name of the tensors that are angles of gates: they are what is quantum in a model."""


class CircuitCore(Stackable):
    """x (..., n) in radians -> <Z> of n qubits after a re-uploading circuit."""

    def __init__(self, qubits: int, layers: int) -> None:
        super().__init__()
        self.spec = circuit(qubits, layers, reupload=True)
        self.angles = nn.Parameter(torch.empty(2 * qubits * layers))

    def forward(self, x: Tensor) -> Tensor:
        signs = torch.tensor(_signs(self.spec.qubits), dtype=x.dtype, device=x.device)
        return self.distribution(x) @ signs

    def distribution(self, x: Tensor) -> Tensor:
        """Return the probabilities (..., 2^n) of the measurement outcomes."""
        rows = x.reshape(-1, self.spec.qubits)
        angles = torch.cat([rows, for_each(self.angles, 1, len(rows))], dim=1)
        return probabilities(run_fused(self.spec, angles)).reshape(*x.shape[:-1], -1)


class ClassicalCore(Stackable):
    """x -> sin(scale (x + its neighbour) + shift), layer after layer: one scale and one shift where
    the circuit has an RY and an RZ, and a ring of sums where it has a ring of CX."""

    def __init__(self, qubits: int, layers: int) -> None:
        super().__init__()
        self.scales = nn.Parameter(torch.empty(layers, qubits))
        self.shifts = nn.Parameter(torch.empty(layers, qubits))

    def forward(self, x: Tensor) -> Tensor:
        for scale, shift in zip(self.scales.unbind(-2), self.shifts.unbind(-2), strict=True):
            x = torch.sin(scaled(x + x.roll(1, -1), scale, shift))
        return x


class RandomCore(nn.Module):
    """Fixed random Fourier features, the same in every run; nothing is trained.

    Reference: Rahimi and Recht, NIPS 2007.
    """

    def __init__(self, qubits: int) -> None:
        super().__init__()
        self.qubits = qubits

    def forward(self, x: Tensor) -> Tensor:
        frequencies, phases = (
            torch.tensor(values, dtype=x.dtype, device=x.device)
            for values in _random_features(self.qubits)
        )
        return torch.cos(x @ frequencies + phases)


def make_core(core: Core, *, qubits: int, layers: int) -> nn.Module:
    """Return the core called `core`, from n = `qubits` numbers to n numbers.

    Raises:
        ConfigError: there is no such core.
    """
    match core:
        case "quantum":
            return CircuitCore(qubits, layers)
        case "classical":
            return ClassicalCore(qubits, layers)
        case "random":
            return RandomCore(qubits)
    raise ConfigError(f"no core {core!r}; allowed: quantum, classical, random")


class NarrowHead(nn.Module):
    """A token -> n angles -> core -> outputs."""

    def __init__(self, width: int, outputs: int, qubits: int, core: nn.Module) -> None:
        super().__init__()
        self.down = Linear(width, qubits)
        self.core = core
        self.out = Linear(qubits, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.core(_to_angles(self.down(x))))


class NarrowAdapter(nn.Module):
    """An adapter whose bottleneck is a core; with `up` at zero it adds exactly nothing."""

    def __init__(self, width: int, qubits: int, core: nn.Module) -> None:
        super().__init__()
        self.down = Linear(width, qubits)
        self.core = core
        self.up = Linear(qubits, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.core(_to_angles(self.down(x))))


class QuantumGate(nn.Module):
    """log2 E qubits whose outcomes are the experts: a token -> E probabilities."""

    def __init__(self, width: int, experts: int, layers: int) -> None:
        super().__init__()
        qubits = experts.bit_length() - 1
        if experts < 2 or experts != 1 << qubits:
            raise ConfigError(
                f"a quantum gate needs 2, 4, 8, ... experts, one per outcome; got {experts}"
            )
        self.down = Linear(width, qubits)
        self.core = CircuitCore(qubits, layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.core.distribution(_to_angles(self.down(x)))


def _to_angles(x: Tensor) -> Tensor:
    """Bring numbers into one half turn."""
    return torch.tanh(x) * (pi / 2)


@lru_cache(maxsize=16)
def _signs(qubits: int) -> NDArray[np.float64]:
    """(2^n, n): +1 where the bit of a qubit is 0, -1 where it is 1."""
    states = np.arange(1 << qubits)[:, None] >> np.arange(qubits)
    return np.asarray(1.0 - 2.0 * (states & 1), dtype=np.float64)


@lru_cache(maxsize=16)
def _random_features(qubits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = Streams(0)("models/random_features", qubits)
    return rng.standard_normal((qubits, qubits)), rng.uniform(0, 2 * pi, qubits)
