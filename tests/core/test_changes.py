"""Changes as vectors: what was taken apart goes together again, module by module."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.changes import change_of, changed_by, length_of
from qfl.core.update import Update

SHAPES = {"encoder:a": {"weight": (2, 3), "bias": (3,)}, "head:b": {"weight": (4,)}}


def drawn(seed):
    rng = np.random.default_rng(seed)
    modules = {
        module: {name: rng.normal(size=shape).astype(np.float32) for name, shape in own.items()}
        for module, own in SHAPES.items()
    }
    return Update(modules, dict.fromkeys(modules, 1))


@given(st.integers(0, 2**32), st.permutations(list(SHAPES)))
def test_a_change_brings_the_modules_before_to_those_after(seed, order):
    before, after = drawn(seed), drawn(seed + 1)
    change = change_of(after, before, order)
    assert len(change) == length_of(after, order) == 13
    moved = changed_by(before, change, order)
    for module in order:
        for name, tensor in after.modules[module].items():
            assert np.allclose(moved[module][name], tensor, atol=1e-6)
            assert moved[module][name].dtype == np.float32


def test_tensors_lie_by_name_however_an_update_lists_them():
    before, after = drawn(0), drawn(1)
    listed = {m: dict(reversed(tensors.items())) for m, tensors in after.modules.items()}
    shuffled = Update(listed, after.samples)
    for order in (["encoder:a"], ["head:b", "encoder:a"]):
        assert (change_of(shuffled, before, order) == change_of(after, before, order)).all()


def test_modules_that_are_not_named_stay():
    before = drawn(0)
    assert changed_by(before, np.ones(4), ["head:b"]).keys() == {"head:b"}
