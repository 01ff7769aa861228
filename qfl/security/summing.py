"""A round's answers as masked sums: the server sees sums of changes, never a change.

A round's clients that hold the same modules form one masked sum; a client of several sums sends
all its vectors in one envelope of the sealed channel underneath, which authenticates it. A set of
holders too small to hide in is left out and says so: its modules stay as they were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, comb
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qfl.core.changes import change_of, changed_by, length_of
from qfl.core.errors import CapacityError, CohortError, ConfigError, KeyExhaustedError
from qfl.core.events import SumEvent
from qfl.core.gather import Answer, Arrival, Gathered
from qfl.core.ports import Channel
from qfl.core.update import Update, lies_beside
from qfl.security.gather import carry
from qfl.security.masking.costs import key_bound
from qfl.security.mesh import Mesh
from qfl.security.parties import OneTimePads, Opened, Shape, Streams
from qfl.security.sealed import SERVER

MASKS = ("ml-kem", "qkd", "pads", "pairwise-pads")
_PADS = {"pads": False, "pairwise-pads": True}
_WORDS = "words"
Integers = NDArray[np.int64]


class Encoding(Protocol):
    """How changes become integers that add up.

    Attributes:
        step: what one integer stands for.
        weighted: whether clients count by their samples; else each counts once.
    """

    @property
    def step(self) -> float: ...
    @property
    def weighted(self) -> bool: ...

    def integers(
        self, change: NDArray[np.float64], *, weight: int, rng: np.random.Generator
    ) -> Integers:
        """Return weight x a client's whole change in steps."""
        ...

    def noise(self, size: int, *, survivors: int, rng: np.random.Generator) -> Integers:
        """Return one client's share of the noise of a sum that so many survive at least."""
        ...

    def beyond(self, change: NDArray[np.float64]) -> int:
        """Return how many numbers of a change are cut to fit."""
        ...

    def modulus_bits(self, clients: int) -> int:
        """Return the bits in which a sum of so many does not wrap."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SumPolicy:
    """How sums are made.

    Attributes:
        masks: "ml-kem" or "qkd" for streams under pairwise keys of either kind, "pads" for
            information-theoretic masks from QKD keys at the proven least of key, "pairwise-pads"
            for the naive ones, which take a symbol of every pair for every number.
        smallest: fewest clients of a sum; of two, each would learn the other's change.
        threshold: share of a sum's clients that must survive, else it is given up.
        neighbours: of each client in the graph of masks; 0 joins every pair.
        cohorts: sums per module, each over clients of its own, that a robust rule may compare.
        dropout: chance that a client leaves between sharing its secrets and sending its vector.
    """

    masks: str = "ml-kem"
    smallest: int = 3
    threshold: float = 2 / 3
    neighbours: int = 0
    cohorts: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.masks not in MASKS:
            raise ConfigError(f"masks {self.masks!r}; allowed: {', '.join(MASKS)}")
        if self.smallest < 2 or self.cohorts < 1 or self.neighbours < 0:
            raise ConfigError(
                f"smallest {self.smallest!r}, cohorts {self.cohorts!r}, neighbours "
                f"{self.neighbours!r}; allowed: at least 2, 1 and 0: a sum of one is its summand"
            )
        if not 0.5 < self.threshold <= 1 or not 0 <= self.dropout < 1:
            raise ConfigError(
                f"threshold {self.threshold!r} and dropout {self.dropout!r}; allowed: above 1/2 "
                "to 1, and 0 to below 1"
            )

    def survivors(self, clients: int) -> int:
        """Return the fewest survivors of a sum of so many.

        >>> SumPolicy().survivors(6)
        4
        """
        return max(clients // 2 + 1, ceil(self.threshold * clients - 1e-9))


@dataclass(slots=True, eq=False)
class _Sum:
    """One sum while it is made."""

    event: SumEvent
    clients: tuple[str, ...]
    parties: Streams | OneTimePads | None = None

    def give_up(self, why: object) -> None:
        self.event = replace(self.event, given_up=str(why))

    def cut(self, numbers: int, *, beside: bool) -> None:
        """Count numbers that did not fit."""
        event = self.event
        self.event = replace(
            event, cut=event.cut + numbers, cut_beside=event.cut_beside + numbers * beside
        )

    def sent_by(self, client: str) -> int:
        """Return the bytes beside its vector that a client has sent."""
        return self.parties.protocol_bytes.get(client, 0) if self.parties else 0


class MaskedSums:
    """Brings the answers of a round home as sums.

    Args:
        channel: carries the masked vectors.
        run: names the run in every envelope.
        policy: how sums are made.
        encoding: how changes become integers.
        mesh: QKD between clients; None where masks come from ML-KEM.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        run: str,
        policy: SumPolicy,
        encoding: Encoding,
        mesh: Mesh | None = None,
    ) -> None:
        self._channel = channel
        self._run = run
        self._policy = policy
        self._encoding = encoding
        self._mesh = mesh

    def gather(
        self, answers: Sequence[Answer], *, round: int, rng: np.random.Generator
    ) -> Gathered:
        """Return the mean change of every set of clients large enough to hide in."""
        if self._mesh:
            self._mesh.start_round()
        by_name = {answer.client: answer for answer in answers}
        sums = self._plan(answers, rng)
        for each in sums:
            self._open(each, round, rng)
        integers = {name: self._integers(answer, rng) for name, answer in by_name.items()}
        arrivals = {}
        for name, answer in by_name.items():
            arrivals[name] = self._send(answer, integers[name], sums, round, rng)
        updates = [self._finish(each, by_name) for each in sums]
        gathered = self._gathered(sums, arrivals, [u for u in updates if u is not None])
        if self._mesh is None:
            return gathered
        return replace(
            gathered,
            key_bits_produced=self._mesh.produced_bits,
            key_bits_used=sum(each.event.key_bits for each in sums),
            pairs=self._mesh.left,
            waiting_seconds=self._mesh.seconds,
        )

    def _plan(self, answers: Sequence[Answer], rng: np.random.Generator) -> list[_Sum]:
        """Return the sums of the round: cohort by cohort, modules with the same holders."""
        order = rng.permutation(len(answers))
        holders: dict[tuple[int, str], list[str]] = defaultdict(list)
        for place, index in enumerate(order):
            for module in answers[index].update.modules:
                holders[place % self._policy.cohorts, module].append(answers[index].client)
        joint: dict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
        for (cohort, module), names in holders.items():
            joint[cohort, tuple(sorted(names))].append(module)
        lengths = {m: length_of(a.update, [m]) for a in answers for m in a.update.modules}
        return [
            self._planned(cohort, clients, sorted(modules), sum(lengths[m] for m in modules))
            for (cohort, clients), modules in sorted(joint.items())
        ]

    def _planned(
        self, cohort: int, clients: tuple[str, ...], modules: list[str], length: int
    ) -> _Sum:
        event = SumEvent(
            modules=tuple(modules),
            cohort=cohort,
            clients=len(clients),
            survivors=0,
            threshold=self._policy.survivors(len(clients)),
            masks=self._policy.masks,
            length=length + 1,
            modulus_bits=self._encoding.modulus_bits(len(clients)),
        )
        return _Sum(_with_bounds(event), clients)

    def _open(self, each: _Sum, round: int, rng: np.random.Generator) -> None:
        """Have the clients of a sum share keys, or give it up."""
        event, policy = each.event, self._policy
        if event.clients < policy.smallest:
            each.give_up(
                f"{event.clients} of the round's clients hold it, a masked sum needs "
                f"{policy.smallest}"
            )
            return
        shape = Shape(
            clients=each.clients,
            length=event.length,
            modulus_bits=event.modulus_bits,
            threshold=event.threshold,
            run=f"{self._run}|{event.cohort}|{'|'.join(event.modules)}",
            round=round,
        )
        try:
            if policy.masks in _PADS and self._mesh is not None:
                naive = _PADS[policy.masks]
                each.parties = OneTimePads(shape, mesh=self._mesh, rng=rng, naive=naive)
            else:
                each.parties = Streams(
                    shape, neighbours=policy.neighbours, mesh=self._mesh, rng=rng
                )
        except (KeyExhaustedError, CohortError, CapacityError) as error:
            each.give_up(error)
            return
        each.event = replace(event, key_bits=each.parties.key_bits)

    def _integers(self, answer: Answer, rng: np.random.Generator) -> dict[str, Integers]:
        """Return a client's change as integers, module by module."""
        modules = sorted(answer.update.modules)
        change = change_of(answer.update, answer.received, modules)
        lengths = [length_of(answer.update, [module]) for module in modules]
        found = self._encoding.integers(change, weight=self._weight(answer), rng=rng)
        return dict(zip(modules, np.split(found, np.cumsum(lengths)[:-1]), strict=True))

    def _weight(self, answer: Answer) -> int:
        return max(answer.update.samples.values()) if self._encoding.weighted else 1

    def _send(
        self,
        answer: Answer,
        integers: Mapping[str, Integers],
        sums: Sequence[_Sum],
        round: int,
        rng: np.random.Generator,
    ) -> Arrival:
        """Have a client mask and send its vectors, unless it leaves before."""
        name = answer.client
        own = {
            f"sum:{i}": (each, each.parties)
            for i, each in enumerate(sums)
            if each.parties and name in each.clients
        }
        if rng.random() < self._policy.dropout or not own:
            return Arrival()
        masked = {
            key: {_WORDS: parties.mask(name, self._summand(each, answer, integers, rng))}
            for key, (each, parties) in own.items()
        }
        try:
            envelope, opened = carry(
                self._channel,
                Update(masked, dict.fromkeys(masked, 1)),
                run=self._run,
                round=round,
                sender=name,
                receiver=SERVER,
            )
        except KeyExhaustedError as error:
            return Arrival(refused=str(error))
        for key, (_, parties) in own.items():
            parties.collect(name, opened.modules[key][_WORDS])
        return Arrival(envelope.wire_bytes, envelope.key_bits, arrived=True)

    def _summand(
        self,
        each: _Sum,
        answer: Answer,
        integers: Mapping[str, Integers],
        rng: np.random.Generator,
    ) -> Integers:
        """Return what a client adds to one sum: its changes with their noise, and its weight."""
        for beside in (False, True):
            modules = [m for m in each.event.modules if lies_beside(m) == beside]
            if modules:
                change = change_of(answer.update, answer.received, modules)
                each.cut(self._encoding.beyond(change), beside=beside)
        changes = np.concatenate([integers[module] for module in each.event.modules])
        noise = self._encoding.noise(len(changes), survivors=each.event.threshold, rng=rng)
        return np.append(changes + noise, self._weight(answer))

    def _finish(self, each: _Sum, answers: Mapping[str, Answer]) -> Update | None:
        """Return the mean over the survivors of a sum as an update of all their samples."""
        if each.parties is None:
            return None
        try:
            opened = each.parties.finish()
        except CohortError as error:
            each.give_up(error)
            return None
        ratio = each.event.key_bits / each.event.least_key_bits
        each.event = replace(each.event, survivors=len(opened.survivors), key_ratio=ratio)
        return self._mean(opened, each.event, answers[opened.survivors[0]].received)

    def _mean(self, opened: Opened, event: SumEvent, received: Update) -> Update:
        weight = int(opened.total[-1])
        change = opened.total[:-1] * (self._encoding.step / weight)
        modules = changed_by(received, change, event.modules)
        return Update(modules, dict.fromkeys(modules, weight))

    def _gathered(
        self, sums: Sequence[_Sum], arrivals: Mapping[str, Arrival], updates: list[Update]
    ) -> Gathered:
        opened = [each for each in sums if each.parties and not each.event.given_up]
        holders: Counter[str] = Counter()
        for each in opened:
            for module in each.event.modules:
                holders[module] += each.event.survivors
        summed: dict[str, frozenset[str]] = defaultdict(frozenset)
        for each in opened:
            for name in each.clients:
                summed[name] |= frozenset(each.event.modules)
        return Gathered(
            updates=tuple(updates),
            arrivals={
                name: replace(
                    arrival,
                    wire_bytes=arrival.wire_bytes + sum(each.sent_by(name) for each in sums),
                    arrived=arrival.arrived and name in summed,
                    modules=summed[name] if arrival.arrived and name in summed else frozenset(),
                )
                for name, arrival in arrivals.items()
            },
            holders=holders,
            sums=tuple(each.event for each in sums),
        )


def _with_bounds(event: SumEvent) -> SumEvent:
    """Add what key a sum needs at least, and naively, to withstand its dropouts by itself."""
    if event.clients < 2:
        return event
    bound = key_bound(event.clients, colluders=event.clients - event.threshold)
    bits = event.length * event.modulus_bits
    return replace(
        event,
        least_key_bits=bound.total * bits,
        naive_key_bits=comb(event.clients, 2) * bits,
    )
