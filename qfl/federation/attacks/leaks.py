"""The rows about gradient inversion: what one update gives away, and what defences leave of it.

The victim is the suite's own model on handwritten digits, the update one step on one picture: the
attacker's best case. He is scored by PSNR and SSIM, beside the mean picture and a random one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
from qfl.federation.engine import LocalTraining, train
from qfl.federation.population import TensorSamples
from qfl.models.m3t import architecture
from qfl.security.attacks.likeness import psnr, ssim
from qfl.security.attacks.outcome import AttackRow, Outcome
from qfl.security.keys.secret import Secret
from qfl.security.masking.quantise import Grid
from qfl.security.masking.stream import add_masks
from qfl.security.privacy.gaussian import LocalGaussian

Pictures = NDArray[np.float64]

SUMMED = 8
"""Clients in the masked sum whose total is attacked."""

_WIDTH, _PUBLIC = 16, 300
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
    (modality, *_), (task, *_) = MODALITIES, TASKS
    model = architecture((modality,), (task,), _WIDTH)
    samples = Digits().load().samples
    public = samples.take(np.arange(_PUBLIC)).only((modality.name,), (task.name,))
    trained = train(
        model,
        model.initial_state(streams),
        TensorSamples.of(public),
        tasks=(task,),
        training=LocalTraining(epochs=2),
        objective=lambda _current, _downloaded: None,
        rng=streams("attack/public"),
    )
    height, width = modality.shape
    return Target.of_model(model, trained.state, picture=(height, width))


def inversion_rows(
    streams: Streams, *, trials: int = 20, search: Search | None = None
) -> tuple[AttackRow, ...]:
    """Return the rows of the analytic and the optimised attack, each against three defences.

    Args:
        streams: of the cell.
        trials: private pictures, a multiple of 4.
        search: how the optimised attack searches.
    """
    if trials < 4 or trials % 4:
        raise ConfigError(f"trials is {trials!r}; allowed: a positive multiple of 4")
    target, rng = digits_target(streams), streams("attack/inversion")
    samples = Digits().load().samples
    images, labels = samples.inputs["image"].astype(np.float64), samples.targets["digit"]
    chosen = rng.choice(np.arange(_PUBLIC, len(images)), trials, replace=False)[:, None]
    truth, alone = images[chosen], target.gradients(images[chosen], labels[chosen])
    seen = {
        "": alone,
        _HIDDEN: np.stack([mask_update(row, rng=rng) for row in alone]),
        _NOISY: np.stack([_NOISE.privatise(row, rng=rng) for row in alone]),
    }
    search = search or Search()
    results = _attack_all(target, seen, truth, search, rng)
    summed = _private_sums(labels, trials // 4, rng)
    total = target.gradients(images[summed], labels[summed])
    found = reconstruct(target, total, labels[summed], search=search, rng=rng)
    defence = f"a masked sum of {SUMMED} clients"
    results[_OPTIMISED, defence] = Likeness.of(found, images[summed])
    mixed = np.stack([read_first_layer(target, row) for row in total])[:, None]
    spread = np.broadcast_to(mixed, images[summed].shape)
    results[_ANALYTIC, defence] = Likeness.of(spread, images[summed])
    mean = np.broadcast_to(images[:_PUBLIC].mean(axis=0), truth.shape)
    blind = {
        "mean picture": Likeness.of(mean, truth),
        "random": Likeness.of(rng.random(truth.shape), truth),
    }
    return tuple(_row(attack, defence, results, blind) for attack, defence in results if defence)


def mask_update(update: Pictures, *, rng: np.random.Generator) -> Pictures:
    """Return what a server reads who takes one client's masked vector for its update; (size,).

    Args:
        update: (size,), entries up to 1 in magnitude survive quantisation.
        rng: draws the mask's seed and the rounding.
    """
    grid = Grid(clip=_CLIP, levels=1 << 16, clients=SUMMED)
    vector = grid.residues(grid.quantise(update, rng=rng))
    add_masks(vector, plus=[Secret(rng.bytes(32))])
    return grid.values(grid.centred(vector))


def _attack_all(
    target: Target,
    seen: Mapping[str, Pictures],
    truth: Pictures,
    search: Search,
    rng: np.random.Generator,
) -> dict[tuple[str, str], Likeness]:
    """Return (attack, defence) -> likeness, for updates of one picture each; one batch for all."""
    labels = [[read_label(target, row)] for rows in seen.values() for row in rows]
    every = np.concatenate(list(seen.values()))
    found = np.split(reconstruct(target, every, labels, search=search, rng=rng), len(seen))
    results = {}
    for (defence, rows), searched in zip(seen.items(), found, strict=True):
        read = np.stack([read_first_layer(target, row) for row in rows])[:, None]
        results[_ANALYTIC, defence] = Likeness.of(read, truth)
        results[_OPTIMISED, defence] = Likeness.of(searched, truth)
    return results


def _private_sums(
    labels: NDArray[np.int64], sums: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return (sums, SUMMED) positions of private pictures, of different classes within a sum."""
    by_class = [np.flatnonzero(labels[_PUBLIC:] == digit) + _PUBLIC for digit in range(10)]
    classes = [rng.permutation(10)[:SUMMED] for _ in range(sums)]
    return np.array([[rng.choice(by_class[digit]) for digit in row] for row in classes])


def _row(
    attack: str,
    defence: str,
    results: Mapping[tuple[str, str], Likeness],
    blind: Mapping[str, Likeness],
) -> AttackRow:
    without, defended = results[attack, ""], results[attack, defence]
    similar = ", ".join(
        f"{name} {likeness.structure.mean():.2f}"
        for name, likeness in {"without": without, "with": defended, **blind}.items()
    )
    best = max(float(likeness.decibels.mean()) for likeness in blind.values())
    return AttackRow(
        attack=attack,
        defence=defence,
        measure="PSNR in dB",
        blind=best,
        without=Outcome.of_values(without.decibels),
        defended=Outcome.of_values(defended.decibels),
        remark=f"SSIM: {similar}; blind is the mean picture",
    )
