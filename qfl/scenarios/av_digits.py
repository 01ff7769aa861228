"""Real speech beside real pictures at the people who spoke: AV-digits, six natural clients.

The official takes 0 to 4 of every digit and speaker are the server's test set; clients share the
others. Needs the sets fsdd and mnist; without them, loading says how to fetch them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError
from qfl.core.ranges import check_ranges
from qfl.core.rng import Streams
from qfl.core.tasks import Dataset, Modality
from qfl.data import av_digits
from qfl.data.coverage import Held, modality_availability, task_assignment, uneven
from qfl.data.fsdd import AUDIO
from qfl.data.missing import Mechanism
from qfl.data.partition import dirichlet, inside, natural
from qfl.federation.evaluate import metric_names
from qfl.federation.population import Population
from qfl.scenarios.outline import Outline, not_held
from qfl.scenarios.populate import HeldOut, Missing, declaring, populate, shares

MODALITIES: tuple[Modality, ...] = (AUDIO, av_digits.IMAGE)
SPEAKERS = 6
_RANGES = {
    "dirichlet_alpha": "(0, inf)",
    "min_samples": "[1, inf)",
    "availability_alpha": "(0, inf)",
    "image_noise": "[0, inf)",
    "train_samples": "[1, 2700]",
    "test_samples": "[1, 300]",
    "public_samples": "[0, 2700]",
    "local_test_fraction": "(0, 1)",
    "interference_radius": "[0, inf)",
}
_BOTH, _AUDIO, _IMAGE = ("audio", "image"), ("audio",), ("image",)


@dataclass(frozen=True, slots=True)
class AvDigits:
    """The options of the scenario.

    Attributes:
        clients: number of clients; of speakers, a multiple of six.
        partition: speakers gives every client clips of one speaker, and shards of a speaker are
            made unequal in their digits; dirichlet mixes the speakers.
        dirichlet_alpha: label skew, class-wise; unused where a client is a whole speaker.
        min_samples: fewest samples a client may hold.
        tasks: those of the federation, in this order.
        tasks_per_client: how many tasks a client has, every task equally often; 0 is all.
        availability: both lets every client hold both modalities; thirds deals out both, audio
            alone and image alone equally often; uneven draws the shares of these three.
        availability_alpha: Dirichlet concentration of the shares that uneven draws.
        missing: share of the clients' samples that lack one of the two modalities, each equally
            often; or two shares, of those without audio and of those without the image.
        missing_mechanism: random takes the same share at every client; class and client take all
            samples of some digits or clients, and none of others.
        image_noise: standard deviation of the noise on pictures that range over 0..1.
        train_samples, test_samples: of the 2,700 clips that clients share, and of the 300 that
            the server tests on.
        public_samples: of the clips that are left of the 2,700, how many everybody may see.
        local_test_fraction: share of each client's samples held out at the client.
        interference_radius: clients closer than this, in a unit square, disturb each other's
            uploads on a shared uplink.
    """

    clients: int = SPEAKERS
    partition: Literal["speakers", "dirichlet"] = "speakers"
    dirichlet_alpha: float = 0.5
    min_samples: int = 20
    tasks: tuple[Literal["digit", "parity", "speaker"], ...] = ("digit", "parity", "speaker")
    tasks_per_client: int = 0
    availability: Literal["both", "thirds", "uneven"] = "both"
    availability_alpha: float = 0.5
    missing: float | tuple[float, float] = 0.0
    missing_mechanism: Mechanism = "random"
    image_noise: float = 0.9
    train_samples: int = 2700
    test_samples: int = 300
    public_samples: int = 0
    local_test_fraction: float = 0.1
    interference_radius: float = 0.4

    def __post_init__(self) -> None:
        if self.clients < 2:
            raise ConfigError(f"scenario av_digits needs at least 2 clients, got {self.clients}")
        check_ranges(self, _RANGES)
        Missing(self.missing, self.missing_mechanism)  # which refuses shares that make no sense
        if self.partition == "speakers" and self.clients % SPEAKERS:
            raise ConfigError(
                f"{self.clients} clients cannot be shards of {SPEAKERS} speakers; take a multiple "
                f'of {SPEAKERS}, or partition = "dirichlet"'
            )
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise ConfigError(f"tasks must name at least one, and none twice; got {self.tasks}")

    def dataset(self) -> Dataset:
        """Return the data set behind the scenario.

        Raises:
            ConfigError: fsdd or mnist is not on this machine; says how to get it.
        """
        return self._load(noise_seed=0)

    def outline(self) -> Outline:
        """Return the names of its clients, modalities and tasks, without loading data."""
        known = {task.name: task for task in av_digits.TASKS}
        speakers = ("speaker",) if self.partition == "speakers" else ()
        return Outline.of(self.clients, MODALITIES, [known[name] for name in self.tasks], speakers)

    def untrained(self, streams: Streams) -> Held:
        """Return the tasks that no client has in the cell with these streams."""
        return not_held(self.tasks, self._tasks(streams))

    def metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics that its records hold, without loading data."""
        known = {task.name: task for task in av_digits.TASKS}
        return metric_names([known[name] for name in self.tasks], MODALITIES)

    def build(self, streams: Streams) -> Population:
        """Return the participants of the cell with these streams."""
        data = self._load(noise_seed=streams.seed)
        rng = streams("partition")
        assert data.test_rows is not None  # the loader's own
        rest = np.setdiff1d(np.arange(len(data.samples)), data.test_rows)
        kept = _some(rest, self.train_samples, "train_samples", rng)
        held_out = HeldOut(
            test=_some(data.test_rows, self.test_samples, "test_samples", rng),
            public=_public(rest, kept, self.public_samples, streams("partition/public")),
        )
        parts = self._parts(data, kept, rng)
        modalities = self._modalities(streams("partition/modalities"))
        own = shares(
            parts,
            list(zip(modalities, self._tasks(streams), strict=True)),
            test_fraction=self.local_test_fraction,
            rng=rng,
        )
        if self.partition == "speakers":
            own = declaring(own, "speaker", data.groups["speaker"])
        missing = Missing(self.missing, self.missing_mechanism)
        return populate(
            missing.applied(data, own, label="digit", rng=streams("partition/missing")),
            own,
            held_out=held_out,
            label="digit",
            interference_radius=self.interference_radius,
            streams=streams,
        )

    def _load(self, noise_seed: int) -> Dataset:
        """Return the data with the tasks of the federation; labels of the others stay known."""
        data = av_digits.AvDigits(image_noise=self.image_noise, noise_seed=noise_seed).load()
        known = {task.name: task for task in data.tasks}
        return replace(data, tasks=tuple(known[name] for name in self.tasks))

    def _parts(
        self, data: Dataset, kept: NDArray[np.intp], rng: np.random.Generator
    ) -> list[NDArray[np.intp]]:
        """Divide the rows `kept` among the clients."""

        def skewed(rows: NDArray[np.intp], clients: int) -> list[NDArray[np.intp]]:
            own = dirichlet(
                data.samples.targets["digit"][rows],
                clients=clients,
                alpha=self.dirichlet_alpha,
                min_size=self.min_samples,
                rng=rng,
            )
            return [rows[part] for part in own]

        if self.partition == "dirichlet":
            return skewed(kept, self.clients)
        speakers = [kept[part] for part in natural(data.groups["speaker"][kept])]
        shards = self.clients // SPEAKERS
        return inside(speakers, lambda rows: skewed(rows, shards)) if shards > 1 else speakers

    def _tasks(self, streams: Streams) -> list[Held]:
        """Return the tasks of each client."""
        return task_assignment(
            self.tasks,
            clients=self.clients,
            per_client=self.tasks_per_client or len(self.tasks),
            rng=streams("partition/tasks"),
        )

    def _modalities(self, rng: np.random.Generator) -> list[Held]:
        """Return the modalities of each client."""
        thirds, clients = (_BOTH, _AUDIO, _IMAGE), self.clients
        if self.availability == "uneven":
            return uneven(thirds, clients=clients, alpha=self.availability_alpha, rng=rng)
        patterns = thirds if self.availability == "thirds" else (_BOTH,)
        return modality_availability(_BOTH, clients=clients, patterns=patterns, rng=rng)


def _public(
    rows: NDArray[np.intp], kept: NDArray[np.intp], count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return `count` of the rows that are not kept, sorted."""
    left = np.setdiff1d(rows, kept)
    if not 0 <= count <= len(left):
        raise ConfigError(
            f"{count} public samples of the {len(left)} that {len(kept)} train_samples leave; "
            "lower train_samples"
        )
    return np.sort(rng.permutation(left)[:count])


def _some(
    rows: NDArray[np.intp], count: int, option: str, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return `count` of the rows, sorted."""
    if not 1 <= count <= len(rows):
        raise ConfigError(f"{option} must lie in 1..{len(rows)}, got {count}")
    return np.sort(rng.permutation(rows)[:count])
