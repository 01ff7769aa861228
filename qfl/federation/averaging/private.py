"""Differential privacy of a federation: clip what clients send, blur their mean, count, stop.

The price is that of the client who took part most often. Everything the server decides with must
then be public: sample counts and device speeds are taken to be, losses and changes are not (a
study that chooses by them is refused).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.changes import change_of, changed_by
from qfl.core.events import PrivacyEvent
from qfl.core.gather import Answer, Gathered
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.security.privacy.clipping import AdaptiveClip
from qfl.security.privacy.encodings import Vector
from qfl.security.privacy.guarantee import Price
from qfl.security.privacy.mechanisms import Central, Distributed, Mechanism

_SHORTER = 1 - 1e-4
"""A change that is too long as float32 weights is taken this much below the bound, and again."""


class Privacy:
    """The account of one federation's privacy.

    Args:
        mechanism: where noise comes from.
        clients: of a round.
        dimension: numbers in the longest change.
        streams: draw the noise.
    """

    def __init__(
        self, mechanism: Mechanism, *, clients: int, dimension: int, streams: Streams
    ) -> None:
        self._mechanism = mechanism
        self._clients = clients
        self._streams = streams
        self._releases: Counter[str] = Counter()
        self._dimension = dimension
        self._clip: AdaptiveClip | None = None
        if isinstance(mechanism, Central):
            self._clip = mechanism.adaptive(clients)
        self._below = self._missing = 0

    @classmethod
    def priced(cls, mechanism: Mechanism | None, **rest: Any) -> Privacy | None:
        """Return the account of a federation with this mechanism, None without one."""
        return None if mechanism is None else cls(mechanism, **rest)

    @property
    def bound(self) -> float:
        """The clipping norm of the present round."""
        return self._clip.bound if self._clip else self._mechanism.clip

    def refusal(self, chosen: Iterable[str]) -> str:
        """Return why no round with these clients is paid for, "" if it is; ask before training."""
        most = max(self._releases[name] for name in chosen) + 1
        budget = self._mechanism.budget
        if not budget:
            return ""
        price = self._price(max(most, self._most))
        if price.guarantee.epsilon <= budget:
            return ""
        return (
            f"the next round would cost {price.guarantee}, over the budget of "
            f"({budget:g}, {self._mechanism.delta:g}); nothing more is released"
        )

    def cover(self, answers: Iterable[Answer], *, round: int) -> list[Answer]:
        """Return what the clients let out of their hands; each counts once from now on."""
        self._below = 0
        covered = []
        for index, answer in enumerate(answers):
            self._releases[answer.client] += 1
            modules = sorted(answer.update.modules)
            change = change_of(answer.update, answer.received, modules)
            self._below += float(np.linalg.norm(change)) <= self.bound
            rng = self._streams("privacy/client", round, index)
            sent = self._mechanism.send(change, bound=self.bound, rng=rng)
            update = self._carried(answer.received, sent, modules)
            covered.append(Answer(answer.client, answer.received, update))
        return covered

    def blur(self, gathered: Gathered, *, round: int) -> Gathered:
        """Return what the server may learn from: one mean with its noise; the clip moves on."""
        if isinstance(self._mechanism, Distributed):
            self._missing = max((s.clients - s.threshold for s in gathered.sums), default=0)
        noise = self._mechanism.server_noise(bound=self.bound, clients=self._clients)
        if not noise or not gathered.updates:
            return gathered
        rng = self._streams("privacy/server", round)
        mean = {
            module: {
                name: tensor + _normal(noise / gathered.holders[module], tensor.shape, rng)
                for name, tensor in tensors.items()
            }
            for module, tensors in sorted(weighted_mean(gathered.updates).items())
        }
        if self._clip:
            self._clip = self._clip.after(below=self._below, clients=self._clients, rng=rng)
        samples = {module: gathered.holders[module] for module in mean}
        return replace(gathered, updates=(Update(mean, samples),))

    def event(self, *, stopped: str = "") -> PrivacyEvent:
        """Return what was spent so far."""
        price = self._price(max(1, self._most))
        guarantee = price.guarantee
        return PrivacyEvent(
            mechanism=self._mechanism.name,
            epsilon=guarantee.epsilon if self._most else 0.0,
            delta=guarantee.delta,
            adjacency=guarantee.adjacency.value,
            conversion=guarantee.conversion.value,
            sampling=guarantee.sampling,
            epsilon_renyi=price.epsilon_renyi if self._most else 0.0,
            noise_multiplier=self._mechanism.noise_multiplier,
            clip=self.bound,
            releases=self._most,
            missing=self._missing,
            stopped=stopped,
        )

    def _carried(self, received: Update, change: Vector, modules: list[str]) -> Update:
        """Return what travels: weights, whose rounding must not lengthen what a server blurs."""
        while True:
            moved = changed_by(received, change, modules)
            update = Update(moved, dict.fromkeys(modules, 1))
            if not isinstance(self._mechanism, Central):
                return update
            norm = float(np.linalg.norm(change_of(update, received, modules)))
            if norm <= self.bound:
                return update
            change = change * (_SHORTER * self.bound / norm)

    @property
    def _most(self) -> int:
        return max(self._releases.values(), default=0)

    def _price(self, releases: int) -> Price:
        return self._mechanism.price(releases, dimension=self._dimension, clients=self._clients)


def _normal(
    deviation: float, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float32]:
    return rng.normal(0.0, deviation, shape).astype(np.float32)
