"""A cell becomes a federation, ready to play: the one place where the rooms are wired together.

A cell that decides one instance and trains nobody is played in `decide.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from qfl.core.cell import Cell
from qfl.core.errors import JobPendingError
from qfl.core.ports import Channel, Gatherer
from qfl.core.problem import Problem
from qfl.core.record import RoundRecord
from qfl.core.rng import Streams
from qfl.federation.attacks.adversary import Adversary
from qfl.federation.averaging.defence import Defence, Trusting, clean_samples, teacher
from qfl.federation.clusters.division import Division
from qfl.federation.continual.course import Journey
from qfl.federation.continual.streams import Stream
from qfl.federation.deciding.selection import Propose, SelectionWeights
from qfl.federation.deciding.uplink import Scheduler, SharedUplink
from qfl.federation.engine import LocalTraining
from qfl.federation.plan import Policies, Schedule
from qfl.federation.population import Population
from qfl.federation.round import Federation
from qfl.federation.unlearning.course import Course
from qfl.federation.unlearning.requests import Request
from qfl.federation.unlearning.systems import Founding
from qfl.models.m3t import architecture
from qfl.problems import client_selection, draw
from qfl.problems.slots import SlotGrid, aggregation_schedule
from qfl.security.attacks.interception import InterceptResend
from qfl.security.masked import Masked
from qfl.security.privacy.mechanisms import Central, Distributed
from qfl.solvers import SOLVERS
from qfl.solvers.rehearsal import rehearse
from qfl.study.calibrated import with_calibrations
from qfl.study.decide import decide, yardstick
from qfl.study.ledger import Ledger
from qfl.study.machines import through_ledger
from qfl.study.options import build, build_row
from qfl.study.outbox import Question, send

MEASURED_STATES = 200_000
"""Rounds with at most this many feasible choices are compared with their exact optimum."""

_PROPOSERS: Mapping[str, Propose] = {"client_selection": client_selection}


def play(
    cell: Cell, *, folder: Path | None = None, submits: bool = True, workers: int = 1
) -> Iterator[RoundRecord]:
    """Yield the records of the cell's federation, round 0 first, or of its decisions.

    Args:
        cell: what to play.
        folder: the run folder, whose ledger remembers jobs on machines with a queue.
        submits: False recomputes the cell from the ledger and sends nothing.
        workers: threads on which its clients train; the numbers are the same for any number.
    """
    if cell.decision:
        return _decided(cell, folder, submits)
    played: Course | Journey | Federation
    if cell.forget:
        played = _course(cell, folder, submits, workers)
    elif cell.stream:
        played = _journey(cell, folder, submits, workers)
    else:
        played = assemble(cell, folder=folder, submits=submits, workers=workers)
    any_instance = draw("client_selection", seed=0, clients=6, choose=2)
    rehearse(build_row("methods", cell.solver), any_instance, cell.solver)
    return played.play()


def assemble(
    cell: Cell, *, folder: Path | None = None, submits: bool = True, workers: int = 1
) -> Federation:
    """Return the federation that the cell describes, before its first round; see `play`."""
    streams = Streams(cell.seed)
    population = build_row("scenario", cell.scenario).build(streams)
    adversary = _adversary(cell, population, streams)
    if adversary is not None:
        population = adversary.population
    return Founder(cell, folder, submits, workers, adversary)(population, Founding())


@dataclass(frozen=True, slots=True, eq=False)
class Founder:
    """Founds federations of some clients as a cell asks; its arguments are those of `play`."""

    cell: Cell
    folder: Path | None
    submits: bool
    workers: int = 1
    adversary: Adversary | None = None

    def __call__(self, population: Population, founding: Founding) -> Federation:
        """Return a federation before its first round, with keys of its own.

        Later federations of a cell may have fewer clients than a round of the first: then all of
        them take part.
        """
        cell, streams = self.cell, founding.streams or Streams(self.cell.seed)
        run = cell.id + founding.run
        names = [client.name for client in population.clients]
        channel: Any = build_row("channel", cell.channel)
        links = channel.links(names, rng=streams("network/fibres"))
        connected = channel.connect(links, run=run)
        privacy = _privacy(cell)
        schedule, training = build(Schedule, cell.federation), build(LocalTraining, cell.federation)
        chosen = schedule.clients_per_round // founding.shards
        if founding.run:
            chosen = min(chosen, len(names))
        training = replace(training, epochs=max(1, round(training.epochs * founding.effort)))
        return Federation(
            population,
            schedule=replace(schedule, clients_per_round=chosen),
            policies=Policies(
                propose=_PROPOSERS[cell.selection["problem"]],
                solver=_solver(cell, self.folder, self.submits),
                measure=partial(yardstick, most=MEASURED_STATES),
                channel=connected,
                gatherer=_gatherer(channel, connected, links, privacy, run),
                algorithm=founding.algorithm or build_row("federation", cell.federation),
                training=training,
                weights=build(SelectionWeights, cell.selection),
                eavesdropper=InterceptResend(),
                scheduler=_scheduler(cell, self.folder, self.submits),
                adversary=self.adversary,
                privacy=privacy,
                defence=_defence(cell, population, training, streams),
                division=_division(cell),
            ),
            streams=streams,
            run=run,
            standing=founding.standing,
            memory=founding.memory,
            panel=founding.panel,
            workers=self.workers,
        )


def _course(cell: Cell, folder: Path | None, submits: bool, workers: int) -> Course:
    """A federation that is asked to forget."""
    streams = Streams(cell.seed)
    return Course(
        unlearner=build_row("forget", cell.forget),
        request=build(Request, cell.forget),
        population=build_row("scenario", cell.scenario).build(streams),
        found=Founder(cell, folder, submits, workers),
        schedule=build(Schedule, cell.federation),
        training=build(LocalTraining, cell.federation),
        streams=streams,
    )


def _journey(cell: Cell, folder: Path | None, submits: bool, workers: int) -> Journey:
    """A federation that goes through a stream."""
    streams, schedule = Streams(cell.seed), build(Schedule, cell.federation)
    return Journey(
        way=build_row("stream", cell.stream),
        stream=build(Stream, cell.stream),
        population=build_row("scenario", cell.scenario).build(streams),
        found=Founder(cell, folder, submits, workers),
        rounds=schedule.rounds,
        evaluated_clients=schedule.evaluated_clients,
        streams=streams,
    )


def _adversary(cell: Cell, population: Population, streams: Streams) -> Adversary | None:
    """The clients that lie, None if all are honest."""
    if cell.adversary.get("attack", "none") == "none":
        return None
    return Adversary(build_row("adversary", cell.adversary), population, rng=streams("adversary"))


def _privacy(cell: Cell) -> Any:
    """Where noise comes from, None if there is none."""
    if cell.privacy.get("mechanism", "none") == "none":
        return None
    return build_row("privacy", cell.privacy)


def _division(cell: Cell) -> Division | None:
    """Who shares copies of modules, None if every module has one for all."""
    if cell.clusters.get("by", "none") == "none":
        return None
    found: Division = build_row("clusters", cell.clusters)
    return found


def _gatherer(channel: Any, connected: Channel, links: Any, privacy: Any, run: str) -> Gatherer:
    """What brings answers home; private changes under masks are rounded within what is priced."""
    if isinstance(channel, Masked) and isinstance(privacy, Central | Distributed):
        encoding = privacy.shares if isinstance(privacy, Distributed) else privacy.grid
        return channel.gatherer(connected, links, run=run, encoding=encoding)
    return channel.gatherer(connected, links, run=run)


def _defence(
    cell: Cell, population: Population, training: LocalTraining, streams: Streams
) -> Defence | None:
    """The rule in place of the algorithm's mean, None if there is none."""
    if cell.defence.get("rule", "none") == "none":
        return None
    rule = build_row("defence", cell.defence)
    if not isinstance(rule, Trusting):
        return Defence(rule)
    own = clean_samples(population.spare, rule.server_samples, rng=streams("defence"))
    model = architecture(
        population.modalities, population.tasks, build(Schedule, cell.federation).recipe
    )
    return Defence(rule, teacher(model, own, population.tasks, training, streams))


def _decided(cell: Cell, folder: Path | None, submits: bool) -> Iterator[RoundRecord]:
    """Yield the decisions of a cell; what its repetitions ask a machine travels together."""
    outbox: list[Question] = []
    known = 0
    try:
        for record in decide(cell, _solver(cell, folder, submits, outbox)):
            yield record
            known += 1
    except JobPendingError:
        if folder is None or not outbox:
            raise
        for error in send(Ledger(folder), outbox).values():
            raise error from None
        yield from islice(decide(cell, _solver(cell, folder, submits)), known, None)


def questions(cell: Cell, *, folder: Path) -> Iterator[Question]:
    """Yield what a cell of decisions would ask machines with a queue now; nothing is sent."""
    outbox: list[Question] = []
    with suppress(JobPendingError):
        for _ in decide(cell, _solver(cell, folder, True, outbox)):
            pass
    yield from outbox


def _solver(
    cell: Cell, folder: Path | None, submits: bool, outbox: list[Question] | None = None
) -> Any:
    """Who decides; machines with a queue are reached through the ledger."""
    solver = build_row("methods", cell.solver)
    if folder is None:
        return solver
    solver = through_ledger(solver, folder, cell.id, submits=submits, outbox=outbox)
    return with_calibrations(solver, folder)


def _scheduler(cell: Cell, folder: Path | None, submits: bool) -> Scheduler | None:
    """Who assigns slots: the method's own table, or enumeration; None if nothing is shared."""
    uplink = build(SharedUplink, cell.federation)
    if not uplink.uplink_slots:
        return None
    chosen = cell.solver.get("slots", {"solver": "exact"})
    decide = build(SOLVERS.resolve(chosen["solver"]), chosen)
    if folder is not None:
        decide = with_calibrations(through_ledger(decide, folder, cell.id, submits=submits), folder)
    return Scheduler(uplink=uplink, propose=_propose_slots, solver=decide)


def _propose_slots(*, slots: int, seconds: float, capacity: int, **options: Any) -> Problem:
    grid = SlotGrid(slots=slots, seconds=seconds, capacity=capacity)
    return aggregation_schedule(grid=grid, **options)
