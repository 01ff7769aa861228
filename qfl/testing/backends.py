"""The conformance kit of backends: one call proves that a backend keeps the promises of its port.

>>> from qfl.backends import get_backend
>>> check_backend(get_backend("subspace"))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from circuits.qaoa import QaoaAnsatz
from qfl.core.errors import BackendError
from qfl.core.ports import Backend, Compiled, ExactCompiled
from qfl.core.rng import Streams
from qfl.simulators.hypercube import Hypercube

FALSE_ALARM = 1e-9
"""Chance that a correct backend fails one comparison of sampled numbers."""

Floats = NDArray[np.float64]
_ANGLES = np.array([[0.3, 0.5], [-0.4, -0.2]])


def sample_ansatz(mixer: str) -> QaoaAnsatz:
    """Return a small ansatz of depth 2 without any symmetry between its variables."""
    rng = Streams(5)("instance")
    blocks = () if mixer == "x" else (((0, 2, 3), 2), ((4, 1), 1))
    quadratic = np.triu(rng.normal(size=(5, 5)), 1)
    return QaoaAnsatz(0.25, rng.normal(size=5), quadratic, mixer, 2, blocks)


def check_backend(backend: Backend, *, shots: int = 4000, tolerance: float = 1e-9) -> None:
    """Raise AssertionError unless `backend` keeps the port's promises for every mixer it lists.

    Checked: counts are over the right variables and as many as asked for; they follow the
    distribution and repeat for the same generator; means equal those of a state vector, in
    batches too; angles of a wrong shape or not finite are refused; and if it is exact: the
    distribution equals the state vector's and the gradient central differences.

    Args:
        backend: without noise, for five qubits or more.
        shots: per sampled comparison, and behind each mean if the backend is not exact.
        tolerance: of computed numbers.
    """
    for mixer in backend.capabilities.mixers:
        ansatz = sample_ansatz(mixer)
        engine = Hypercube(ansatz)
        truth = np.abs(engine.amplitudes(_ANGLES)) ** 2
        compiled = backend.compile(ansatz)
        slack = tolerance
        if not backend.capabilities.exact:  # Hoeffding's bound
            slack = float(np.ptp(engine.table) * np.sqrt(np.log(2 / FALSE_ALARM) / (2 * shots)))
        checks = [_means(compiled, truth @ engine.table, slack), _samples(compiled, truth, shots)]
        checks += [_refusals(compiled)]
        if backend.capabilities.exact:
            checks += [_exactness(cast(ExactCompiled, compiled), truth, tolerance)]
        for check in checks:
            for broken in check:
                raise AssertionError(f"{backend.capabilities.name} with mixer {mixer!r}: {broken}")


def _means(compiled: Compiled, mean: float, slack: float) -> Iterator[str]:
    """Yield what is wrong with the mean cost of one angle set and of a batch."""
    batch = np.stack([_ANGLES, -_ANGLES, 0 * _ANGLES])[:, None]  # opposite angles: same mean
    found = np.asarray(compiled.expectation(batch))
    if found.shape != (3, 1):
        yield f"angles of shape {batch.shape} gave means of shape {found.shape}, not (3, 1)"
        return
    one = np.asarray(compiled.expectation(_ANGLES))
    if one.shape != ():
        yield f"one angle set gave a mean of shape {one.shape}, not ()"
        return
    for value in (float(one), *found[:2, 0]):
        if not abs(value - mean) <= slack:
            yield f"mean cost {value:.9g} is not {mean:.9g} within {slack:.2g}"


def _samples(compiled: Compiled, truth: Floats, shots: int) -> Iterator[str]:
    """Yield what is wrong with `shots` samples of the distribution `truth` (2^n,)."""
    n = len(truth).bit_length() - 1
    counts = compiled.sample(_ANGLES, shots, Streams(7)("shots"))
    if (counts.n, counts.total) != (n, shots):
        yield f"asked for {shots} shots of {n} variables, got {counts.total} of {counts.n}"
        return
    again = compiled.sample(_ANGLES, shots, Streams(7)("shots"))
    if not np.array_equal(counts.samples(), again.samples()):
        yield "the same generator gave other samples"
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


def _refusals(compiled: Compiled) -> Iterator[str]:
    """Yield angles that were taken although they make no sense."""
    for wrong in (_ANGLES[:, :1], _ANGLES[0], np.full((2, 2), np.nan)):
        try:
            compiled.expectation(wrong)
        except BackendError:
            continue
        yield f"angles {wrong.tolist()} were not refused with a BackendError"


def _exactness(compiled: ExactCompiled, truth: Floats, tolerance: float) -> Iterator[str]:
    """Yield what is wrong with the distribution and the gradient."""
    states, probabilities = compiled.distribution(_ANGLES)
    numbers = states.astype(np.int64) @ (1 << np.arange(states.shape[1]))
    if len(np.unique(numbers)) != len(states):
        yield "the distribution lists a state twice"
    found = np.zeros(len(truth))
    found[numbers] = probabilities
    if not np.allclose(found, truth, rtol=0, atol=tolerance):
        yield f"a probability is off by {np.abs(found - truth).max():.2g}"
    _, gradient = compiled.value_and_gradient(_ANGLES)
    steps = 1e-5 * np.eye(_ANGLES.size).reshape(-1, *_ANGLES.shape)
    up, down = (np.asarray(compiled.expectation(_ANGLES + s * steps)) for s in (1, -1))
    differences = ((up - down) / 2e-5).reshape(_ANGLES.shape)
    slack = 1e-6 + 1e5 * tolerance
    if np.shape(gradient) != _ANGLES.shape or np.abs(gradient - differences).max() > slack:
        yield f"gradient {np.asarray(gradient).tolist()} is not {differences.tolist()}"
