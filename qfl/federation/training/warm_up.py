"""What "pretrained" means where no weights are downloaded: a short training on public samples.

Every party starts from the result, as it would from a published checkpoint; its bytes are not on
the bill of the federation.
"""

from __future__ import annotations

from qfl.core.errors import ConfigError
from qfl.core.rng import Streams
from qfl.core.tasks import Samples, Task
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.population import TensorSamples
from qfl.models.m3t import Architecture, State
from qfl.models.policies import FROZEN, ExchangePolicy

_BODY = ExchangePolicy(dict.fromkeys(("lora", "adapter", "quantum_adapter"), FROZEN))
_BATCH, _RATE = 32, 2e-3


def warmed_up(
    model: Architecture,
    state: State,
    public: Samples | None,
    *,
    tasks: tuple[Task, ...],
    epochs: int,
    streams: Streams,
) -> State:
    """Return `state` after AdamW on public samples; LoRA and adapters stay as they begin.

    Args:
        model: the global architecture.
        state: fresh weights, left untouched.
        public: samples that no client holds.
        tasks: all of them are trained.
        epochs: passes over `public`; 0 returns `state`.
        streams: orders the batches.

    Raises:
        ConfigError: there are no public samples.
    """
    if not epochs:
        return state
    if public is None:
        raise ConfigError(
            f"{epochs} warm_up_epochs need public samples; set scenario.public_samples"
        )
    training = LocalTraining(
        epochs=epochs, batch_size=_BATCH, learning_rate=_RATE, optimiser="adamw"
    )
    return train(
        model,
        state,
        TensorSamples.of(public),
        assignment=Assignment(tasks=tasks, training=training, exchange=_BODY),
        rng=streams("warm-up"),
    ).state
