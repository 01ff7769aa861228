"""Exact in the open, worthless behind masks, blunted by noise."""

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.attacks.inversion import invert_linear_layer
from qfl.security.masking import Cohort, Grid, MaskingClient, MaskingServer, kem_pair_keys
from qfl.security.privacy import CentralGaussian


def gradients(x, rng, outputs=10):
    """Softmax cross-entropy of one sample: dL/dz x^T and dL/dz."""
    logits = rng.normal(0, 0.1, (outputs, len(x))) @ x
    p = np.exp(logits - logits.max())
    p /= p.sum()
    p[3] -= 1
    return np.outer(p, x), p


def correlation(a, b):
    return abs(np.corrcoef(a, b)[0, 1])


def test_a_batch_of_one_is_read_off_exactly():
    rng = np.random.default_rng(0)
    x = rng.random(64)
    weights, biases = gradients(x, rng)
    for scale in (1.0, -0.05):
        assert np.abs(invert_linear_layer(scale * weights, scale * biases) - x).max() < 1e-6


def test_a_larger_batch_gives_a_mixture():
    rng = np.random.default_rng(1)
    samples = rng.random((8, 64))
    parts = [gradients(x, rng) for x in samples]
    found = invert_linear_layer(sum(w for w, _ in parts), sum(b for _, b in parts))
    assert min(np.abs(found - x).max() for x in samples) > 0.05


def test_behind_a_mask_it_is_noise():
    """Correlation of 500 pixels with the truth below 0.22: five standard errors."""
    rng = np.random.default_rng(2)
    x = rng.random(500)
    weights, biases = gradients(x, rng)
    grid = Grid(clip=1.0, levels=1 << 16, clients=3)
    cohort = Cohort.complete("abc", threshold=2, modulus_bits=grid.modulus_bits)
    keys = kem_pair_keys(cohort.edges)
    clients = {name: MaskingClient(name, cohort, keys[name]) for name in "abc"}
    flat = np.concatenate([weights.ravel(), biases])
    server = MaskingServer(cohort, length=len(flat))
    for name, inbox in server.route([c.share() for c in clients.values()]).items():
        clients[name].receive(inbox)
    seen = grid.values(grid.centred(clients["a"].mask(grid.residues(grid.quantise(flat, rng=rng)))))
    found = invert_linear_layer(seen[:-10].reshape(10, 500), seen[-10:])
    assert correlation(found, x) < 5 / np.sqrt(500)


def test_noise_blunts_it():
    rng = np.random.default_rng(3)
    x = rng.random(500)
    weights, biases = gradients(x, rng)
    flat = np.concatenate([weights.ravel(), biases])
    quality = []
    for z in (1e-4, 1e-2, 1.0):
        noise = CentralGaussian(clip=1.0, noise_multiplier=z, expected_clients=1)
        seen = noise.release([flat], dimension=len(flat), rng=rng)
        quality.append(correlation(invert_linear_layer(seen[:-10].reshape(10, 500), seen[-10:]), x))
    assert quality[0] > 0.99 > quality[1] > quality[2]
    assert quality[2] < 5 / np.sqrt(500)


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="zero"):
        invert_linear_layer(np.ones((2, 3)), np.zeros(2))
    with pytest.raises(ConfigError, match="shape"):
        invert_linear_layer(np.ones((2, 3)), np.ones(3))
