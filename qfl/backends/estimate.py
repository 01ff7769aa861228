"""What sampling on a machine will take and cost, before anything is sent. No framework here.

Times are those of the transpiled circuit plus what the dated price file says a job adds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

from qfl.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Price:
    """How a machine charges; money in the currency of its file.

    Attributes:
        prefix: of the machines it holds for.
        plan: which of the vendor's plans.
        per_qpu_second, per_task, per_shot: money.
        overhead_seconds: charged per job beside the shots.
        repetition_seconds: from the end of one shot to the start of the next.
        source: where the prices come from.
        verified: whether they were compared with the vendor's own list on the file's date.
    """

    prefix: str
    plan: str
    per_qpu_second: float
    per_task: float
    per_shot: float
    overhead_seconds: float
    repetition_seconds: float
    source: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class PriceList:
    """A dated price file.

    Attributes:
        date: when it was true.
        currency: of all money in it.
        machines: in order; the first with a fitting prefix counts.
    """

    date: str
    currency: str
    machines: tuple[Price, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> PriceList:
        """Return the prices of a file, or those that ship with the package.

        Raises:
            ConfigError: it cannot be read, or a key is missing or unknown.

        >>> PriceList.load().currency
        'USD'
        """
        source = path or files("qfl.backends") / "prices.toml"
        try:
            table: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
            machines = tuple(Price(**row) for row in table["machine"])
            return cls(str(table["date"]), str(table["currency"]), machines)
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise ConfigError(f"{source} is no price file ({error}); see prices.toml") from error

    def of(self, machine: str) -> Price | None:
        """Return how a machine charges, None for one that the file does not name."""
        return next((each for each in self.machines if machine.startswith(each.prefix)), None)

    def caveats(self, machines: Iterable[str]) -> list[str]:
        """Return a sentence for each of `machines` whose price is no fact.

        >>> PriceList("2026-11-20", "USD", ()).caveats(["ibm:ibm_x"])
        ['no price of ibm:ibm_x is known']
        """
        said = []
        for machine in dict.fromkeys(machines):
            price = self.of(machine)
            if price is None:
                said.append(f"no price of {machine} is known")
            elif not price.verified:
                source = f" ({price.source})" if price.source else ""
                said.append(
                    f"the price of {machine} was not verified with its vendor{source}: check it "
                    "before you spend"
                )
        return said


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one method will ask of a machine.

    Attributes:
        machine: the backend's name.
        jobs, circuits: how many, over all cells and rounds.
        shots: of one circuit.
        qubits, depth, two_qubit_gates: of one circuit after transpilation.
        qpu_seconds: of all jobs; 0 where they are not known.
        price: of all jobs; 0 where nothing is charged, None where the price file does not know.
        refusal: why a circuit cannot run there, and what to do; "" if it can.
        simulation_seconds: of all circuits, on one core, where a snapshot is simulated.
        queued: True where jobs wait in a queue and are on the run's ledger.
    """

    machine: str
    jobs: int
    circuits: int
    shots: int
    qubits: int
    depth: int
    two_qubit_gates: int
    qpu_seconds: float
    price: float | None
    refusal: str = ""
    simulation_seconds: float = 0.0
    queued: bool = False


def charged(
    price: Price | None, *, jobs: int, circuits: int, shots: int, circuit_seconds: float
) -> tuple[float, float]:
    """Return QPU seconds and money for `circuits` of `shots` each, sent in `jobs`.

    >>> boston = PriceList.load().of("ibm:ibm_boston")
    >>> one = charged(boston, jobs=1, circuits=1, shots=1000, circuit_seconds=10e-6)
    >>> [round(x, 2) for x in one]
    [3.56, 5.7]
    """
    if price is None:
        return circuits * shots * circuit_seconds, 0.0
    run = circuits * shots
    seconds = jobs * price.overhead_seconds + run * (circuit_seconds + price.repetition_seconds)
    money = price.per_qpu_second * seconds + price.per_task * jobs + price.per_shot * run
    return seconds, money


@dataclass(frozen=True, slots=True)
class Limit:
    """What an experiment may cost: QPU seconds, or money.

    >>> Limit.parse("60s-qpu"), Limit.parse("12.5usd")
    (Limit(amount=60.0, unit='s-qpu'), Limit(amount=12.5, unit='USD'))
    """

    amount: float
    unit: str

    @classmethod
    def parse(cls, text: str, currency: str = "USD") -> Limit:
        """Return the limit that "60s-qpu" or "12.5USD" says.

        Raises:
            ConfigError: it says neither, or no finite amount of 0 or more.
        """
        for unit in ("s-qpu", currency):
            number = text.lower().removesuffix(unit.lower())
            if number != text.lower():
                try:
                    amount = float(number)
                except ValueError:
                    break
                if not 0 <= amount < inf:
                    raise ConfigError(f"--max-cost must be finite and at least 0, got {text!r}")
                return cls(amount, unit)
        raise ConfigError(f"--max-cost takes 60s-qpu or 12.5{currency}, got {text!r}")

    def exceeded(self, estimates: Sequence[Estimate]) -> bool:
        """Return True if all estimates together are above it, or if one is not known in its unit.

        Machines that charge by the shot have no QPU seconds: only a price limits them.
        """
        if self.unit == "s-qpu":
            unknown = any(each.price != 0 and not each.qpu_seconds for each in estimates)
            return unknown or sum(each.qpu_seconds for each in estimates) > self.amount
        prices = [each.price for each in estimates if each.price is not None]
        return len(prices) < len(estimates) or sum(prices) > self.amount
