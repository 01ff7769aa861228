"""One client's part of a round: exchange keys, download, train; `settle` adds the upload.

Fail closed: a client whose key exchange aborts, or whose link runs out of key, neither receives
nor sends anything in that round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter

from qfl.core.envelope import Envelope
from qfl.core.errors import KeyExhaustedError
from qfl.core.gather import Answer, Arrival
from qfl.core.ports import Channel, Eavesdropper, Learning
from qfl.core.record import Costs, LinkEvent
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.engine import LocalTraining, Trained, train
from qfl.federation.exchange import from_arrays, to_update
from qfl.federation.population import Client, TensorSamples
from qfl.federation.uplink import Upload
from qfl.models.m3t import Architecture, State, submodel
from qfl.security.gather import carry
from qfl.security.sealed import SERVER


@dataclass(frozen=True, eq=False)
class Participant:
    """A client made ready: its architecture and its samples as tensors."""

    index: int
    client: Client
    model: Architecture
    train: TensorSamples
    test: TensorSamples


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Courier:
    """Takes the model to clients and has them train it.

    Attributes:
        channel: seals, opens and exchanges keys.
        learning: the algorithm's client-side term joins the task losses.
        training: what a client does with the model.
        streams: orders batches and drives the quantum channels.
        run: names the run in every envelope.
    """

    channel: Channel
    learning: Learning
    training: LocalTraining
    streams: Streams
    run: str

    def visit(
        self,
        participant: Participant,
        state: State,
        *,
        round_index: int,
        eavesdropper: Eavesdropper | None,
    ) -> Visit:
        """Return what came of calling `participant` with the global modules `state`."""
        name = participant.client.name
        started = perf_counter()
        event = self.channel.exchange(
            name,
            round=round_index,
            rng=self.streams("channel", round_index, participant.index),
            eavesdropper=eavesdropper,
        )
        if event.aborted:
            return _cut_short(event, Costs(aborted_sessions=1), perf_counter() - started)
        offered = to_update(submodel(state, participant.model.module_ids), samples=1)
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
            return _cut_short(replace(event, aborted=str(error)), Costs(), perf_counter() - started)
        downloaded = perf_counter()
        trained = self._train(participant, received, round_index)
        trained_update = to_update(trained.state, samples=len(participant.train))
        return Visit(
            event=replace(event, key_bits_left=event.key_bits_left - down.key_bits),
            costs=_base(event) + _spent_before_upload(participant.client, down, trained),
            answer=Answer(name, received=received, update=trained_update),
            losses=trained.losses,
            training_seconds=perf_counter() - downloaded,
            channel_seconds=downloaded - started,
        )

    def _train(self, participant: Participant, received: Update, round_index: int) -> Trained:
        return train(
            participant.model,
            from_arrays(received.modules),
            participant.train,
            tasks=participant.client.tasks,
            training=self.training,
            objective=self.learning.local_objective,
            rng=self.streams("batches", round_index, participant.index),
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


def _base(event: LinkEvent) -> Costs:
    """What every visit costs, whatever comes of it: the key exchange."""
    return Costs(virtual_seconds=event.duration_seconds, key_bits_produced=event.secret_bits)


def _spent_before_upload(client: Client, down: Envelope, trained: Trained) -> Costs:
    """The download and the training."""
    return Costs(
        payload_bytes_down=down.wire_bytes,
        energy_joules=client.device.compute_joules(trained.operations),
        virtual_seconds=client.access.downlink_seconds(down.wire_bytes)
        + client.device.compute_seconds(trained.operations),
        key_bits_used=down.key_bits,
    )


def _cut_short(event: LinkEvent, spent: Costs, channel_seconds: float) -> Visit:
    """A visit from which nothing came back; what it had spent stays on the bill."""
    return Visit(event=event, costs=_base(event) + spent, channel_seconds=channel_seconds)
