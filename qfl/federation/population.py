"""Who takes part: clients with their data, devices and links, and a test set nobody trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Later, Modality, Samples, Task
from qfl.data.partition import holdout
from qfl.network.links import AccessLink, Device, Interference


@dataclass(frozen=True, eq=False)
class Client:
    """One participant.

    Attributes:
        name: unique among the participants.
        modalities, tasks: what it has and what it is asked; it holds only the modules for these.
        train, test: its own samples with its own modalities and tasks; disjoint.
        device, access: how fast it computes and sends.
        validation: samples that it neither trains on nor is tested on; None if there are none.
        attributes: what it declares of itself beside, such as {"speaker": "theo"}.
    """

    name: str
    modalities: tuple[Modality, ...]
    tasks: tuple[Task, ...]
    train: Samples
    test: Samples
    device: Device
    access: AccessLink
    validation: Samples | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (len(self.train) and len(self.test) and self.modalities and self.tasks):
            raise ConfigError(
                f"{self.name} has {len(self.train)} training and {len(self.test)} test samples, "
                f"{len(self.modalities)} modalities and {len(self.tasks)} tasks; "
                "a client needs at least one of each"
            )
        for samples in (self.train, self.test, self.validation):
            if samples is not None and not isinstance(samples.inputs, Later):
                _check_shapes(self.name, samples, self.modalities)
                _check_finite(self.name, samples)


@dataclass(frozen=True, eq=False)
class Population:
    """All participants of one federation.

    Attributes:
        clients: in a fixed order; the k-th variable of a selection problem is the k-th client.
        test: held-out samples with all modalities and tasks.
        modalities, tasks: of the whole federation.
        interference: which of them disturb each other's uploads.
        facts: what a report states about the realised data, such as "label_total_variation".
        spare: samples with all modalities and tasks that no client trains on and that are not in
            `test`: the clients' local test splits, for a server that needs clean ones of its own.
        public: samples with all modalities and tasks that no client holds and that are not in
            `test`: for what is fitted before the federation begins; None if there are none.
        numbers: what the clients' random streams are numbered by, in their order; counted from 0
            if empty. A client keeps its number when others leave.
    """

    clients: tuple[Client, ...]
    test: Samples
    modalities: tuple[Modality, ...]
    tasks: tuple[Task, ...]
    interference: Interference
    facts: Mapping[str, float]
    spare: Samples
    public: Samples | None = None
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.numbers:
            object.__setattr__(self, "numbers", tuple(range(len(self.clients))))
        if len(set(self.numbers)) != len(self.clients):
            raise ConfigError(
                f"{len(self.clients)} clients with the numbers {self.numbers}; each needs its own"
            )


def regrouped(population: Population, members: Mapping[int, Client]) -> Population:
    """Return the federation of some members alone, with the modalities and tasks that they hold.

    Args:
        population: the larger federation.
        members: position in it -> the client, which may hold less than it did there.
    """
    places, clients = list(members), tuple(members.values())
    modalities = tuple(m for m in population.modalities if any(m in c.modalities for c in clients))
    tasks = tuple(t for t in population.tasks if any(t in c.tasks for c in clients))
    theirs = np.isin(population.spare.ids, np.concatenate([c.test.ids for c in clients]))
    return Population(
        clients=clients,
        test=narrowed(population.test, modalities, tasks),
        modalities=modalities,
        tasks=tasks,
        interference=population.interference.of(places),
        facts=population.facts,
        spare=narrowed(population.spare.take(np.flatnonzero(theirs)), modalities, tasks),
        public=population.public and narrowed(population.public, modalities, tasks),
        numbers=tuple(population.numbers[place] for place in places),
    )


def narrowed(samples: Samples, modalities: Sequence[Modality], tasks: Sequence[Task]) -> Samples:
    """Return the samples with these modalities and tasks alone; one that is left with no modality
    is dropped."""
    names = tuple(m.name for m in modalities)
    everywhere = np.ones(len(samples), dtype=np.bool_)
    shown = np.any([samples.available.get(name, everywhere) for name in names], axis=0)
    rows = np.flatnonzero(shown)
    kept = samples if len(rows) == len(samples) else samples.take(rows)
    return kept.only(names, tuple(t.name for t in tasks))


def held_apart(population: Population, fraction: float, streams: Streams) -> Population:
    """Return the population whose clients keep a part of their training samples for validation.

    Args:
        population: whose clients have no validation samples yet.
        fraction: of each client's training samples; 0 leaves all as it is.
        streams: of the cell; a client's draw depends on its number alone.

    Raises:
        ConfigError: a client would have nothing to train on, or nothing to validate on.
    """
    if not fraction:
        return population
    clients = []
    for client, number in zip(population.clients, population.numbers, strict=True):
        rng = streams("partition/validation", number)
        try:
            kept, apart = holdout(len(client.train), fraction=fraction, rng=rng)
        except ConfigError as error:
            raise ConfigError(
                f"{client.name}: {error}; change validation_fraction, or give it more samples"
            ) from None
        parts = client.train.take(kept), client.train.take(apart)
        clients.append(replace(client, train=parts[0], validation=parts[1]))
    return replace(population, clients=tuple(clients))


def to_tensor(array: NDArray[Any]) -> Tensor:
    """Return a copy of `array` in torch's own memory.

    Matrix products of the processor libraries round differently for differently aligned memory;
    numpy aligns to 16 bytes, torch to 64, always. Sharing memory would cost bitwise repeats.
    """
    return torch.from_numpy(np.array(array)).clone()


def _check_shapes(client: str, samples: Samples, modalities: Sequence[Modality]) -> None:
    """Refuse inputs that are not of the shape their modality declares."""
    for modality in modalities:
        found = samples.inputs.get(modality.name)
        if found is not None and found.shape[1:] != modality.shape:
            raise ConfigError(
                f"{client} has {modality.name!r} of shape {found.shape[1:]} per sample, and the "
                f"modality is declared as {modality.shape}; reshape the data or the declaration"
            )


def _check_finite(client: str, samples: Samples) -> None:
    """Refuse NaN and infinity in what a client sees; hidden values are nobody's business."""
    seen = ((samples.inputs, samples.available), (samples.targets, samples.labelled))
    for arrays, masks in seen:
        for name, array in arrays.items():
            rows = array[masks[name]] if name in masks else array
            broken = ~np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)))
            if broken.any():
                raise ConfigError(
                    f"{client} has {broken.sum()} of {len(rows)} samples with NaN or infinity in "
                    f"{name!r}; drop them, or mark them as missing in `available` or `labelled`"
                )


@dataclass(frozen=True, eq=False)
class TensorSamples:
    """Samples as torch tensors; numbers that are hidden or unknown are zeros.

    Attributes:
        inputs, targets: as in `Samples`.
        available, labelled: masks as in `Samples`, float32.
    """

    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    available: Mapping[str, Tensor] = field(default_factory=dict)
    labelled: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Samples) -> TensorSamples:
        """Return `samples` as tensors; what is made later is made when it is looked at, once."""
        if isinstance(samples.inputs, Later):
            whole = cache(lambda: cls.of(samples.made))
            return cls(
                Later(tuple(samples.inputs), "inputs", whole),
                Later(tuple(samples.targets), "targets", whole),
            )
        return cls(
            {
                n: to_tensor(_blanked(a, samples.available.get(n)))
                for n, a in samples.inputs.items()
            },
            {
                n: to_tensor(_blanked(a, samples.labelled.get(n)))
                for n, a in samples.targets.items()
            },
            {n: to_tensor(mask.astype(np.float32)) for n, mask in samples.available.items()},
            {n: to_tensor(mask.astype(np.float32)) for n, mask in samples.labelled.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence[TensorSamples]) -> TensorSamples:
        """Return samples with the same modalities and tasks behind each other.

        A mask that only some of them have is filled up with ones.
        """
        first, lengths = parts[0], [len(part) for part in parts]
        return cls(
            {name: torch.cat([part.inputs[name] for part in parts]) for name in first.inputs},
            {name: torch.cat([part.targets[name] for part in parts]) for name in first.targets},
            _joined([part.available for part in parts], lengths),
            _joined([part.labelled for part in parts], lengths),
        )

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def take(self, rows: Tensor) -> TensorSamples:
        """Return the samples at `rows` (n,)."""
        return TensorSamples(
            *({name: x.index_select(0, rows) for name, x in part.items()} for part in self.parts)
        )

    def cut(self, count: int) -> list[TensorSamples]:
        """Return the samples in `count` parts of equal size, one behind the other."""
        parts = [
            {n: x.reshape(count, -1, *x.shape[1:]).unbind() for n, x in part.items()}
            for part in self.parts
        ]
        return [
            TensorSamples(*({n: pieces[i] for n, pieces in part.items()} for part in parts))
            for i in range(count)
        ]

    def to(self, device: str) -> TensorSamples:
        """Return the samples on a device."""
        return TensorSamples(*({n: x.to(device) for n, x in part.items()} for part in self.parts))

    @property
    def parts(self) -> tuple[Mapping[str, Tensor], ...]:
        """The four fields, in order."""
        return self.inputs, self.targets, self.available, self.labelled


def _blanked(array: NDArray[Any], seen: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Return `array` with zeros in the rows that are not seen."""
    if seen is None:
        return array
    return np.where(seen.reshape(-1, *[1] * (array.ndim - 1)), array, np.zeros((), array.dtype))


def _joined(masks: Sequence[Mapping[str, Tensor]], lengths: Sequence[int]) -> dict[str, Tensor]:
    names = dict.fromkeys(name for mask in masks for name in mask)
    if not names:
        return {}
    ones = [torch.ones(length) for length in lengths]
    return {
        name: torch.cat([mask.get(name, one) for mask, one in zip(masks, ones, strict=True)])
        for name in names
    }
