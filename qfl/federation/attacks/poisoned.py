"""A small federation with poisoned clients, to see what an attack costs under which rule.

Every client takes part in every round, and all of them are trained in one batch: a run takes a
tenth of a second, where a study takes minutes. Rules and attacks are those of `qfl.security`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.data.partition import dirichlet
from qfl.federation.attacks.victims import Descent, Floats, Shape, accuracy, descend
from qfl.security.attacks.poisoning import UPDATE_ATTACKS, corrupt, flip_labels, plant_backdoor
from qfl.security.robust import aggregate_rows, check_visible, cohort_means

DATA_ATTACKS = ("label_flip", "backdoor")
_CLASSES = 10
_LEAST_SAMPLES = 20
_LOCAL = Descent(steps=5, rate=0.5)

_Data = tuple[Floats, NDArray[np.int64], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """What the corrupted clients do.

    Attributes:
        attack: "none", one of UPDATE_ATTACKS or one of DATA_ATTACKS.
        scale: as in `corrupt`; updates trained on poisoned data are multiplied by it.
        target: the class that a backdoor's trigger shall mean.
    """

    attack: str = "none"
    scale: float = 1.0
    target: int = 0

    def __post_init__(self) -> None:
        allowed = ("none", *UPDATE_ATTACKS, *DATA_ATTACKS)
        if self.attack not in allowed:
            raise UnknownNameError("poisoning attack", self.attack, allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """How the server aggregates.

    Attributes:
        rule: a name in `qfl.security.robust.RULES`.
        norm_bound: of one client's update, for norm_bounded_mean.
        cohort_size: clients per masked sum; 1 shows the server every update. The rule is given
            cohort means; masks, which change them by a rounding step at most, are not drawn.
    """

    rule: str = "mean"
    norm_bound: float = 1.0
    cohort_size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The federation.

    Attributes:
        clients, corrupted: n and f.
        rounds: of full participation.
        dirichlet_alpha: label skew, class-wise; large means equal shares.
        server_samples: the server's own clean samples, which fltrust learns from.
    """

    clients: int = 20
    corrupted: int = 4
    rounds: int = 15
    dirichlet_alpha: float = 1.0
    server_samples: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.corrupted < self.clients or min(self.rounds, self.server_samples) < 1:
            raise ConfigError(f"{self}; allowed: some corrupted, not all, and rounds to run")


@dataclass(frozen=True, slots=True)
class Damage:
    """How the last model does.

    Attributes:
        accuracy: on clean test samples.
        backdoor: share of test samples of other classes that the trigger turns into the target.
    """

    accuracy: float
    backdoor: float


class PoisonedFederation:
    """Data and initial weights of one seed, shared by all attacks and defences that are compared.

    Clients 0 to f-1 are corrupted; which shares of the data they hold is drawn.

    Args:
        images: (n, height, width), values from 0 to 1.
        labels: (n,) from 0 to 9.
        setting: the federation.
        rng: draws the partition, the initial weights and the cohorts.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        labels: NDArray[np.int64],
        *,
        setting: Setting,
        rng: np.random.Generator,
    ) -> None:
        self.setting = setting
        self._images, self._labels = images, labels
        order = rng.permutation(len(images))
        quarter = len(order) // 4
        self._test, server, train = np.split(order, [quarter, quarter + setting.server_samples])
        parts = dirichlet(
            labels[train],
            clients=setting.clients,
            alpha=setting.dirichlet_alpha,
            min_size=_LEAST_SAMPLES,
            rng=rng,
        )
        self._clean = self._padded([train[part] for part in parts])
        self._own = self._padded([server])
        self._shape = Shape(inputs=images[0].size, hidden=16, classes=_CLASSES)
        self._start = self._shape.start(1, rng=rng)
        self._order = rng.permutation(setting.clients).tolist()

    def run(self, poison: Poison, defence: Defence) -> Damage:
        """Return what the attack does to the model under the defence; the same every time.

        Raises:
            ConfigError: the rule cannot see what it compares, or cannot bear so many corrupted.
        """
        size, masked = defence.cohort_size, defence.cohort_size > 1
        cohorts = [self._order[i : i + size] for i in range(0, len(self._order), size)]
        hit = sum(min(cohort) < self.setting.corrupted for cohort in cohorts)
        check_visible(defence.rule, masked=masked, cohorts=len(cohorts), corrupted=hit)
        data, weights = self._poisoned(poison), self._start
        for _ in range(self.setting.rounds):
            rows = self._sent(weights, data, poison)
            seen = cohort_means(rows, cohorts=cohorts) if masked else rows
            own = self._learnt(weights, self._own)[0] if defence.rule == "fltrust" else None
            step = aggregate_rows(
                defence.rule,
                seen,
                corrupted=hit,
                bound=defence.norm_bound,
                server_update=own,
            )
            weights = weights + step.astype(np.float32)
        return self._damage(weights, poison)

    def _sent(self, weights: Floats, data: _Data, poison: Poison) -> NDArray[np.float64]:
        """Return what every client sends, the corrupted ones first."""
        rows = self._learnt(weights, data)
        if poison.attack == "none":
            return rows
        attack = poison.attack if poison.attack in UPDATE_ATTACKS else "boost"
        return corrupt(attack, rows, corrupted=self.setting.corrupted, scale=poison.scale)

    def _learnt(self, weights: Floats, data: _Data) -> NDArray[np.float64]:
        start = np.tile(weights, (len(data[0]), 1))
        return (descend(self._shape, start, data, descent=_LOCAL) - start).astype(np.float64)

    def _poisoned(self, poison: Poison) -> _Data:
        """Return everybody's samples, the corrupted ones' changed if the attack is on data."""
        inputs, labels, counts = self._clean
        inputs, labels = inputs.copy(), labels.copy()
        f = self.setting.corrupted
        if poison.attack == "label_flip":
            labels[:f] = flip_labels(labels[:f].ravel(), classes=_CLASSES).reshape(f, -1)
        elif poison.attack == "backdoor":
            half = (slice(f), slice(None, None, 2))
            inputs[half], labels[half] = self._stamped(
                inputs[half], labels[half], target=poison.target
            )
        return inputs, labels, counts

    def _stamped(
        self, inputs: Floats, labels: NDArray[np.int64], *, target: int
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Return inputs with the trigger and the label it shall have; shapes as given."""
        pictures = inputs.reshape(-1, *self._images.shape[1:])
        stamped, wanted = plant_backdoor(pictures, labels.ravel(), target=target)
        return stamped.reshape(inputs.shape).astype(np.float32), wanted.reshape(labels.shape)

    def _padded(self, shares: list[NDArray[np.intp]]) -> _Data:
        """Return inputs, labels and which samples count; short shares repeat without counting."""
        longest = max(map(len, shares))
        rows = np.stack([np.resize(share, longest) for share in shares])
        counts = np.arange(longest) < np.array([len(share) for share in shares])[:, None]
        inputs = self._images[rows].reshape(len(shares), longest, -1)
        return inputs, self._labels[rows], counts.astype(np.float32)

    def _damage(self, weights: Floats, poison: Poison) -> Damage:
        inputs = self._images[self._test].reshape(len(self._test), -1)
        labels = self._labels[self._test]
        others = labels != poison.target
        stamped, wanted = self._stamped(inputs[others], labels[others], target=poison.target)
        right = accuracy(self._shape, weights, inputs, labels)
        fooled = accuracy(self._shape, weights, stamped, wanted)
        return Damage(accuracy=float(right[0]), backdoor=float(fooled[0]))
