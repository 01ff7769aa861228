"""Made-up clients for made-up data: every axis can be turned, the answer is known, no file needed.

Groups of clients (domains) differ in their features, patterns in modalities and tasks; inside a
group the classes of one task are divided unequally. Every group has every pattern equally often.
Each seed draws its own data.

The defaults were tuned on seeds from 1000 on, which no study reports: a pooled model of width 32
reaches 77 to 80 % where the commonest class has 39 %, and R2 .75; clients alone 9 to 12 points
less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset
from qfl.data import synthetic
from qfl.data.coverage import Held, patterns, single_pairs
from qfl.data.missing import Mechanism
from qfl.data.partition import dirichlet
from qfl.federation.attribution import MOST_MODALITIES
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Population
from qfl.scenarios.outline import Outline
from qfl.scenarios.populate import HeldOut, Missing, declaring, populate, shares

_FEWEST = 5
"""Samples of a client where sizes are unequal."""
MOST_SAMPLES = 2_000_000
"""Drawn at once: of eight modalities, some 4 GiB."""
_RANGES = {
    "clients": "[2, inf)",
    "pairs": "[0, inf)",
    "dirichlet_alpha": "(0, inf)",
    "local_test_fraction": "(0, 1)",
    "interference_radius": "[0, inf)",
    "modalities": f"[1, {MOST_MODALITIES}]",  # of which attribution shows every set
    "tasks": f"[1, {MOST_MODALITIES}]",
    **dict.fromkeys(("groups", "patterns", "test_samples"), "[1, inf)"),
    "public_samples": "[0, inf)",
}


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The options of the scenario.

    Attributes:
        clients: number of clients: a multiple of groups times patterns, or times pairs.
        groups: domains, each with its own offset of the hidden numbers.
        patterns: different sets of modalities and tasks, drawn so that every pair is in one.
        pairs: above 0, a client has one modality and one task in place of a pattern, and this many
            such pairs are in the federation. All modalities and tasks are there, so that the model
            has the same size for any number.
        samples_per_client: training and local test samples; unused with pairs.
        samples_per_pair: the same, of all clients with that pair together.
        balanced: equally many samples at every client of a group; otherwise class-wise Dirichlet.
        dirichlet_alpha: skew of the classes of the last task inside a group; 100 is nearly none.
        modalities: 1 to 8; kinds take turns, and names are vector_0, imu_1, series_2, ...
        tasks: 1 to 8; they are called task_0, task_1, ..., the first `regressions` of which ask
            for a number.
        regressions: so many tasks ask for a number (task_0.r2), the others for a class
            (task_1.accuracy).
        classes: of those.
        factors: hidden numbers of each modality; more of them take more samples to learn.
        noise: standard deviation of what is added to inputs of variance 1.
        group_shift: standard deviation of the offsets of groups.
        redundancy: correlation of what any two modalities hide.
        relatedness: correlation of what any two tasks ask.
        missing: share of the clients' samples that lack one modality, each equally often, or one
            share per modality; every client must hold all, as it does with one pattern.
        missing_mechanism: random takes the same share at every client; class and client take all
            samples of some classes or clients, and none of others.
        test_samples: that the server tests on.
        public_samples: that no client holds and everybody may see.
        local_test_fraction: share of each client's samples held out at the client.
        interference_radius: clients closer than this, in a unit square, disturb each other's
            uploads on a shared uplink.
    """

    clients: int = 30
    groups: int = 3
    patterns: int = 10
    pairs: int = 0
    samples_per_client: int = 60
    samples_per_pair: int = 240
    balanced: bool = True
    dirichlet_alpha: float = 100.0
    modalities: int = 3
    tasks: int = 4
    regressions: int = 1
    classes: int = 3
    factors: int = 8
    noise: float = 0.1
    group_shift: float = 0.1
    redundancy: float = 0.9
    relatedness: float = 0.3
    missing: float | tuple[float, ...] = 0.0
    missing_mechanism: Mechanism = "random"
    test_samples: int = 600
    public_samples: int = 0
    local_test_fraction: float = 0.4
    interference_radius: float = 0.4

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        Missing(self.missing, self.missing_mechanism)  # which refuses shares that make no sense
        if self.regressions >= self.tasks:
            raise ConfigError(
                f"{self.regressions} of {self.tasks} tasks are regressions; at least one must ask "
                "for a class, whose samples are divided unequally"
            )
        what = "pairs" if self.pairs else "patterns"
        kinds = self.groups * (self.pairs or self.patterns)
        if self.clients % kinds:
            raise ConfigError(
                f"{self.clients} clients in {self.groups} groups cannot have {getattr(self, what)} "
                f"{what} equally often; take a multiple of {kinds} clients"
            )
        if self.pairs and self.samples_per_pair * self.pairs % self.clients:
            raise ConfigError(
                f"{self.samples_per_pair} samples of each of {self.pairs} pairs cannot be equal "
                f"at {self.clients} clients; take a multiple of {self.clients // self.pairs}"
            )
        self._check_samples()
        self._loader(seed=0)

    def _check_samples(self) -> None:
        """Refuse clients with too few samples to be divided, and more samples than are drawn at
        once."""
        option = "samples_per_pair" if self.pairs else "samples_per_client"
        each, given = self._held // self.clients, f"{option} {getattr(self, option)}"
        if each < _FEWEST:
            raise ConfigError(
                f"{given} gives {self.clients} clients {each} samples each; every client needs at "
                f"least {_FEWEST}, so raise it"
            )
        if not 0 < round(each * self.local_test_fraction) < each:
            raise ConfigError(
                f"local_test_fraction {self.local_test_fraction} of {each} samples of a client "
                "leaves it nothing to train on or nothing to be tested on; change it, or raise "
                f"{option}"
            )
        total = self._held + self.test_samples + self.public_samples
        if total > MOST_SAMPLES:
            raise ConfigError(
                f"{given}, test_samples {self.test_samples} and public_samples "
                f"{self.public_samples} are {total} samples together; at most {MOST_SAMPLES} are "
                "drawn at once, so lower them, or take scenario crowd, which draws a client's "
                "when it is called"
            )

    def dataset(self) -> Dataset:
        """Return the data of seed 0; other seeds draw others with the same options."""
        return self._loader(seed=0).load()

    def outline(self) -> Outline:
        """Return the names of its clients, modalities and tasks, without drawing data."""
        loader = self._loader(seed=0)
        return Outline.of(self.clients, loader.modalities, loader.tasks, ("group",))

    def untrained(self, streams: Streams) -> Held:
        """Return no task: patterns and pairs are drawn such that every task has a holder."""
        return ()

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics that its records hold, without drawing data."""
        loader = self._loader(seed=0)
        return metric_names(loader.tasks, loader.modalities)

    def build(self, streams: Streams) -> Population:
        """Return the participants of the cell with these streams."""
        loader = self._loader(streams.seed)
        data = loader.load()
        kept, rest = np.split(np.arange(len(data.samples)), [self._held])
        rng, label = streams("partition"), data.tasks[-1].name
        own = shares(
            self._parts(data, kept, rng),
            self._patterns(loader, streams("partition/patterns")),
            test_fraction=self.local_test_fraction,
            rng=rng,
        )
        own = declaring(own, "group", data.groups["group"])
        missing = Missing(self.missing, self.missing_mechanism)
        return populate(
            missing.applied(data, own, label=label, rng=streams("partition/missing")),
            own,
            held_out=HeldOut(rest[: self.test_samples], public=rest[self.test_samples :]),
            label=label,
            interference_radius=self.interference_radius,
            streams=streams,
        )

    @property
    def _held(self) -> int:
        """Samples that clients hold together."""
        if self.pairs:
            return self.samples_per_pair * self.pairs
        return self.samples_per_client * self.clients

    def _loader(self, seed: int) -> synthetic.Synthetic:
        return synthetic.Synthetic(
            samples=self._held + self.test_samples + self.public_samples,
            shares=worth(self.modalities, self.tasks),
            noise=self.noise,
            groups=self.groups,
            group_shift=self.group_shift,
            seed=seed,
            regressions=self.regressions,
            classes=self.classes,
            redundancy=self.redundancy,
            relatedness=self.relatedness,
            factors=self.factors,
        )

    def _patterns(
        self, loader: synthetic.Synthetic, rng: np.random.Generator
    ) -> list[tuple[Held, Held]]:
        """Return the modalities and tasks of each client; the groups take turns."""
        modalities = [modality.name for modality in loader.modalities]
        tasks = [task.name for task in loader.tasks]
        if self.pairs:
            found = single_pairs(modalities, tasks, count=self.pairs)
        else:
            found = patterns(modalities, tasks, count=self.patterns, rng=rng)
        return [found[i // self.groups % len(found)] for i in range(self.clients)]

    def _parts(
        self, data: Dataset, kept: NDArray[np.intp], rng: np.random.Generator
    ) -> list[NDArray[np.intp]]:
        """Divide the samples of every group among its clients."""
        labels, group = data.samples.targets[data.tasks[-1].name], data.groups["group"]
        parts: list[NDArray[np.intp]] = [kept] * self.clients
        for k in range(self.groups):
            rows = kept[group[kept] == k]
            own = dirichlet(
                labels[rows],
                clients=self.clients // self.groups,
                alpha=self.dirichlet_alpha,
                min_size=_FEWEST,
                balanced=self.balanced,
                rng=rng,
            )
            for i, part in enumerate(own):
                parts[k + i * self.groups] = rows[part]
        return parts


def worth(modalities: int, tasks: int) -> tuple[tuple[float, ...], ...]:
    """Return what each modality carries of each task: of task t, half is in modality t mod M, the
    rest is spread evenly, so that every pair is worth something.

    >>> worth(2, 3)
    ((0.75, 0.25), (0.25, 0.75), (0.75, 0.25))
    """
    rest = 0.5 / modalities
    return tuple(
        tuple(rest + 0.5 * (m == t % modalities) for m in range(modalities)) for t in range(tasks)
    )
