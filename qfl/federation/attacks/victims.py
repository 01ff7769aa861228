"""Small classifiers to attack, many at once: one hidden layer, stacked along a model axis.

Plain numpy with its gradients written out, because membership inference trains dozens of shadow
models and a poisoned federation hundreds of clients, within a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qfl.core.errors import ConfigError

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of inputs, hidden layer and outputs; `size` counts the weights.

    >>> Shape(inputs=64, hidden=16, classes=10).size
    1210
    """

    inputs: int = 64
    hidden: int = 16
    classes: int = 10

    @property
    def size(self) -> int:
        """Weights of one model, biases included."""
        return (self.inputs + 1) * self.hidden + (self.hidden + 1) * self.classes

    def start(self, models: int, *, rng: np.random.Generator) -> Floats:
        """Return He-normal weights with biases of zero; (models, size)."""
        first = rng.normal(0, np.sqrt(2 / self.inputs), (models, self.inputs + 1, self.hidden))
        last = rng.normal(0, np.sqrt(2 / self.hidden), (models, self.hidden + 1, self.classes))
        first[:, -1] = last[:, -1] = 0
        return _flat(first.astype(np.float32), last.astype(np.float32))

    def logits(self, weights: Floats, inputs: Floats) -> Floats:
        """Return the outputs, (models, n, classes), for (models or 1, n, inputs)."""
        first, last = self.layers(weights)
        return _affine(np.maximum(_affine(inputs, first), 0), last)

    def layers(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return both layers of (models, size) weights, biases in the last row."""
        cut = (self.inputs + 1) * self.hidden
        return (
            weights[:, :cut].reshape(-1, self.inputs + 1, self.hidden),
            weights[:, cut:].reshape(-1, self.hidden + 1, self.classes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Full-batch gradient descent, private if it has a clip.

    Attributes:
        steps: how many.
        rate: of the mean gradient.
        clip: greatest norm of one sample's gradient; None for no privacy.
        noise_multiplier: z; the sum of gradients is perturbed with standard deviation z x clip.

    Reference: Abadi et al., CCS 2016, algorithm 1, with every sample in every step.
    """

    steps: int
    rate: float
    clip: float | None = None
    noise_multiplier: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.rate > 0 or self.noise_multiplier < 0:
            raise ConfigError(f"{self}; allowed: steps >= 1, rate > 0, no negative noise")
        if self.noise_multiplier and self.clip is None:
            raise ConfigError("noise without a clip protects nothing; set clip")


def descend(
    shape: Shape,
    weights: Floats,
    data: tuple[Floats, NDArray[np.int64], Floats],
    *,
    descent: Descent,
    rng: np.random.Generator | None = None,
) -> Floats:
    """Return the weights after training every model on its samples; (models, size).

    Args:
        shape: of every model.
        weights: (models, size), left as they are.
        data: inputs (models or 1, n, inputs), labels (models or 1, n), and which samples count,
            (models, n) of zeros and ones.
        descent: steps, rate, privacy.
        rng: draws the noise, if there is any.
    """
    if descent.noise_multiplier and rng is None:
        raise ConfigError("noise without a generator; pass rng")
    inputs, labels, counts = data
    truth = np.eye(shape.classes, dtype=np.float32)[labels]
    total = np.maximum(counts.sum(axis=1), 1)[:, None]
    lengths = (inputs**2).sum(axis=2) + 1
    found = np.array(weights, dtype=np.float32)
    for _ in range(descent.steps):
        first, last = shape.layers(found)
        hidden = np.maximum(_affine(inputs, first), 0)
        outputs = _affine(hidden, last)
        chances = np.exp(outputs - outputs.max(axis=2, keepdims=True))
        outer = chances / chances.sum(axis=2, keepdims=True) - truth
        inner = (outer @ last[:, :-1].transpose(0, 2, 1)) * (hidden > 0)
        share = counts
        if descent.clip is not None:
            squares = (outer**2).sum(axis=2) * ((hidden**2).sum(axis=2) + 1)
            squares = squares + (inner**2).sum(axis=2) * lengths
            share = counts * np.minimum(1, descent.clip / np.sqrt(np.maximum(squares, 1e-12)))
        gradient = _flat(_outer(inputs, inner, share), _outer(hidden, outer, share))
        if rng is not None and descent.clip is not None and descent.noise_multiplier:
            noise = rng.standard_normal(gradient.shape, dtype=np.float32)
            gradient += np.float32(descent.noise_multiplier * descent.clip) * noise
        found -= np.float32(descent.rate) * gradient / total
    return found


def accuracy(
    shape: Shape, weights: Floats, inputs: Floats, labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each model's share of (n, inputs) samples that it gets right; (models,)."""
    return (shape.logits(weights, inputs[None]).argmax(axis=2) == labels).mean(axis=1)


def _affine(inputs: Floats, layer: Floats) -> Floats:
    return inputs @ layer[:, :-1] + layer[:, -1:]


def _outer(inputs: Floats, errors: Floats, share: Floats) -> Floats:
    """Return the weighted sum over samples of input (and 1) times error."""
    weighed = errors * share[:, :, None]
    return np.concatenate(
        [inputs.transpose(0, 2, 1) @ weighed, weighed.sum(axis=1, keepdims=True)], axis=1
    )


def _flat(first: Floats, last: Floats) -> Floats:
    return np.concatenate([first.reshape(len(first), -1), last.reshape(len(last), -1)], axis=1)
