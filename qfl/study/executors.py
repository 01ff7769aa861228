"""Where cells are played: in this process, or in worker processes, one thread each.

Both stream what a task yields as it appears. One thread per process is deliberate: with as many
threads as cores, torch was measured to spin and run 10 to 40 times slower on a busy machine, and
sums over threads would change the last bits.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar, cast

from threadpoolctl import threadpool_limits

from qfl.core.errors import ConfigError

T = TypeVar("T")
R = TypeVar("R")

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class InProcess:
    """Plays task after task here."""

    def map(
        self,
        function: Callable[[T], Iterator[R]],
        tasks: Sequence[T],
        *,
        lost: Callable[[T, str], R],
    ) -> Iterator[tuple[T, R]]:
        """Yield (task, item) for every item that function(task) yields; nothing is ever lost."""
        with one_thread():
            for task in tasks:
                for item in function(task):
                    yield task, item


@dataclass(frozen=True, slots=True)
class Pool:
    """Plays tasks in spawned worker processes, one thread each.

    Attributes:
        workers: how many processes; a worker that dies is replaced.
    """

    workers: int

    def map(
        self,
        function: Callable[[T], Iterator[R]],
        tasks: Sequence[T],
        *,
        lost: Callable[[T, str], R],
    ) -> Iterator[tuple[T, R]]:
        """Yield (task, item) as items arrive; those of one task arrive in order.

        Args:
            function: importable by name, so that a fresh process finds it.
            tasks: picklable.
            lost: makes the item that stands for a task whose worker died, given the cause.

        Raises:
            ConfigError: workers cannot even start.
        """
        waiting = list(reversed(tasks))
        busy: dict[Connection, _Worker] = {}
        try:
            with one_thread():
                for _ in range(min(self.workers, len(waiting))):
                    worker = _Worker(function)
                    busy[worker.pipe] = worker
                    worker.give(waiting.pop())
                while busy:
                    for pipe in wait(list(busy)):
                        yield from _hear(busy, cast(Connection, pipe), waiting, function, lost)
        finally:
            for worker in busy.values():
                worker.stop()


class _Worker:
    """One process, its pipe and the task it is at."""

    def __init__(self, function: Callable[[Any], Iterator[Any]]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, function))
        self.task: Any = None
        self.began = False
        with _keyboard_held():
            self.process.start()
        theirs.close()

    def give(self, task: Any) -> None:
        """Start the next task; if the process is gone, its end of the pipe will say so."""
        self.task = task
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(task)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(_PATIENCE_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()


def _hear(
    busy: dict[Connection, _Worker],
    pipe: Connection,
    waiting: list[T],
    function: Callable[[T], Iterator[R]],
    lost: Callable[[T, str], R],
) -> Iterator[tuple[T, R]]:
    """Take one message: an item, the end of a task, or the end of a worker."""
    worker = busy[pipe]
    try:
        more, item = pipe.recv()
    except (EOFError, ConnectionResetError):
        del busy[pipe]
        worker.process.join(_PATIENCE_SECONDS)
        code = worker.process.exitcode
        worker.stop()
        if not worker.began:
            raise ConfigError(
                f"a worker process ended before it began (exit code {code}). A script must start "
                'a study under `if __name__ == "__main__":`, and workers must be able to import '
                "what plays it; jobs=1 needs neither"
            ) from None
        if waiting:
            fresh = _Worker(function)
            busy[fresh.pipe] = fresh
            fresh.give(waiting.pop())
        yield worker.task, lost(worker.task, _cause_of_death(code))
        return
    worker.began = True
    if more is None:
        return
    if more:
        yield worker.task, item
    elif waiting:
        worker.give(waiting.pop())
    else:
        del busy[pipe]
        worker.stop()


def _work(pipe: Connection, function: Callable[[Any], Iterator[Any]]) -> None:
    """Serve tasks until the parent is gone."""
    with one_thread():
        pipe.send((None, None))
        while True:
            try:
                task = pipe.recv()
                for item in function(task):
                    pipe.send((True, item))
                pipe.send((False, None))
            except (EOFError, BrokenPipeError, ConnectionResetError):
                return


def _cause_of_death(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "its worker process was killed (SIGKILL): often the machine ran out of memory"
    return f"its worker process died with exit code {code}"


@contextmanager
def _keyboard_held() -> Iterator[None]:
    """Keep Ctrl-C from children started inside: they inherit the mask, the parent ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numerical libraries, loaded already or later, and child processes to one thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ |= dict.fromkeys(THREADS, "1")
    torch = sys.modules.get("torch")
    torch_threads = torch.get_num_threads() if torch else 1
    try:
        if torch:
            torch.set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(torch_threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
