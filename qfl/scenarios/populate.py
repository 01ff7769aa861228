"""From a divided data set to a population: what every scenario does in the same way.

Scenarios say who holds which rows, modalities and tasks; here these become clients with scaled
samples, devices and links, and the statement of how unequal they turned out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset
from qfl.data.coverage import Held, matrix
from qfl.data.heterogeneity import label_heterogeneity, target_heterogeneity
from qfl.data.partition import holdout
from qfl.data.scaling import standardised
from qfl.federation.population import Client, Population
from qfl.network.links import draw_access_link, draw_device, draw_interference


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one client holds.

    Attributes:
        modalities, tasks: by name, in the order of the data set.
        train, test: rows of the data set, sorted, disjoint.
    """

    modalities: Held
    tasks: Held
    train: NDArray[np.intp]
    test: NDArray[np.intp]

    @property
    def rows(self) -> NDArray[np.intp]:
        """All rows, those for training first."""
        return np.concatenate([self.train, self.test])


def shares(
    parts: Sequence[NDArray[np.intp]],
    held: Sequence[tuple[Held, Held]],
    *,
    test_fraction: float,
    rng: np.random.Generator,
) -> list[Share]:
    """Return what each client holds, a random fraction of its rows kept for tests.

    Args:
        parts: rows of each client.
        held: (modalities, tasks) of each client.
        test_fraction: share of each client's rows that it does not train on.
        rng: source of the draws.
    """
    splits = [holdout(len(part), fraction=test_fraction, rng=rng) for part in parts]
    return [
        Share(modalities, tasks, part[own], part[other])
        for part, (own, other), (modalities, tasks) in zip(parts, splits, held, strict=True)
    ]


def populate(
    data: Dataset,
    shares: Sequence[Share],
    *,
    held_out: NDArray[np.intp],
    label: str,
    interference_radius: float,
    streams: Streams,
) -> Population:
    """Return the participants, scaled by what the training rows of the clients alone show.

    Args:
        data: everything, as loaded.
        shares: what each client holds.
        held_out: rows that the server tests on.
        label: the task by whose classes the clients were made unequal.
        interference_radius: clients closer than this, in a unit square, disturb each other.
        streams: of the cell.

    Raises:
        ConfigError: a row is held twice, so that a test would be seen in training.
    """
    everyone = np.concatenate([*(share.rows for share in shares), held_out])
    if len(np.unique(everyone)) < len(everyone):
        raise ConfigError(
            f"{len(everyone) - len(np.unique(everyone))} samples of {data.name} are held twice; "
            "training, local test and server test rows must be disjoint"
        )
    training = np.concatenate([share.train for share in shares])
    samples = standardised(data, training).samples.only(*_names(data))
    network = streams("network")
    clients = tuple(
        Client(
            name=f"client-{i:02d}",
            modalities=tuple(m for m in data.modalities if m.name in share.modalities),
            tasks=tuple(t for t in data.tasks if t.name in share.tasks),
            train=samples.take(share.train).only(share.modalities, share.tasks),
            test=samples.take(share.test).only(share.modalities, share.tasks),
            device=draw_device(network),
            access=draw_access_link(network),
        )
        for i, share in enumerate(shares)
    )
    return Population(
        clients=clients,
        test=samples.take(held_out),
        modalities=data.modalities,
        tasks=data.tasks,
        interference=draw_interference(
            len(clients), radius=interference_radius, rng=streams("network/positions")
        ),
        facts=realised(data, shares, label=label),
        spare=samples.take(np.concatenate([share.test for share in shares])),
    )


def realised(data: Dataset, shares: Sequence[Share], *, label: str) -> Mapping[str, float]:
    """Return how unequal the clients turned out, on each of the axes: labels, modalities, tasks.

    Distances of classes are total variations, of numbers Wasserstein-1 in the unit of the task.
    Holders of a pair hold both its modality and its task.
    """
    parts = [share.rows for share in shares]
    skew = label_heterogeneity(data.samples.targets[label], parts)
    facts = {
        "label_total_variation": skew.total_variation,
        "label_hellinger": skew.hellinger,
        "size_gini": skew.size_gini,
        "classes_per_client": skew.classes_per_client,
    }
    for task in data.tasks:
        target = data.samples.targets[task.name]
        if task.kind == "classification" and task.name != label:
            other = label_heterogeneity(target, parts).total_variation
            facts[f"{task.name}_total_variation"] = other
        elif task.kind == "regression":
            facts[f"{task.name}_wasserstein"] = target_heterogeneity(target, parts)
    modalities, tasks = _names(data)
    by_modality = matrix([share.modalities for share in shares], modalities)
    by_task = matrix([share.tasks for share in shares], tasks)
    for names, table in ((modalities, by_modality), (tasks, by_task)):
        for name, holders in zip(names, table.sum(0), strict=True):
            facts[f"holders_of_{name}"] = float(holders)
    facts["fewest_holders_of_a_pair"] = float((by_modality.T @ by_task).min())
    return facts


def _names(data: Dataset) -> tuple[Held, Held]:
    """The modalities and the tasks of the federation."""
    return tuple(m.name for m in data.modalities), tuple(t.name for t in data.tasks)
