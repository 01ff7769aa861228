"""Ask one question through a ledger, under mitigation, in a process that may be killed on the way.

    python sender.py FOLDER MOMENT

MOMENT is when it dies by SIGKILL: "accepted" (the cloud has the job, the ledger does not know its
id yet), "waiting" (the id is on disk), or "never": it prints the counts.
"""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from instances import k_of_n, ramp
from loopback import DEVICE

from qfl.backends import get_backend
from qfl.backends.jobs import written
from qfl.core.errors import JobPendingError
from qfl.study.ledger import Ledger
from qfl.study.machines import Ledgered


@dataclass(frozen=True)
class Doomed:
    """A machine, or a compiled ansatz on it, after whose `submit` the process dies."""

    inner: Any

    def compile(self, ansatz):
        return Doomed(self.inner.compile(ansatz))

    def placement(self):
        return self.inner.placement()

    def submit(self, angles, shots, *, tag):
        self.inner.submit(angles, shots, tag=tag)
        os.kill(os.getpid(), signal.SIGKILL)


class DoomedLedgered(Ledgered):
    def machine(self):
        return Doomed(super().machine())


def main(folder, moment):
    kind = DoomedLedgered if moment == "accepted" else Ledgered
    machine = kind(f"ibm:{DEVICE}", {}, Ledger(Path(folder)), "cell-1")
    backend = get_backend("mitigation:post_selection", backend=machine)
    compiled = backend.compile(k_of_n(4, 2, "xy_ring", 1))
    try:
        counts = compiled.sample(ramp(1), 300, np.random.default_rng(0))
    except JobPendingError as error:
        sys.stdout.write(f"{error}\n")
        if moment == "waiting":
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return
    sys.stdout.write(f"{sorted(written(counts).items())}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
