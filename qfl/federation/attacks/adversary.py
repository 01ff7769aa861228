"""Clients that lie: which they are, what they train on, what they send, what they achieve.

The corrupted clients of a cell are drawn once, act together and see the honest answers of their
round. What they send passes the same clipping as everybody's; under masks a deployment would need
a proof of range for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.core.changes import change_of, changed_by
from qfl.core.errors import ConfigError
from qfl.core.gather import Answer
from qfl.core.tasks import Samples, Task
from qfl.core.update import Update
from qfl.federation.population import Population, TensorSamples
from qfl.models.m3t import Architecture, State
from qfl.security.attacks.poisoning import corrupt, flip_labels, plant_backdoor

Rows = NDArray[np.float64]


class Attack(Protocol):
    """What the corrupted clients of a study do."""

    @property
    def corrupted(self) -> int: ...

    def poison(self, samples: Samples, tasks: Sequence[Task]) -> Samples:
        """Return what a corrupted client trains on."""
        ...

    def tamper(self, rows: Rows, corrupted: int) -> Rows:
        """Return what is sent of one module's changes, the corrupted clients' first; (n, d)."""
        ...

    def target(self) -> int | None:
        """Return the class that a trigger shall mean, None without a trigger."""
        ...


@dataclass(frozen=True, slots=True)
class NoAttack:
    """All clients are honest; no options."""

    attack: str = "none"

    @property
    def corrupted(self) -> int:
        """None is."""
        return 0

    def poison(self, samples: Samples, tasks: Sequence[Task]) -> Samples:
        """Return the samples."""
        return samples

    def tamper(self, rows: Rows, corrupted: int) -> Rows:
        """Return the rows."""
        return rows

    def target(self) -> int | None:
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class LyingUpdates:
    """Honest training, false changes: sign_flip, alie or ipm.

    Attributes:
        attack: see `qfl.security.attacks.poisoning.corrupt`.
        corrupted: how many of all clients.
        scale: of sign_flip; epsilon of ipm; alie has none.
    """

    attack: str
    corrupted: int = 2
    scale: float = 1.0

    def __post_init__(self) -> None:
        _check(self.corrupted, self.scale)

    def poison(self, samples: Samples, tasks: Sequence[Task]) -> Samples:
        """Return the samples."""
        return samples

    def tamper(self, rows: Rows, corrupted: int) -> Rows:
        """Return the changes as sent; a plan that needs an honest majority waits for one."""
        if self.attack != "sign_flip" and 2 * corrupted >= len(rows):
            return rows
        if corrupted == len(rows):
            return -self.scale * rows
        return corrupt(self.attack, rows, corrupted=corrupted, scale=self.scale)

    def target(self) -> int | None:
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class LyingLabels:
    """Training on wrong labels: label_flip or backdoor.

    Attributes:
        attack: "label_flip" turns class c into classes - 1 - c, and numbers into their negatives;
            "backdoor" stamps half of the pictures with a square and gives them one class.
        corrupted: how many of all clients.
        target_class: of a backdoor.
        scale: by which the change that was trained is multiplied.
    """

    attack: str
    corrupted: int = 2
    target_class: int = 0
    scale: float = 1.0

    def __post_init__(self) -> None:
        _check(self.corrupted, self.scale)
        if self.target_class < 0:
            raise ConfigError(f"target_class is {self.target_class!r}; allowed: at least 0")

    def poison(self, samples: Samples, tasks: Sequence[Task]) -> Samples:
        """Return the samples with other labels, of a backdoor also with other pictures."""
        if self.attack == "backdoor":
            return _stamped(samples, tasks, self.target_class, every=2)
        targets = dict(samples.targets)
        for task in tasks:
            if task.name not in targets:
                continue
            old = targets[task.name]
            flips = task.kind == "classification"
            targets[task.name] = flip_labels(old, classes=task.outputs) if flips else -old
        return Samples(samples.ids, samples.inputs, targets)

    def tamper(self, rows: Rows, corrupted: int) -> Rows:
        """Return the changes with those of the corrupted clients scaled."""
        return np.concatenate([self.scale * rows[:corrupted], rows[corrupted:]])

    def target(self) -> int | None:
        """Return the class of a backdoor."""
        return self.target_class if self.attack == "backdoor" else None


class Adversary:
    """The corrupted clients of one cell.

    Args:
        attack: what they do.
        population: whom they are among.
        rng: draws them.

    Attributes:
        corrupted: their names.
        population: the participants, with what the corrupted ones train on.
    """

    def __init__(self, attack: Attack, population: Population, *, rng: np.random.Generator) -> None:
        n = len(population.clients)
        if attack.corrupted >= n:
            raise ConfigError(f"{attack.corrupted} of {n} clients corrupted; allowed: not all")
        drawn = rng.permutation(n)[: attack.corrupted]
        self.corrupted = frozenset(population.clients[i].name for i in drawn)
        self.population = replace(
            population,
            clients=tuple(
                replace(client, train=attack.poison(client.train, client.tasks))
                if client.name in self.corrupted
                else client
                for client in population.clients
            ),
        )
        self._attack = attack
        self._test = _triggered(population, attack.target())

    def tamper(self, answers: Sequence[Answer]) -> list[Answer]:
        """Return the answers of a round as they are sent."""
        ordered = sorted(answers, key=lambda answer: answer.client not in self.corrupted)
        sent = {answer.client: dict(answer.update.modules) for answer in answers}
        for module in sorted({m for answer in answers for m in answer.update.modules}):
            holders = [answer for answer in ordered if module in answer.update.modules]
            lying = sum(answer.client in self.corrupted for answer in holders)
            if not lying:
                continue
            rows = np.stack(
                [change_of(answer.update, answer.received, [module]) for answer in holders]
            )
            for answer, row in zip(holders[:lying], self._attack.tamper(rows, lying), strict=False):
                sent[answer.client] |= changed_by(answer.received, row, [module])
        return [
            replace(answer, update=Update(sent[answer.client], answer.update.samples))
            for answer in answers
        ]

    def measure(self, model: Architecture, state: State, tasks: Sequence[Task]) -> dict[str, float]:
        """Return "task.attack_success": how often a trigger makes the model say what it shall."""
        target = self._attack.target()
        if self._test is None or target is None:
            return {}
        outputs = model.predict(state, self._test.inputs)
        found = {}
        for task in tasks:
            if task.kind == "classification":
                others = self._test.targets[task.name] != target
                hits = outputs[task.name].argmax(1)[others] == target
                found[f"{task.name}.attack_success"] = float(hits.double().mean())
        return found


def _triggered(population: Population, target: int | None) -> TensorSamples | None:
    """Return the test set with a trigger on every picture and its true labels."""
    if target is None:
        return None
    stamped = _stamped(population.test, (), target, every=1)
    return TensorSamples.of(Samples(population.test.ids, stamped.inputs, population.test.targets))


def _stamped(samples: Samples, tasks: Sequence[Task], target: int, *, every: int) -> Samples:
    """Return the samples with every so many-th picture stamped and its classes replaced."""
    inputs, targets = dict(samples.inputs), dict(samples.targets)
    chosen = slice(None, None, every)
    for name, pictures in samples.inputs.items():
        if pictures.ndim == 3:
            inputs[name] = pictures.copy()
            stamped, _ = plant_backdoor(pictures[chosen], samples.ids[chosen], target=target)
            inputs[name][chosen] = stamped
    for task in tasks:
        if task.kind == "classification" and task.name in targets:
            targets[task.name] = targets[task.name].copy()
            targets[task.name][chosen] = target
    return Samples(samples.ids, inputs, targets)


def _check(corrupted: int, scale: float) -> None:
    if corrupted < 1 or not 0 < scale < float("inf"):
        raise ConfigError(
            f"corrupted {corrupted!r} and scale {scale!r}; allowed: at least 1 and positive"
        )
