"""The federated round, as prose: decide who trains, visit them, gather, aggregate, record.

Everything that varies is handed in: the population, the solver, the channel, the algorithm. The
loop yields one record per round and prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from torch import Tensor

from qfl.core.choice import Choice
from qfl.core.decision import Bill
from qfl.core.ports import Acknowledging, Completing, Finishing, Ignoring, Telling
from qfl.core.record import Costs, RoundRecord, Timings
from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.attribution import attribution
from qfl.federation.averaging.codecs import Coder
from qfl.federation.averaging.private import Privacy
from qfl.federation.clusters.copies import Copies
from qfl.federation.deciding.holdings import Coverage, Holdings, Trainings, declared
from qfl.federation.deciding.proposal import Question, decided, named, selection_problem
from qfl.federation.deciding.sampling import evaluated, some, stated
from qfl.federation.deciding.selection import Observations
from qfl.federation.evaluate import Predict, measures, measures_by_modality, over_clients, predictor
from qfl.federation.exchange import of_modules
from qfl.federation.plan import Policies, Schedule
from qfl.federation.population import Population, TensorSamples, held_apart
from qfl.federation.steps.gathering import Home, bring_home, settled
from qfl.federation.steps.memory import Memory
from qfl.federation.steps.merging import merged
from qfl.federation.steps.standing import Standing
from qfl.federation.steps.tally import comparisons, deciding, excluded, links, sizes, spent, timings
from qfl.federation.steps.turns import take_turns
from qfl.federation.steps.visit import Courier, Visit
from qfl.federation.training.exclusions import unlabelled
from qfl.federation.training.warm_up import warmed_up
from qfl.federation.world import Participant, Participants, World
from qfl.models.m3t import Architecture, State, architecture

Revise = Callable[[Sequence[Visit], Sequence[Update]], Sequence[Update]]
"""What a server makes of the updates of a round before it aggregates them."""


class Federation:
    """One federation in training: the global modules and what the server has observed.

    Args:
        population: who takes part.
        schedule: how long, how many, how they train.
        policies: who decides, carries and aggregates.
        streams: the cell's random streams.
        run: names the run in every envelope.
        standing: of the federation that this one continues; None starts from fresh weights.
        memory: keeps updates; None: nobody does.
        panel: numbers of the clients that are evaluated, if they are here; None draws them.
        workers: threads on which clients train; the numbers are the same for any number.
    """

    def __init__(
        self,
        population: Population,
        *,
        schedule: Schedule,
        policies: Policies,
        streams: Streams,
        run: str,
        standing: Standing | None = None,
        memory: Memory | None = None,
        panel: Sequence[int] | None = None,
        workers: int = 1,
    ) -> None:
        schedule.check_choice(n := len(population.clients), policies.weights.candidates)
        population = held_apart(population, schedule.validation_fraction, streams)
        self.population, self.schedule, self.policies = population, schedule, policies
        self.streams, self.memory = streams, memory
        self.model = architecture(population.modalities, population.tasks, schedule.recipe)
        self.exchange = schedule.policy(self.model.module_ids)
        self.coder = Coder(self.exchange)
        self.state = warmed_up(
            self.model,
            self.model.initial_state(streams),
            population.public,
            tasks=population.tasks,
            epochs=0 if standing else schedule.warm_up_epochs,
            streams=streams,
        )
        if standing is not None:
            self.state = standing.checkpoint(self.state)
        self.test = TensorSamples.of(population.test)
        self.participants = Participants(population, schedule.recipe_of, kept=schedule.kept_clients)
        world = World(
            model=self.model,
            participants=self.participants,
            training=policies.training,
            exchange=self.exchange,
            rounds=schedule.rounds,
            streams=streams,
            initial=self.state,
            public=TensorSamples.of(public) if (public := population.public) else None,
        )
        self.learning = policies.algorithm.start(world)
        self.copies = Copies.started(policies.division, world, self.learning)
        if isinstance(self.learning, Completing):
            self.participants = self.participants.training_on(self.learning.training_samples)
        self.courier = Courier(
            channel=policies.channel,
            learning=self.learning,
            training=policies.training,
            exchange=self.exchange,
            streams=streams,
            run=run,
            base=self.state,
            copies=self.copies,
            workers=workers,
        )
        self.state = self.copies.opened(self.state)
        self.panel = evaluated(population, schedule.evaluated_clients, streams, panel)
        self.facts = stated(population, len(self.panel), policies.weights.candidates)
        self.observations = Observations.before(self.state, clients=n)
        self.holdings, self.coverage = Holdings.of(population.clients), Coverage(population.clients)
        self.trainings = Trainings(population.clients, standing.trained if standing else None)
        if standing is not None:
            self.state = standing.modules(self.state)
            standing.hand_to(self.participants, self.courier)
            self.observations = standing.observed(self.participants, self.state, self.courier)
        self.privacy = Privacy.priced(
            policies.privacy,
            clients=schedule.clients_per_round,
            dimension=self.model.weight_bytes // 4,
            streams=streams,
        )

    def play(self) -> Iterator[RoundRecord]:
        """Yield the record of the untrained model, then that of every round.

        A privacy budget may end the training early; the last record then says so.
        """
        yield self.record(0)
        yield from self.train(1, self.schedule.rounds)

    def train(self, first: int, last: int) -> Iterator[RoundRecord]:
        """Yield the records of these rounds, both included; a privacy budget may end them early."""
        for round_index in range(first, last + 1):
            record = self._round(round_index)
            stopped = record.privacy is not None and bool(record.privacy.stopped)
            if stopped or round_index == self.schedule.rounds:
                yield self._attributed(self._finished(record))
                return
            yield record

    def standing(self) -> Standing:
        """Return what a federation of other members can continue from."""
        return Standing.of(
            self.participants,
            state=self.state,
            courier=self.courier,
            observations=self.observations,
            trainings=self.trainings,
        )

    def outputs(self, samples: TensorSamples) -> Mapping[str, Tensor]:
        """Return task -> outputs of the global model; modalities that it does not know are not
        shown to it."""
        shown = {m: x for m, x in samples.inputs.items() if m in self.model.modalities}
        masks = {m: x for m, x in samples.available.items() if m in self.model.modalities}
        predict = self._predictor(self.copies.common(self.state))
        return predict(TensorSamples(shown, samples.targets, masks, samples.labelled))

    def model_for(self, number: int) -> tuple[Architecture, State]:
        """Return the global model: what the client of this number is, or would be, offered."""
        return self.model, self.copies.for_number(self.state, number)

    def _round(self, round_index: int) -> RoundRecord:
        started = perf_counter()

        # 1. Decide who trains.
        most, choose = self.policies.weights.candidates, self.schedule.clients_per_round
        pool = some(self.population.numbers, most=most, rng=self.streams("candidates", round_index))
        question = Question(round_index, choose, pool)
        problem = selection_problem(
            question,
            self.participants,
            self.observations,
            self.holdings,
            policies=self.policies,
            exchange=self.exchange,
        )
        rng = self.streams("shots", round_index)
        decision = decided(self.policies.solver, problem, rng=rng)
        chosen = [self.participants[i] for i in named(decision, question)]
        if self.privacy and (stopped := self.privacy.refusal(p.client.name for p in chosen)):
            last = self.record(round_index)
            return replace(last, privacy=self.privacy.event(stopped=stopped))
        choice = Choice.of(decision, self.policies.measure(problem))
        seconds = deciding(decision.bill, started)
        record = self.conduct(chosen, round_index)
        return replace(
            record,
            choice=choice,
            candidates=problem.names if len(pool) < len(self.participants) else (),
            timings=seconds + record.timings,
        )

    def conduct(
        self,
        chosen: Sequence[Participant],
        round_index: int,
        *,
        revise: Revise = lambda visits, updates: updates,
    ) -> RoundRecord:
        """Return the record of a round in which these clients train."""
        started = perf_counter()

        # 2. Visit them: exchange keys, send the model, train.
        visits = self._visit(chosen, round_index)

        # 3. Bring their answers home, one by one or as masked sums.
        gathering = perf_counter()
        home = self._gather(visits, round_index)
        gathered, visits = home.gathered, settled(chosen, visits, home)
        gathering = perf_counter() - gathering

        # 4. Take turns on a shared uplink: it moves the clock, not the numbers.
        turns = take_turns(
            chosen,
            visits,
            scheduler=self.policies.scheduler,
            interference=self.population.interference,
            measure=self.policies.measure,
            rng=self.streams("slots", round_index),
        )

        # 5. Aggregate what arrived, module by module over its holders.
        before = self.state
        self.state, left_out = merged(
            self.state,
            revise(visits, gathered.updates),
            learning=self.learning,
            defence=self.policies.defence,
            exchange=self.exchange,
            round_index=round_index,
        )
        self._acknowledge(chosen, visits)
        self._observe(chosen, visits, round_index)
        told = {visit.client: visit.cluster for visit in visits if visit.arrived}
        self.state = self.copies.heard(self.state, told, self.observations.directions, round_index)
        if self.memory is not None:
            self.memory.note(round_index, before, visits)

        # 6. Evaluate and record.
        record = self.record(round_index)
        figures = self.learning.tell() if isinstance(self.learning, Telling) else {}
        delivered = tuple(visit.client for visit in visits if visit.arrived)
        return replace(
            record,
            metrics={**record.metrics, **figures, **self.coverage.note([p.index for p in chosen])},
            selected=tuple(participant.client.name for participant in chosen),
            delivered=delivered,
            least_trained=self.trainings.note(delivered),
            slots=turns.choice,
            costs=spent(visits, gathered, turns),
            links=links(visits),
            sums=gathered.sums,
            pairs=gathered.pairs,
            left_out={**home.withheld, **left_out},
            excluded=excluded(visits) | self._ignored(visits),
            comparisons=comparisons(visits),
            clusters=self.copies.membership({v.client: v.copies for v in visits if v.copies}),
            timings=timings(turns.bill, visits, gathering, started),
        )

    def _visit(self, chosen: Sequence[Participant], round_index: int) -> list[Visit]:
        """Call everybody; in one round somebody listens on the first client's quantum channel."""
        tapped = {}
        if round_index == self.schedule.eavesdropped_round and self.policies.eavesdropper:
            tapped[chosen[0].client.name] = self.policies.eavesdropper
        return self.courier.visit(chosen, self.state, round_index=round_index, tapped=tapped)

    def _gather(self, visits: Sequence[Visit], round_index: int) -> Home:
        """What the clients that were reached send back."""
        return bring_home(
            [visit.answer for visit in visits if visit.answer is not None],
            policies=self.policies,
            privacy=self.privacy,
            coder=self.coder,
            min_holders=self.schedule.min_holders,
            round_index=round_index,
            rng=self.streams("gather", round_index),
        )

    def _ignored(self, visits: Sequence[Visit]) -> dict[str, str]:
        """The clients whose updates arrived and weighed nothing, and why."""
        ignored = self.learning.ignored() if isinstance(self.learning, Ignoring) else {}
        senders = [visit.client for visit in visits if visit.opened is not None]
        return {senders[place]: why for place, why in ignored.items()}

    def _acknowledge(self, chosen: Sequence[Participant], visits: list[Visit]) -> None:
        """Let clients know that their answers arrived, where an algorithm needs it."""
        if isinstance(self.learning, Acknowledging):
            pairs = zip(chosen, visits, strict=True)
            self.learning.delivered({who.index: v.counted for who, v in pairs if v.arrived})

    def _observe(
        self, chosen: Sequence[Participant], visits: list[Visit], round_index: int
    ) -> None:
        """Let the server remember what it saw."""
        for participant, visit in zip(chosen, visits, strict=True):
            if visit.event is not None:
                self.observations.key_bits[participant.index] = visit.event.key_bits_left
            if visit.arrived and visit.answer is not None:
                self.observations.note(
                    participant.index,
                    round_index=round_index,
                    losses=visit.losses,
                    sent=visit.opened and of_modules(visit.opened, participant.model.module_ids),
                    received=visit.answer.received,
                )

    def _attributed(self, record: RoundRecord) -> RoundRecord:
        """The last record, with what modalities, modules and experts are worth."""
        found = attribution(
            self.model,
            self._predictor,
            self.copies.common(self.state),
            self.model.initial_state(self.streams),
            asked=(self.test, self.population.tasks),
            rng=self.streams("attribution"),
        )
        return replace(record, metrics={**record.metrics, **found})

    def _finished(self, record: RoundRecord) -> RoundRecord:
        """The last record, after everybody took the model home where an algorithm asks for it."""
        if not isinstance(self.learning, Finishing):
            return record
        started, last = perf_counter(), self.schedule.rounds + 1
        visits = self.courier.finish(self.participants, self.state, round_index=last)
        costs = sum((visit.costs for visit in visits), record.costs)
        seconds = max(visit.costs.virtual_seconds for visit in visits)
        final = self.record(record.round)
        return replace(
            record,
            metrics={**record.metrics, **final.metrics},
            client_metrics=final.client_metrics,
            staleness=final.staleness,
            costs=replace(costs, virtual_seconds=record.costs.virtual_seconds + seconds),
            links=(*record.links, *links(visits)),
            excluded={**record.excluded, **excluded(visits)},
            comparisons=(*record.comparisons, *comparisons(visits)),
            timings=record.timings + timings(Bill(), visits, 0.0, started),
        )

    def _predictor(self, state: State) -> Predict:
        """What answers with these modules, and with what the algorithm puts in empty places."""
        predict, learning = predictor(self.model, state), self.learning
        if not isinstance(learning, Completing):
            return predict
        return lambda samples: predict(learning.complete(samples))

    def record(self, round_index: int) -> RoundRecord:
        """Return the record of the present global model, without what a round adds."""
        started = perf_counter()
        tasks, common = self.population.tasks, self.copies.common(self.state)
        metrics = measures_by_modality(self._predictor(common), self.test, tasks)
        if self.policies.adversary:
            metrics |= self.policies.adversary.measure(self.model, common, tasks)
        by_client = {
            p.client.name: measures(
                self._predictor(self.courier.personal(p, self.state))(p.test),
                p.test,
                p.client.tasks,
            )
            for p in map(self.participants.__getitem__, self.panel)
        }
        return RoundRecord(
            round=round_index,
            selected=(),
            delivered=(),
            metrics=metrics | over_clients(by_client.values()),
            client_metrics=by_client,
            choice=None,
            costs=Costs(),
            links=(),
            level=self.policies.channel.level,
            facts=self.facts if round_index == 0 else {},
            parameters=sizes(self.model, self.exchange) if round_index == 0 else {},
            holdings=declared(self.population.clients) if round_index == 0 else {},
            excluded=unlabelled(self.participants.trained_on(), tasks) if round_index == 0 else {},
            clusters=self.copies.membership({}),
            staleness=self.observations.ages(round_index, self.state, self.courier),
            privacy=self.privacy.event() if self.privacy and round_index else None,
            timings=Timings(total_seconds=perf_counter() - started),
        )
