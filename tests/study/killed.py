"""Run the smallest real study in several processes, each of which gets a kill -9 at its moment.

    python killed.py FOLDER

Writes FOLDER/<moment> for every moment; prints each moment with the signal that ended it. The
processes are forked from this one, so that torch is imported and the data are read once.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path

from qfl.study import Study, cells, run, store
from qfl.study.events import CellStored, Event, Planned, RoundPlayed
from qfl.study.run import default_play

MOMENTS = ("planned", "first-round", "first-stored", "last-round", "half-a-line", "pool")


def study() -> Study:
    """Two methods, two seeds, two rounds of the packaged study."""
    from qfl.cli.studies import packaged

    return Study.load(
        packaged("selection"),
        "smoke",
        {
            "federation.rounds": 2,
            "methods": [{"solver": "random"}, {"solver": "qaoa", "depth": 1, "shots": 24}],
        },
    )


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def write_half(file: int, data: bytes) -> None:
    os.write(file, data[: len(data) // 2])
    die()


def has_come(moment: str, event: Event, stored: int) -> bool:
    """Return whether this event is the moment, after `stored` cells."""
    if moment == "planned":
        return isinstance(event, Planned)
    if moment == "first-round":
        return isinstance(event, RoundPlayed) and event.record.round == 1
    if moment in ("first-stored", "pool"):
        return isinstance(event, CellStored)
    return moment == "last-round" and stored == 3 and isinstance(event, RoundPlayed)


def play_until(moment: str, folder: Path) -> None:
    stored = 0
    for event in run(study(), out=folder, jobs=2 if moment == "pool" else 1):
        if has_come(moment, event, stored):
            workers = [str(child.pid) for child in multiprocessing.active_children()]
            (folder / "workers.txt").write_text(" ".join(workers))
            die()
        stored += isinstance(event, CellStored)
        if moment == "half-a-line" and stored == 1:
            store._write = write_half


def main(folder: str) -> None:
    children = {}
    for moment in MOMENTS:
        child = os.fork()
        if child == 0:
            play_until(moment, Path(folder) / moment)
            os._exit(0)
        children[child] = moment
    for _ in MOMENTS:
        child, status = os.wait()
        sys.stdout.write(f"{children[child]} {os.WTERMSIG(status)}\n")


if __name__ == "__main__":
    default_play()
    cells(study())
    main(*sys.argv[1:])
