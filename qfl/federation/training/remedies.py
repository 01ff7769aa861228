"""Remedies against modality laziness: a model that leans on one modality and hardly learns another.

Each changes what a client does in one step and nothing else, so that it goes with every algorithm.
Modality dropout hides modalities by chance, gradient balance slows the encoder that is ahead, the
unimodal loss asks for an answer from each modality alone. A client with one modality is left as it
is by all three.

A stack of clients goes through the same functions: weights are then (K, n) instead of (n,), what is
told of each client (K,), and samples stand client after client.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.tasks import Task
from qfl.federation.population import TensorSamples
from qfl.federation.training.losses import Parameters, mean, run
from qfl.models.keys import encoder_key
from qfl.models.m3t import Architecture

_TINY = 1e-12


def draw_kept(
    samples: TensorSamples, probability: float, rng: np.random.Generator
) -> NDArray[np.float32] | None:
    """Return what one epoch shows, (n, modalities) of 1 and 0; None if nothing is to be hidden.

    Each modality of each sample is hidden with `probability`, but of those that a sample has, one
    always stays: where all would go, any one with equal chance.

    Args:
        samples: n of them, modalities in order.
        probability: in 0..1.
        rng: source of the draws; not touched where None is returned.
    """
    if not probability or len(samples.inputs) < 2:
        return None
    drawn = rng.random((len(samples), len(samples.inputs)))
    held = np.ones_like(drawn)
    for column, name in enumerate(samples.inputs):
        if name in samples.available:
            held[:, column] = samples.available[name].numpy()
    largest = (drawn * held).max(1, keepdims=True)
    return (drawn >= np.minimum(probability, largest)).astype(np.float32)


def dimmed(batch: TensorSamples, kept: Tensor) -> TensorSamples:
    """Return the batch without what is not kept.

    Args:
        batch: samples of any leading shape.
        kept: (..., modalities) of 1 and 0, in the order of the batch's modalities.
    """
    available = {
        name: kept[..., column] * batch.available[name]
        if name in batch.available
        else kept[..., column]
        for column, name in enumerate(batch.inputs)
    }
    return TensorSamples(batch.inputs, batch.targets, available, batch.labelled)


def alone(
    batch: TensorSamples, modality: str, weights: Tensor | None
) -> tuple[TensorSamples, Tensor]:
    """Return the batch with one modality shown, and weights (n,) that count the samples that have
    it; they sum to one, or to zero if none has.

    Args:
        batch: n samples.
        modality: the one to show.
        weights: (n,) of the samples, summing to one; None weighs them equally.
    """
    seen = batch.inputs[modality]
    shares = torch.full((len(seen),), 1.0 / len(seen)) if weights is None else weights
    if modality in batch.available:
        shares = shares * batch.available[modality].reshape(shares.shape)
        shares = shares / shares.sum(-1, keepdim=True).clamp(min=_TINY)
    return TensorSamples({modality: seen}, batch.targets, {}, batch.labelled), shares


def unimodal_loss(
    model: Architecture,
    parameters: Parameters,
    batch: TensorSamples,
    tasks: tuple[Task, ...],
    weights: Tensor | None,
) -> Tensor | None:
    """Return the mean over modalities of the loss with that modality alone, on the samples that
    have it; None if there is only one modality."""
    if len(batch.inputs) < 2:
        return None
    parts = []
    for modality in batch.inputs:
        shown, shares = alone(batch, modality, weights)
        parts.append(run(model, parameters, shown, tasks, shares).total)
    return torch.stack(parts).mean(0)


def balance(
    model: Architecture,
    parameters: Parameters,
    batch: TensorSamples,
    tasks: tuple[Task, ...],
    weights: Tensor | None,
    *,
    strength: float,
) -> dict[str, Tensor]:
    """Return the same parameters, the gradients of encoders that are ahead scaled down.

    A modality scores the mean over tasks of exp(-loss) with that modality alone: of a class, the
    probability of the true one.

    Args:
        model: the client's architecture.
        parameters: its present weights.
        batch: n samples.
        tasks: those to answer for.
        weights: (n,) of the samples, summing to one; None weighs them equally.
        strength: alpha of the paper, at least 0.

    Reference: Peng, Wei, Deng, Wang, Hu 2022, arXiv:2203.15332, eqs. 7 to 9 (OGM). Their linear
    late fusion lets a modality's score be read off its part of the head; here each is shown alone,
    which says the same of any fusion. The noise of their generalisation enhancement is not added.
    """
    if len(batch.inputs) < 2:
        return dict(parameters)
    still = {name: tensor.detach() for name, tensor in parameters.items()}
    scores, present = [], []
    for modality in batch.inputs:
        shown, shares = alone(batch, modality, weights)
        each = run(model, still, shown, tasks, shares).each
        likely = [mean(torch.exp(-each[t.name]), shares, batch.labelled.get(t.name)) for t in tasks]
        scores.append(torch.stack(likely).mean(0))
        present.append((shares.sum(-1) > 0).to(shares.dtype))
    factors = balance_factors(torch.stack(scores), torch.stack(present), strength)
    found = dict(parameters)
    for modality, factor in zip(batch.inputs, factors.unbind(), strict=True):
        for name in model.tensors_of(str(encoder_key(modality))):
            found[name] = slowed(parameters[name], factor)
    return found


def balance_factors(scores: Tensor, present: Tensor, strength: float) -> Tensor:
    """Return (m, ...) what the gradient of each modality's encoder is multiplied with.

    rho is a modality's score over the mean score of the others; the factor is 1 - tanh(alpha rho)
    where rho is above 1, else 1.

    Args:
        scores: (m, ...) positive.
        present: (m, ...) 1, or 0 for a modality that no sample has: its score does not count.
        strength: alpha.

    >>> balance_factors(torch.tensor([0.6, 0.2]), torch.ones(2), 0.5).tolist()[1]
    1.0
    """
    counted = scores * present
    others = counted.sum(0) - counted
    rho = counted * (present.sum(0) - present) / others.clamp(min=_TINY)
    ahead = (rho > 1) & (others > 0)
    return torch.where(ahead, 1 - torch.tanh(strength * rho), torch.ones_like(rho))


def slowed(tensor: Tensor, factor: Tensor) -> Tensor:
    """Return `tensor`, the same bits, its gradient times `factor`: 0-d, or (K,) for a stack.

    >>> x = torch.tensor([2.0], requires_grad=True)
    >>> y = slowed(x, torch.tensor(0.25)); y.sum().backward(); y.item(), x.grad.item()
    (2.0, 0.25)
    """
    own = factor.reshape(*factor.shape, *[1] * (tensor.dim() - factor.dim()))
    return tensor.detach() + own * (tensor - tensor.detach())
