"""Functions of a spin's forward and backward trajectory, as tensor trains that keep a parity.

At each of p times a spin has a forward value a and a backward value a' in {+1, -1}. A function of
both is split into four real parts: I + a Z where a = a' (a sojourn), and X + i a Y where a = -a'
(a blip). For the influence functionals of a cost that the global flip leaves alone these parts are
real, and those with an odd number of Z and Y vanish. Every bond of a train carries that parity, so
a sojourn matrix can hold I on its even and Z on its odd entries, and a blip matrix X and Y.
Only torch may be imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Matrix = tuple[tuple[Any, Any], tuple[Any, Any]]
Map = tuple[Matrix, Matrix]
"""A linear map of the parts at one time: a 2 x 2 matrix on (I, X), and another on (Z, Y)."""


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A train at one time.

    Attributes:
        sojourn, blip: (left bond, right bond) float64.
        left, right: parity +1 or -1 of each bond index, float64.
    """

    sojourn: Tensor
    blip: Tensor
    left: Tensor
    right: Tensor

    @property
    def parity(self) -> Tensor:
        """+1 where the entries are I and X, -1 where they are Z and Y."""
        return torch.outer(self.left, self.right)

    @property
    def transposed(self) -> Core:
        """The core with its bonds exchanged."""
        return Core(self.sojourn.T, self.blip.T, self.right, self.left)

    def mapped(self, by: Map) -> Core:
        """Return the core with a linear map applied to its parts."""
        return Core(*_apply(by, self.sojourn, self.blip, self.parity), self.left, self.right)


Train = list[Core]


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """A function of the spin pair at one time and of the open bonds of three trains.

    Attributes:
        sojourn, blip: (third, first, second) float64.
        bonds: the parities of the third, the first and the second bond.
    """

    sojourn: Tensor
    blip: Tensor
    bonds: tuple[Tensor, Tensor, Tensor]

    @property
    def parity(self) -> Tensor:
        """+1 where the entries are I and X, -1 where they are Z and Y."""
        third, first, second = self.bonds
        return third[:, None, None] * torch.outer(first, second)

    def mapped(self, by: Map) -> Environment:
        """Return the function with a linear map applied to its parts."""
        return Environment(*_apply(by, self.sojourn, self.blip, self.parity), self.bonds)

    def normalised(self) -> Environment:
        """Return the function with norm 1 for every index of the third bond."""
        norm = (self.sojourn**2 + self.blip**2).sum((1, 2), keepdim=True).sqrt()
        return Environment(self.sojourn / norm, self.blip / norm, self.bonds)


def single(sojourn: float, blip: float, *, parity: float = 1.0) -> Core:
    """Return a core with bonds of size 1 and parts I and X; with parity -1, Z and Y."""
    parts = (torch.full((1, 1), value, dtype=torch.float64) for value in (sojourn, blip))
    return Core(*parts, *(torch.tensor([sign], dtype=torch.float64) for sign in (parity, 1.0)))


def opened(core: Core) -> Environment:
    """Return a single core as an environment without other bonds."""
    return Environment(core.sojourn[None], core.blip[None], (core.left, core.right, core.right))


def rotation(beta: Any) -> Map:
    """Return the sum over a spin pair of a mixer exp(-i beta X) times a function of the pair.

    The same map takes a function to the time before and to the time after.
    """
    c, s = _cos_sin(2 * beta)
    return ((1.0, 0.0), (0.0, 1.0)), ((c, -s), (s, c))


def coupling(theta: Any) -> Map:
    """Return the sum over b, b' of exp(i theta (a b - a' b')) times a function of b, b'."""
    c, s = _cos_sin(2 * theta)
    return ((2.0, 2 * c), (2 * c, 2.0)), ((0.0, -2 * s), (2 * s, 0.0))


def uncoupling(theta: Any) -> Map:
    """Return the inverse of `coupling`; theta must not be a multiple of pi / 2."""
    c, s = _cos_sin(2 * theta)
    a = 0.5 / (s * s)
    return ((a, -c * a), (-c * a, a)), ((0.0, 0.5 / s), (-0.5 / s, 0.0))


def dual(core: Core, by: Map) -> Core:
    """Return k such that the sum of k f over a spin pair is (parts of core) . by(parts of f)."""
    even, odd = (((a, c), (b, d)) for (a, b), (c, d) in by)
    turned = core.mapped((even, odd))
    return Core(turned.sojourn / 2, turned.parity * turned.blip / 2, core.left, core.right)


def passed(here: Environment, first: Core, second: Core, *, forward: bool) -> Environment:
    """Return `here` times two trains at one time; their bonds move over to the other ends."""
    (s1, b1, end1), (s2, b2, end2) = (_moving(core, forward) for core in (first, second))
    moved = (here.bonds[0], end1, end2)
    blip = _phases(here.bonds, forward) * here.blip
    return Environment(
        s1 @ (here.sojourn @ s2.T), _phases(moved, forward) * (b1 @ (blip @ b2.T)), moved
    )


def joined(here: Environment, core: Core, *, forward: bool) -> Environment:
    """Return `here` times a third train at one time, which moves the third bond."""
    core = core.transposed if forward else core
    even = core.parity > 0
    same, other = core.blip * even, core.blip * ~even
    return Environment(
        torch.tensordot(core.sojourn, here.sojourn, 1),
        torch.tensordot(same, here.blip, 1) + torch.tensordot(other, here.parity * here.blip, 1),
        (core.left, *here.bonds[1:]),
    )


def overlaps(one: Environment, other: Environment) -> Core:
    """Return the parts of the product of two functions, summed over their first two bonds.

    The third bonds become the bonds of the result.
    """
    left, right = one.bonds[0], other.bonds[0]
    sojourn = one.sojourn.flatten(1) @ other.sojourn.flatten(1).T
    even = (one.parity * one.blip).flatten(1) @ other.blip.flatten(1).T
    odd = one.blip.flatten(1) @ other.blip.flatten(1).T
    return Core(sojourn, torch.where(torch.outer(left, right) > 0, even, odd), left, right)


def total(one: Environment, other: Environment) -> Tensor:
    """Return the sum of the product of two functions over the spin pair and all bonds."""
    parts = overlaps(one, other)
    return 2 * (parts.sojourn + parts.blip).sum()


def inner(one: Train, other: Train, maps: Sequence[Map]) -> Tensor:
    """Return the sum over both trajectories of `one` times `other`, the latter mapped."""
    bonds = torch.ones((1, 1), dtype=torch.float64)
    for a, unmapped, by in zip(one, other, maps, strict=True):
        b = unmapped.mapped(by)
        a_even, b_even = (core.parity > 0 for core in (a, b))
        terms = (
            (2.0, a.sojourn * a_even, b.sojourn * b_even),
            (2.0, a.sojourn * ~a_even, b.sojourn * ~b_even),
            (2.0, a.blip * a_even, b.blip * b_even),
            (-2.0, a.blip * ~a_even, b.blip * ~b_even),
        )
        bonds = torch.stack([sign * x.T @ bonds @ y for sign, x, y in terms]).sum(0)
    return bonds.sum()


def cut(core: Core, *, bond: int, tolerance: float) -> tuple[Core, Tensor]:
    """Return an isometric core and the matrix that follows it, with the best `bond` directions.

    Args:
        core: one core, or the parts of anything over a left and a right bond.
        bond: the most directions to keep, those of both parities together.
        tolerance: directions below this fraction of the largest singular value are dropped.
    """
    found = []
    for sign in (1.0, -1.0):
        columns = core.right == sign
        block = torch.cat([core.sojourn[:, columns], core.blip[:, columns]])
        found.append((columns, *torch.linalg.svd(block, full_matrices=False)))
    values = torch.cat([block[2] for block in found]).sort(descending=True).values
    least = max(tolerance * float(values[0]), float(values[bond]) if len(values) > bond else 0.0)
    kept = [block[2] > least for block in found]
    basis = torch.cat([block[1][:, keep] for block, keep in zip(found, kept, strict=True)], 1)
    sizes = [int(keep.sum()) for keep in kept]
    parity = torch.tensor([1.0] * sizes[0] + [-1.0] * sizes[1], dtype=torch.float64)
    rest = torch.zeros((len(parity), len(core.right)), dtype=torch.float64)
    rows = torch.split(torch.arange(len(parity)), sizes)
    for (columns, _, values, right), keep, row in zip(found, kept, rows, strict=True):
        rest[row[:, None], columns.nonzero()[:, 0]] = values[keep, None] * right[keep]
    m = len(core.left)
    return Core(basis[:m], basis[m:], core.left, parity), rest


def rounded(train: Train, *, bond: int, tolerance: float) -> Train:
    """Return a train of isometric cores with its bonds cut, from right to left."""
    cores, current = [], train[-1]
    for before in reversed(train[:-1]):
        isometry, rest = cut(current.transposed, bond=bond, tolerance=tolerance)
        cores.append(isometry.transposed)
        parts = (before.sojourn @ rest.T, before.blip @ rest.T)
        current = Core(*parts, before.left, isometry.right)
    return [current, *reversed(cores)]


def _apply(by: Map, sojourn: Tensor, blip: Tensor, parity: Tensor) -> tuple[Tensor, Tensor]:
    """Return both parts after the matrix by[0] where the parity is even, by[1] where it is odd."""
    even = (parity > 0).to(torch.float64)
    odd = 1.0 - even
    (a, b), (c, d) = (
        [even * x + odd * y for x, y in zip(*rows, strict=True)] for rows in zip(*by, strict=True)
    )
    return a * sojourn + b * blip, c * sojourn + d * blip


def _moving(core: Core, forward: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the matrices that move a bond (the blip without its phases), and its new parities."""
    blip = torch.where(core.parity > 0, core.blip, core.blip * core.right)
    if forward:
        return core.sojourn.T, blip.T, core.right
    return core.sojourn, blip, core.left


def _phases(bonds: tuple[Tensor, Tensor, Tensor], forward: bool) -> Tensor:
    """Return the sign of i^n (backward) or (-i)^n (forward), over 1 or i, with n odd bonds."""
    third, first, second = bonds
    a, b, c = third[:, None, None] < 0, first[:, None] < 0, second < 0
    negative = (a & b) ^ (a & c) ^ (b & c)
    if forward:
        negative = negative ^ a ^ b ^ c
    return 1.0 - 2.0 * negative.to(torch.float64)


def _cos_sin(angle: Any) -> tuple[Any, Any]:
    value = torch.as_tensor(angle, dtype=torch.float64)
    return torch.cos(value), torch.sin(value)
