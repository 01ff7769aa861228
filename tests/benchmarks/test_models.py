"""Quantum modules against PennyLane, and what a step of each profile takes."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, vmap
from worlds import AUDIO, DIGIT, IMAGE, PARITY, SPEAKER, inputs

from qfl.core.rng import Streams
from qfl.federation.engine import Assignment, LocalTraining, train
from qfl.federation.population import TensorSamples
from qfl.federation.training.cohort import Trainee, train_together
from qfl.models.m3t import architecture
from qfl.models.transformer import PROFILES
from qfl.models.vqc import CircuitCore

QUBITS, LAYERS, CLIENTS, BATCH = 6, 4, 20, 32


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_batched_vqc_head_against_torch_layers_in_a_loop(report, benchmark):
    """6 qubits, 4 layers, 20 clients x 32 samples, forward and backward."""
    qml = pytest.importorskip("pennylane")
    core = CircuitCore(QUBITS, LAYERS)
    x, weights = drawn(CLIENTS, BATCH, QUBITS), drawn(CLIENTS, 2 * QUBITS * LAYERS)

    def loss(own, rows):
        return functional_call(core, {"angles": own}, (rows,)).square().sum()

    @qml.qnode(qml.device("default.qubit", wires=QUBITS), interface="torch", diff_method="backprop")
    def node(inputs, weights):
        for layer in weights:
            qml.AngleEmbedding(inputs, wires=range(QUBITS), rotation="Y")
            for k, (first, second) in enumerate(layer):
                qml.RY(first, wires=k)
                qml.RZ(second, wires=k)
            for k in range(QUBITS):
                qml.CNOT([k, (k + 1) % QUBITS])
        return [qml.expval(qml.PauliZ(k)) for k in range(QUBITS)]

    shape = {"weights": (LAYERS, QUBITS, 2)}
    layers = [qml.qnn.TorchLayer(node, shape) for _ in range(CLIENTS)]

    def loop():
        for layer, rows in zip(layers, x, strict=True):
            layer(rows).square().sum().backward()

    batched = vmap(grad(loss))
    benchmark(partial(batched, weights, x))
    ours, theirs = report.medians(partial(batched, weights, x), loop, rounds=3)
    report.ratio("VQC head, 20 clients x 32, PennyLane in a loop / batched", theirs / ours,
                 at_least=10)  # fmt: skip


@pytest.mark.parametrize("profile", PROFILES)
def test_a_training_step(report, benchmark, profile):
    """Forward and backward of 64 samples, one thread."""
    model = architecture((IMAGE, AUDIO), (DIGIT, PARITY, SPEAKER), PROFILES[profile])
    flat = model.flatten(model.initial_state(Streams(0)))
    shown = inputs((IMAGE, AUDIO), n=64)

    def loss(weights):
        outputs = functional_call(model, weights, (shown,))
        return sum(out.square().sum() for out in outputs.values())

    benchmark(partial(grad(loss), flat))
    seconds = report.medians(partial(grad(loss), flat), rounds=3)[0]
    report.note(f"training step of 64 samples, profile {profile}, ms", f"{1e3 * seconds:.0f}")


@pytest.mark.parametrize("profile", ["tiny", "small"])
def test_a_step_of_a_client_alone_and_in_a_stack_of_ten(report, benchmark, profile):
    """Batches of 32, two modalities, three tasks, one thread."""
    modalities, tasks, steps = (IMAGE, AUDIO), (DIGIT, PARITY, SPEAKER), 3
    model = architecture(modalities, tasks, PROFILES[profile])
    state = model.initial_state(Streams(0))
    assignment = Assignment(tasks=tasks, training=LocalTraining(epochs=1, batch_size=32))
    data = [
        TensorSamples(
            inputs(modalities, n=32 * steps, seed=seed),
            {task.name: torch.arange(32 * steps) % task.outputs for task in tasks},
        )
        for seed in range(10)
    ]

    def together():
        rngs = map(np.random.default_rng, range(10))
        trainees = [Trainee(state, own, rng) for own, rng in zip(data, rngs, strict=True)]
        return train_together(model, trainees, assignment=assignment)

    def alone():
        return train(model, state, data[0], assignment=assignment, rng=np.random.default_rng(0))

    benchmark.pedantic(together, rounds=1)
    stack, single = report.medians(together, alone, rounds=5)
    each, one = 1e3 * stack / 10 / steps, 1e3 * single / steps
    report.note(f"step of a client, {profile}, alone / in a stack of ten, ms",
                f"{one:.1f} / {each:.1f}")  # fmt: skip
