"""Handwritten digits at clients that differ in labels, modalities and tasks, on separate axes."""

from __future__ import annotations

from dataclasses import dataclass

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset
from qfl.data import DATASETS
from qfl.data.coverage import coverage
from qfl.data.digits import MODALITIES, TASKS
from qfl.data.partition import dirichlet, holdout
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Population
from qfl.scenarios.populate import populate, shares


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
        own = shares(
            [kept[part] for part in parts], held, test_fraction=self.local_test_fraction, rng=rng
        )
        return populate(
            data,
            own,
            held_out=held_out,
            label="digit",
            interference_radius=self.interference_radius,
            streams=streams,
        )
