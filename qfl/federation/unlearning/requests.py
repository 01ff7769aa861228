"""What is to be forgotten, and the federation without it.

Whoever holds nothing else leaves; a modality or a task that nobody holds any more leaves with its
modules. Checked before anybody trains, so a request that makes no sense costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.core.tasks import Samples, Task
from qfl.federation.population import Client, Population, narrowed, regrouped
from qfl.models.m3t import architecture
from qfl.models.pooled import Pooled
from qfl.models.transformer import Transformer


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a study asks to forget, and how the result is examined.

    Attributes:
        clients: names; every trace of their data.
        modality: its encoder, and everything that was trained through it.
        task: its head, and everything that was trained for it.
        round: nobody trains in this round, it is spent on forgetting; 0 is the last.
        retrainings: how many independent trainings without what is forgotten the result is
            compared with.
    """

    clients: tuple[str, ...] = ()
    modality: str = ""
    task: str = ""
    round: int = 0
    retrainings: int = 5

    def __post_init__(self) -> None:
        asked = [bool(part) for part in (self.clients, self.modality, self.task)]
        if sum(asked) != 1:
            raise ConfigError(
                f"clients {list(self.clients)}, modality {self.modality!r} and task "
                f"{self.task!r} are to be forgotten; name exactly one of the three"
            )
        if len(set(self.clients)) < len(self.clients):
            raise ConfigError(
                f"clients {list(self.clients)} are to be forgotten, one of them twice"
            )
        if self.round < 0 or self.retrainings < 2:
            raise ConfigError(
                f"round {self.round} and retrainings {self.retrainings}; allowed: 0 or more, and "
                "at least 2"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One client that something of is forgotten.

    Attributes:
        number: of its random streams.
        before: the client as it was.
        seen: its training samples that had what is forgotten, with what those who stay can be
            asked about; None if nothing of them can.
        unseen: its test samples likewise: the same kind of data, in no training.
    """

    number: int
    before: Client
    seen: Samples | None
    unseen: Samples | None


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """A request, applied to a federation.

    Attributes:
        request: what was asked.
        rest: the federation without it.
        left: names of the clients that leave.
        subjects: all clients that something of is forgotten.
    """

    request: Request
    rest: Population
    left: tuple[str, ...]
    subjects: tuple[Subject, ...]

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the subjects."""
        return frozenset(subject.number for subject in self.subjects)

    def tasks(self, subject: Subject) -> tuple[Task, ...]:
        """Return what a subject would have to learn again."""
        tasks = subject.before.tasks
        return tuple(t for t in tasks if self.request.task in ("", t.name))

    def gone(self, whole: Population, recipe: Pooled | Transformer) -> dict[str, str]:
        """Return module -> why it is no longer part of the model."""
        before = architecture(whole.modalities, whole.tasks, recipe)
        after = architecture(self.rest.modalities, self.rest.tasks, recipe)
        why = "forgotten" if not self.request.clients else "nobody is left who holds it"
        return {m: why for m in before.module_ids if m not in after.module_ids}


def erase(population: Population, request: Request) -> Erasure:
    """Return the federation without what the request names.

    Raises:
        UnknownNameError: no client, modality or task is called so.
        ConfigError: no client holds it, or nobody would be left.
    """
    _check_names(population, request)
    members: dict[int, Client] = {}
    touched: dict[int, Client] = {}
    for place, client in enumerate(population.clients):
        after = _without(client, request)
        if after is not client:
            touched[place] = client
        if after is not None:
            members[place] = after
    if not touched:
        name = request.modality or request.task
        raise ConfigError(f"no client holds {name!r}: there is nothing to forget")
    if not members:
        raise ConfigError(
            f"forgetting {request.modality or request.task or list(request.clients)} leaves "
            "nobody; a federation needs a client that holds something else"
        )
    rest = regrouped(population, members)
    return Erasure(
        request=request,
        rest=rest,
        left=tuple(c.name for place, c in touched.items() if place not in members),
        subjects=tuple(
            _subject(population.numbers[place], client, request, rest)
            for place, client in touched.items()
        ),
    )


def _check_names(population: Population, request: Request) -> None:
    clients = [client.name for client in population.clients]
    known = {
        "client": (request.clients, clients),
        "modality": ((request.modality,), [m.name for m in population.modalities]),
        "task": ((request.task,), [t.name for t in population.tasks]),
    }
    for kind, (asked, allowed) in known.items():
        for name in asked:
            if name and name not in allowed:
                raise UnknownNameError(kind, name, allowed)


def _without(client: Client, request: Request) -> Client | None:
    """The client without what is forgotten: itself if it has none of it, None if nothing else."""
    if client.name in request.clients:
        return None
    modalities = tuple(m for m in client.modalities if m.name != request.modality)
    tasks = tuple(t for t in client.tasks if t.name != request.task)
    if (modalities, tasks) == (client.modalities, client.tasks):
        return client
    if not (modalities and tasks):
        return None
    train, test = (narrowed(s, modalities, tasks) for s in (client.train, client.test))
    if not (len(train) and len(test)):
        return None
    return replace(client, modalities=modalities, tasks=tasks, train=train, test=test)


def _subject(number: int, client: Client, request: Request, rest: Population) -> Subject:
    modalities = tuple(m for m in client.modalities if m in rest.modalities)
    tasks = tuple(t for t in client.tasks if t in rest.tasks)
    if not (modalities and tasks):
        return Subject(number, client, None, None)
    seen, unseen = (
        _or_none(narrowed(_having(samples, request), modalities, tasks))
        for samples in (client.train, client.test)
    )
    return Subject(number, client, seen, unseen)


def _having(samples: Samples, request: Request) -> Samples:
    """The samples that had what is forgotten."""
    masks: Mapping[str, np.ndarray] = {}
    if request.modality:
        masks = samples.available
    elif request.task:
        masks = samples.labelled
    mask = masks.get(request.modality or request.task)
    return samples if mask is None else samples.take(np.flatnonzero(mask))


def _or_none(samples: Samples) -> Samples | None:
    return samples if len(samples) else None
