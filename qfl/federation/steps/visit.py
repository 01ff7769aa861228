"""The clients' part of a round: exchange keys, download, train. `gathering` adds the upload.

Clients with the same modules train as one stack. What a client trains for itself counts like the
common training: its answer goes off when both are done.

Fail closed: a client whose key exchange aborts, or whose link runs out of key, neither receives
nor sends anything in that round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from torch import Tensor

from qfl.core.envelope import Envelope
from qfl.core.errors import KeyExhaustedError
from qfl.core.events import LinkEvent
from qfl.core.gather import Answer
from qfl.core.personal import Comparison
from qfl.core.ports import (
    Channel,
    Eavesdropper,
    Finishing,
    Learning,
    Packing,
    Personalising,
    Unpacking,
)
from qfl.core.record import Costs
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.averaging.weighing import weights_of
from qfl.federation.clusters.by_loss import choosing_operations, least_loss
from qfl.federation.clusters.copies import Copies
from qfl.federation.deciding.uplink import Upload
from qfl.federation.engine import LocalTraining, Trained
from qfl.federation.exchange import check_schema, from_arrays, overlaid, to_update, travelling
from qfl.federation.population import Client
from qfl.federation.training.lessons import Attended, Course, Lesson, PersonalModel, Pupil, attend
from qfl.federation.world import Participant
from qfl.models.m3t import State, fitted, submodel
from qfl.models.policies import ExchangePolicy
from qfl.security.gather import carry
from qfl.security.sealed import SERVER


@dataclass(frozen=True, eq=False)
class Visit:
    """What came of calling a client.

    Attributes:
        client: its name.
        event: the key exchange; None if nothing was to travel.
        costs: bytes, joules, key bits and virtual seconds.
        answer: what the client wants to send, None if nothing.
        arrived: True if its change is in the new model.
        counted: the modules of its answer whose change is.
        opened: the update where the server saw it alone.
        upload: when the client was ready to upload and how long that takes alone; None if it sent
            nothing.
        losses: task -> training loss that the client reports.
        comparisons: of its personal model with the common one.
        copies: clusters whose copies of modules came down to it.
        cluster: the one whose copies it took.
        excluded: why nothing that it did counts, or "".
        training_seconds, channel_seconds: real time.
    """

    client: str
    event: LinkEvent | None
    costs: Costs
    answer: Answer | None = None
    arrived: bool = False
    counted: frozenset[str] = frozenset()
    opened: Update | None = None
    upload: Upload | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    copies: tuple[str, ...] = ()
    cluster: str = ""
    excluded: str = ""
    training_seconds: float = 0.0
    channel_seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """A client that was called: the key exchange, what it spent, what it received if anything, and
    what it took of that as its modules, from which clusters' copies."""

    participant: Participant
    event: LinkEvent | None
    spent: Costs
    received: Update | None = None
    seconds: float = 0.0
    taken: State = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    cluster: str = ""

    @property
    def works(self) -> bool:
        """Whether the client goes on: what should have travelled did."""
        return self.received is not None or self.event is None


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """What a client's training came to."""

    trained: Trained | None
    personal: PersonalModel | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Courier:
    """Takes the model to clients and has them train it.

    Attributes:
        channel: seals, opens and exchanges keys.
        learning: says what clients add to the common training.
        training: what a client does with the model.
        exchange: which modules travel.
        streams: orders batches and drives the quantum channels.
        run: names the run in every envelope.
        base: the modules that everybody held before the first round.
        copies: which copies of modules clients get.
        workers: threads on which clients train.
        kept: client -> the modules that it never shows, as it left them.
        own: client -> its personal model, as it left it.
    """

    channel: Channel
    learning: Learning
    training: LocalTraining
    exchange: ExchangePolicy
    streams: Streams
    run: str
    base: State
    copies: Copies
    workers: int = 1
    kept: dict[int, State] = field(default_factory=dict)
    own: dict[int, State] = field(default_factory=dict)

    def visit(
        self,
        participants: Sequence[Participant],
        state: State,
        *,
        round_index: int,
        tapped: Mapping[str, Eavesdropper],
    ) -> list[Visit]:
        """Return what came of calling `participants` with the global modules `state`.

        Args:
            participants: whom to call, in order.
            state: what they are offered.
            round_index: names the streams.
            tapped: client -> who listens on its quantum channel.
        """
        calls = [
            self._call(one, state, round_index, tapped.get(one.client.name)) for one in participants
        ]
        return self._taught(calls, [self._study(call, round_index) for call in calls if call.works])

    def finish(
        self, participants: Sequence[Participant], state: State, *, round_index: int
    ) -> list[Visit]:
        """Return what came of everybody taking the final model home; nobody answers.

        Args:
            participants: everybody.
            state: the final global modules.
            round_index: one more than there were rounds; names the streams.
        """
        calls = [self._call(one, state, round_index, None) for one in participants]
        return self._taught(calls, [self._last(call, round_index) for call in calls if call.works])

    def hand_out(
        self, participants: Sequence[Participant], state: State, *, round_index: int
    ) -> list[Visit]:
        """Return what came of these clients downloading `state`; nobody trains, nobody answers."""
        calls = [self._call(one, state, round_index, None) for one in participants]
        return [self._visited(call, None) for call in calls]

    def personal(self, participant: Participant, state: State) -> State:
        """Return what the client predicts with: `state`, its own version of the modules it keeps,
        or the personal model that it trained."""
        own, index = self.own.get(participant.index, {}), participant.index
        return {**self.copies.of(state, index), **self.kept.get(participant.index, {}), **own}

    def _call(
        self,
        participant: Participant,
        state: State,
        round_index: int,
        eavesdropper: Eavesdropper | None,
    ) -> _Call:
        """Exchange keys and send the model down."""
        name = participant.client.name
        started = perf_counter()
        offered = self.copies.offered(participant, state)
        packed: State | None = offered
        if isinstance(self.learning, Packing):
            packed = self.learning.pack(participant, offered)
        if packed is None:
            return _Call(participant, None, Costs())
        event = self.channel.exchange(
            name,
            round=round_index,
            rng=self.streams("channel", round_index, participant.number),
            eavesdropper=eavesdropper,
        )
        spent = Costs(
            virtual_seconds=event.duration_seconds,
            key_bits_produced=event.secret_bits,
            key_bits_used=event.key_bits_kept,
        )
        if event.aborted:
            spent += Costs(aborted_sessions=1)
            return _Call(participant, event, spent, seconds=perf_counter() - started)
        sent = received = to_update(packed, samples=1)
        if packed:
            try:
                down, received = carry(
                    self.channel,
                    sent,
                    run=self.run,
                    round=round_index,
                    sender=SERVER,
                    receiver=name,
                )
            except KeyExhaustedError as error:
                event = replace(event, aborted=str(error))
                return _Call(participant, event, spent, seconds=perf_counter() - started)
            check_schema(sent, received, at=name)
            event = replace(event, key_bits_left=event.key_bits_left - down.key_bits)
            spent += _download(participant.client, down)
        call = _Call(participant, event, spent, received)
        return replace(self._chosen(call), seconds=perf_counter() - started)

    def _chosen(self, call: _Call) -> _Call:
        """What a client takes of what it received: of several copies those that lose least."""
        assert call.received is not None  # of calls that went through
        who = call.participant
        versions = self.copies.versions(who, from_arrays(call.received.modules))
        spent, cluster = call.spent, next(iter(versions))
        if len(versions) > 1:
            cluster = least_loss(who, {c: self._model(who, v) for c, v in versions.items()})
            spent += _computing(who.client, choosing_operations(who, len(versions)))
        return replace(
            call,
            spent=spent,
            taken=versions[cluster],
            copies=tuple(filter(None, versions)),
            cluster=cluster,
        )

    def _taught(self, calls: Sequence[_Call], courses: list[Course[_Outcome]]) -> list[Visit]:
        """Teach those who go on, side by side; return what came of all calls."""
        people = [call.participant for call in calls if call.works]
        outcomes = attend(
            {who.index: (who, course) for who, course in zip(people, courses, strict=True)},
            training=self.training,
            exchange=self.exchange,
            workers=self.workers,
        )
        return [self._visited(call, outcomes.get(call.participant.index)) for call in calls]

    def _study(self, call: _Call, round_index: int) -> Course[_Outcome]:
        """The common training, unless an algorithm let no model come down, and what a client then
        does for itself."""
        who, received = call.participant, call.taken
        model = self._model(who, received)
        trained = None
        if not isinstance(self.learning, Packing) or not received.keys().isdisjoint(model):
            carried: Mapping[str, Tensor] = {}
            if isinstance(self.learning, Packing):
                carried = self.learning.carried(who, received)
            trained = yield Lesson(
                state=model,
                rng=self.streams("batches", round_index, who.number),
                objective=self.learning.local_objective,
                carried=carried,
            )
        if not isinstance(self.learning, Personalising):
            return _Outcome(trained, None)
        pupil = self._pupil(who, round_index, model, trained)
        return _Outcome(trained, (yield from self.learning.after_training(pupil)))

    def _last(self, call: _Call, round_index: int) -> Course[_Outcome]:
        """What a client does with the final model."""
        assert isinstance(self.learning, Finishing)  # nobody else takes the model home
        who = call.participant
        pupil = self._pupil(who, round_index, self._model(who, call.taken), None)
        return _Outcome(None, (yield from self.learning.after_last_round(pupil)))

    def _model(self, who: Participant, received: State) -> State:
        """A client's modules after the download: those that came, those that it keeps, those that
        everybody has had from the start. Nothing is taken from the server's memory."""
        held = fitted(submodel(self.base, who.model.module_ids), who.model)
        held |= self.kept.get(who.index, {})
        held = overlaid(held, {m: tensors for m, tensors in received.items() if m in held})
        if isinstance(self.learning, Unpacking):
            held = self.learning.unpack(who, held, received)
        return held

    def _pupil(
        self, who: Participant, round_index: int, model: State, trained: Trained | None
    ) -> Pupil:
        return Pupil(
            participant=who,
            round=round_index,
            model=model,
            trained=trained,
            own=self.own.get(who.index),
        )

    def _visited(self, call: _Call, attended: Attended[_Outcome] | None) -> Visit:
        """What came of a call; without training nothing, and what it spent stays on the bill."""
        who = call.participant
        if attended is None:
            return Visit(
                who.client.name, call.event, costs=call.spent, channel_seconds=call.seconds
            )
        visit = Visit(
            who.client.name,
            call.event,
            costs=call.spent + _computing(who.client, attended.operations),
            copies=call.copies,
            cluster=call.cluster,
            excluded=attended.unsound,
            training_seconds=attended.seconds,
            channel_seconds=call.seconds,
        )
        outcome = attended.result
        if outcome is None:
            return visit
        self._remember(who, outcome)
        return replace(
            visit,
            answer=self._answer(call, outcome.trained),
            losses=outcome.trained.losses if outcome.trained else {},
            comparisons=outcome.personal.comparisons if outcome.personal else (),
        )

    def _remember(self, who: Participant, outcome: _Outcome) -> None:
        """Let the client keep what never travels."""
        if outcome.trained is not None:
            self.kept[who.index] = {
                module: tensors
                for module, tensors in outcome.trained.state.items()
                if self.exchange[module].placement == "local"
            }
        if outcome.personal is not None:
            self.own[who.index] = outcome.personal.state

    def _answer(self, call: _Call, trained: Trained | None) -> Answer | None:
        """What the client wants to send, if anything."""
        if call.received is None:
            return None
        who, sent = call.participant, {}
        if isinstance(self.learning, Packing):
            sent = self.learning.answer(who, call.taken, trained)
        elif trained is not None:
            sent = travelling(submodel(trained.state, call.taken), self.exchange)
        if not sent:
            return None
        weights = dict.fromkeys(sent, len(who.train))
        if trained is not None:
            held = [module for module in sent if module in trained.state]
            weights = {m: n for m, n in weights.items() if m not in held} | weights_of(
                held,
                model=who.model,
                state=trained.state,
                samples=who.train,
                exchange=self.exchange,
            )
        named = self.copies.named(sent, call.cluster)
        update = to_update(named, self.copies.named(weights, call.cluster))
        return Answer(who.client.name, received=call.received, update=update)


def _computing(client: Client, operations: float) -> Costs:
    return Costs(
        energy_joules=client.device.compute_joules(operations),
        virtual_seconds=client.device.compute_seconds(operations),
        training_operations=operations,
    )


def _download(client: Client, down: Envelope) -> Costs:
    return Costs(
        payload_bytes_down=down.wire_bytes,
        virtual_seconds=client.access.downlink_seconds(down.wire_bytes),
        key_bits_used=down.key_bits,
    )
