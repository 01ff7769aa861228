"""A small world for the study tests: registries with one-line rows, and plays that cost nothing."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from qfl.core.cell import Cell
from qfl.core.errors import ConfigError, MissingExtraError
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.core.registry import Registry, Row
from qfl.core.rng import Streams
from qfl.study.executors import THREADS


@dataclass(frozen=True)
class Data:
    name: str = "toy-data"
    sha256: str = "00" * 32


@dataclass(frozen=True, slots=True)
class World:
    clients: int = 16
    skew: float = 0.3

    def __post_init__(self):
        if self.clients < 2:
            raise ConfigError(f"world needs at least 2 clients, got {self.clients}")

    def dataset(self):
        return Data()

    def metrics(self):
        return ("digit.accuracy", "slant.r2")

    def untrained(self, streams):
        return ("slant",) if self.clients < 4 else ()


@dataclass(frozen=True, slots=True)
class Average:
    pass


@dataclass(frozen=True, slots=True)
class Pull:
    mu: float = 0.01


@dataclass(frozen=True, slots=True)
class Schedule:
    rounds: int
    clients_per_round: int

    def __post_init__(self):
        if self.rounds < 1:
            raise ConfigError(f"rounds must be >= 1, got {self.rounds}")


@dataclass(frozen=True, slots=True)
class Training:
    learning_rate: float = 0.1
    epochs: int = 1


@dataclass(frozen=True, slots=True)
class Weights:
    loss: float = 1.0


@dataclass(frozen=True, slots=True)
class Choose:
    clients: int


@dataclass(frozen=True, slots=True)
class Open:
    pass


@dataclass(frozen=True, slots=True)
class Guess:
    pass


@dataclass(frozen=True, slots=True)
class Circuit:
    shots: int
    depth: int = 4
    mixer: Literal["x", "xy"] = "xy"
    backend: str = "exact"
    backend_options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exact:
    pass


@dataclass(frozen=True, slots=True)
class Noisy:
    error: float = 0.01


@dataclass(frozen=True, slots=True)
class Remote:
    machine: str
    queue: str = "short"


HERE = __name__
SCENARIOS = Registry("scenario", {"world": Row(f"{HERE}:World", "a toy world")})
ALGORITHMS = Registry(
    "algorithm",
    {"average": Row(f"{HERE}:Average", "mean"), "pull": Row(f"{HERE}:Pull", "pulled mean")},
)
PROBLEMS = Registry("problem", {"choose": Row(f"{HERE}:Choose", "K of N")})
CHANNELS = Registry("channel", {"open": Row(f"{HERE}:Open", "no keys")})
SOLVERS = Registry(
    "solver",
    {
        "guess": Row(f"{HERE}:Guess", "at random"),
        "circuit": Row(f"{HERE}:Circuit", "a quantum circuit"),
    },
)
TARGETS = {"remote": "machine"}
BACKENDS = Registry(
    "backend",
    {
        "exact": Row(f"{HERE}:Exact", "exact"),
        "noisy": Row(f"{HERE}:Noisy", "noisy"),
        "noisy:twice": Row(f"{HERE}:Noisy", "a row whose name has a colon"),
        "remote": Row(f"{HERE}:Remote", "takes a target"),
        "cloud": Row("no_such_cloud:Backend", "far away", "cloud", ("no_such_cloud",)),
    },
)


def play(cell: Cell, *, folder=None, submits=True, workers=1) -> Iterator[RoundRecord]:
    """Play a federation that only draws numbers; the circuit is better than guessing."""
    streams = Streams(cell.seed)
    accuracy = 0.1
    for number in range(cell.federation["rounds"] + 1):
        gain = streams("batches", number).random() / 10
        accuracy += (1 - accuracy) * gain * (2 if cell.solver["name"] == "circuit" else 1)
        yield RoundRecord(
            round=number,
            selected=("client-00",),
            delivered=("client-00",),
            metrics={"digit.accuracy": accuracy},
            client_metrics={},
            choice=None,
            costs=Costs(payload_bytes_up=number),
            links=(),
            level="plain",
            timings=Timings(),
        )


def play_with_trouble(cell: Cell, *, folder=None, workers=1) -> Iterator[RoundRecord]:
    """Play like `play`, but seed 1 of the circuit meets the trouble that the world's skew names."""
    trouble = {0.4: "error", 0.5: "bug", 0.6: "nan", 0.7: "death", 0.8: "extra", 0.9: "nothing"}
    kind = trouble.get(cell.scenario["skew"])
    unlucky = cell.seed == 1 and cell.solver["name"] == "circuit"
    if unlucky and kind == "nothing":
        return
    for record in play(cell):
        if unlucky and record.round == 2:
            if kind == "error":
                raise ConfigError("the circuit\n  does not fit")
            if kind == "bug":
                raise ZeroDivisionError("oh no")
            if kind == "death":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "extra":
                raise MissingExtraError("the circuit", "cloud")
            if kind == "nan":
                record = replace(record, metrics={"digit.accuracy": math.nan})
        yield record


def count_up(task):
    yield from range(task)


def thread_limits(task):
    yield {name: os.environ[name] for name in THREADS}


def die_on_one(task):
    if task == 1:
        os._exit(7)
    yield task


def forever(task):
    while True:
        yield os.getpid()
        time.sleep(0.01 if task == 1 else 0.02)
