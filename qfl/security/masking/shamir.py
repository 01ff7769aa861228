"""Secrets cut into shares, any `threshold` of which give the secret and fewer say nothing.

Arithmetic is in the prime field of 2^127 - 1; longer secrets are shared limb by limb.

Reference: Shamir, Commun. ACM 22, 612 (1979).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from qfl.core.errors import ConfigError, SecurityError
from qfl.security.keys.secret import Secret

PRIME = 2**127 - 1
_LIMB_BYTES = 15
_SHARE_BYTES = 16


def evaluate_polynomial(
    coefficients: Sequence[int], points: Iterable[int], *, prime: int = PRIME
) -> list[int]:
    """Return the polynomial, constant term first, at each point, modulo a prime.

    >>> evaluate_polynomial([5, 2], [1, 2], prime=2**61 - 1)
    [7, 9]
    """
    values = []
    for x in points:
        value = 0
        for coefficient in reversed(coefficients):
            value = (value * x + coefficient) % prime
        values.append(value)
    return values


def interpolation_weights(points: Sequence[int], *, prime: int = PRIME) -> list[int]:
    """Return the weights that give the constant term from the values at `points`.

    >>> interpolation_weights([1, 2], prime=2**61 - 1)
    [2, 2305843009213693950]
    """
    if len({x % prime for x in points}) != len(points) or any(x % prime == 0 for x in points):
        raise ConfigError(f"shares at {list(points)!r}; allowed: distinct points other than 0")
    weights = []
    for x in points:
        top = bottom = 1
        for other in points:
            if other != x:
                top = top * other % prime
                bottom = bottom * (other - x) % prime
        weights.append(top * pow(bottom, -1, prime) % prime)
    return weights


def split_secret(secret: Secret, *, threshold: int, shares: int) -> list[Secret]:
    """Return `shares` shares, for the points 1, 2, ...; the coefficients come from the OS.

    >>> parts = split_secret(Secret(b"sixteen byte key"), threshold=2, shares=3)
    >>> join_shares({3: parts[2], 1: parts[0]}, length=16) == Secret(b"sixteen byte key")
    True
    """
    if not 1 <= threshold <= shares:
        raise ConfigError(f"threshold {threshold!r} of {shares!r} shares; allowed: 1 to all")
    if not secret.bits:
        raise ConfigError("an empty secret has no shares")
    points = range(1, shares + 1)
    columns = []
    for limb in _limbs(secret.reveal()):
        polynomial = [limb, *(secrets.randbelow(PRIME) for _ in range(threshold - 1))]
        columns.append(evaluate_polynomial(polynomial, points))
    return [
        Secret(b"".join(value.to_bytes(_SHARE_BYTES, "big") for value in row))
        for row in zip(*columns, strict=True)
    ]


def join_shares(shares: Mapping[int, Secret], *, length: int) -> Secret:
    """Return the secret of `length` bytes behind shares at their points.

    With fewer shares than the threshold the result is unrelated to the secret.

    Raises:
        SecurityError: the shares cannot be of such a secret.
    """
    sizes = [min(_LIMB_BYTES, length - start) for start in range(0, length, _LIMB_BYTES)]
    if any(share.bits != 8 * _SHARE_BYTES * len(sizes) for share in shares.values()):
        raise SecurityError("a share is too long or too short for the secret it belongs to")
    joined = _joined(shares, sizes)
    if joined is None:
        raise SecurityError("shares that do not belong together; nothing was recovered")
    return joined


def _joined(shares: Mapping[int, Secret], sizes: Sequence[int]) -> Secret | None:
    """Return the secret made of limbs of these sizes, None if a limb is too long.

    Nothing is raised here: a traceback with local variables would show the limbs.
    """
    weights = interpolation_weights(list(shares))
    rows = [share.reveal() for share in shares.values()]
    pieces = []
    for index, size in enumerate(sizes):
        cut = slice(_SHARE_BYTES * index, _SHARE_BYTES * (index + 1))
        values = (int.from_bytes(row[cut], "big") for row in rows)
        limb = sum(w * y for w, y in zip(weights, values, strict=True)) % PRIME
        if limb >= 1 << 8 * size:
            return None
        pieces.append(limb.to_bytes(size, "big"))
    return Secret(b"".join(pieces))


def _limbs(material: bytes) -> list[int]:
    return [
        int.from_bytes(material[start : start + _LIMB_BYTES], "big")
        for start in range(0, len(material), _LIMB_BYTES)
    ]
