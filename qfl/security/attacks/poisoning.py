"""Clients that send wrong updates or train on wrong labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError, UnknownNameError

UPDATE_ATTACKS = ("sign_flip", "alie", "ipm", "boost")
"""What `corrupt` can do to updates; `flip_labels` and `plant_backdoor` act on data instead."""


def sign_flip(update: ArrayLike, *, scale: float = 1.0) -> NDArray[np.float64]:
    """Return -scale x the honest update.

    f of n clients reverse the mean if scale x f > n - f.

    >>> sign_flip([1.0, -2.0], scale=3.0).tolist()
    [-3.0, 6.0]
    """
    return -scale * np.asarray(update, dtype=np.float64)


def alie_z(clients: int, corrupted: int) -> float:
    """Return how many deviations from the mean still pass for honest.

    z = Phi^-1((n-m-s)/(n-m)) with s = floor(n/2 + 1) - m, the honest clients that must look
    worse than the attackers for these to be a majority.

    Args:
        clients: n.
        corrupted: m.

    Reference: Baruch, Baruch, Goldberg, NeurIPS 2019, arXiv:1902.06156, algorithm 3 (with the
    count of the honest in the denominator).

    >>> round(alie_z(50, 24), 6)
    1.426077
    """
    from scipy.special import ndtri

    if not 0 < corrupted < clients / 2:
        raise ConfigError(f"{corrupted!r} of {clients!r} corrupted; allowed: some, not half")
    honest = clients - corrupted
    supporters = clients // 2 + 1 - corrupted
    return float(ndtri((honest - supporters) / honest))


def alie(honest: ArrayLike, *, clients: int, corrupted: int) -> NDArray[np.float64]:
    """Return the update that all attackers send, mean - z x deviation of the honest; (d,).

    A little is enough: inside the spread of the honest, always to the same side.

    Args:
        honest: (h, d) updates that the attackers know; their own clean ones serve as well.
        clients: n.
        corrupted: m.
    """
    known = np.asarray(honest, dtype=np.float64)
    return known.mean(axis=0) - alie_z(clients, corrupted) * known.std(axis=0)


def inner_product_attack(honest: ArrayLike, *, epsilon: float) -> NDArray[np.float64]:
    """Return -epsilon x the mean of the honest updates; (d,).

    Reference: Xie, Koyejo, Gupta, UAI 2019, arXiv:1903.03936.
    """
    return -epsilon * np.asarray(honest, dtype=np.float64).mean(axis=0)


def inner_product_threshold(clients: int, corrupted: int) -> float:
    """Return the epsilon above which the mean of all points backwards, (n-f)/f.

    >>> inner_product_threshold(10, 2)
    4.0
    """
    if not 0 < corrupted < clients:
        raise ConfigError(f"{corrupted!r} of {clients!r} corrupted; allowed: some, not all")
    return (clients - corrupted) / corrupted


def corrupt(
    attack: str, updates: ArrayLike, *, corrupted: int, scale: float = 1.0
) -> NDArray[np.float64]:
    """Return all updates with the first `corrupted` replaced by what the attackers send; (n, d).

    Attackers see everybody's honest update and act together.

    Args:
        attack: "sign_flip", "alie", "ipm" or "boost" (the own update, scaled: how an update
            trained on poisoned data replaces the model).
        updates: (n, d), the attackers' own honest or poisoned ones first.
        corrupted: f.
        scale: of sign_flip and boost; epsilon of ipm; alie has none.

    >>> corrupt("ipm", [[5.0], [1.0], [3.0]], corrupted=1, scale=0.5).tolist()
    [[-1.0], [1.0], [3.0]]
    """
    rows = np.array(updates, dtype=np.float64)
    if attack not in UPDATE_ATTACKS:
        raise UnknownNameError("update attack", attack, UPDATE_ATTACKS)
    if rows.ndim != 2 or not 0 < corrupted < len(rows):
        raise ConfigError(
            f"{corrupted!r} corrupted among updates of shape {rows.shape}; allowed: (clients, "
            "dimension), some corrupted, not all"
        )
    honest = rows[corrupted:]
    if attack == "alie":
        rows[:corrupted] = alie(honest, clients=len(rows), corrupted=corrupted)
    elif attack == "ipm":
        rows[:corrupted] = inner_product_attack(honest, epsilon=scale)
    elif attack == "sign_flip":
        rows[:corrupted] = sign_flip(rows[:corrupted], scale=scale)
    else:
        rows[:corrupted] *= scale
    return rows


def flip_labels(labels: ArrayLike, *, classes: int) -> NDArray[np.int64]:
    """Return class c - 1 - l for each label l.

    >>> flip_labels([0, 9, 4], classes=10).tolist()
    [9, 0, 5]
    """
    values = np.asarray(labels, dtype=np.int64)
    if len(values) and not (0 <= values.min() and values.max() < classes):
        raise ConfigError(f"labels outside 0..{classes - 1}; nothing was flipped")
    return classes - 1 - values


def plant_backdoor(
    images: ArrayLike, labels: ArrayLike, *, target: int, size: int = 2, value: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return images with a square in the last corner, all labelled as the target.

    Args:
        images: (n, height, width).
        labels: (n,), replaced.
        target: what the trigger shall mean.
        size: of the square.
        value: of its pixels.

    Reference: Gu, Dolan-Gavitt, Garg, arXiv:1708.06733.

    >>> stamped, wanted = plant_backdoor(np.zeros((1, 3, 3)), [4], target=7)
    >>> stamped.sum().item(), wanted.tolist()
    (4.0, [7])
    """
    stamped = np.array(images, dtype=np.float64)
    if stamped.ndim != 3 or not 1 <= size <= min(stamped.shape[1:]):
        raise ConfigError(
            f"a trigger of {size!r} pixels on images of shape {stamped.shape}; allowed: "
            "(n, height, width) and a size within"
        )
    stamped[:, -size:, -size:] = value
    return stamped, np.full(len(np.asarray(labels)), target, dtype=np.int64)
