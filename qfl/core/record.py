"""What one federated round, or one decision, did: the rows of cells.jsonl, without arrays.

Everything outside `timings` is a function of the cell alone and repeats bit for bit; `timings`
holds the real seconds of the machine that happened to run it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from qfl.core.decision import Decision
from qfl.core.personal import Comparison


@dataclass(frozen=True, slots=True)
class Costs:
    """What a round used; costs of rounds add.

    Attributes:
        payload_bytes_up, payload_bytes_down: envelopes on the links, as serialised.
        energy_joules: computing and transmitting at the clients.
        virtual_seconds: simulated time of the round (slowest needed client).
        key_bits_produced, key_bits_used: secret key bits over all links.
        aborted_sessions: key exchanges that stopped before a key was delivered.
        training_operations: floating-point operations of local training.
    """

    payload_bytes_up: int = 0
    payload_bytes_down: int = 0
    energy_joules: float = 0.0
    virtual_seconds: float = 0.0
    key_bits_produced: int = 0
    key_bits_used: int = 0
    aborted_sessions: int = 0
    training_operations: float = 0.0

    def __add__(self, other: Costs) -> Costs:
        return Costs(*(getattr(self, f) + getattr(other, f) for f in self.__slots__))


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """One key-exchange session on one link.

    Attributes:
        client: the client at the far end.
        sifted_bits, secret_bits: lengths before and after post-processing (0 if aborted).
        qber: estimated quantum bit error rate, None if no bits were compared.
        disclosed_bits: parities and hash bits published while reconciling.
        key_bits_left: in the pool after the round.
        aborted: why the session stopped, or "".
        duration_seconds: virtual time that the session took.
        trusted: per route through relays, the nodes that see what passes there; who has corrupted
            one on every route knows the keys. Empty without relays.
        key_bits_kept: taken from the pool in this session, for a hybrid key that both ends keep.
    """

    client: str
    sifted_bits: int
    secret_bits: int
    qber: float | None
    disclosed_bits: int
    key_bits_left: int
    aborted: str = ""
    duration_seconds: float = 0.0
    trusted: tuple[tuple[str, ...], ...] = ()
    key_bits_kept: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "trusted", tuple(map(tuple, self.trusted)))


@dataclass(frozen=True, slots=True)
class SumEvent:
    """One masked sum: the modules that the same clients hold, added up unseen.

    Attributes:
        modules: whose changes are in it.
        cohort: which of the round's cohorts it belongs to.
        clients, survivors: who took part, and whose changes are in the sum.
        threshold: fewest survivors of a sum that is opened.
        masks: where masks come from, "ml-kem", "qkd", "pads" or "pairwise-pads".
        length, modulus_bits: numbers summed, and bits of each.
        key_bits: key that the clients share for it, over all pairs.
        least_key_bits, naive_key_bits: of one-time masks that tolerate as many dropouts.
        key_ratio: of key_bits to the least, of a sum that was opened; ciphers stay below 1.
        cut: numbers beyond the grid, over all clients; each was added as its end.
        given_up: why there is no sum and its modules stay as they were, or "".
    """

    modules: tuple[str, ...]
    cohort: int
    clients: int
    survivors: int
    threshold: int
    masks: str
    length: int
    modulus_bits: int
    key_bits: int = 0
    key_ratio: float | None = None
    given_up: str = ""
    least_key_bits: float = 0.0
    naive_key_bits: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class PairKeys:
    """What the pools of links between clients hold after a round.

    Attributes:
        links: pairs of clients with a pool.
        bits_left: over all of them.
        poorest_bits: in the pool with the least.
    """

    links: int
    bits_left: int
    poorest_bits: int


@dataclass(frozen=True, slots=True)
class PrivacyEvent:
    """What all releases up to a round guarantee, with everything that the claim depends on.

    Attributes:
        mechanism: "central", "local" or "distributed".
        epsilon, delta: of the client who took part most often.
        adjacency, conversion, sampling: between which federations, how epsilon was computed, and
            what was assumed about who takes part.
        epsilon_renyi: beside it, by Renyi divergences.
        noise_multiplier, clip: noise relative to the clipping norm, and that norm.
        releases: rounds that this client took part in.
        missing: noise shares of a sum that were counted as lost.
        stopped: why the training ended here, or "".
    """

    mechanism: str
    epsilon: float
    delta: float
    adjacency: str
    conversion: str
    sampling: str
    epsilon_renyi: float
    noise_multiplier: float
    clip: float
    releases: int
    missing: int = 0
    stopped: str = ""


class Yardstick(Protocol):
    """What is known of all feasible energies of a problem."""

    @property
    def optimum(self) -> float: ...
    @property
    def worst(self) -> float: ...
    @property
    def mean(self) -> float: ...
    @property
    def states(self) -> int: ...
    @property
    def optimal_states(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision in numbers, with the instance it answers.

    Attributes:
        problem_hash: identifies the instance.
        energy, optimum, worst: objective at the decision, and its least and greatest feasible
            value by enumeration; None where not known.
        feasible: whether the decision satisfies the constraint; after a repair, diagnostics say so.
        evaluations, shots, qubits, depth, two_qubit_gates: the solver's bill.
        diagnostics: what the solver reports beside, such as optimum_probability.
        mean: mean feasible energy, None where not known.
        states, optimal_states: how many feasible states there are, and how many of them reach
            the optimum; None where not known.
    """

    problem_hash: str
    energy: float
    feasible: bool
    optimum: float | None
    worst: float | None
    evaluations: int
    shots: int
    qubits: int
    depth: int
    two_qubit_gates: int
    diagnostics: Mapping[str, float | str] = field(default_factory=dict)
    mean: float | None = None
    states: int | None = None
    optimal_states: int | None = None

    @classmethod
    def of(cls, decision: Decision, yardstick: Yardstick | None) -> Choice:
        """Return the decision in numbers, beside what the yardstick knows of the instance."""
        bill = decision.bill
        return cls(
            problem_hash=decision.problem_hash,
            energy=decision.energy,
            feasible=decision.feasible,
            optimum=yardstick.optimum if yardstick else None,
            worst=yardstick.worst if yardstick else None,
            evaluations=bill.evaluations,
            shots=bill.shots,
            qubits=bill.qubits,
            depth=bill.depth,
            two_qubit_gates=bill.two_qubit_gates,
            diagnostics=decision.diagnostics,
            mean=yardstick.mean if yardstick else None,
            states=yardstick.states if yardstick else None,
            optimal_states=yardstick.optimal_states if yardstick else None,
        )

    @property
    def is_optimum(self) -> bool:
        """True if the decision is feasible and its energy is the enumerated optimum."""
        return self.feasible and self._reaches(self.energy) == 1.0

    def _reaches(self, energy: float) -> float:
        """Return 1 if `energy` is the enumerated optimum, else 0; NaN if that is not known."""
        if self.optimum is None:
            return math.nan
        scale = max(abs(self.optimum), abs(self.worst or 0.0), 1e-300)
        return float(abs(energy - self.optimum) <= _OPTIMAL * scale)

    def ratio(self, energy: float) -> float:
        """Return (worst - energy) / (worst - optimum), NaN where the range is unknown or empty."""
        if self.optimum is None or self.worst is None or self.worst <= self.optimum:
            return math.nan
        return (self.worst - energy) / (self.worst - self.optimum)

    def figures(self) -> dict[str, float]:
        """Return the figures of merit that are known, by the names of `qfl.core.metrics`.

        An exact backend knows those of a single sample. So does enumeration, for solvers that
        draw feasible states uniformly. Those of the samples drawn are known to whoever samples.
        """
        chance = math.nan
        if self.states and self.optimal_states:
            chance = self.optimal_states / self.states
        seen = self.diagnostics
        uniform = seen.get("distribution") == "uniform" and self.mean is not None
        sample = (
            (self.mean or 0.0, 1.0, chance)
            if uniform
            else tuple(float(seen.get(name, math.nan)) for name in _ONE_SAMPLE)
        )
        found = {
            "approximation_ratio": self.ratio(self.energy),
            "optimum_hit": math.nan if self.optimum is None else float(self.is_optimum),
            "feasible": float(self.feasible and not seen.get("repaired")),
            "sample_ratio": self.ratio(sample[0]),
            "in_constraint_probability": sample[1],
            "optimum_probability": sample[2],
            "uniform_probability": chance,
            **self._sampled(),
        }
        return {name: value for name, value in found.items() if not math.isnan(value)}

    def _sampled(self) -> dict[str, float]:
        """Return the figures of the samples that were drawn, NaN where there are none."""
        seen = {
            name: float(value)
            for name in _DRAWN
            if isinstance(value := self.diagnostics.get(name), float)
        }
        ratio = self.ratio(seen.get("feasible_mean", math.nan))
        random = math.nan if self.mean is None else self.ratio(self.mean)
        covered = (ratio - random) / (1 - random) if random < 1 else math.nan
        best = seen.get("energy_before_postprocess", self.energy)
        return {
            "sampled_ratio": ratio,
            "effective_ratio": 0.0 if covered < 0 else covered,
            "sampled_optimum": seen.get("best_share", math.nan) * self._reaches(best),
            "kept_fraction": seen.get("kept_fraction", math.nan),
            "mean_ratio": self.ratio(seen.get("mitigated_mean", seen.get("sample_mean", math.nan))),
        }


_OPTIMAL = 1e-9
"""Relative gap below which an energy counts as the optimum."""
_ONE_SAMPLE = ("feasible_expectation", "in_constraint_probability", "optimum_probability")
_DRAWN = (
    *("kept_fraction", "feasible_mean", "sample_mean", "mitigated_mean"),
    *("best_share", "energy_before_postprocess"),
)


@dataclass(frozen=True, slots=True)
class Timings:
    """Real seconds of one round on the machine that ran it; never part of a comparison of bits.
    Seconds of rounds add."""

    classical_seconds: float = 0.0
    quantum_seconds: float = 0.0
    training_seconds: float = 0.0
    channel_seconds: float = 0.0
    total_seconds: float = 0.0

    def __add__(self, other: Timings) -> Timings:
        return Timings(*(getattr(self, f) + getattr(other, f) for f in self.__slots__))


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One round of one federation.

    Attributes:
        round: 1, 2, ...; 0 is the evaluation before any training.
        selected: the clients the decision named, in client order.
        delivered: those whose updates arrived and were aggregated.
        metrics: global model on the held-out test set, "digit.accuracy" -> value.
        client_metrics: client -> metric -> value on that client's local test split.
        choice: the decision who trains, None in round 0.
        slots: the decision who uploads when, None without a shared uplink.
        level: security level of the round's envelopes.
        facts: about the realised data, stated once with round 0.
        sums: the masked sums, empty where the server opens every update.
        pairs: keys left between clients, None where they share none by QKD.
        privacy: what was spent so far, None without differential privacy.
        left_out: module -> why it stayed as it was although somebody sent it.
        excluded: client -> why what it did in this round does not count; with round 0, tasks that
            nobody trains, and "task at client" where no sample has the label.
        comparisons: of personal models with the common one, client by client.
        parameters: numbers of the server's model, stated once with round 0: "all" of them, those
            "exchanged" in a round, those that are angles of "quantum" gates.
        holdings: client -> its "modalities" and "tasks", stated once with round 0.
        least_trained: rounds so far that trained the pair of a modality and a task that was
            trained least often; None where all clients hold the same.
    """

    round: int
    selected: tuple[str, ...]
    delivered: tuple[str, ...]
    metrics: Mapping[str, float]
    client_metrics: Mapping[str, Mapping[str, float]]
    choice: Choice | None
    costs: Costs
    links: tuple[LinkEvent, ...]
    level: str
    timings: Timings
    facts: Mapping[str, float] = field(default_factory=dict)
    slots: Choice | None = None
    sums: tuple[SumEvent, ...] = ()
    pairs: PairKeys | None = None
    privacy: PrivacyEvent | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    holdings: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    least_trained: int | None = None

    def measured(self) -> dict[str, float]:
        """Return the metrics, or the figures of merit of a decision after which nobody trained."""
        if self.metrics or self.choice is None:
            return dict(self.metrics)
        return self.choice.figures()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> RoundRecord:
        """Return the record that `to_dict` wrote."""
        return cls(
            round=row["round"],
            selected=tuple(row["selected"]),
            delivered=tuple(row["delivered"]),
            metrics=row["metrics"],
            client_metrics=row["client_metrics"],
            choice=Choice(**row["choice"]) if row["choice"] else None,
            costs=Costs(**row["costs"]),
            links=tuple(LinkEvent(**event) for event in row["links"]),
            level=row["level"],
            timings=Timings(**row["timings"]),
            facts=row["facts"],
            slots=Choice(**row["slots"]) if row["slots"] else None,
            sums=tuple(
                SumEvent(**event | {"modules": tuple(event["modules"])})
                for event in row.get("sums", ())
            ),
            pairs=PairKeys(**row["pairs"]) if row.get("pairs") else None,
            privacy=PrivacyEvent(**row["privacy"]) if row.get("privacy") else None,
            left_out=row.get("left_out", {}),
            excluded=row.get("excluded", {}),
            comparisons=tuple(map(Comparison.from_dict, row.get("comparisons", ()))),
            parameters=row.get("parameters", {}),
            holdings=row.get("holdings", {}),
            least_trained=row.get("least_trained"),
        )
