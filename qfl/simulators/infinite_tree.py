"""QAOA for MaxCut on the infinite regular tree: the cut fraction of every large-girth graph.

The cost is H = -cut, the start |+>, the mixer the transverse field. A subtree acts on the vertex
above it through an influence functional of that vertex's forward and backward trajectory. From the
leaves to the root these obey a recursion, and by causality the first m layers of one need only m-1
layers of those below: p steps are exact. Up to EXACT_DEPTH, and on any tree but the 3-regular one,
a functional is an array of 4^p numbers. Deeper ones on the 3-regular tree are tensor trains; the
value then also uses the messages that run from the root to the leaves (the adjoint of the
recursion), which leaves an error of second order in what the trains cut off. The 2-regular tree is
a path, where `cycle` is exact at any depth.

Reference: Basso, Farhi, Marwaha, Villalonga, Zhou, arXiv:2110.14206 (the recursion).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.simulators.cycle import cycle_cut_and_gradient
from qfl.simulators.memory import require
from qfl.simulators.trajectories import (
    Core,
    Environment,
    Map,
    Train,
    coupling,
    cut,
    dual,
    inner,
    joined,
    opened,
    overlaps,
    passed,
    rotation,
    rounded,
    single,
    total,
    uncoupling,
)

EXACT_DEPTH = 11
"""Down to here nothing is approximated."""

_BOND = 64
_TOLERANCE = 1e-13
_START = single(0.5, 0.5)
_ANY = single(1.0, 1.0)
_MET = single(1.0, 0.0)
_MEASURED = single(1.0, 0.0, parity=-1.0)


def cut_fraction(angles: ArrayLike, *, degree: int, bond: int = _BOND) -> float:
    """Return the expected fraction of edges cut, on any graph of this degree and girth > 2p + 1.

    Args:
        angles: (2, p) radians for H = -cut: gammas > 0, then betas < 0 towards the maximum cut.
        degree: of every vertex, >= 2.
        bond: largest bond of the tensor trains beyond EXACT_DEPTH. The error at 64 stays below
            1e-8 at depth 12 and 1e-7 at depth 17; 32 is enough for 1e-5.

    Raises:
        ConfigError: angles of another shape, a degree below 2, or a gamma that the trains cannot
            take (a multiple of pi).
        CapacityError: the arrays do not fit the memory.

    >>> round(cut_fraction([[0.6154797], [-0.3926991]], degree=3), 7)
    0.6924501
    """
    layers = _checked(angles, degree)
    if degree == 2:
        return _on_the_path(layers)[0]
    with torch.no_grad():
        correlation = sum(float(term) for term in _terms(layers, degree, bond))
    return (1.0 - correlation) / 2


def cut_fraction_and_gradient(
    angles: ArrayLike, *, degree: int, bond: int = _BOND
) -> tuple[float, NDArray[np.float64]]:
    """Return the cut fraction and its gradient (2, p); arguments as for `cut_fraction`."""
    variables = _checked(angles, degree)
    if degree == 2:
        return _on_the_path(variables)
    variables.requires_grad_()
    value, gradient = 0.5, torch.zeros_like(variables, requires_grad=False)
    for term in _terms(variables, degree, bond):
        value -= float(term.detach()) / 2
        gradient -= torch.autograd.grad(term, variables)[0] / 2
    return value, gradient.numpy()


def _checked(angles: ArrayLike, degree: int) -> Tensor:
    array = np.array(angles, dtype=np.float64)
    if array.ndim != 2 or len(array) != 2 or not array.size or not np.isfinite(array).all():
        raise ConfigError(
            f"angles must be finite, of shape (2, depth), gammas then betas, got {array.tolist()}"
        )
    if degree < 2:
        raise ConfigError(f"a regular tree needs degree >= 2, got {degree}")
    return torch.from_numpy(array)


def _on_the_path(angles: Tensor) -> tuple[float, NDArray[np.float64]]:
    """Return value and gradient on the 2-regular tree, which is that of any long cycle."""
    return cycle_cut_and_gradient(angles.numpy(), nodes=2 * angles.shape[1] + 2)


def _terms(angles: Tensor, degree: int, bond: int) -> Iterator[Tensor]:
    """Yield terms that add up to the correlation of two neighbours."""
    depth = angles.shape[1]
    if degree == 3 and depth > EXACT_DEPTH:
        if float(torch.sin(angles[0].detach()).abs().min()) < 1e-6:
            raise ConfigError(
                f"beyond depth {EXACT_DEPTH} no gamma may be a multiple of pi; drop that layer"
            )
        yield from _Deep(angles.detach(), bond).terms(angles)
    else:
        needed = 16 * 4**depth * (4 + 4 * depth * angles.requires_grad)
        require(needed, what=f"depth {depth} on a tree", advice="use fewer layers")
        yield _exact(angles, degree - 1)


def _exact(angles: Tensor, branches: int) -> Tensor:
    """Return the correlation of two neighbours from arrays over all trajectories.

    Site k of an array is the pair (a_k, a'_k); site 1 varies slowest.
    """
    spin = torch.tensor([1.0, -1.0], dtype=torch.float64)
    phases = torch.exp(-0.5j * angles[0][:, None, None] * torch.outer(spin, spin))
    cos, sin = torch.cos(angles[1]), -1j * torch.sin(angles[1])
    flips = torch.stack([torch.stack([cos + 0j, sin]), torch.stack([sin, cos + 0j])]).moveaxis(2, 0)
    pairs = [torch.kron(phase, phase.conj()) for phase in phases]
    steps = [torch.kron(flip, flip.conj()) for flip in flips]
    weights = torch.full((1, 4), 0.5, dtype=torch.complex128)
    influence = torch.ones(1, dtype=torch.complex128)
    for layer, pair in enumerate(pairs):
        if layer:
            weights = (weights[..., None] * steps[layer - 1].T).reshape(-1, 4)
        met = (weights * influence[:, None])[:, [0, 3]]
        met = met @ pair[:, [0, 3]].T
        influence = _all_sites(met, pairs[:layer]).reshape(-1) ** branches
    measured = steps[-1][0] - steps[-1][3]
    rooted = ((weights * influence.reshape(-1, 4)) * measured).reshape(-1)
    return (rooted * _all_sites(rooted, pairs).reshape(-1)).sum().real


def _all_sites(array: Tensor, pairs: Sequence[Tensor]) -> Tensor:
    """Return an array with the matrix of each leading site applied."""
    for site, pair in enumerate(pairs):
        array = pair @ array.reshape(4**site, 4, -1)
    return array


@dataclass(frozen=True, slots=True)
class _Layers:
    """The maps of all layers at given angles."""

    couplings: list[Map]
    uncouplings: list[Map]
    rotations: list[Map]

    @classmethod
    def of(cls, angles: Tensor) -> _Layers:
        thetas = -angles[0] / 2
        return cls(
            [coupling(theta) for theta in thetas],
            [uncoupling(theta) for theta in thetas],
            [rotation(beta) for beta in angles[1]],
        )


class _Deep:
    """The messages on the 3-regular tree as trains: up (from the leaves), across and down.

    up[m] is the influence of a subtree through m layers, down[m] what the rest of the tree asks of
    it (the derivative of the correlation, coupled), across the two sides of the measured edge.
    """

    def __init__(self, angles: Tensor, bond: int) -> None:
        self.bond, self.depth = bond, angles.shape[1]
        self.layers = _Layers.of(angles)
        self.rng = Streams(0)("trains")
        self.up: list[Train] = [[]]
        for m in range(1, self.depth + 1):
            below = [*self.up[-1], _ANY]
            self.up.append(self._fold(below, below, opened(_MET), m))
        measured = opened(_MEASURED).mapped(self.layers.rotations[-1])
        self.across = self._fold(self.up[-1], self.up[-1], measured, self.depth)
        self.down: list[Train] = [[*self.across, _MEASURED]]
        for m in range(self.depth, 0, -1):
            above = self.down[0]
            end = passed(opened(_MET), _ANY, above[m], forward=False)
            end = end.mapped(self.layers.rotations[m - 1])
            factor = 4.0 if m == self.depth else 2.0
            end = Environment(factor * end.sojourn, factor * end.blip, end.bonds)
            self.down.insert(0, self._fold(self.up[m], above[:m], end, m))

    def terms(self, angles: Tensor) -> Iterator[Tensor]:
        """Yield the terms of the correlation, stationary in the trains; `angles` may need grad."""
        layers = _Layers.of(angles)
        measured = opened(_MEASURED).mapped(layers.rotations[-1])
        edge = _contracted(self.up[-1], self.up[-1], self.across, measured, layers)
        yield 2.0 * edge - inner(self.across, self.across, layers.uncouplings)
        for m in range(1, self.depth + 1):
            layers = _Layers.of(angles)
            below, down = [*self.up[m - 1], _ANY], self.down[m - 1]
            passing = _contracted(below, below, down, opened(_MET), layers)
            yield passing - inner(down, self.up[m], layers.uncouplings[:m])

    def _fold(self, first: Train, second: Train, end: Environment, sites: int) -> Train:
        """Return the message of a vertex with two incoming ones, over its neighbour's trajectory.

        From the right, random trains probe what follows each bond; from the left, the product is
        projected on the directions that they see, with room to spare; a last sweep cuts the bonds.

        Reference: Camano, Epperly, Tropp, arXiv:2504.06475 (randomised compression of products).
        """
        couplings, rotations = self.layers.couplings, self.layers.rotations
        room = self.bond + self.bond // 2
        probes = [end]
        for site in range(sites - 1, 0, -1):
            here = passed(probes[0], first[site], second[site], forward=False)
            noise = dual(self._noise(room + 8, here.bonds[0]), couplings[site])
            here = joined(here, noise, forward=False).normalised()
            probes.insert(0, here.mapped(rotations[site - 1]))
        here, cores = opened(_START), []
        for site, probe in enumerate(probes):
            here = passed(here, first[site], second[site], forward=True)
            core = overlaps(here, probe).mapped(couplings[site])
            if site < sites - 1:
                core, _ = cut(core, bond=room, tolerance=_TOLERANCE)
                here = joined(here, dual(core, couplings[site]), forward=True)
                here = here.mapped(rotations[site])
            cores.append(core)
        return rounded(cores, bond=self.bond, tolerance=_TOLERANCE)

    def _noise(self, columns: int, right: Tensor) -> Core:
        left = torch.ones(columns, dtype=torch.float64)
        left[1::2] = -1.0
        parts = torch.from_numpy(self.rng.normal(size=(2, columns, len(right))))
        return Core(parts[0], parts[1], left, right)


def _contracted(
    first: Train, second: Train, third: Train, end: Environment, layers: _Layers
) -> Tensor:
    """Return the sum over a vertex's trajectory of three messages and a last function."""
    here = opened(_START)
    for site, core in enumerate(third):
        if site:
            here = here.mapped(layers.rotations[site - 1])
        here = joined(passed(here, first[site], second[site], forward=True), core, forward=True)
    return total(here, end)
