"""How many qubits each place holds, as far as this machine knows offline: its memory, and what is
stored of devices. No framework is loaded; tests compare with what the frameworks say themselves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import count, takewhile
from typing import Any

import numpy as np

from circuits.qaoa import QaoaAnsatz
from qfl.backends import get_backend
from qfl.backends.mitigated.readout import MOST_QUBITS
from qfl.backends.stored import snapshot_files
from qfl.core.errors import CapacityError
from qfl.simulators.memory import free_bytes
from qfl.simulators.pauli import most_qubits

_AMPLITUDE = 16
_FRAMEWORK = 64
"""Bytes per amplitude that PennyLane takes with its workspace and our costs, about."""


@lru_cache(maxsize=1)
def snapshot_qubits() -> dict[str, int]:
    """Return the qubits of every snapshot that is installed, by its name."""
    return {name: _stored_qubits(file) for name, file in snapshot_files().items()}


def statevector() -> str:
    """Return how many qubits the exact backend takes, by asking it."""
    return f"{_largest('statevector', _dense)} (memory)"


def subspace() -> str:
    """Return how many variables the exact backend takes for two kinds of choices, by asking it."""
    few, half = (_largest("subspace", partial(_choosing, share)) for share in (5, None))
    return f"{few} choosing 5, {half} choosing half (memory)"


def aer() -> str:
    """Return how many qubits Aer's methods take: its own rule, from all memory of the machine."""
    most = _log2(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _AMPLITUDE)
    return f"{most} (memory); {most // 2} as density_matrix, 63 as matrix_product_state"


def snapshots() -> str:
    """Return how many qubits snapshots have, and how many are simulated."""
    sizes = snapshot_qubits().values()
    known = f"the device's, {min(sizes)} to {max(sizes)}" if sizes else "the device's"
    return f"{known} (qfl list snapshots); {most_qubits()} of them at once (memory)"


def ibm() -> str:
    """Return how many qubits a machine of IBM's has, as far as snapshots tell."""
    sizes = [size for size in snapshot_qubits().values() if size >= 100]
    known = f", {min(sizes)} to {max(sizes)} in the larger snapshots" if sizes else ""
    return f"the machine's{known}"


def pennylane() -> str:
    """Return about how many qubits a device of PennyLane's own takes."""
    most = _log2(free_bytes() // _FRAMEWORK)
    return f"the device's; about {most} (memory), {most // 2} as default.mixed"


def readout() -> str:
    """Return how many qubits readout mitigation takes."""
    return f"{MOST_QUBITS}, any by mthree; as what it wraps"


def _log2(number: int) -> int:
    """Return the whole exponent next below."""
    return number.bit_length() - 1


def _largest(name: str, ansatz: Callable[[int], QaoaAnsatz]) -> int:
    """Return the largest n of which an exact backend would hold the states."""
    backend: Any = get_backend(name)

    def fits(n: int) -> bool:
        try:
            backend.check_size(ansatz(n))
        except CapacityError:
            return False
        return True

    return max(takewhile(fits, count(2)))


def _dense(n: int) -> QaoaAnsatz:
    return QaoaAnsatz(0.0, np.zeros(n), np.zeros((n, n)), "x", 1)


def _choosing(share: int | None, n: int) -> QaoaAnsatz:
    ones = n // 2 if share is None else min(share, n - 1)
    blocks = ((tuple(range(n)), ones),)
    return QaoaAnsatz(0.0, np.zeros(n), np.zeros((n, n)), "xy_ring", 1, blocks)


def _stored_qubits(file: Any) -> int:
    return int(json.loads(file.read_text(encoding="utf-8"))["n_qubits"])
