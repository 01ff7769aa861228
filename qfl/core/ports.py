"""The ports: what a solver, backend, channel, algorithm and executor must offer.

Small protocols of at most three methods. Implementations are final and are varied by wrapping.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.counts import Counts
from qfl.core.decision import Decision, Execution
from qfl.core.envelope import Envelope, Header, SecurityLevel
from qfl.core.events import LinkEvent
from qfl.core.gather import Answer, Gathered
from qfl.core.problem import Problem
from qfl.core.update import Update

if TYPE_CHECKING:
    from circuits.qaoa import QaoaAnsatz
    from circuits.spec import CircuitSpec

T = TypeVar("T")
R = TypeVar("R")


class Solver(Protocol):
    """Decides problems. The budget (shots, evaluations, depth) is fixed at construction."""

    def solve(self, problem: Problem, *, rng: np.random.Generator) -> Decision:
        """Return a decision; its energy is the problem's own at the returned x."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend is and can do, known before anything is compiled.

    Attributes:
        name: the string that `get_backend` took.
        exact: expectations and distributions are computed, not estimated: the compiled object
            is an `ExactCompiled`.
        mixers: mixers it runs natively.
        max_qubits: None if only memory limits it.
        seeded: samples follow the generator; False for machines that draw themselves.
    """

    name: str
    exact: bool
    mixers: tuple[str, ...]
    max_qubits: int | None = None
    seeded: bool = True


class Compiled(Protocol):
    """One ansatz, made ready once; angles have shape (2, depth): row 0 gammas, row 1 betas."""

    def expectation(self, angles: ArrayLike) -> NDArray[np.float64]:
        """Return the mean cost for angles of shape (..., 2, depth); result shape (...)."""
        ...

    def sample(self, angles: ArrayLike, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements at one angle set."""
        ...


Figure = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""probabilities (m, c), one distribution per column -> values (c,), and the derivatives with
respect to every probability, (m, c) or (m, 1)."""


class Objective(Protocol):
    """A figure of merit of a cost distribution, to be minimised: mean, CVaR, Gibbs."""

    def prepare(self, costs: NDArray[np.float64]) -> Figure:
        """Return the figure for states of these costs (m,); sorting and the like happens here."""
        ...


class ExactCompiled(Compiled, Protocol):
    """A compiled ansatz whose state is known exactly."""

    def value_and_gradient(
        self, angles: ArrayLike, *, objective: Objective | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the objective (default: mean cost), shape (...), and its gradient (..., 2, p)."""
        ...

    def distribution(self, angles: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return states (m, n) and their probabilities (m,) at one angle set.

        Every state that the ansatz allows is listed. Under noise the probabilities may sum to less
        than 1: the rest is on states that it does not allow.
        """
        ...


@runtime_checkable
class OnDevice(Protocol):
    """A compiled ansatz that may lie on a device, real or stored."""

    def execution(self) -> Execution | None:
        """Return how it runs there, or ran if it was sampled; None if there is no device."""
        ...


class Backend(Protocol):
    """A place where circuits run."""

    capabilities: Capabilities

    def compile(self, ansatz: QaoaAnsatz) -> Compiled:
        """Return the ansatz ready to run; the costly set-up happens here, once."""
        ...


@runtime_checkable
class CircuitRunner(Protocol):
    """A backend that also samples circuits which are no ansatz."""

    def run(self, circuit: CircuitSpec, *, shots: int, rng: np.random.Generator) -> Counts:
        """Return `shots` measurements of a circuit without parameters."""
        ...


class Eavesdropper(Protocol):
    """Somebody on a quantum channel."""

    def intercept(self, states: Any, *, rng: np.random.Generator) -> Any:
        """Return what travels on instead of the states that were sent."""
        ...


class Channel(Protocol):
    """Carries updates between participants and keeps the account of keys.

    Attributes:
        level: the security level of its envelopes.
    """

    level: SecurityLevel

    def exchange(
        self,
        client: str,
        *,
        round: int,
        rng: np.random.Generator,
        eavesdropper: Eavesdropper | None = None,
    ) -> LinkEvent:
        """Return how a key session on the client's link went. If it aborted, nothing may be sent
        to or from this client in this round, whatever is left in its pool."""
        ...

    def seal(self, update: Update, header: Header) -> Envelope:
        """Return the sealed update; spends key before anything is encrypted."""
        ...

    def open(self, envelope: Envelope) -> Update:
        """Return the update inside; raises TamperedError and releases nothing on any doubt."""
        ...


class Gatherer(Protocol):
    """Brings the answers of a round to the server: update by update, or as sums."""

    def gather(
        self, answers: Sequence[Answer], *, round: int, rng: np.random.Generator
    ) -> Gathered:
        """Return what arrived; a client that cannot send is refused, and the others go on."""
        ...


class Learning(Protocol):
    """A federated algorithm at work: what it adds at the client and does at the server.

    Parameters and states are torch tensors, which this module does not name.
    """

    def local_objective(self, step: Any) -> Any:
        """Return a term added to a client's task losses in one step, or None."""
        ...

    def aggregate(self, state: Any, updates: Sequence[Update]) -> Any:
        """Return the new global modules."""
        ...


@runtime_checkable
class Telling(Protocol):
    """An algorithm at work that has something to say about each round."""

    def tell(self) -> Mapping[str, float]:
        """Return numbers about the round just aggregated, named as in `qfl.core.metrics`."""
        ...


@runtime_checkable
class Ignoring(Protocol):
    """An algorithm at work that may give an update no weight at all."""

    def ignored(self) -> Mapping[int, str]:
        """Return place among the updates just aggregated -> why that one weighed nothing."""
        ...


@runtime_checkable
class Completing(Protocol):
    """An algorithm at work that deals with what samples lack, before they are seen."""

    def training_samples(self, participant: Any) -> Any:
        """Return what a client trains on; asked once."""
        ...

    def complete(self, samples: Any) -> Any:
        """Return samples to be predicted as the model is to see them, whatever their labels."""
        ...


@runtime_checkable
class Packing(Protocol):
    """An algorithm at work that packs the envelopes itself: more than the modules, less or none.

    States are module id -> name -> tensor. What is no module of the model goes by another id.
    """

    def pack(self, participant: Any, offered: Any) -> Any:
        """Return the state that travels down in place of the modules `offered`; an empty one if
        only an answer is wanted, None if nothing travels at all."""
        ...

    def carried(self, participant: Any, received: Any) -> Mapping[str, Any]:
        """Return the tensors that the local objective finds in `Step.carried`."""
        ...

    def answer(self, participant: Any, received: Any, trained: Any) -> Any:
        """Return the state that travels up; `trained` is None if no module came down."""
        ...


@runtime_checkable
class Unpacking(Protocol):
    """An algorithm at work whose clients change modules that they hold by what came beside."""

    def unpack(self, participant: Any, held: Any, received: Any) -> Any:
        """Return a client's modules after a download; asked once for each.

        `held` are those it had and those that came, `received` is all that came down.
        """
        ...


@runtime_checkable
class Acknowledging(Protocol):
    """An algorithm at work whose clients must know whether their answers arrived."""

    def delivered(self, arrived: Mapping[int, Collection[str]]) -> None:
        """Learn what is in the new global modules: index of a client -> modules of its answer."""
        ...


@runtime_checkable
class Personalising(Protocol):
    """An algorithm at work whose clients train a model of their own after the common one."""

    def after_training(self, pupil: Any) -> Any:
        """Yield lessons, receive what came of each, return the `PersonalModel` to be used from
        now on; `pupil` is a `qfl.federation.training.lessons.Pupil`."""
        ...


@runtime_checkable
class Finishing(Protocol):
    """An algorithm at work whose clients all take the final model home and train it further."""

    def after_last_round(self, pupil: Any) -> Any:
        """Yield lessons, receive what came of each, return the `PersonalModel` to be used."""
        ...


class Algorithm(Protocol):
    """The options of a federated algorithm."""

    def start(self, world: Any) -> Learning:
        """Return the algorithm for one federation, a `qfl.federation.world.World`; it may remember
        from round to round."""
        ...


class Executor(Protocol):
    """Runs independent tasks that each yield a stream of items."""

    def map(
        self,
        function: Callable[[T], Iterator[R]],
        tasks: Sequence[T],
        *,
        lost: Callable[[T, str], R],
    ) -> Iterator[tuple[T, R]]:
        """Yield (task, item) as items of function(task) arrive; those of one task in order.

        A task whose worker dies ends with the item lost(task, cause).
        """
        ...
