"""What one federated round, or one decision, did: the rows of cells.jsonl, without arrays.

Everything outside `timings` is a function of the cell alone and repeats bit for bit; `timings`
holds the real seconds of the machine that happened to run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from qfl.core.choice import Choice
from qfl.core.events import LinkEvent, Membership, PairKeys, PrivacyEvent, Staleness, SumEvent
from qfl.core.personal import Comparison

SAMPLED = ("clients", "evaluated_clients", "candidates")
"""Facts of a federation in which a panel is evaluated, or rounds choose from a pool."""


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
        client_metrics: client -> metric -> value on that client's local test split, of those that
            are evaluated: all, or a panel that round 0 states in its facts.
        candidates: the pool that the decision chose from; empty where that is everybody.
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
        clusters: who shares copies of modules with whom; None if no module has copies.
        staleness: how old modules are; None if all are fresh and clients keep none.
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
    clusters: Membership | None = None
    candidates: tuple[str, ...] = ()
    staleness: Staleness | None = None

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
            clusters=Membership(**row["clusters"]) if row.get("clusters") else None,
            candidates=tuple(row.get("candidates", ())),
            staleness=Staleness(**row["staleness"]) if row.get("staleness") else None,
        )
