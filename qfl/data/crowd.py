"""Made-up samples of very many clients, drawn when somebody asks for them, the same every time.

What modalities show and tasks ask is that of `qfl.data.synthetic`. Every client has an offset of
the hidden numbers, of which its inputs and its labels follow, and streams of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qfl.core.rng import Streams
from qfl.core.tasks import Samples
from qfl.data.synthetic import Synthetic


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Draws the samples of any of its clients.

    Attributes:
        loader: what modalities show and tasks ask.
        offsets: (n, modalities, factors) of the hidden numbers of each client.
        streams: of the cell.
        lenses: of each modality, see `Synthetic.lens`.
        weights: of each task, see `Synthetic.weights`, its last two axes as one.
    """

    loader: Synthetic
    offsets: NDArray[np.float32]
    streams: Streams
    lenses: tuple[NDArray[np.float32], ...] = field(init=False)
    weights: tuple[NDArray[np.float32], ...] = field(init=False)

    def __post_init__(self) -> None:
        lenses = [self.loader.lens(m) for m in range(len(self.loader.modalities))]
        weights = [self.loader.weights(t) for t in range(len(self.loader.tasks))]
        object.__setattr__(self, "lenses", tuple(lens.astype(np.float32) for lens in lenses))
        flat = tuple(w.reshape(len(w), -1).T.astype(np.float32) for w in weights)
        object.__setattr__(self, "weights", flat)

    def samples(
        self,
        client: int,
        part: str,
        ids: NDArray[np.int64],
        modalities: tuple[str, ...],
        tasks: tuple[str, ...],
    ) -> Samples:
        """Return one part of a client's samples, with these modalities and tasks alone.

        Args:
            client: its number.
            part: names the streams: train or test.
            ids: of the samples; as many are drawn.
            modalities, tasks: by name, in order.
        """
        rng = self.streams(f"crowd/{part}", client)
        hidden = self._hidden(self.offsets[client], len(ids), rng)
        return self._shown(hidden, ids, modalities, tasks, rng)

    def labels(self, client: int, part: str, count: int) -> NDArray[np.int64]:
        """Return the classes of the last task in one part of a client's samples."""
        hidden = self._hidden(self.offsets[client], count, self.streams(f"crowd/{part}", client))
        return self._target(hidden, len(self.weights) - 1)

    def mixed(self, part: str, ids: NDArray[np.int64], offsets: NDArray[np.float32]) -> Samples:
        """Return samples with all modalities and tasks, each with an offset of its own, as if it
        came from one more client.

        Args:
            part: names the stream.
            ids: of the samples.
            offsets: (len(ids), modalities, factors).
        """
        rng = self.streams(f"crowd/{part}")
        hidden = self._hidden(offsets, len(ids), rng)
        modalities = tuple(m.name for m in self.loader.modalities)
        return self._shown(hidden, ids, modalities, tuple(t.name for t in self.loader.tasks), rng)

    def _hidden(
        self, offset: NDArray[np.float32], count: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        shape, r = (count, len(self.lenses), self.loader.factors), self.loader.redundancy
        hidden = rng.standard_normal(shape, dtype=np.float32)
        if r:
            common = rng.standard_normal((count, 1, self.loader.factors), dtype=np.float32)
            hidden = np.float32(np.sqrt(1 - r)) * hidden + np.float32(np.sqrt(r)) * common
        return hidden + offset

    def _shown(
        self,
        hidden: NDArray[np.float32],
        ids: NDArray[np.int64],
        modalities: tuple[str, ...],
        tasks: tuple[str, ...],
        rng: np.random.Generator,
    ) -> Samples:
        """Return what is seen and asked of hidden numbers."""
        inputs = {}
        for number, modality in enumerate(self.loader.modalities):
            if modality.name in modalities:
                seen = hidden[:, number] @ self.lenses[number]
                noise = rng.standard_normal(seen.shape, dtype=np.float32)
                seen += np.float32(self.loader.noise) * noise
                inputs[modality.name] = seen.reshape(-1, *modality.shape)
        targets = {
            task.name: self._target(hidden, number)
            for number, task in enumerate(self.loader.tasks)
            if task.name in tasks
        }
        return Samples(ids, inputs, targets)

    def _target(self, hidden: NDArray[np.float32], task: int) -> NDArray[Any]:
        """(n,) the score of a task, its sign, or the largest of its scores."""
        scores = hidden.reshape(len(hidden), -1) @ self.weights[task]
        if task < self.loader.regressions:
            return scores[:, 0]
        if self.loader.classes == 2:
            return (scores[:, 0] > 0).astype(np.int64)
        return scores.argmax(1)
