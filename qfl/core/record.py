"""What one federated round did. Records are rows of cells.jsonl: plain numbers, no arrays.

Everything outside `timings` is a function of the cell alone and repeats bit for bit; `timings`
holds the real seconds of the machine that happened to run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Costs:
    """What a round used; costs of rounds add.

    Attributes:
        payload_bytes_up, payload_bytes_down: envelopes on the links, as serialised.
        energy_joules: computing and transmitting at the clients.
        virtual_seconds: simulated time of the round (slowest needed client).
        key_bits_produced, key_bits_used: secret key bits over all links.
        aborted_sessions: key exchanges that stopped before a key was delivered.
    """

    payload_bytes_up: int = 0
    payload_bytes_down: int = 0
    energy_joules: float = 0.0
    virtual_seconds: float = 0.0
    key_bits_produced: int = 0
    key_bits_used: int = 0
    aborted_sessions: int = 0

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
    """

    client: str
    sifted_bits: int
    secret_bits: int
    qber: float | None
    disclosed_bits: int
    key_bits_left: int
    aborted: str = ""
    duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The round's decision in numbers, with the instance it answers.

    Attributes:
        problem_hash: identifies the instance.
        energy, optimum, worst: objective at the decision, and its least and greatest feasible
            value by enumeration; None where not known.
        feasible: whether the decision satisfies the constraint; after a repair, diagnostics say so.
        evaluations, shots, qubits, depth, two_qubit_gates: the solver's bill.
        diagnostics: what the solver reports beside, such as optimum_probability.
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


@dataclass(frozen=True, slots=True)
class Timings:
    """Real seconds of one round on the machine that ran it; never part of a comparison of bits."""

    classical_seconds: float = 0.0
    quantum_seconds: float = 0.0
    training_seconds: float = 0.0
    channel_seconds: float = 0.0
    total_seconds: float = 0.0


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
        )
