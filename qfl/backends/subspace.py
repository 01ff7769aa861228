"""The backend "subspace": exact QAOA on the states that a constraint allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from circuits.qaoa import QaoaAnsatz
from qfl.backends.exact import ExactlyCompiled, check_options
from qfl.core.ports import Capabilities
from qfl.simulators.subspace import MIXERS, Subspace


@dataclass(frozen=True, slots=True)
class SubspaceBackend:
    """Exact states, values, gradients and samples for blocks with a fixed number of ones.

    Attributes:
        precision: of the amplitudes; costs and probabilities are always double.
        device: "cpu", or "cuda" for torch on a GPU.
    """

    precision: Literal["double", "single"] = "double"
    device: Literal["cpu", "cuda"] = "cpu"
    capabilities: Capabilities = field(
        default=Capabilities("subspace", exact=True, mixers=MIXERS), init=False, repr=False
    )

    def __post_init__(self) -> None:
        check_options(self.capabilities.name, self.precision, self.device)

    def compile(self, ansatz: QaoaAnsatz) -> ExactlyCompiled:
        """Return the ansatz ready to run; builds the table of costs."""
        engine = Subspace(ansatz, precision=self.precision, device=self.device)
        return ExactlyCompiled(engine, ansatz.depth)

    def check_size(self, ansatz: QaoaAnsatz) -> None:
        """Do nothing for an ansatz that can be compiled; nothing is built.

        Raises:
            BackendError: a mixer that leaves the blocks, or an ansatz without blocks.
            CapacityError: its states do not fit the memory.
        """
        Subspace.check_size(ansatz, precision=self.precision, device=self.device)
