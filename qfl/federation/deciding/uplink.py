"""A shared uplink: the clients of a round upload in time slots, and a solver assigns the slots.

A slot starts when the one before is over and its own clients are ready; it lasts as long as its
slowest upload. Interfering clients that share a slot slow each other down. The model updates are
the same under every schedule: only the time axis moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.decision import Decision
from qfl.core.errors import ConfigError, ProblemError
from qfl.core.ports import Solver
from qfl.core.problem import Problem

ProposeSlots = Callable[..., Problem]
"""Builds the schedule problem from slot length, weights and interference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedUplink:
    """How the clients of a round share the uplink.

    Attributes:
        uplink_slots: how many slots a round may use; 0: every client has a channel of its own.
        uplink_capacity: most clients per slot.
        interference_loss: by what share of its length an upload is prolonged for every
            interfering client in the same slot.
    """

    uplink_slots: int = 0
    uplink_capacity: int = 2
    interference_loss: float = 1.0

    def __post_init__(self) -> None:
        if self.uplink_slots < 0 or self.uplink_capacity < 1:
            raise ConfigError(
                f"a shared uplink needs uplink_slots >= 0 and uplink_capacity >= 1, "
                f"got {self.uplink_slots} and {self.uplink_capacity}"
            )
        if not self.interference_loss >= 0:
            raise ConfigError(f"interference_loss must be >= 0, got {self.interference_loss}")


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """One upload that waits for its slot."""

    client: str
    ready_seconds: float
    upload_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scheduler:
    """Assigns uploads to slots.

    Attributes:
        uplink: slots, capacity, loss.
        propose: builds the problem.
        solver: decides it.
    """

    uplink: SharedUplink
    propose: ProposeSlots
    solver: Solver

    def decide(
        self,
        uploads: Sequence[Upload],
        interference: NDArray[np.float64],
        *,
        rng: np.random.Generator,
    ) -> tuple[Problem, Decision]:
        """Return the round's schedule problem and its decision.

        Args:
            uploads: the K uploads of the round.
            interference: (K, K) 1 where two of them interfere, else 0.
            rng: drives the solver.

        Raises:
            ProblemError: the uploads do not fit, or the solver left one out.
        """
        slots, capacity = self.uplink.uplink_slots, self.uplink.uplink_capacity
        if len(uploads) > slots * capacity:
            raise ProblemError(
                f"{len(uploads)} uploads do not fit into {slots} slots of {capacity}; "
                "raise uplink_slots or uplink_capacity"
            )
        seconds = np.array([upload.upload_seconds for upload in uploads])
        lost = self.uplink.interference_loss * interference * (seconds[:, None] + seconds)
        problem = self.propose(
            slots=slots,
            seconds=float(seconds.max()),
            capacity=capacity,
            weight=np.ones(len(uploads)),
            interference=lost,
            names=tuple(upload.client for upload in uploads),
        )
        decision = self.solver.solve(problem, rng=rng)
        if not decision.feasible:
            raise ProblemError(
                f"solver {decision.solver!r} returned a schedule that leaves an upload out or "
                "overfills a slot; give it a post-processing that repairs"
            )
        return problem, decision


def finish_seconds(
    uploads: Sequence[Upload],
    slots: Mapping[str, int],
    interference: NDArray[np.float64],
    *,
    loss: float,
) -> dict[str, float]:
    """Return when each upload is over, in virtual seconds since the start of the round.

    Args:
        uploads: the uploads of the round.
        slots: client -> slot, 0 first.
        interference: (K, K) 1 where two uploads interfere, in the order of `uploads`.
        loss: `SharedUplink.interference_loss`.

    >>> both = [Upload("a", 0.0, 2.0), Upload("b", 1.0, 1.0)]
    >>> clash = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> finish_seconds(both, {"a": 0, "b": 0}, clash, loss=1.0)
    {'a': 5.0, 'b': 5.0}
    >>> finish_seconds(both, {"a": 1, "b": 0}, clash, loss=1.0)
    {'b': 2.0, 'a': 4.0}
    """
    finished: dict[str, float] = {}
    free_at = 0.0
    for slot in sorted(set(slots.values())):
        sharing = [i for i, upload in enumerate(uploads) if slots[upload.client] == slot]
        start = max(free_at, *(uploads[i].ready_seconds for i in sharing))
        lasting = [
            uploads[i].upload_seconds * (1 + loss * float(interference[i, sharing].sum()))
            for i in sharing
        ]
        free_at = start + max(lasting)
        finished |= {uploads[i].client: free_at for i in sharing}
    return finished
