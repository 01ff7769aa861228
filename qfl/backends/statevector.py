"""The backend "statevector": exact QAOA on all 2^n states, with every mixer; and any circuit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from circuits.qaoa import MIXERS, QaoaAnsatz
from circuits.spec import CircuitSpec
from qfl.backends.exact import ExactlyCompiled, check_options, check_shots
from qfl.backends.gates import bits, check_bound
from qfl.core.counts import Counts
from qfl.core.ports import Capabilities
from qfl.simulators.hypercube import Hypercube


@dataclass(frozen=True, slots=True)
class StatevectorBackend:
    """Exact states, values, gradients and samples over the full space; states ascend.

    Attributes:
        precision: of the amplitudes; costs and probabilities are always double.
        device: "cpu", or "cuda" for torch on a GPU.
    """

    precision: Literal["double", "single"] = "double"
    device: Literal["cpu", "cuda"] = "cpu"
    capabilities: Capabilities = field(
        default=Capabilities("statevector", exact=True, mixers=MIXERS), init=False, repr=False
    )

    def __post_init__(self) -> None:
        check_options(self.capabilities.name, self.precision, self.device)

    def compile(self, ansatz: QaoaAnsatz) -> ExactlyCompiled:
        """Return the ansatz ready to run; builds the table of costs."""
        engine = Hypercube(ansatz, precision=self.precision, device=self.device)
        return ExactlyCompiled(engine, ansatz.depth)

    def check_size(self, ansatz: QaoaAnsatz) -> None:
        """Do nothing for an ansatz that can be compiled; nothing is built.

        Raises:
            CapacityError: its states do not fit the memory.
        """
        Hypercube.check_size(ansatz, precision=self.precision, device=self.device)

    def run(self, circuit: CircuitSpec, *, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements of a circuit without parameters, in double precision.

        Raises:
            BackendError: unbound parameters, or no shot.
            CapacityError: the states do not fit the memory.
        """
        from qfl.simulators import statevector

        check_shots(shots)
        check_bound(circuit)
        state = statevector.run(circuit)
        found = statevector.probabilities(state, circuit.measured).numpy()
        drawn = rng.multinomial(shots, found / found.sum())
        return Counts.of(bits(np.arange(len(drawn)), len(circuit.measured)), drawn)
