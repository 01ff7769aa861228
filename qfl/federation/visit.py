"""The clients' part of a round: exchange keys, download, train; `settle` adds the upload.

Clients with the same modules train as one stack.

Fail closed: a client whose key exchange aborts, or whose link runs out of key, neither receives
nor sends anything in that round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from qfl.core.envelope import Envelope
from qfl.core.errors import KeyExhaustedError
from qfl.core.gather import Answer, Arrival
from qfl.core.ports import Channel, Eavesdropper, Learning
from qfl.core.record import Costs, LinkEvent
from qfl.core.rng import Streams
from qfl.core.tasks import Task
from qfl.core.update import Update
from qfl.federation.cohort import Trainee, train_together
from qfl.federation.engine import Assignment, LocalTraining, Trained
from qfl.federation.exchange import from_arrays, overlaid, to_update, travelling
from qfl.federation.population import Client
from qfl.federation.uplink import Upload
from qfl.federation.world import Participant
from qfl.models.m3t import Architecture, State, fitted, submodel
from qfl.models.policies import ExchangePolicy
from qfl.security.gather import carry
from qfl.security.sealed import SERVER


@dataclass(frozen=True, eq=False)
class Visit:
    """What came of calling a client.

    Attributes:
        event: the key exchange.
        costs: bytes, joules, key bits and virtual seconds.
        answer: what the client wants to send, None if it received nothing.
        arrived: True if its change is in the new model.
        opened: the update where the server saw it alone.
        upload: when the client was ready to upload and how long that takes alone; None if it sent
            nothing.
        losses: task -> training loss that the client reports.
        training_seconds, channel_seconds: real time.
    """

    event: LinkEvent
    costs: Costs
    answer: Answer | None = None
    arrived: bool = False
    opened: Update | None = None
    upload: Upload | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    training_seconds: float = 0.0
    channel_seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """A client that was called: the key exchange, what it spent, what it received if anything."""

    participant: Participant
    event: LinkEvent
    spent: Costs
    received: Update | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """A client's training, and its share of the real seconds."""

    trained: Trained
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Courier:
    """Takes the model to clients and has them train it.

    Attributes:
        channel: seals, opens and exchanges keys.
        learning: the algorithm's client-side term joins the task losses.
        training: what a client does with the model.
        exchange: which modules travel.
        streams: orders batches and drives the quantum channels.
        run: names the run in every envelope.
        kept: client -> the modules that it never shows, as it left them.
    """

    channel: Channel
    learning: Learning
    training: LocalTraining
    exchange: ExchangePolicy
    streams: Streams
    run: str
    kept: dict[int, State] = field(default_factory=dict)

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
        lessons = self._train(calls, state, round_index)
        return [self._visited(call, lessons.get(call.participant.index)) for call in calls]

    def personal(self, participant: Participant, state: State) -> State:
        """Return `state` as the client sees it: its own version of the modules it keeps."""
        return {**state, **self.kept.get(participant.index, {})}

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
        modules = self.exchange.exchanged(participant.model.module_ids)
        shown = fitted(submodel(state, modules), participant.model)
        offered = to_update(travelling(shown, self.exchange), samples=1)
        try:
            down, received = carry(
                self.channel,
                offered,
                run=self.run,
                round=round_index,
                sender=SERVER,
                receiver=name,
            )
        except KeyExhaustedError as error:
            event = replace(event, aborted=str(error))
            return _Call(participant, event, spent, seconds=perf_counter() - started)
        event = replace(event, key_bits_left=event.key_bits_left - down.key_bits)
        spent += _download(participant.client, down)
        return _Call(participant, event, spent, received, seconds=perf_counter() - started)

    def _train(self, calls: Sequence[_Call], state: State, round_index: int) -> dict[int, _Lesson]:
        """Train everybody who received the model, those with the same modules together."""
        groups: dict[tuple[Architecture, tuple[Task, ...]], dict[int, Trainee]] = {}
        for call in calls:
            if call.received is not None:
                who = call.participant
                here = self.personal(who, fitted(submodel(state, who.model.module_ids), who.model))
                trainee = Trainee(
                    state=overlaid(here, from_arrays(call.received.modules)),
                    samples=who.train,
                    rng=self.streams("batches", round_index, who.number),
                )
                groups.setdefault((who.model, who.client.tasks), {})[who.index] = trainee
        lessons = {}
        for (model, tasks), group in groups.items():
            started = perf_counter()
            assignment = Assignment(
                tasks=tasks,
                training=self.training,
                objective=self.learning.local_objective,
                exchange=self.exchange,
            )
            trained = train_together(model, list(group.values()), assignment=assignment)
            seconds = (perf_counter() - started) / len(group)
            for index, one in zip(group, trained, strict=True):
                lessons[index] = _Lesson(one, seconds)
        return lessons

    def _visited(self, call: _Call, lesson: _Lesson | None) -> Visit:
        """What came of a call; without a lesson nothing, and what it spent stays on the bill."""
        if lesson is None or call.received is None:
            return Visit(event=call.event, costs=call.spent, channel_seconds=call.seconds)
        who, trained = call.participant, lesson.trained
        self.kept[who.index] = {
            module: tensors
            for module, tensors in trained.state.items()
            if self.exchange[module].placement == "local"
        }
        computed = Costs(
            energy_joules=who.client.device.compute_joules(trained.operations),
            virtual_seconds=who.client.device.compute_seconds(trained.operations),
            training_operations=trained.operations,
        )
        sent = travelling(submodel(trained.state, call.received.modules), self.exchange)
        update = to_update(sent, samples=len(who.train))
        return Visit(
            event=call.event,
            costs=call.spent + computed,
            answer=Answer(who.client.name, received=call.received, update=update),
            losses=trained.losses,
            training_seconds=lesson.seconds,
            channel_seconds=call.seconds,
        )


def settle(visit: Visit, client: Client, arrival: Arrival) -> Visit:
    """Return the visit with what became of its answer."""
    event = replace(
        visit.event,
        key_bits_left=visit.event.key_bits_left - arrival.key_bits,
        aborted=visit.event.aborted or arrival.refused,
    )
    if not arrival.wire_bytes:
        return replace(visit, event=event)
    upload = Upload(
        client=client.name,
        ready_seconds=visit.costs.virtual_seconds,
        upload_seconds=client.access.uplink_seconds(arrival.wire_bytes),
    )
    spent = Costs(
        payload_bytes_up=arrival.wire_bytes,
        energy_joules=client.access.uplink_joules(arrival.wire_bytes),
        virtual_seconds=upload.upload_seconds,
        key_bits_used=arrival.key_bits,
    )
    return replace(
        visit,
        event=event,
        costs=visit.costs + spent,
        arrived=arrival.arrived,
        opened=arrival.opened,
        upload=upload,
    )


def _download(client: Client, down: Envelope) -> Costs:
    return Costs(
        payload_bytes_down=down.wire_bytes,
        virtual_seconds=client.access.downlink_seconds(down.wire_bytes),
        key_bits_used=down.key_bits,
    )
