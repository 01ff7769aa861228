"""From a divided data set to a population: what every scenario does in the same way.

Scenarios say who holds which rows, modalities and tasks; here these become clients with scaled
samples, devices and links, and the statement of how unequal they turned out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset
from qfl.data.coverage import Held, matrix
from qfl.data.heterogeneity import Heterogeneity, label_heterogeneity, target_heterogeneity
from qfl.data.missing import Mechanism, lacking
from qfl.data.partition import holdout
from qfl.data.scaling import standardised
from qfl.federation.population import Client, Population
from qfl.network.links import draw_access_link, draw_device, draw_interference
from qfl.scenarios.outline import client_name


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What one client holds.

    Attributes:
        modalities, tasks: by name, in the order of the data set.
        train, test: rows of the data set, sorted, disjoint.
        attributes: what it declares of itself, such as {"speaker": "theo"}.
    """

    modalities: Held
    tasks: Held
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> NDArray[np.intp]:
        """All rows, those for training first."""
        return np.concatenate([self.train, self.test])


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows of the data set that no client holds.

    Attributes:
        test: what the server tests on.
        public: what everybody may see before the federation begins; may be empty.
    """

    test: NDArray[np.intp]
    public: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))


@dataclass(frozen=True, slots=True)
class Missing:
    """How many samples of clients lack a modality, and which; see `qfl.data.missing`."""

    share: float | tuple[float, ...] = 0.0
    mechanism: Mechanism = "random"

    def __post_init__(self) -> None:
        each = np.atleast_1d(np.asarray(self.share, dtype=np.float64))
        if not (each.min() >= 0 and each.sum() <= 1):
            raise ConfigError(
                "missing, the share of samples that lack a modality, or the sum of such shares, "
                f"must be at least 0 and at most 1, got {self.share}"
            )

    def applied(
        self, data: Dataset, shares: Sequence[Share], *, label: str, rng: np.random.Generator
    ) -> Dataset:
        """Return the data with the masks of what clients lack, as asked among their training rows
        and again among their test rows.

        Args:
            data: everything.
            shares: what each client holds.
            label: the task whose classes order the samples under the mechanism `class`.
            rng: source of the draws.
        """
        if not np.any(self.share):
            return data
        names = _names(data)[0]
        if any(share.modalities != names for share in shares):
            raise ConfigError(
                f"samples can only lack one of {', '.join(names)} where every client has all of "
                "them; let clients hold all modalities, or set missing = 0"
            )
        available = dict(data.samples.available)
        for parts in ([share.train for share in shares], [share.test for share in shares]):
            masks = lacking(
                names,
                parts,
                share=self.share,
                mechanism=self.mechanism,
                labels=data.samples.targets[label],
                rng=rng,
            )
            available = {name: mask & available.get(name, True) for name, mask in masks.items()}
        return replace(data, samples=replace(data.samples, available=available))


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

    Raises:
        ConfigError: a client would have nothing to train on, or nothing to be tested on.
    """
    for place, part in enumerate(parts):
        if not 0 < round(len(part) * test_fraction) < len(part):
            raise ConfigError(
                f"local_test_fraction {test_fraction} of the {len(part)} samples of client {place} "
                "leaves it nothing to train on or nothing to be tested on; change it, or give "
                "every client more samples"
            )
    splits = [holdout(len(part), fraction=test_fraction, rng=rng) for part in parts]
    return [
        Share(modalities, tasks, part[own], part[other])
        for part, (own, other), (modalities, tasks) in zip(parts, splits, held, strict=True)
    ]


def declaring(shares: Sequence[Share], attribute: str, groups: NDArray[np.generic]) -> list[Share]:
    """Return the shares of clients that declare which group all of their samples are from.

    Args:
        shares: what each client holds.
        attribute: what a group is.
        groups: of every row of the data set.

    Raises:
        ConfigError: the samples of a client are from several groups.
    """
    found = []
    for place, share in enumerate(shares):
        theirs = set(groups[share.rows].tolist())
        if len(theirs) > 1:
            raise ConfigError(
                f"client {place} holds samples of {len(theirs)} groups, {sorted(theirs)}, and "
                f"cannot declare one {attribute}; divide the samples group by group"
            )
        own = {**share.attributes, attribute: str(theirs.pop())}
        found.append(replace(share, attributes=own))
    return found


def populate(
    data: Dataset,
    shares: Sequence[Share],
    *,
    held_out: HeldOut,
    label: str,
    interference_radius: float,
    streams: Streams,
) -> Population:
    """Return the participants, scaled by what the training rows of the clients alone show.

    Args:
        data: everything, as loaded.
        shares: what each client holds.
        held_out: rows that no client holds.
        label: the task by whose classes the clients were made unequal.
        interference_radius: clients closer than this, in a unit square, disturb each other.
        streams: of the cell.

    Raises:
        ConfigError: a row is held twice, so that a test would be seen in training.
    """
    everyone = np.concatenate([*(share.rows for share in shares), held_out.test, held_out.public])
    if len(np.unique(everyone)) < len(everyone):
        raise ConfigError(
            f"{len(everyone) - len(np.unique(everyone))} samples of {data.name} are held twice; "
            "training, local test, server test and public rows must be disjoint"
        )
    training = np.concatenate([share.train for share in shares])
    samples = standardised(data, training).samples.only(*_names(data))
    network = streams("network")
    clients = tuple(
        Client(
            name=client_name(i),
            modalities=tuple(m for m in data.modalities if m.name in share.modalities),
            tasks=tuple(t for t in data.tasks if t.name in share.tasks),
            train=samples.take(share.train).only(share.modalities, share.tasks),
            test=samples.take(share.test).only(share.modalities, share.tasks),
            device=draw_device(network),
            access=draw_access_link(network),
            attributes=share.attributes,
        )
        for i, share in enumerate(shares)
    )
    return Population(
        clients=clients,
        test=samples.take(held_out.test),
        modalities=data.modalities,
        tasks=data.tasks,
        interference=draw_interference(
            len(clients), radius=interference_radius, rng=streams("network/positions")
        ),
        facts=realised(data, shares, label=label),
        spare=samples.take(np.concatenate([share.test for share in shares])),
        public=samples.take(held_out.public) if len(held_out.public) else None,
    )


def realised(data: Dataset, shares: Sequence[Share], *, label: str) -> Mapping[str, float]:
    """Return how unequal the clients turned out, on each of the axes: labels, modalities, tasks.

    Distances of classes are total variations, of numbers Wasserstein-1 in the unit of the task.
    Holders of a pair hold both its modality and its task; a modality is missing in a share of the
    training samples.
    """
    parts = [share.rows for share in shares]
    facts = skew_facts(label_heterogeneity(data.samples.targets[label], parts))
    for task in data.tasks:
        target = data.samples.targets[task.name]
        if task.kind == "classification" and task.name != label:
            other = label_heterogeneity(target, parts).total_variation
            facts[f"{task.name}_total_variation"] = other
        elif task.kind == "regression":
            facts[f"{task.name}_wasserstein"] = target_heterogeneity(target, parts)
    facts |= holder_facts([(share.modalities, share.tasks) for share in shares], *_names(data))
    training = np.concatenate([share.train for share in shares])
    for name, mask in data.samples.available.items():
        facts[f"missing_{name}"] = float((~mask[training]).mean())
    return facts


def skew_facts(skew: Heterogeneity) -> dict[str, float]:
    """Return how unequal clients are in classes and sizes, as it is stated."""
    return {
        "label_total_variation": skew.total_variation,
        "label_hellinger": skew.hellinger,
        "size_gini": skew.size_gini,
        "classes_per_client": skew.classes_per_client,
    }


def holder_facts(
    held: Sequence[tuple[Held, Held]], modalities: Held, tasks: Held
) -> dict[str, float]:
    """Return how many clients hold each modality, each task, and the rarest pair.

    Args:
        held: modalities and tasks of each client.
        modalities, tasks: of the federation.

    >>> holder_facts([(("a",), ("t",)), (("a", "b"), ("t",))], ("a", "b"), ("t",))
    {'holders_of_a': 2.0, 'holders_of_b': 1.0, 'holders_of_t': 2.0, 'fewest_holders_of_a_pair': 1.0}
    """
    by_modality = matrix([own for own, _ in held], modalities)
    by_task = matrix([asked for _, asked in held], tasks)
    found = {}
    for names, table in ((modalities, by_modality), (tasks, by_task)):
        for name, holders in zip(names, table.sum(0), strict=True):
            found[f"holders_of_{name}"] = float(holders)
    return {**found, "fewest_holders_of_a_pair": float((by_modality.T @ by_task).min())}


def _names(data: Dataset) -> tuple[Held, Held]:
    """The modalities and the tasks of the federation."""
    return tuple(m.name for m in data.modalities), tuple(t.name for t in data.tasks)
