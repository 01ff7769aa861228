"""The plan of a federation: how long, how many, and who stands behind every port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from qfl.core.choice import Yardstick
from qfl.core.errors import ConfigError, ProblemError, UnknownNameError
from qfl.core.ports import Algorithm, Channel, Eavesdropper, Gatherer, Solver
from qfl.core.problem import Problem
from qfl.federation.attacks.adversary import Adversary
from qfl.federation.averaging.defence import Defence
from qfl.federation.clusters.division import Division
from qfl.federation.deciding.selection import Propose, SelectionWeights
from qfl.federation.deciding.uplink import Scheduler
from qfl.federation.engine import LocalTraining
from qfl.models.policies import ExchangePolicy, check_changes, exchange_policy
from qfl.models.pooled import Pooled
from qfl.models.transformer import PROFILES, Gate, Slot, Transformer
from qfl.security.privacy.mechanisms import Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long a federation runs and what a round looks like.

    Attributes:
        rounds: number of rounds, at least 1.
        clients_per_round: K; exactly this many are selected in every round.
        model: how the model is built: pooled (one token per modality, averaged), or a transformer
            of the size tiny, small, base or large.
        model_width: size of the tokens of the pooled model.
        lora_ranks: rank of the LoRA factors of client 0, 1, ..., starting over at the end; the
            server has the largest. Empty: the rank of the profile for all.
        gate: who chooses the experts of a transformer's token: top_k, soft, table (by modality and
            task: nothing to learn) or quantum.
        head, adapter: what fills these slots of a transformer: plain, quantum (a circuit), or a
            control of the circuit: classical (as many trainable numbers) or random (fixed).
        qubits, circuit_layers: of the circuit, and of its controls.
        exchange: which modules travel: full, lora, adapter, prompt, peft, head; or all but the
            heads (fedper) or the norms (fedbn), which every client then keeps to itself.
        codec: how changes travel up: fp32, fp16, int8, or top_k; see `averaging.codecs`.
        modules: exceptions for single modules, pattern of ids -> placement, aggregator, weight or
            codec of those that match, such as {"encoder:*": {"codec": "int8"}}.
        min_holders: a module that fewer of a round's clients hold is not sent in that round, for
            it would show one of them alone even under masks.
        warm_up_epochs: passes over the scenario's public samples before round 0, which train all
            but LoRA and adapters: the checkpoint that everybody starts from.
        validation_fraction: share of its training samples that every client keeps apart, for
            algorithms that compare models on them; 0 keeps none.
        eavesdropped_round: in this round an eavesdropper sits on the quantum channel of the first
            client that is called, whoever that is, so that every method loses one; 0 is never.
        evaluated_clients: most clients that every record evaluates, each with its own model on its
            own test split. Of more, a panel of so many is drawn once: the same in all rounds, and
            for all methods of a seed.
    """

    rounds: int
    clients_per_round: int
    model: str = "pooled"
    model_width: int = 32
    lora_ranks: tuple[int, ...] = ()
    gate: Gate = "top_k"
    head: Slot = "plain"
    adapter: Slot = "plain"
    qubits: int = 4
    circuit_layers: int = 2
    exchange: str = "full"
    codec: str = "fp32"
    modules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    min_holders: int = 1
    warm_up_epochs: int = 0
    validation_fraction: float = 0.0
    eavesdropped_round: int = 0
    evaluated_clients: int = 100

    def __post_init__(self) -> None:
        least = {"rounds": 1, "clients_per_round": 1, "evaluated_clients": 1, "model_width": 2}
        least |= {"min_holders": 1, "warm_up_epochs": 0, "eavesdropped_round": 0}
        least |= {"qubits": 1, "circuit_layers": 1}
        for name, allowed in least.items():
            if getattr(self, name) < allowed:
                raise ConfigError(f"{name} must be >= {allowed}, got {getattr(self, name)}")
        if self.eavesdropped_round > self.rounds:
            raise ConfigError(
                f"eavesdropped_round {self.eavesdropped_round} is after the last of {self.rounds} "
                "rounds; 0 means never"
            )
        if not 0 <= self.validation_fraction < 1:
            raise ConfigError(
                "validation_fraction must be at least 0 and below 1, got "
                f"{self.validation_fraction}"
            )
        exchange_policy(self.exchange).coded(self.codec)  # which refuses unknown names
        check_changes(self.modules)
        if self.model not in (names := ("pooled", *PROFILES)):
            raise UnknownNameError("model", self.model, names)
        unused = {
            "lora_ranks": self.lora_ranks != (),
            **{slot: getattr(self, slot) != "plain" for slot in ("head", "adapter")},
        }
        if self.model == "pooled" and any(unused.values()):
            name = next(name for name, given in unused.items() if given)
            raise ConfigError(f"the pooled model has no {name}; take model tiny, small, ...")
        for client in range(max(1, len(self.lora_ranks))):
            self.recipe_of(client)  # which refuses what cannot be built
        if missing := exchange_policy(self.exchange).missing(self.recipe.kinds):
            raise ConfigError(
                f"exchange {self.exchange!r} is for modules of kind {' or '.join(missing)}, and "
                f"model {self.model!r} has none; take model tiny, small, ..., or exchange full, "
                "head or fedper"
            )

    def check_choice(self, clients: int, candidates: int) -> None:
        """Refuse to choose more clients than there are, or than a round's pool has.

        Raises:
            ProblemError: `clients_per_round` is above one of these.
        """
        if self.clients_per_round > clients:
            raise ProblemError(
                f"cannot choose {self.clients_per_round} of {clients} clients; "
                f"clients_per_round must lie in 1..{clients}"
            )
        if self.clients_per_round > candidates:
            raise ProblemError(
                f"cannot choose {self.clients_per_round} clients from a pool of {candidates}; "
                f"set selection.candidates to {self.clients_per_round} or more"
            )

    @property
    def kept_clients(self) -> int:
        """Clients whose tensors stay in memory: those evaluated in every round, and as many as
        train in one."""
        return self.evaluated_clients + self.clients_per_round

    def policy(self, modules: Iterable[str]) -> ExchangePolicy:
        """Return what happens to every one of the modules with these ids.

        Raises:
            UnknownNameError: an exception is for none of them.
        """
        return exchange_policy(self.exchange).coded(self.codec).changed(self.modules, modules)

    @property
    def recipe(self) -> Pooled | Transformer:
        """How the server's model is built."""
        if self.model == "pooled":
            return Pooled(self.model_width)
        profile = PROFILES[self.model]
        return replace(
            profile,
            rank=max(self.lora_ranks, default=profile.rank),
            gate=self.gate,
            head=self.head,
            adapter=self.adapter,
            qubits=self.qubits,
            circuit_layers=self.circuit_layers,
        )

    def recipe_of(self, client: int) -> Pooled | Transformer:
        """How the model of a client is built."""
        recipe = self.recipe
        if isinstance(recipe, Pooled) or not self.lora_ranks:
            return recipe
        return replace(recipe, rank=self.lora_ranks[client % len(self.lora_ranks)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policies:
    """What varies from cell to cell: the implementations behind the ports.

    Attributes:
        propose: builds the selection problem of a round.
        solver: decides it.
        measure: finds the range of a problem for the record, None where that is
            out of reach; solvers never see it.
        channel: connected to every client.
        gatherer: brings answers home over that channel.
        algorithm: client-side term and server-side aggregation.
        training: what a client does between download and upload.
        weights: what counts in the choice of clients.
        eavesdropper: who sits on a quantum channel in the eavesdropped round.
        scheduler: assigns uploads to the slots of a shared uplink; None: nothing is shared.
        adversary: the clients that lie; None: all are honest.
        privacy: where noise comes from; None: there is none.
        defence: the rule in place of the algorithm's mean, if any.
        division: who shares copies of modules that are placed cluster, if any are.
    """

    propose: Propose
    solver: Solver
    measure: Callable[[Problem], Yardstick | None]
    channel: Channel
    gatherer: Gatherer
    algorithm: Algorithm
    training: LocalTraining = field(default_factory=LocalTraining)
    weights: SelectionWeights = field(default_factory=SelectionWeights)
    eavesdropper: Eavesdropper | None = None
    scheduler: Scheduler | None = None
    adversary: Adversary | None = None
    privacy: Mechanism | None = None
    defence: Defence | None = None
    division: Division | None = None
