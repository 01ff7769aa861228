"""Reading training pictures off the updates of a model, by formula and by optimisation.

The attacker knows the model, its weights and its loss, and compares the gradients that a guessed
picture would cause with what he saw. He is strong: of a batch of several he knows the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from qfl.core.errors import ConfigError
from qfl.models.keys import encoder_key, head_key
from qfl.models.m3t import Architecture, State
from qfl.security.attacks.inversion import invert_linear_layer

Loss = Callable[[Mapping[str, Tensor], Tensor, Tensor], Tensor]
"""(weights, images (n, height, width), labels (n,)) -> mean loss."""

_TINY = 1e-12
_DISTANCES = ("cosine", "squared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How pictures are searched for.

    Attributes:
        distance: of gradients: "cosine", blind to scale, or "squared", which is DLG's.
        steps, rate: of Adam, on the signs of the slope for "cosine"; the rate falls to a tenth.
        total_variation: weight of the steps between neighbouring pixels.

    References: Geiping, Bauermeister, Droege, Moeller, NeurIPS 2020 (cosine, total variation,
    signs); Zhu, Liu, Han, NeurIPS 2019 (DLG).
    """

    distance: str = "cosine"
    steps: int = 300
    rate: float = 0.1
    total_variation: float = 1e-5

    def __post_init__(self) -> None:
        if self.distance not in _DISTANCES or self.steps < 1 or not self.rate > 0:
            raise ConfigError(
                f"{self}; allowed: distance {' or '.join(_DISTANCES)}, steps and rate positive"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A model under attack, as the attacker knows it.

    Attributes:
        weights: parameter name -> tensor; rows of gradients keep this order.
        loss: of the client.
        picture: height and width.
        first_layer: prefix of the linear layer that reads the pixels, or "" if none does.
        head: prefix of the linear layer that gives the logits.
    """

    weights: Mapping[str, Tensor]
    loss: Loss
    picture: tuple[int, int]
    first_layer: str
    head: str

    @classmethod
    def of_model(cls, model: Architecture, state: State, *, picture: tuple[int, int]) -> Target:
        """Return the suite's own model with one modality of pictures and one task of classes."""
        (modality,), (task,) = model.modalities, model.tasks
        flat = {name: tensor.detach() for name, tensor in model.flatten(state).items()}

        def loss(weights: Mapping[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
            outputs = functional_call(model, dict(weights), ({modality: images},))
            return cross_entropy(outputs[task], labels)

        prefixes = [
            next(name for name in flat if f"{module}.{layer}" in name).removesuffix("weight")
            for module, layer in (
                (str(encoder_key(modality)), "hidden.weight"),
                (str(head_key(task)), "weight"),
            )
        ]
        return cls(
            weights=flat, loss=loss, picture=picture, first_layer=prefixes[0], head=prefixes[1]
        )

    def moved(self, change: ArrayLike) -> Target:
        """Return the same model with a (size,) change added to its weights."""
        parts = {
            name: tensor + torch.as_tensor(self.part(change, name), dtype=tensor.dtype)
            for name, tensor in self.weights.items()
        }
        return replace(self, weights=parts)

    def gradients(self, images: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
        """Return the gradient of the mean loss of each batch; (batches, size).

        Args:
            images: (batches, samples, height, width).
            labels: (batches, samples).
        """
        pixels = torch.as_tensor(np.asarray(images), dtype=torch.float32)
        classes = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
        rows: NDArray[np.float32] = self.slopes(pixels, classes).detach().numpy()
        return rows.astype(np.float64)

    def slopes(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return `gradients` as a tensor that can be differentiated once more."""
        found = vmap(grad(self.loss), in_dims=(None, 0, 0))(dict(self.weights), images, labels)
        return torch.cat([found[name].flatten(1) for name in self.weights], dim=1)

    def part(self, row: ArrayLike, name: str) -> NDArray[np.float64]:
        """Return the entries of one (size,) gradient that belong to a parameter."""
        values = np.asarray(row, dtype=np.float64)
        sizes = [tensor.numel() for tensor in self.weights.values()]
        if values.shape != (sum(sizes),):
            raise ConfigError(f"a row of shape {values.shape}; this model has {sum(sizes)} weights")
        start = sum(sizes[: list(self.weights).index(name)])
        tensor = self.weights[name]
        return values[start : start + tensor.numel()].reshape(tuple(tensor.shape))


def read_first_layer(target: Target, observed: ArrayLike) -> NDArray[np.float64]:
    """Return the picture that the first layer gives away, exact for a batch of one.

    Args:
        target: the model.
        observed: (size,) gradient or a multiple.

    Raises:
        ConfigError: nothing reached the first layer, as with heads that are still zero.
    """
    weight, bias = (
        target.part(observed, f"{target.first_layer}{part}") for part in ("weight", "bias")
    )
    return invert_linear_layer(weight, bias).reshape(target.picture)


def read_label(target: Target, observed: ArrayLike) -> int:
    """Return the label of a batch of one: the only class whose output must rise.

    Args:
        target: the model.
        observed: (size,) gradient, or a positive multiple.

    Reference: Zhao, Mopuri, Bilen, arXiv:2001.02610 (iDLG).
    """
    return int(np.argmin(target.part(observed, f"{target.head}bias")))


def reconstruct(
    target: Target,
    observed: ArrayLike,
    labels: ArrayLike,
    *,
    search: Search,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the pictures whose gradients come nearest to what was seen.

    Independent attacks run side by side, as one batch.

    Args:
        target: the model.
        observed: (attacks, size) gradients of batches, or positive multiples.
        labels: (attacks, samples) of every batch.
        search: distance, steps and smoothness.
        rng: draws the first guesses.

    Returns:
        (attacks, samples, height, width), values from 0 to 1.
    """
    seen = torch.as_tensor(np.asarray(observed), dtype=torch.float32)
    classes = torch.as_tensor(np.asarray(labels), dtype=torch.int64)
    first = rng.random((*classes.shape, *target.picture), dtype=np.float32)
    images = torch.from_numpy(first).requires_grad_()
    optimiser = torch.optim.Adam([images], lr=search.rate)
    falls = [search.steps * eighths // 8 for eighths in (3, 5, 7)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, falls, gamma=0.1 ** (1 / 3))
    for _ in range(search.steps):
        loss = _distance(target.slopes(images, classes), seen, search.distance)
        loss = loss + search.total_variation * _variation(images)
        (slope,) = torch.autograd.grad(loss.sum(), images)
        images.grad = slope.sign() if search.distance == "cosine" else slope
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            images.clamp_(0, 1)
    found: NDArray[np.float32] = images.detach().numpy()
    return found.astype(np.float64)


def _distance(rows: Tensor, seen: Tensor, kind: str) -> Tensor:
    if kind == "squared":
        return ((rows - seen) ** 2).sum(1)
    return 1 - (rows * seen).sum(1) / (rows.norm(dim=1) * seen.norm(dim=1) + _TINY)


def _variation(images: Tensor) -> Tensor:
    """Return the steps between neighbouring pixels, summed per attack."""
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().flatten(1).sum(1)
    across = (images[..., 1:] - images[..., :-1]).abs().flatten(1).sum(1)
    return down + across
