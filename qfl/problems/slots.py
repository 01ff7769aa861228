"""Aggregation scheduling: which client uploads in which time slot.

One variable per client and slot that meets the client's deadline, exactly one of them per client,
at most `capacity` clients per slot. Interfering clients that share a slot lose airtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.constraints import Constraint, Limited, OneHot
from qfl.core.errors import ProblemError
from qfl.core.problem import Problem
from qfl.core.qubo import Qubo
from qfl.problems.checks import symmetric, vector, whole, within

OBJECTIVES = ("weighted_finish", "makespan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotGrid:
    """The time axis of one upload phase.

    Attributes:
        slots: how many slots there are.
        seconds: length of one slot; a client in slot t finishes at (t + 1) * seconds.
        capacity: most clients per slot; None for no limit.
    """

    slots: int
    seconds: float = 1.0
    capacity: int | None = None

    def __post_init__(self) -> None:
        whole("slots", self.slots, 1, 10_000)
        if not 0 < self.seconds < np.inf:
            raise ProblemError(f"seconds must be positive, got {self.seconds}")
        if self.capacity is not None:
            whole("capacity", self.capacity, 1, 10_000)


def aggregation_schedule(
    *,
    grid: SlotGrid,
    weight: ArrayLike,
    interference: ArrayLike | None = None,
    deadline: ArrayLike | None = None,
    objective: str = "weighted_finish",
    names: tuple[str, ...] | None = None,
) -> Problem:
    """Return the problem of giving every client one upload slot.

    Args:
        grid: slots, their length and their capacity.
        weight: (n_clients,) float >= 0, what one second of waiting for this client costs.
        interference: (n_clients, n_clients) float >= 0, symmetric, added to the objective if two
            clients share a slot; none if None. The diagonal is not used.
        deadline: (n_clients,) seconds by which an upload must be finished; none if None.
        objective: "weighted_finish": sum of weight * finish time. "makespan": a late slot costs
            more than all earlier ones together, so the last used slot is as early as possible;
            `weight` then only says which clients matter (0: not counted).
        names: one per client; client-00, client-01, ... if None.

    The decoder gives client name -> slot.

    Raises:
        ProblemError: wrong shapes or values, or a client that no slot can serve in time.

    >>> problem = aggregation_schedule(grid=SlotGrid(slots=2, capacity=1), weight=[1.0, 3.0])
    >>> problem.decode(problem.names, [0, 1, 1, 0]), float(problem.qubo.energy([0, 1, 1, 0]))
    ({'client-00': 1, 'client-01': 0}, 5.0)
    """
    importance = vector("weight", weight)
    n = len(importance)
    if (importance < 0).any():
        raise ProblemError(f"weight must be >= 0, got {importance.min():g}")
    if objective == "makespan":
        importance = (importance > 0).astype(np.float64)
    clients = names or tuple(f"client-{i:02d}" for i in range(n))
    if len(clients) != n:
        raise ProblemError(f"{n} clients need as many names, got {len(clients)}")
    pairs = _allowed(n, grid, deadline)
    _check_room(pairs, n, grid)
    client, slot = np.array(pairs).T
    cost = _slot_costs(grid, objective, n)
    sharing = (
        np.zeros((n, n)) if interference is None else symmetric("interference", interference, n)
    )
    if (sharing < 0).any():
        raise ProblemError(f"interference must be >= 0, got {sharing.min():g}")
    same_slot = np.equal.outer(slot, slot) & ~np.equal.outer(client, client)
    quadratic = np.where(same_slot, sharing[np.ix_(client, client)], 0.0)
    return Problem(
        kind="aggregation_schedule",
        qubo=Qubo(0.0, importance[client] * cost[slot], np.triu(quadratic, 1)),
        constraint=_constraint(client, slot, grid),
        names=tuple(f"{clients[i]}@{t}" for i, t in pairs),
        decode=client_slots,
    )


def client_slots(names: tuple[str, ...], x: NDArray[np.uint8]) -> dict[str, int]:
    """Return client name -> slot for the chosen variables."""
    chosen = (name.rpartition("@") for name, bit in zip(names, x, strict=True) if bit)
    return {client: int(slot) for client, _, slot in chosen}


def finish_seconds(slots: Mapping[str, int], grid: SlotGrid) -> dict[str, float]:
    """Return when every client's upload is finished.

    >>> finish_seconds({"client-00": 1}, SlotGrid(slots=2, seconds=0.5))
    {'client-00': 1.0}
    """
    return {client: (slot + 1) * grid.seconds for client, slot in slots.items()}


def _allowed(n: int, grid: SlotGrid, deadline: ArrayLike | None) -> list[tuple[int, int]]:
    """Return the (client, slot) pairs that meet the deadlines."""
    limit = np.full(n, np.inf) if deadline is None else vector("deadline", deadline, n)
    finish = (np.arange(grid.slots) + 1) * grid.seconds
    in_time = finish <= limit[:, None] * (1 + 1e-12)
    hopeless = np.flatnonzero(~in_time.any(1))
    if len(hopeless):
        i = int(hopeless[0])
        raise ProblemError(
            f"client {i} has deadline {limit[i]:g} s, but the first slot ends at {finish[0]:g} s"
        )
    return [(int(i), int(t)) for i, t in np.argwhere(in_time)]


def _check_room(pairs: list[tuple[int, int]], n: int, grid: SlotGrid) -> None:
    """Refuse deadlines that no schedule meets; slots are open from the first, so counting tells."""
    if grid.capacity is None:
        return
    last = np.bincount([client for client, _ in pairs], minlength=n)  # slots open to each client
    for slots in range(1, grid.slots + 1):
        hurried, room = int((last <= slots).sum()), slots * grid.capacity
        if hurried > room:
            raise ProblemError(
                f"{hurried} clients must upload in the first {slots} slots of capacity "
                f"{grid.capacity}, which take {room}; allow more slots, capacity or time"
            )


def _slot_costs(grid: SlotGrid, objective: str, n: int) -> NDArray[np.float64]:
    """Return the cost of finishing in each slot, per unit of weight."""
    slot = np.arange(grid.slots, dtype=np.float64)
    if objective == "weighted_finish":
        return grid.seconds * (slot + 1)
    if objective != "makespan":
        raise ProblemError(f"unknown objective {objective!r}; allowed: {', '.join(OBJECTIVES)}")
    base = 1.0 + min(n, grid.capacity or n)
    if base**grid.slots > 1e12:
        raise ProblemError(
            f"{grid.slots} slots of up to {int(base) - 1} clients span too many orders of "
            "magnitude for an exact makespan; use fewer slots or objective 'weighted_finish'"
        )
    return np.asarray(grid.seconds * base**slot)


def _constraint(client: NDArray[np.intp], slot: NDArray[np.intp], grid: SlotGrid) -> Constraint:
    groups = OneHot(
        tuple(tuple(np.flatnonzero(client == i).tolist()) for i in range(client.max() + 1))
    )
    rows = [slot == t for t in range(grid.slots)]
    tight = [row for row in rows if grid.capacity is not None and row.sum() > grid.capacity]
    if not tight:
        return groups
    limit = float(grid.capacity or 0)
    return Limited(groups, tuple(tuple(row.tolist()) for row in tight), (limit,) * len(tight))


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregationSchedule:
    """Random schedules: some pairs interfere, some clients must be done one slot before the end.

    As many clients as the earlier slots take may be in a hurry.

    Attributes:
        clients, slots, capacity: size of the grid.
        interference_probability: that a pair interferes, 0..1; it then costs 1 to 3 slots.
        objective: one of OBJECTIVES.
    """

    clients: int
    slots: int
    capacity: int | None = None
    interference_probability: float = 0.3
    objective: str = "weighted_finish"

    def __post_init__(self) -> None:
        n = whole("clients", self.clients, 1, 10_000)
        grid = SlotGrid(slots=self.slots, capacity=self.capacity)
        within("interference_probability", self.interference_probability, 0.0, 1.0)
        _slot_costs(grid, self.objective, n)
        _check_room([(i, t) for i in range(n) for t in range(self.slots)], n, grid)

    def draw(self, rng: np.random.Generator) -> Problem:
        """Return one instance."""
        n = self.clients
        present = rng.random((n, n)) < self.interference_probability
        loss = np.triu(np.where(present, rng.uniform(1.0, 3.0, size=(n, n)), 0.0), 1)
        weight = rng.uniform(0.5, 1.5, size=n)
        deadline = rng.integers(max(1, self.slots - 1), self.slots + 1, size=n)
        room = n if self.capacity is None else (self.slots - 1) * self.capacity
        deadline[np.flatnonzero(deadline < self.slots)[room:]] = self.slots
        return aggregation_schedule(
            grid=SlotGrid(slots=self.slots, capacity=self.capacity),
            weight=weight,
            interference=loss + loss.T,
            deadline=deadline,
            objective=self.objective,
        )
