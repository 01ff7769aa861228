"""Handwritten digits at clients that differ in labels, modalities and tasks, on separate axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset
from qfl.data.coverage import Held, coverage
from qfl.data.digits import MODALITIES, TASKS, Views
from qfl.data.digits import Digits as Loader
from qfl.data.missing import Mechanism
from qfl.data.partition import dirichlet, holdout
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Population
from qfl.scenarios.outline import Outline, not_held
from qfl.scenarios.populate import HeldOut, Missing, populate, shares

_PATTERNS = 9
"""Pairs of a set of modalities and a set of tasks, of two each: so many clients have all."""
_RANGES = {
    "dirichlet_alpha": "(0, inf)",
    "min_samples": "[1, inf)",
    "noise": "[0, inf)",
    "test_fraction": "(0, 1)",
    "public_samples": "[0, inf)",
    "local_test_fraction": "(0, 1)",
    "interference_radius": "[0, inf)",
}


@dataclass(frozen=True, slots=True)
class Digits:
    """The options of the scenario.

    Attributes:
        clients: number of clients.
        dirichlet_alpha: label skew, class-wise; small means few classes per client.
        min_samples: fewest samples a client may hold.
        views: how a picture is two modalities: all of it beside its profile, or its two halves.
        noise: standard deviation of the noise on pixels, which range over 0..1.
        held: patterns gives clients different modalities and tasks, everything gives all of
            them to everybody.
        missing: share of the clients' samples that lack one of the two modalities, each equally
            often; or two shares, one per modality.
        missing_mechanism: random takes the same share at every client; class and client take all
            samples of some digits or clients, and none of others.
        test_fraction: share of all samples held out at the server.
        public_samples: of all samples, how many no client holds and everybody may see.
        local_test_fraction: share of each client's samples held out at the client.
        interference_radius: clients closer than this, in a unit square, disturb each other's
            uploads on a shared uplink.
    """

    clients: int = 16
    dirichlet_alpha: float = 0.3
    min_samples: int = 20
    views: Views = "profile"
    noise: float = 0.0
    held: Literal["patterns", "everything"] = "patterns"
    missing: float | tuple[float, float] = 0.0
    missing_mechanism: Mechanism = "random"
    test_fraction: float = 0.2
    public_samples: int = 0
    local_test_fraction: float = 0.2
    interference_radius: float = 0.4

    def __post_init__(self) -> None:
        if self.clients < 2:
            raise ConfigError(f"scenario digits needs at least 2 clients, got {self.clients}")
        check_ranges(self, _RANGES)
        Missing(self.missing, self.missing_mechanism)  # which refuses shares that make no sense

    def dataset(self) -> Dataset:
        """Return the data set behind the scenario."""
        return Loader(self.views, self.noise).load()

    def outline(self) -> Outline:
        """Return the names of its clients, modalities and tasks, without loading data."""
        return Outline.of(self.clients, MODALITIES[self.views], TASKS)

    def untrained(self, streams: Streams) -> Held:
        """Return the tasks that no client has in the cell with these streams: few clients may be
        dealt patterns that leave one out."""
        if self.held == "everything" or self.clients >= _PATTERNS:
            return ()
        clients = self.build(streams).clients
        return not_held([t.name for t in TASKS], [tuple(t.name for t in c.tasks) for c in clients])

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics that its records hold, without loading data."""
        return metric_names(TASKS, MODALITIES[self.views])

    def build(self, streams: Streams) -> Population:
        """Return the participants of the cell with these streams."""
        data = Loader(self.views, self.noise, noise_seed=streams.seed).load()
        rng = streams("partition")
        kept, test = holdout(len(data.samples), fraction=self.test_fraction, rng=rng)
        if not 0 <= self.public_samples < len(kept):
            raise ConfigError(
                f"public_samples must lie in 0..{len(kept) - 1}, got {self.public_samples}"
            )
        public = streams("partition/public").permutation(kept)[: self.public_samples]
        kept = np.setdiff1d(kept, public)
        parts = dirichlet(
            data.samples.targets["digit"][kept],
            clients=self.clients,
            alpha=self.dirichlet_alpha,
            min_size=self.min_samples,
            rng=rng,
        )
        own = shares(
            [kept[part] for part in parts],
            self._held(data, rng),
            test_fraction=self.local_test_fraction,
            rng=rng,
        )
        missing = Missing(self.missing, self.missing_mechanism)
        return populate(
            missing.applied(data, own, label="digit", rng=streams("partition/missing")),
            own,
            held_out=HeldOut(test=test, public=np.sort(public)),
            label="digit",
            interference_radius=self.interference_radius,
            streams=streams,
        )

    def _held(self, data: Dataset, rng: np.random.Generator) -> list[tuple[Held, Held]]:
        """Return the modalities and tasks of each client."""
        modalities, tasks = [m.name for m in data.modalities], [t.name for t in data.tasks]
        if self.held == "everything":
            return [(tuple(modalities), tuple(tasks))] * self.clients
        return coverage(modalities, tasks, clients=self.clients, rng=rng)
