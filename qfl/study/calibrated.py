"""The run folder keeps what a device said about the qubits that its circuits used.

One file per record, calibration/<id>.json, whatever asked for it: the id is in every decision that
was made with it. Machines with a queue keep theirs through the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.core.ports import Backend, Capabilities, Compiled, OnDevice
from qfl.study.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A backend whose calibration records are kept when it compiles."""

    backend: Backend
    ledger: Ledger

    @property
    def capabilities(self) -> Capabilities:
        """Those of the backend."""
        return self.backend.capabilities

    def compile(self, ansatz: QaoaAnsatz) -> Compiled:
        """Return the ansatz compiled on the backend, after its calibration is on disk."""
        compiled = self.backend.compile(ansatz)
        ran = compiled.execution() if isinstance(compiled, OnDevice) else None
        for record in ran.calibrations if ran else ():
            self.ledger.keep(record)
        return compiled


def with_calibrations(solver: Any, folder: Path) -> Any:
    """Return a solver whose backend, if it has one, keeps calibration records in a run folder."""
    backend = getattr(solver, "backend", None)
    if not isinstance(backend, str):
        return solver
    opened = get_backend(backend, **solver.backend_options)
    return replace(solver, backend=Calibrated(opened, Ledger(folder)))
