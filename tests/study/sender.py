"""Ask one question through a ledger, under mitigation, in a process that may be killed on the way.

The moment is when it dies by SIGKILL: "accepted" (the cloud has the job and kills it, the ledger
does not know its id yet), "waiting" (the id is on disk), or "never": it prints the counts.
"""

import os
import signal
import sys

import numpy as np
from instances import k_of_n, ramp
from loopback import DEVICE

from qfl.backends import get_backend
from qfl.backends.jobs import written
from qfl.core.errors import JobPendingError
from qfl.study.ledger import Ledger
from qfl.study.machines import Ledgered


def ask(folder, moment):
    machine = Ledgered(f"ibm:{DEVICE}", {}, Ledger(folder), "cell-1")
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
