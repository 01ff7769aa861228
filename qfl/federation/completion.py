"""Incomplete modalities: what samples lack is completed, what completed samples mean to a frozen
model is passed on, and clients weigh by how alike their models see generated samples.

After FedMVP (arXiv:2406.11048). Its large pretrained models become regressions and a small model,
both fitted before the first round on public samples that no client holds; clients are taken to have
them already. Frozen parts never move and never travel. A class is a prompt at training alone.
Each part can be switched off, which gives the baselines: `zeros` and no losses is FedAvg on samples
filled up with zeros, `mask` hides what is missing, `drop` trains on complete samples alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qfl.core.errors import ConfigError
from qfl.core.update import Update
from qfl.federation.aggregate import weighted_mean
from qfl.federation.engine import Step
from qfl.federation.exchange import from_arrays, overlaid
from qfl.federation.modalities.cka import centrality, similarities
from qfl.federation.modalities.filling import Fill, filling
from qfl.federation.modalities.transfer import Teacher, transfer_loss
from qfl.federation.population import TensorSamples
from qfl.federation.world import Participant, World
from qfl.models.m3t import State
from qfl.models.notes import Notes


@dataclass(frozen=True, slots=True)
class Completion:
    """The options.

    Attributes:
        fill: what stands where a modality is missing.
        prompts: whether generators know the class of a training sample.
        contrastive: weight of InfoNCE between the joint embedding and the frozen model's.
        temperature: of InfoNCE.
        margin: weight of the loss that asks for `gap`.
        gap: by how much the cosine with the frozen embedding of the same sample is to exceed that
            with other samples'.
        similarity: estimate of CKA by which clients weigh in the mean; off weighs samples alone.
        generated: samples on which the server compares models.
        public_epochs: passes over the public samples that fit the frozen model.
    """

    fill: Fill = "generators"
    prompts: bool = True
    contrastive: float = 0.1
    temperature: float = 0.2
    margin: float = 0.1
    gap: float = 0.3
    similarity: Literal["unbiased", "biased", "off"] = "unbiased"
    generated: int = 128
    public_epochs: int = 40

    def __post_init__(self) -> None:
        least = {"contrastive": 0.0, "margin": 0.0, "gap": 0.0, "generated": 4, "public_epochs": 1}
        for name, allowed in least.items():
            if not getattr(self, name) >= allowed:
                raise ConfigError(f"{name} must be >= {allowed:g}, got {getattr(self, name)}")
        if not self.temperature > 0:
            raise ConfigError(f"temperature must be above 0, got {self.temperature}")

    @property
    def transfers(self) -> bool:
        """Whether clients learn from the frozen model."""
        return bool(self.contrastive or self.margin)

    @property
    def needs_public(self) -> bool:
        """Whether something is fitted on public samples, or made from them."""
        return self.fill in ("generators", "noise") or self.transfers or self.similarity != "off"

    def start(self, world: World) -> Completed:
        """Return the algorithm with its frozen parts fitted.

        Raises:
            ConfigError: there are no public samples, and something needs them; or there is no
                joint embedding to compare, because all tasks tag single tokens.
        """
        tagged = all(t.kind == "tagging" for p in world.participants for t in p.client.tasks)
        if tagged and (self.transfers or self.similarity != "off"):
            raise ConfigError(
                "tagging reads single tokens, and completion compares joint embeddings; add a task "
                'of another kind, or set contrastive = 0, margin = 0 and similarity = "off"'
            )
        if self.needs_public and world.public is None:
            raise ConfigError(
                "completion fits generators and a frozen model on public samples, and the scenario "
                'has none; set scenario.public_samples, or fill = "zeros", "mask" or "drop" '
                'with contrastive = 0, margin = 0 and similarity = "off"'
            )
        return Completed(self, world)


class Completed:
    """The algorithm at work.

    Args:
        options: as chosen.
        world: who takes part, and the public samples.
    """

    def __init__(self, options: Completion, world: World) -> None:
        self.options, self._model, self._streams = options, world.model, world.streams
        self._centrality = np.ones(0)
        self.filling = filling(options.fill, world, prompts=options.prompts)
        self.teacher: Teacher | None = None
        if options.transfers and world.public is not None:
            self.teacher = Teacher.fitted(world, world.public, epochs=options.public_epochs)
        self.generated: TensorSamples | None = None
        if options.similarity != "off" and world.public is not None:
            self.generated = self._generated(world.public)

    @property
    def frozen(self) -> list[Tensor]:
        """All that was fitted before the first round."""
        return [*self.filling.tensors, *(self.teacher.tensors if self.teacher else ())]

    def training_samples(self, participant: Participant) -> TensorSamples:
        """Return what a client trains on.

        Raises:
            ConfigError: only complete samples count, and it has none.
        """
        rng = self._streams("completion/training", participant.number)
        return self.filling.for_training(participant, rng)

    def complete(self, samples: TensorSamples) -> TensorSamples:
        """Return samples to be predicted as the model is to see them; no label is looked at."""
        return self.filling.for_test(samples, self._streams("completion/test"))

    def local_objective(self, step: Step) -> Tensor | None:
        """Return the weighted losses between the joint embedding and the frozen one."""
        if self.teacher is None:
            return None
        options = self.options
        return transfer_loss(
            step.notes.joint,
            self.teacher.embed(step.batch),
            step.weights,
            contrastive=options.contrastive,
            temperature=options.temperature,
            margin=options.margin,
            gap=options.gap,
        )

    def aggregate(self, state: State, updates: Sequence[Update]) -> State:
        """Return the new global modules: means weighted by samples times centrality. What only
        clients without any centrality sent stays as it was. One client alone is as central as
        itself: that is FedAvg."""
        if self.options.similarity == "off" or len(updates) < 2:
            self._centrality = np.ones(len(updates))
            return overlaid(state, from_arrays(weighted_mean(updates)))
        seen = [self._embedded(overlaid(state, from_arrays(u.modules))) for u in updates]
        self._centrality = centrality(similarities(seen, estimator=self.options.similarity))
        counted = [
            (update, factor)
            for update, factor in zip(updates, self._centrality.tolist(), strict=True)
            if factor > 0
        ]
        mean = weighted_mean([u for u, _ in counted], [factor for _, factor in counted])
        return overlaid(state, from_arrays(mean))

    def tell(self) -> Mapping[str, float]:
        """Return the least centrality of the last round, if clients weigh by it."""
        if self.options.similarity == "off" or not len(self._centrality):
            return {}
        return {"least_centrality": float(self._centrality.min())}

    def ignored(self) -> Mapping[int, str]:
        """Return the updates of the last round without any centrality, by place."""
        return {
            int(place): "its model resembles nobody else's on the generated samples (centrality "
            "0): its update weighed nothing"
            for place in np.flatnonzero(self._centrality <= 0)
        }

    def _generated(self, public: TensorSamples) -> TensorSamples:
        """Return public samples in which one modality each is what `fill` makes of the others."""
        order = self._streams("completion/generated").permutation(len(public))
        rows = torch.from_numpy(order[: self.options.generated])
        samples, lost = public.take(rows), torch.arange(len(rows)) % len(public.inputs)
        masks = {name: (lost != k).float() for k, name in enumerate(public.inputs)}
        halved = TensorSamples(samples.inputs, samples.targets, masks, samples.labelled)
        return self.filling.for_test(halved, self._streams("completion/generated", 1))

    def _embedded(self, state: State) -> NDArray[np.float64]:
        """Return the joint embeddings of the generated samples by a client's model."""
        notes, generated = Notes(), self.generated
        assert generated is not None  # made at the start, where clients weigh by similarity
        with torch.no_grad():
            self._model.predict(state, generated.inputs, generated.available, notes)
        return notes.joint.double().numpy()
