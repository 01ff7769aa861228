"""FedAvg: one step of everybody is a step on all data, and what nobody sent stays."""

import numpy as np
import torch
from test_engine import MODEL, largest_difference, learn, samples

from qfl.core.rng import Streams
from qfl.core.update import Update
from qfl.federation.engine import LocalTraining
from qfl.federation.exchange import to_update
from qfl.federation.fedavg import FedAvg
from qfl.federation.population import TensorSamples


def test_one_full_batch_step_of_everyone_is_gradient_descent_on_the_pooled_data():
    """The exact special case of McMahan et al. 2017: K clients, one step each."""
    parts = [samples(n, seed) for seed, n in enumerate((12, 30, 7))]
    pooled = TensorSamples(
        {"profile": torch.cat([p.inputs["profile"] for p in parts])},
        {t: torch.cat([p.targets[t] for p in parts]) for t in ("digit", "slant")},
    )
    step = LocalTraining(epochs=1, batch_size=1000, learning_rate=0.05, clip_norm=1e9)
    sent = [to_update(learn(part, step).state, samples=len(part)) for part in parts]
    averaged = FedAvg().aggregate(MODEL.initial_state(Streams(1)), sent)
    assert largest_difference(averaged, learn(pooled, step).state) < 1e-6


def test_a_module_is_the_mean_of_its_holders_and_others_stay():
    state = {m: {"w": torch.zeros(2)} for m in ("head:*:a", "head:*:b", "head:*:c")}

    def sent(**values):
        modules = {f"head:*:{m}": {"w": np.full(2, v, np.float32)} for m, (v, _) in values.items()}
        return Update(modules, {f"head:*:{m}": n for m, (_, n) in values.items()})

    new = FedAvg().aggregate(state, [sent(a=(1.0, 10), b=(4.0, 7)), sent(a=(5.0, 30))])
    assert {m: t["w"].tolist() for m, t in new.items()} == {
        "head:*:a": [4.0, 4.0],
        "head:*:b": [4.0, 4.0],
        "head:*:c": [0.0, 0.0],
    }
