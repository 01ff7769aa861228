"""A federation as `qfl run` plays it, of so many registered clients, 50 of whom train in a round.

Prints the median seconds of a round and the peak memory of the process in MB, set-up among it:
    python tests/benchmarks/peers/registered.py 10000
"""

import re
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from qfl.study import Study, cells
from qfl.study.assemble import play


def study(clients, rounds=20):
    """Greedy choices, federated averaging over sealed links; all else as it comes."""
    return Study(
        name="registered",
        title="Registered",
        question="?",
        hypothesis="!",
        seeds=1,
        scenario={"name": "crowd", "clients": clients},
        federation={"algorithm": "fedavg", "rounds": rounds, "clients_per_round": 50},
        selection={"problem": "client_selection"},
        channel={"name": "sealed"},
        methods=({"solver": "greedy"},),
        headline={"metric": "score", "method": "greedy", "baseline": "greedy"},
    )


def seconds_of_rounds(clients):
    """Return the seconds of every round after the first, which compiles what is compiled."""
    [cell] = cells(study(clients))
    taken, started = [], perf_counter()
    for _ in play(cell):
        taken.append(perf_counter() - started)
        started = perf_counter()
    return taken[2:]


def peak_memory():
    """Return the most MB that this process had; `ru_maxrss` counts the one that started it too."""
    [kilobytes] = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1024


if __name__ == "__main__":
    torch.set_num_threads(1)
    seconds = median(seconds_of_rounds(int(sys.argv[1])))
    sys.stdout.write(f"{seconds} {peak_memory()}")
