"""Handwritten digits at clients that differ in labels, modalities and tasks, on separate axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Samples
from qfl.data import DATASETS
from qfl.data.coverage import coverage
from qfl.data.digits import MODALITIES, TASKS
from qfl.data.heterogeneity import label_heterogeneity
from qfl.data.partition import dirichlet, holdout
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Client, Population
from qfl.network.links import draw_access_link, draw_device, draw_interference


@dataclass(frozen=True, slots=True)
class Digits:
    """The options of the scenario.

    Attributes:
        clients: number of clients.
        dirichlet_alpha: label skew, class-wise; small means few classes per client.
        min_samples: fewest samples a client may hold.
        test_fraction: share of all samples held out at the server.
        local_test_fraction: share of each client's samples held out at the client.
        interference_radius: clients closer than this, in a unit square, disturb each other's
            uploads on a shared uplink.
    """

    clients: int = 16
    dirichlet_alpha: float = 0.3
    min_samples: int = 20
    test_fraction: float = 0.2
    local_test_fraction: float = 0.2
    interference_radius: float = 0.4

    def __post_init__(self) -> None:
        if self.clients < 2:
            raise ConfigError(f"scenario digits needs at least 2 clients, got {self.clients}")

    def dataset(self) -> Dataset:
        """Return the data set behind the scenario."""
        loaded: Dataset = DATASETS.resolve("digits")().load()
        return loaded

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics that its records hold, without loading data."""
        return metric_names(TASKS, MODALITIES)

    def build(self, streams: Streams) -> Population:
        """Return the participants of the cell with these streams."""
        data = self.dataset()
        rng = streams("partition")
        kept, held_out = holdout(len(data.samples), fraction=self.test_fraction, rng=rng)
        labels = data.samples.targets["digit"][kept]
        parts = dirichlet(
            labels,
            clients=self.clients,
            alpha=self.dirichlet_alpha,
            min_size=self.min_samples,
            rng=rng,
        )
        held = coverage(
            [m.name for m in data.modalities],
            [t.name for t in data.tasks],
            clients=self.clients,
            rng=rng,
        )
        splits = [holdout(len(part), fraction=self.local_test_fraction, rng=rng) for part in parts]
        training = [kept[part[own]] for part, (own, _) in zip(parts, splits, strict=True)]
        testing = [kept[part[own]] for part, (_, own) in zip(parts, splits, strict=True)]
        samples = _standardised(data.samples, np.concatenate(training))
        network = streams("network")
        clients = tuple(
            Client(
                name=f"client-{i:02d}",
                modalities=tuple(m for m in data.modalities if m.name in held[i][0]),
                tasks=tuple(t for t in data.tasks if t.name in held[i][1]),
                train=samples.take(training[i]).only(*held[i]),
                test=samples.take(testing[i]).only(*held[i]),
                device=draw_device(network),
                access=draw_access_link(network),
            )
            for i in range(self.clients)
        )
        skew = label_heterogeneity(labels, parts)
        return Population(
            clients=clients,
            test=samples.take(held_out),
            modalities=data.modalities,
            tasks=data.tasks,
            interference=draw_interference(
                self.clients, radius=self.interference_radius, rng=streams("network/positions")
            ),
            facts={
                "label_total_variation": skew.total_variation,
                "label_hellinger": skew.hellinger,
                "size_gini": skew.size_gini,
                "classes_per_client": skew.classes_per_client,
            },
            spare=samples.take(np.concatenate(testing)),
        )


def _standardised(samples: Samples, training: np.ndarray) -> Samples:
    """Scale the slant to mean 0 and variance 1 over the training samples of the clients alone."""
    slant = samples.targets["slant"]
    seen = slant[training].astype(np.float64)
    scaled = ((slant - seen.mean()) / seen.std()).astype(np.float32)
    return Samples(samples.ids, samples.inputs, {**samples.targets, "slant": scaled})
