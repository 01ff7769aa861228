"""What stands where a sample lacks a modality: one small class per answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from qfl.core.errors import ConfigError, UnknownNameError
from qfl.federation.modalities.generators import Generators, Shapes
from qfl.federation.population import TensorSamples
from qfl.federation.world import Participant, World

Fill = Literal["generators", "noise", "zeros", "truth", "mask", "drop"]
"""Regressions from the other modalities; noise with the mean and spread of public samples, which
tells nothing; zeros; the hidden truth, at training alone: an upper bound; or nothing: mask hides
what is missing from the model, drop leaves incomplete samples out of training."""


class Filling(Protocol):
    """One way to deal with what is missing."""

    @property
    def tensors(self) -> list[Tensor]:
        """All that was fitted."""
        ...

    def for_training(self, participant: Participant, rng: np.random.Generator) -> TensorSamples:
        """Return what a client trains on."""
        ...

    def for_test(self, samples: TensorSamples, rng: np.random.Generator) -> TensorSamples:
        """Return samples to be predicted, without looking at labels."""
        ...


def filling(fill: Fill, world: World, *, prompts: bool) -> Filling:
    """Return the filling of this name for one federation, fitted on its public samples.

    Args:
        fill: the name.
        world: who takes part; `generators` and `noise` need its public samples.
        prompts: whether generators know the classes of training samples.
    """
    shapes = {m.name: m.shape for c in world.participants.clients for m in c.modalities}
    public = world.public
    match fill:
        case "mask" | "drop" | "truth":
            return Untouched(fill)
        case "zeros":
            return Zeros(shapes)
        case "noise" if public is not None:
            return Noise(shapes, public)
        case "generators" if public is not None:
            tasks = dict.fromkeys(t for c in world.participants.clients for t in c.tasks)
            return Generated(shapes, Generators.fitted(public, tuple(tasks)), prompts)
    raise UnknownNameError("fill without public samples", fill, ("zeros", "truth", "mask", "drop"))


@dataclass(frozen=True, eq=False)
class Untouched:
    """Nothing is filled in: samples stay incomplete, are left out, or were never incomplete."""

    fill: Literal["mask", "drop", "truth"]
    tensors: list[Tensor] = field(default_factory=list)

    def for_training(self, participant: Participant, rng: np.random.Generator) -> TensorSamples:
        """Return the client's samples, those that are complete, or all of them with the truth.

        Raises:
            ConfigError: only complete samples count, and it has none.
        """
        samples, client = participant.train, participant.client
        if self.fill == "truth":
            return TensorSamples.of(replace(client.train, available={}))
        if self.fill == "mask" or not samples.available:
            return samples
        complete = torch.stack(list(samples.available.values())).min(0).values
        if not complete.any():
            raise ConfigError(
                f"{client.name} has no complete sample among {len(samples)} to train on; lower "
                "scenario.missing, or fill in what is missing"
            )
        return samples.take(complete.nonzero().squeeze(1))

    def for_test(self, samples: TensorSamples, rng: np.random.Generator) -> TensorSamples:
        """Return the samples: what they lack is hidden from the model."""
        return samples


@dataclass(frozen=True, eq=False)
class Zeros:
    """Zeros, as if they had been measured."""

    shapes: Shapes
    tensors: list[Tensor] = field(default_factory=list)

    def for_training(self, participant: Participant, rng: np.random.Generator) -> TensorSamples:
        """Return the client's samples with zeros."""
        return self._filled(participant.train, _shapes_of(participant))

    def for_test(self, samples: TensorSamples, rng: np.random.Generator) -> TensorSamples:
        """Return the samples with zeros."""
        return self._filled(samples, self.shapes)

    def _filled(self, samples: TensorSamples, shapes: Shapes) -> TensorSamples:
        return filled(samples, shapes, lambda name: torch.zeros(_count(samples), *shapes[name]))


class Noise:
    """Normal noise with the mean and the spread that every number has in the public samples."""

    def __init__(self, shapes: Shapes, public: TensorSamples) -> None:
        self._shapes = shapes
        self._moments = {n: (x.mean(0), x.std(0)) for n, x in public.inputs.items()}
        self.tensors = [tensor for pair in self._moments.values() for tensor in pair]

    def for_training(self, participant: Participant, rng: np.random.Generator) -> TensorSamples:
        """Return the client's samples with noise, drawn once."""
        return self._filled(participant.train, _shapes_of(participant), rng)

    def for_test(self, samples: TensorSamples, rng: np.random.Generator) -> TensorSamples:
        """Return the samples with noise."""
        return self._filled(samples, self._shapes, rng)

    def _filled(
        self, samples: TensorSamples, shapes: Shapes, rng: np.random.Generator
    ) -> TensorSamples:
        def guess(name: str) -> Tensor:
            mean, spread = self._moments[name]
            drawn = rng.standard_normal((_count(samples), *mean.shape)).astype(np.float32)
            return mean + spread * torch.from_numpy(drawn)

        return filled(samples, shapes, guess)


class Generated:
    """What generators make of the other modalities; classes are prompts at training alone."""

    def __init__(self, shapes: Shapes, generators: Generators, prompts: bool) -> None:
        self._shapes, self._generators, self._prompts = shapes, generators, prompts
        self.tensors = generators.tensors

    def for_training(self, participant: Participant, rng: np.random.Generator) -> TensorSamples:
        """Return the client's samples completed, with their classes as prompts if so chosen."""
        return self._filled(participant.train, _shapes_of(participant), self._prompts)

    def for_test(self, samples: TensorSamples, rng: np.random.Generator) -> TensorSamples:
        """Return the samples completed without prompts."""
        return self._filled(samples, self._shapes, False)

    def _filled(self, samples: TensorSamples, shapes: Shapes, prompts: bool) -> TensorSamples:
        def guess(name: str) -> Tensor:
            return self._generators.guess(samples, name, prompts=prompts)

        return filled(samples, shapes, guess)


def filled(samples: TensorSamples, shapes: Shapes, guess: Callable[[str], Tensor]) -> TensorSamples:
    """Return the samples with every modality of `shapes`, what is missing guessed.

    Args:
        samples: n of them; what they have stays as it is.
        shapes: modalities to have.
        guess: modality -> (n, *shape).
    """
    inputs = {}
    for name, shape in shapes.items():
        if name not in samples.inputs:
            inputs[name] = guess(name)
        elif name in samples.available:
            there = samples.available[name].reshape(-1, *[1] * len(shape)) > 0
            inputs[name] = torch.where(there, samples.inputs[name], guess(name))
        else:
            inputs[name] = samples.inputs[name]
    return TensorSamples(inputs, samples.targets, {}, samples.labelled)


def _count(samples: TensorSamples) -> int:
    """How many samples there are; they may have no targets."""
    return len(next(iter(samples.inputs.values())))


def _shapes_of(participant: Participant) -> Mapping[str, tuple[int, ...]]:
    return {m.name: m.shape for m in participant.client.modalities}
