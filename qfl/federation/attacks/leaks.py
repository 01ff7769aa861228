"""The rows about gradient inversion: what one update gives away, and what defences leave of it.

The victim is the suite's own model on handwritten digits, the update one step on one picture: the
attacker's best case, against which local training on several pictures is itself a defence. He is
scored by PSNR and SSIM, beside the mean picture and a random one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.data.digits import MODALITIES, TASKS, Digits
from qfl.federation.attacks.inversion import (
    Search,
    Target,
    read_first_layer,
    read_label,
    reconstruct,
)
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture
from qfl.security.attacks.likeness import psnr, ssim
from qfl.security.attacks.outcome import AttackRow, Outcome
from qfl.security.keys.secret import Secret
from qfl.security.masking.quantise import Grid
from qfl.security.masking.stream import add_masks
from qfl.security.privacy.gaussian import LocalGaussian

Pictures = NDArray[np.float64]

BATCH = 8
"""Pictures behind one attacked sum of clients, or behind one client's local training."""

_WIDTH, _PUBLIC = 16, 300
_EPOCHS, _RATE = 2, 0.1
_CLIP, _MOST_DECIBELS = 1.0, 120.0
_NOISE = LocalGaussian(clip=_CLIP, epsilon=8.0, delta=1e-5)
_ANALYTIC, _OPTIMISED = "gradient inversion, analytic", "gradient inversion, optimised"
_HIDDEN = "masking: what the server sees of one client"
_NOISY = "local Gaussian noise, epsilon 8 at delta 1e-5 (replace one update)"


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How much reconstructions resemble the truth; (attacks,) each.

    Attributes:
        decibels: PSNR, at most 120: beyond that only rounding is compared.
        structure: SSIM.
    """

    decibels: Pictures
    structure: Pictures

    @classmethod
    def of(cls, found: Pictures, truth: Pictures) -> Likeness:
        """Return the likeness of (attacks, samples, height, width), averaged over the samples."""
        clipped = np.clip(found, 0, 1)
        scores = [
            [(min(_MOST_DECIBELS, psnr(a, b)), ssim(a, b)) for a, b in zip(one, other, strict=True)]
            for one, other in zip(clipped, truth, strict=True)
        ]
        decibels, structure = np.array(scores).mean(axis=1).T
        return cls(decibels, structure)


def digits_target(streams: Streams) -> Target:
    """Return the suite's own model after two epochs on public digits, as clients download it.

    Before any training nothing could be read: heads of zero let no gradient through.
    """
    (modality, *_), (task, *_) = MODALITIES["profile"], TASKS
    model = architecture((modality,), (task,), _WIDTH)
    samples = Digits().load().samples
    public = samples.take(np.arange(_PUBLIC)).only((modality.name,), (task.name,))
    trained = train(
        model,
        model.initial_state(streams),
        TensorSamples.of(public),
        assignment=Assignment(tasks=(task,), training=LocalTraining(epochs=2)),
        rng=streams("attack/public"),
    )
    height, width = modality.shape
    return Target.of_model(model, trained.state, picture=(height, width))


def inversion_rows(
    streams: Streams, *, trials: int = 20, search: Search | None = None
) -> tuple[AttackRow, ...]:
    """Return the rows of the analytic and the optimised attack, each against four defences.

    Args:
        streams: of the cell.
        trials: private pictures, an even number; half as many sums and local trainings.
        search: how the optimised attack searches.
    """
    if trials < 4 or trials % 2:
        raise ConfigError(f"trials is {trials!r}; allowed: even numbers from 4")
    target, rng = digits_target(streams), streams("attack/inversion")
    search = search or Search()
    samples = Digits().load().samples
    images, labels = samples.inputs["image"].astype(np.float64), samples.targets["digit"]
    mean = images[:_PUBLIC].mean(axis=0)

    chosen = rng.choice(np.arange(_PUBLIC, len(images)), trials, replace=False)[:, None]
    truth, update = images[chosen], target.gradients(images[chosen], labels[chosen])
    single = {
        "": update,
        _HIDDEN: np.stack([mask_update(row, rng=rng) for row in update]),
        _NOISY: np.stack([_NOISE.privatise(row, rng=rng) for row in update]),
    }
    guessed = [[[read_label(target, row)] for row in rows] for rows in single.values()]
    batches = _private_batches(labels, trials // 2, rng)
    truths, classes = images[batches], labels[batches]
    mixed = {
        f"a masked sum of {BATCH} clients": target.gradients(truths, classes),
        f"two local epochs over {BATCH} pictures": _local_changes(target, truths, classes),
    }
    alone = _attack_all(target, single, guessed, truth, search=search, rng=rng)
    among = _attack_all(target, mixed, [classes, classes], truths, search=search, rng=rng)
    rows = []
    for results, shown in ((alone, truth), (among, truths)):
        blind = {
            "mean picture": Likeness.of(np.broadcast_to(mean, shown.shape), shown),
            "random": Likeness.of(rng.random(shown.shape), shown),
        }
        rows += [
            _row(attack, defence, {"without": alone[attack, ""], "with": found}, blind)
            for (attack, defence), found in results.items()
            if defence
        ]
    return tuple(rows)


def mask_update(update: Pictures, *, rng: np.random.Generator) -> Pictures:
    """Return what a server reads who takes one client's masked vector for its update; (size,).

    Args:
        update: (size,), entries up to 1 in magnitude survive quantisation.
        rng: draws the mask's seed and the rounding.
    """
    grid = Grid(clip=_CLIP, levels=1 << 16, clients=BATCH)
    vector = grid.residues(grid.quantise(update, rng=rng))
    add_masks(vector, plus=[Secret(rng.bytes(32))])
    return grid.values(grid.centred(vector))


def _attack_all(
    target: Target,
    seen: Mapping[str, Pictures],
    labels: ArrayLike,
    truth: Pictures,
    *,
    search: Search,
    rng: np.random.Generator,
) -> dict[tuple[str, str], Likeness]:
    """Return (attack, defence) -> likeness; all searches run as one batch.

    `labels` are those that the attacker believes, (defences, updates, samples).
    """
    classes = np.asarray(labels)
    every = np.concatenate(list(seen.values()))
    found = reconstruct(
        target, every, classes.reshape(-1, classes.shape[2]), search=search, rng=rng
    )
    results = {}
    for (defence, rows), searched in zip(seen.items(), np.split(found, len(seen)), strict=True):
        read = np.stack([read_first_layer(target, row) for row in rows])[:, None]
        results[_ANALYTIC, defence] = Likeness.of(np.broadcast_to(read, truth.shape), truth)
        results[_OPTIMISED, defence] = Likeness.of(searched, truth)
    return results


def _private_batches(
    labels: NDArray[np.int64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return (count, BATCH) positions of private pictures, of different classes within a batch."""
    by_class = [np.flatnonzero(labels[_PUBLIC:] == digit) + _PUBLIC for digit in range(10)]
    classes = [rng.permutation(10)[:BATCH] for _ in range(count)]
    return np.array([[rng.choice(by_class[digit]) for digit in row] for row in classes])


def _local_changes(target: Target, images: Pictures, labels: NDArray[np.int64]) -> Pictures:
    """Return what two full-batch steps subtract from the weights; (batches, size)."""
    changes = []
    for batch, classes in zip(images[:, None], labels[:, None], strict=True):
        change = np.zeros(sum(tensor.numel() for tensor in target.weights.values()))
        for _ in range(_EPOCHS):
            change += _RATE * target.moved(-change).gradients(batch, classes)[0]
        changes.append(change)
    return np.stack(changes)


def _row(
    attack: str, defence: str, found: Mapping[str, Likeness], blind: Mapping[str, Likeness]
) -> AttackRow:
    similar = [
        f"{name} {likeness.structure.mean():.2f}" for name, likeness in {**found, **blind}.items()
    ]
    return AttackRow(
        attack=attack,
        defence=defence,
        measure="PSNR in dB",
        blind=max(float(likeness.decibels.mean()) for likeness in blind.values()),
        without=Outcome.of_values(found["without"].decibels),
        defended=Outcome.of_values(found["with"].decibels),
        remark=f"SSIM: {', '.join(similar)}; blind is the mean picture",
    )
