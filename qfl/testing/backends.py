"""The conformance kit of backends: one call proves that a backend keeps the promises of its port.

>>> from qfl.backends import get_backend
>>> check_backend(get_backend("subspace"))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from circuits.qaoa import PRODUCTS, QaoaAnsatz
from qfl.core.counts import Counts
from qfl.core.errors import BackendError, CapacityError
from qfl.core.ports import Backend, Compiled, ExactCompiled
from qfl.core.rng import Streams
from qfl.simulators.hypercube import Hypercube

FALSE_ALARM = 1e-9
"""Chance that a correct backend fails the comparison of its samples with the distribution."""

Floats = NDArray[np.float64]
_ANGLES = np.array([[0.3, 0.5], [-0.4, -0.2]])
_OTHER_ANGLES = np.array([[0.8, -0.3], [0.2, 0.6]])
_MANY = 20_001
"""Shots beyond what devices and primitives take by default: 1,024, 4,096, 8,192, 10,000."""


def sample_ansatz(mixer: str) -> QaoaAnsatz:
    """Return a small ansatz of depth 2 without any symmetry between its variables."""
    rng = Streams(5)("instance")
    blocks = () if mixer == "x" else (((0, 2, 3), 2), ((4, 1), 1))
    quadratic = np.triu(rng.normal(size=(5, 5)), 1)
    return QaoaAnsatz(0.25, rng.normal(size=5), quadratic, mixer, 2, blocks)


def idle_ansatz(mixer: str) -> QaoaAnsatz:
    """Return an ansatz of depth 2 with nothing to do for variable 1, and little for variable 3.

    Variable 1 costs nothing and is alone in its block of no ones: only mixer "x" has a gate for it.
    """
    rng = Streams(6)("instance")
    blocks = () if mixer == "x" else (((1,), 0), ((4, 0, 2), 1), ((3,), 1))
    linear, quadratic = rng.normal(size=5), np.triu(rng.normal(size=(5, 5)), 1)
    linear[1], quadratic[1], quadratic[:, 1] = 0, 0, 0
    return QaoaAnsatz(0.25, linear, quadratic, mixer, 2, blocks)


def _variants(ansatz: QaoaAnsatz) -> Iterator[tuple[str, QaoaAnsatz]]:
    """Yield the same ansatz with each of the parts that a backend may refuse, and what it is."""
    if ansatz.mixer == "x":
        yield "a bias", replace(ansatz, bias=np.array([0.2, 0.7, 0.4, 0.9, 0.5]))
        return
    states = math.prod(math.comb(len(variables), ones) for variables, ones in ansatz.blocks)
    yield "a warm start in one state", replace(ansatz, initial=np.eye(states)[1].astype(complex))
    turned = np.exp(1j * np.arange(states)) * np.arange(1, states + 1)
    yield "a warm start", replace(ansatz, initial=turned / np.linalg.norm(turned))
    if ansatz.mixer in PRODUCTS:
        pairs = [
            (block[a], block[b])
            for i, (block, _) in enumerate(ansatz.blocks)
            for a, b in ansatz.edges(i)
        ]
        yield "pairs in another order", replace(ansatz, order=tuple(pairs[::-1]))


def check_backend(
    backend: Backend, *, shots: int = 4000, tolerance: float = 1e-9, computed: bool | None = None
) -> None:
    """Raise AssertionError unless `backend` keeps the port's promises for every mixer it lists.

    Checked: bit order and the signs of gamma and beta, as no two variables of the instance are
    alike; counts are as many as asked for, on allowed states, follow the distribution of a state
    vector at two angle sets, repeat for the same generator and differ for another; 20,001 shots are
    as many; warm starts, a bias and pairs in another order are obeyed; means equal the state
    vector's, in batches and at zero angles too; a variable without a gate and depth 0 change none
    of this; what makes no sense or does not fit is refused with the error of its kind; and if it is
    exact: the distribution equals the state vector's and the gradient central differences. A
    backend without any mixer fails. Many shots, warm starts, biases and orders may be refused, with
    a BackendError.

    A machine that refuses to give means is judged by the mean of its samples. An error of another
    kind is a finding like any other, named by what was asked.

    Args:
        backend: without noise, for five qubits or more.
        shots: per sampled comparison, and behind each mean that is estimated.
        tolerance: of computed numbers.
        computed: whether means are computed, not estimated; None for what `exact` says. Estimated
            ones may be off by four standard errors, which a good backend exceeds with 6e-5.
    """
    name, mixers = backend.capabilities.name, backend.capabilities.mixers
    if not mixers:
        raise AssertionError(f"{name} lists no mixer, so nothing of it can be checked")
    computes = backend.capabilities.exact if computed is None else computed
    for mixer in mixers:
        step = "the kit"
        try:
            for found in _examined(backend, mixer, shots, tolerance, computes):
                step, broken = found
                if broken:
                    raise AssertionError(f"{name} with mixer {mixer!r}: {broken}")
        except AssertionError:
            raise
        except Exception as error:
            said = f"{step} raised {type(error).__name__}: {' '.join(str(error).split())}"
            raise AssertionError(f"{name} with mixer {mixer!r}: {said}") from error


def _examined(
    backend: Backend, mixer: str, shots: int, tolerance: float, computes: bool
) -> Iterator[tuple[str, str]]:
    """Yield what is about to be done and "", then the same with each thing that is wrong."""
    ansatz = sample_ansatz(mixer)
    engine = Hypercube(ansatz)
    truth, other, still = (
        np.abs(engine.amplitudes(angles)) ** 2 for angles in (_ANGLES, _OTHER_ANGLES, 0 * _ANGLES)
    )
    mean, error = _moments(truth, engine.table, shots)
    yield "compile", ""
    compiled = backend.compile(ansatz)
    yield f"sample with {shots} shots", ""
    counts = compiled.sample(_ANGLES, shots, Streams(7)("shots"))
    moved = compiled.sample(_OTHER_ANGLES, shots, Streams(9)("shots"))
    checks = [("sample", _samples(counts, truth, shots)), ("sample", _samples(moved, other, shots))]
    if backend.capabilities.seeded:
        checks += [("sample, again", _repeats(compiled, counts, shots))]
    yield "expectation", ""
    if computes or _gives_means(compiled):
        level, spread = _moments(still, engine.table, shots)
        slack, rest = (tolerance if computes else 4 * each for each in (error, spread))
        slacks = (slack, slack, max(rest, tolerance))
        checks += [("expectation", _means(compiled, (mean, mean, level), slacks))]
        checks += [("expectation of senseless angles", _refusals(compiled.expectation))]
    else:
        checks += [("sample", _sampled_mean(counts, engine.table, mean, 4 * error))]
    once = partial(compiled.sample, shots=1, rng=Streams(8)("shots"))
    checks += [
        ("sample at senseless angles", _refusals(once)),
        ("sample without shots", _no_shots(compiled)),
        ("compile of one qubit too many", _oversized(backend, mixer)),
        ("a warm start, a bias or another order", _obeyed(backend, ansatz, shots)),
    ]
    if mixer == backend.capabilities.mixers[0]:
        checks += [(f"sample with {_MANY} shots", _many_shots(compiled))]
    if backend.capabilities.exact:
        exact = cast(ExactCompiled, compiled)
        checks += [("distribution or gradient", _exactness(exact, _ANGLES, truth, tolerance))]
    idle = idle_ansatz(mixer)
    for part, few in (("a variable without a gate", idle), ("depth 0", replace(idle, depth=0))):
        found = _with_few_gates(backend, few, shots, tolerance, computes)
        checks += [(f"with {part}", _told(part, found))]
    for step, wrong in checks:
        yield step, ""
        yield from ((step, broken) for broken in wrong)


def _moments(truth: Floats, costs: Floats, shots: int) -> tuple[float, float]:
    """Return the mean cost under `truth` (2^n,) and the standard error of `shots` samples."""
    mean = float(truth @ costs)
    return mean, float(np.sqrt(truth @ (costs - mean) ** 2 / shots))


def _gives_means(compiled: Compiled) -> bool:
    """Return False for a machine that samples and says so."""
    try:
        compiled.expectation(_ANGLES)
    except BackendError:
        return False
    return True


def _means(
    compiled: Compiled, means: tuple[float, ...], slacks: tuple[float, ...]
) -> Iterator[str]:
    """Yield what is wrong with the mean cost of one angle set and of a batch of three."""
    batch = np.stack([_ANGLES, -_ANGLES, 0 * _ANGLES])[:, None]  # opposite angles: same mean
    try:
        found = np.asarray(compiled.expectation(batch), dtype=np.float64)
    except (TypeError, ValueError):
        yield f"means are {type(compiled.expectation(batch)).__name__}, not an array of numbers"
        return
    if found.shape != (3, 1):
        yield f"angles of shape {batch.shape} gave means of shape {found.shape}, not (3, 1)"
        return
    one = np.asarray(compiled.expectation(_ANGLES))
    if one.shape != ():
        yield f"one angle set gave a mean of shape {one.shape}, not ()"
        return
    values = (float(one), *found[:, 0])
    for value, mean, slack in zip(values, means[:1] + means, slacks[:1] + slacks, strict=True):
        if not abs(value - mean) <= slack:
            yield f"mean cost {value:.9g} is not {mean:.9g} within {slack:.2g}"


def _mean_of(counts: Counts, costs: Floats) -> float:
    """Return the mean cost of samples, of the costs (2^n,) of all states."""
    index = counts.states.astype(np.int64) @ (1 << np.arange(counts.n))
    return float(costs[index] @ counts.shots / counts.total)


def _sampled_mean(counts: Counts, costs: Floats, mean: float, slack: float) -> Iterator[str]:
    """Yield what is wrong with the mean cost of samples."""
    found = _mean_of(counts, costs)
    if not abs(found - mean) <= slack:
        yield f"samples have mean cost {found:.9g}, not {mean:.9g} within {slack:.2g}"


def _repeats(compiled: Compiled, counts: Counts, shots: int) -> Iterator[str]:
    """Yield what is wrong with the samples of the same generator again, and of another."""
    again = compiled.sample(_ANGLES, shots, Streams(7)("shots"))
    if not np.array_equal(counts.samples(), again.samples()):
        yield "the same generator gave other samples"
    fresh = compiled.sample(_ANGLES, shots, Streams(11)("shots"))
    if np.array_equal(counts.samples(), fresh.samples()):
        yield "another generator gave the same samples"


def _samples(counts: object, truth: Floats, shots: int) -> Iterator[str]:
    """Yield what is wrong with `shots` samples of the distribution `truth` (2^n,)."""
    n = len(truth).bit_length() - 1
    if not isinstance(counts, Counts):
        yield f"a sample is {type(counts).__name__}, not qfl.core.counts.Counts"
        return
    if (counts.n, counts.total) != (n, shots):
        yield f"asked for {shots} shots of {n} variables, got {counts.total} of {counts.n}"
        return
    seen = np.zeros(len(truth))
    seen[counts.states @ (1 << np.arange(n))] = counts.shots
    if seen[truth < 1e-12].any():
        yield f"{seen[truth < 1e-12].sum():.0f} samples of states that the ansatz does not reach"
        return
    expected = shots * truth
    rare = expected < 5
    bins = [np.append(each[~rare], each[rare].sum()) for each in (seen, expected)]
    kept = bins[1] > 0
    statistic = float(((bins[0] - bins[1])[kept] ** 2 / bins[1][kept]).sum())
    limit = float(chdtri(max(1, kept.sum() - 1), FALSE_ALARM))
    if statistic > limit:
        yield f"samples miss the distribution: chi-square {statistic:.1f}, at most {limit:.1f}"


def _refusals(ask: Callable[[ArrayLike], object]) -> Iterator[str]:
    """Yield angles that were taken although they make no sense."""
    for wrong in (_ANGLES[:, :1], _ANGLES[0], np.full((2, 2), np.nan)):
        try:
            ask(wrong)
        except BackendError:
            continue
        yield f"angles {wrong.tolist()} were not refused with a BackendError"


def _no_shots(compiled: Compiled) -> Iterator[str]:
    """Yield what is wrong if nothing is asked for, or several angle sets at once."""
    for angles, shots in ((_ANGLES, 0), (_ANGLES, 1.5), (np.stack([_ANGLES, _ANGLES]), 1)):
        try:
            compiled.sample(angles, cast(int, shots), Streams(8)("shots"))
        except BackendError:
            continue
        except (TypeError, ValueError) as error:
            yield f"{shots} shots raise {type(error).__name__}, not a BackendError"
            continue
        yield f"{shots} shots at angles of shape {angles.shape} were not refused"


def _many_shots(compiled: Compiled) -> Iterator[str]:
    """Yield what is wrong with the number of samples if many are asked for."""
    try:
        found = compiled.sample(_ANGLES, _MANY, Streams(8)("shots")).total
    except BackendError:
        return
    if found != _MANY:
        yield f"asked for {_MANY} shots, got {found}"


def _obeyed(backend: Backend, ansatz: QaoaAnsatz, shots: int) -> Iterator[str]:
    """Yield which part of an ansatz is neither obeyed nor refused."""
    for part, changed in _variants(ansatz):
        try:
            counts = backend.compile(changed).sample(_ANGLES, shots, Streams(7)("shots"))
        except BackendError:
            continue
        truth = np.abs(Hypercube(changed).amplitudes(_ANGLES)) ** 2
        yield from _told(part, _samples(counts, truth, shots))


def _told(part: str, found: Iterator[str]) -> Iterator[str]:
    """Yield what was found with the part of an ansatz that it was found with."""
    yield from (f"with {part}: {broken}" for broken in found)


def _with_few_gates(
    backend: Backend, ansatz: QaoaAnsatz, shots: int, tolerance: float, computes: bool
) -> Iterator[str]:
    """Yield what is wrong with an ansatz that leaves qubits alone, at as many angles as it has."""
    angles = _ANGLES[:, : ansatz.depth]
    engine = Hypercube(ansatz)
    truth = np.abs(engine.amplitudes(angles)) ** 2
    mean, error = _moments(truth, engine.table, shots)
    compiled = backend.compile(ansatz)
    counts = compiled.sample(angles, shots, Streams(7)("shots"))
    yield from _samples(counts, truth, shots)
    try:
        found = float(compiled.expectation(angles))
    except BackendError:
        if computes:
            raise
        found = _mean_of(counts, engine.table)
    slack = tolerance if computes else 4 * error
    if not abs(found - mean) <= slack:
        yield f"mean cost {found:.9g} is not {mean:.9g} within {slack:.2g}"
    if backend.capabilities.exact:
        yield from _exactness(cast(ExactCompiled, compiled), angles, truth, tolerance)


def _oversized(backend: Backend, mixer: str) -> Iterator[str]:
    """Yield what is wrong with the answer to one qubit more than there are."""
    most = backend.capabilities.max_qubits
    if most is None:
        return
    n = most + 1
    blocks = () if mixer == "x" else ((tuple(range(n)), 1),)
    try:
        backend.compile(QaoaAnsatz(0.0, np.ones(n), np.zeros((n, n)), mixer, 1, blocks))
    except CapacityError:
        return
    yield f"{n} qubits were not refused with a CapacityError, and {most} are the most"


def _exactness(
    compiled: ExactCompiled, angles: Floats, truth: Floats, tolerance: float
) -> Iterator[str]:
    """Yield what is wrong with the distribution and the gradient at one angle set."""
    states, probabilities = compiled.distribution(angles)
    numbers = states.astype(np.int64) @ (1 << np.arange(states.shape[1]))
    if len(np.unique(numbers)) != len(states):
        yield "the distribution lists a state twice"
    found = np.zeros(len(truth))
    found[numbers] = probabilities
    if not np.allclose(found, truth, rtol=0, atol=tolerance):
        yield f"a probability is off by {np.abs(found - truth).max():.2g}"
    _, gradient = compiled.value_and_gradient(angles)
    steps = 1e-5 * np.eye(angles.size).reshape(angles.size, *angles.shape)
    up, down = ([float(compiled.expectation(angles + s * e)) for e in steps] for s in (1, -1))
    differences = ((np.array(up) - down) / 2e-5).reshape(angles.shape)
    slack = 1e-6 + 1e5 * tolerance
    if np.shape(gradient) != angles.shape or (np.abs(gradient - differences) > slack).any():
        yield f"gradient {np.asarray(gradient).tolist()} is not {differences.tolist()}"
