"""Very many made-up clients, each of whose samples are drawn when it is called: 10,000 clients take
the memory of a hundred.

Groups, patterns, modalities and tasks are those of `synthetic`, where the samples of all clients
are drawn together. Here labels are unequal because clients are: each has its own offset of the
hidden numbers. Numbers have variance about one as they are drawn, and are not scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qfl.core.arrays import sha256_hex
from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Samples
from qfl.data import synthetic
from qfl.data.coverage import Held, patterns
from qfl.data.crowd import Crowd as Source
from qfl.data.heterogeneity import heterogeneity_of
from qfl.federation.attribution import MOST_MODALITIES
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Client, Population
from qfl.network.links import draw_access_link, draw_device, draw_interference
from qfl.scenarios.outline import Outline, client_name
from qfl.scenarios.populate import holder_facts, skew_facts
from qfl.scenarios.synthetic import MOST_SAMPLES, worth

_FACTORS, _REDUNDANCY, _RELATEDNESS = 8, 0.9, 0.3
"""Those that were tuned for `synthetic`."""
_RANGES = {
    "clients": "[2, inf)",
    "client_shift": "[0, inf)",
    "local_test_fraction": "(0, 1)",
    "interference_radius": "[0, inf)",
    "modalities": f"[1, {MOST_MODALITIES}]",  # of which attribution shows every set
    "tasks": f"[1, {MOST_MODALITIES}]",
    **dict.fromkeys(("groups", "patterns"), "[1, inf)"),
    "samples_per_client": f"[2, {MOST_SAMPLES}]",
    "test_samples": f"[1, {MOST_SAMPLES}]",
    "public_samples": f"[0, {MOST_SAMPLES}]",
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """The options of the scenario.

    Attributes:
        clients: number of clients, at least 2.
        groups: domains, each with its own offset of the hidden numbers; clients take turns.
        patterns: different sets of modalities and tasks, drawn so that every pair is in one.
        samples_per_client: training and local test samples.
        client_shift: standard deviation of the offsets of clients inside their group: how unequal
            their inputs and labels are.
        modalities: how many, 1 to 8; kinds take turns, and names are vector_0, imu_1, series_2, ...
        tasks: how many, 1 to 8; they are called task_0, task_1, ..., the first `regressions` of
            which ask for a number.
        regressions: so many tasks ask for a number, the others for a class.
        classes: of those.
        noise: standard deviation of what is added to inputs of variance 1.
        group_shift: standard deviation of the offsets of groups.
        test_samples: that the server tests on.
        public_samples: that no client holds and everybody may see.
        local_test_fraction: share of each client's samples held out at the client.
        interference_radius: clients closer than this, in a unit square, disturb each other's
            uploads on a shared uplink.
    """

    clients: int = 10_000
    groups: int = 3
    patterns: int = 10
    samples_per_client: int = 60
    client_shift: float = 0.3
    modalities: int = 3
    tasks: int = 4
    regressions: int = 1
    classes: int = 3
    noise: float = 0.1
    group_shift: float = 0.1
    test_samples: int = 600
    public_samples: int = 0
    local_test_fraction: float = 0.4
    interference_radius: float = 0.4

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if self.regressions >= self.tasks:
            raise ConfigError(
                f"{self.regressions} of {self.tasks} tasks are regressions; at least one must ask "
                "for a class, which says how unequal clients are"
            )
        if not 0 < self._tests < self.samples_per_client:
            raise ConfigError(
                f"local_test_fraction {self.local_test_fraction} of {self.samples_per_client} "
                f"samples are {self._tests} for tests; at least one of them must be left for "
                "training and one for tests"
            )
        self._loader(seed=0)

    def dataset(self) -> Dataset:
        """Return what identifies the data: the server's test samples of seed 0."""
        loader, streams = self._loader(seed=0), Streams(0)
        source = self._source(loader, streams)
        return Dataset(
            name="crowd",
            modalities=loader.modalities,
            tasks=loader.tasks,
            samples=self._server(source, "test", np.arange(self.test_samples)),
            source="drawn by qfl.data.crowd",
            licence="none needed",
            sha256=sha256_hex(repr((self, loader)).encode()),
        )

    def outline(self) -> Outline:
        """Return the names of its clients, modalities and tasks, without drawing data."""
        loader = self._loader(seed=0)
        return Outline.of(self.clients, loader.modalities, loader.tasks, ("group",))

    def untrained(self, streams: Streams) -> Held:
        """Return no task: patterns are drawn such that every task has a holder."""
        return ()

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics that its records hold, without drawing data."""
        loader = self._loader(seed=0)
        return metric_names(loader.tasks, loader.modalities)

    def build(self, streams: Streams) -> Population:
        """Return the participants of the cell with these streams; no client's samples are drawn,
        but for a count of their labels."""
        loader = self._loader(streams.seed)
        source, held = self._source(loader, streams), self._patterns(loader, streams)
        first = self.clients * self.samples_per_client
        ids = np.arange(first + 2 * self.test_samples + self.public_samples)
        test, spare, public = np.split(ids[first:], [self.test_samples, 2 * self.test_samples])
        return Population(
            clients=self._clients(source, held, ids[:first], streams("network")),
            test=self._server(source, "test", test),
            modalities=loader.modalities,
            tasks=loader.tasks,
            interference=draw_interference(
                self.clients,
                radius=self.interference_radius,
                rng=streams("network/positions"),
            ),
            facts=self._facts(source, held),
            spare=self._server(source, "spare", spare),
            public=self._server(source, "public", public) if len(public) else None,
        )

    @property
    def _tests(self) -> int:
        """Local test samples of a client."""
        return round(self.local_test_fraction * self.samples_per_client)

    def _loader(self, seed: int) -> synthetic.Synthetic:
        return synthetic.Synthetic(
            samples=self.test_samples,
            shares=worth(self.modalities, self.tasks),
            noise=self.noise,
            groups=self.groups,
            group_shift=self.group_shift,
            seed=seed,
            regressions=self.regressions,
            classes=self.classes,
            redundancy=_REDUNDANCY,
            relatedness=_RELATEDNESS,
            factors=_FACTORS,
        )

    def _source(self, loader: synthetic.Synthetic, streams: Streams) -> Source:
        return Source(loader, self._offsets(loader, streams, "clients", self.clients), streams)

    def _offsets(
        self, loader: synthetic.Synthetic, streams: Streams, whose: str, count: int
    ) -> NDArray[np.float32]:
        """(count, modalities, factors) of clients, or of samples that are each like a client's."""
        shape = (self.modalities, loader.factors)
        group = streams("crowd/groups").standard_normal((self.groups, *shape), dtype=np.float32)
        own = streams(f"crowd/{whose}/offsets").standard_normal((count, *shape), dtype=np.float32)
        places = np.arange(count) % self.groups
        shifts = np.float32(self.group_shift), np.float32(self.client_shift)
        return shifts[0] * group[places] + shifts[1] * own

    def _server(self, source: Source, part: str, ids: NDArray[np.int64]) -> Samples:
        offsets = self._offsets(source.loader, source.streams, part, len(ids))
        return source.mixed(part, ids, offsets)

    def _patterns(self, loader: synthetic.Synthetic, streams: Streams) -> list[tuple[Held, Held]]:
        """Return the modalities and tasks of each client; groups take turns, then patterns."""
        found = patterns(
            [modality.name for modality in loader.modalities],
            [task.name for task in loader.tasks],
            count=self.patterns,
            rng=streams("partition/patterns"),
        )
        return [found[i // self.groups % len(found)] for i in range(self.clients)]

    def _clients(
        self,
        source: Source,
        held: list[tuple[Held, Held]],
        ids: NDArray[np.int64],
        network: np.random.Generator,
    ) -> tuple[Client, ...]:
        """Return the clients; those that hold the same share what says so."""
        loader = source.loader
        kinds = {
            (own, asked): (
                tuple(m for m in loader.modalities if m.name in own),
                tuple(t for t in loader.tasks if t.name in asked),
            )
            for own, asked in set(held)
        }
        groups = [{"group": str(k)} for k in range(self.groups)]

        def part(number: int, name: str, rows: NDArray[np.int64]) -> Samples:
            own, asked = held[number]
            make = partial(source.samples, number, name, rows, own, asked)
            return Samples.later(rows, own, asked, make)

        found = []
        for i, (own, asked) in enumerate(held):
            rows = ids[i * self.samples_per_client :][: self.samples_per_client]
            modalities, tasks = kinds[own, asked]
            found.append(
                Client(
                    name=client_name(i),
                    modalities=modalities,
                    tasks=tasks,
                    train=part(i, "train", rows[self._tests :]),
                    test=part(i, "test", rows[: self._tests]),
                    device=draw_device(network),
                    access=draw_access_link(network),
                    attributes=groups[i % self.groups],
                )
            )
        return tuple(found)

    def _facts(self, source: Source, held: list[tuple[Held, Held]]) -> dict[str, float]:
        """Return how unequal clients are in the labels of the last task, modalities and tasks."""
        classes, loader = source.loader.tasks[-1].outputs, source.loader
        sizes = {"train": self.samples_per_client - self._tests, "test": self._tests}
        counts = np.array(
            [
                sum(
                    np.bincount(source.labels(i, part, size), minlength=classes)
                    for part, size in sizes.items()
                )
                for i in range(self.clients)
            ]
        )
        names = tuple(m.name for m in loader.modalities), tuple(t.name for t in loader.tasks)
        return skew_facts(heterogeneity_of(counts)) | holder_facts(held, *names)
