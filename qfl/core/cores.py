"""How much of a machine this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Return how many cores this process may use.

    Linux says which ones a process is confined to; where no system says so, all cores count.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
