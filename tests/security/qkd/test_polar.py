"""Polar codes against every word of a short block."""

from itertools import product

import numpy as np
import pytest

from qfl.core.errors import ConfigError
from qfl.security.qkd.polar import decode, guess_errors, polar_transform, reliability_order

WORDS = np.array(list(product([0, 1], repeat=8)), np.uint8)


def posteriors(ratios, u):
    """log P(u_i = 0 | u before)/P(u_i = 1 | u before), summed over all words."""
    blocks = polar_transform(WORDS.T.copy()).T
    weight = np.exp((-np.logaddexp(0, np.where(blocks, ratios, -ratios))).sum(axis=1))
    found = []
    for i in range(8):
        alike = (WORDS[:, :i] == u[:i]).all(axis=1)
        zero, one = (weight[alike & (WORDS[:, i] == bit)].sum() for bit in (0, 1))
        found.append(np.log(zero / one))
    return np.array(found)


def test_the_transform_is_its_own_inverse_and_the_product_with_the_kernel():
    kernel = np.array([[1, 0], [1, 1]])
    matrix = np.kron(np.kron(kernel, kernel), kernel)
    assert (polar_transform(WORDS.T.copy()).T == WORDS @ matrix % 2).all()
    assert (polar_transform(polar_transform(WORDS.T.copy())) == WORDS.T).all()
    with pytest.raises(ConfigError, match="powers of two"):
        polar_transform(np.zeros(6, np.uint8))


def test_every_guess_is_the_likelier_bit():
    rng = np.random.default_rng(0)
    for _ in range(50):
        ratios, u = rng.normal(0, 2, 8), rng.integers(0, 2, 8).astype(np.uint8)
        wrong = guess_errors(ratios[:, None], u[:, None])[:, 0]
        assert (wrong == ((posteriors(ratios, u) < 0) != u)).all()


def test_decoding_errs_where_a_guess_on_a_hidden_index_would_and_nowhere_else():
    rng = np.random.default_rng(1)
    size, frames = 256, 400
    blocks = rng.integers(0, 2, (size, frames)).astype(np.uint8)
    ratios = 2 * (1 - 2.0 * blocks + rng.normal(0, 1, (size, frames)))
    frozen = np.ones(size, bool)
    frozen[reliability_order(size)[:90]] = False
    u = polar_transform(blocks)
    published = np.where(frozen[:, None], u, 7).astype(np.uint8)  # what is hidden is not read
    right = (decode(ratios, published, frozen) == blocks).all(axis=0)
    assert (right == ~guess_errors(ratios, u)[~frozen].any(axis=0)).all()
    assert 0.5 < right.mean() < 1


def test_all_or_nothing_published():
    rng = np.random.default_rng(2)
    blocks = rng.integers(0, 2, (16, 3)).astype(np.uint8)
    noise = rng.normal(0, 1, (16, 3))
    everything = decode(noise, polar_transform(blocks), np.ones(16, bool))
    assert (everything == blocks).all()
    nothing = decode(noise, np.zeros_like(blocks), np.zeros(16, bool))
    assert (nothing == (noise < 0)).all()


def test_reliable_indices_come_first():
    order = reliability_order(1024)
    assert sorted(order.tolist()) == list(range(1024))
    assert (order[0], order[-1]) == (1023, 0)
    rng = np.random.default_rng(3)
    u = rng.integers(0, 2, (1024, 200)).astype(np.uint8)
    ratios = 2 * (1 - 2.0 * polar_transform(u) + rng.normal(0, 1, (1024, 200)))
    errors = guess_errors(ratios, u).mean(axis=1)[order]
    assert errors[:256].max() < 0.05
    assert errors[-256:].min() > 0.3
