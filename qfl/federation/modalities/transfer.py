"""A frozen model of public samples, and losses that draw a client's embeddings to its own."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize, relu

from qfl.federation.engine import Assignment, train
from qfl.federation.population import TensorSamples
from qfl.federation.world import World
from qfl.models.m3t import Architecture
from qfl.models.notes import Notes

_HIDDEN = -1e9


class Teacher:
    """A model with weights of its own that no training reaches.

    Args:
        model: an architecture with weights.
    """

    def __init__(self, model: Architecture) -> None:
        self._model = model.requires_grad_(False)

    @classmethod
    def fitted(cls, world: World, public: TensorSamples, *, epochs: int) -> Teacher:
        """Return a model like the global one, trained on public samples as clients train on
        theirs, but longer and without remedies.

        Args:
            world: says how models begin and train.
            public: complete samples that no client holds.
            epochs: passes over them.
        """
        tasks = dict.fromkeys(task for c in world.participants.clients for task in c.tasks)
        training = replace(
            world.training,
            epochs=epochs,
            modality_dropout=0.0,
            gradient_balance=0.0,
            unimodal_loss=0.0,
        )
        trained = train(
            world.model,
            world.model.initial_state(world.streams),
            public,
            assignment=Assignment(tasks=tuple(tasks), training=training),
            rng=world.streams("completion/public"),
        )
        model = copy.deepcopy(world.model).to_empty(device="cpu")
        model.load_state_dict(world.model.flatten(trained.state))
        return cls(model)

    @property
    def tensors(self) -> list[Tensor]:
        """Its weights."""
        return [parameter.detach() for parameter in self._model.parameters()]

    def embed(self, samples: TensorSamples) -> Tensor:
        """Return the joint embeddings (n, d) of the samples."""
        notes = Notes()
        self._model(samples.inputs, samples.available, notes)
        return notes.joint


def transfer_loss(
    joint: Tensor,
    frozen: Tensor,
    weights: Tensor | None,
    *,
    contrastive: float,
    temperature: float,
    margin: float,
    gap: float,
) -> Tensor:
    """Return a InfoNCE + b mean max(0, gap - cos(z, f) + cos(z, f')), 0-d, where z is the joint
    embedding of a sample, f the frozen one of the same and f' that of another sample.

    Args:
        joint: (n, d) z.
        frozen: (n, d) f.
        weights: (n,) of the samples, summing to one, those that only pad a batch 0; None weighs
            them equally.
        contrastive: a.
        temperature: of InfoNCE.
        margin: b.
        gap: delta, of cosines.

    Reference: the transfer losses of FedMVP, arXiv:2406.11048; van den Oord, Li, Vinyals 2018,
    arXiv:1807.03748, eq. 4 (InfoNCE).
    """
    n = len(joint)
    shares = torch.full((n,), 1.0 / n) if weights is None else weights
    own = torch.eye(n, dtype=torch.bool)
    others = (shares > 0) & ~own
    cosine = normalize(joint, dim=1) @ normalize(frozen, dim=1).T
    logits = torch.where(own | others, cosine / temperature, _HIDDEN)
    likeness = (cosine * own).sum(1)
    nce = logits.logsumexp(1) - likeness / temperature
    short = relu(gap - likeness[:, None] + cosine) * others
    mean = short.sum(1) / others.sum(1).clamp(min=1)
    return contrastive * (shares @ nce) + margin * (shares @ mean)
