"""The backend "statevector": exact QAOA on all 2^n states, with every mixer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from circuits.qaoa import MIXERS, QaoaAnsatz
from qfl.backends.exact import ExactlyCompiled, check_options
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
