"""The safetensors library is the oracle in both directions."""

import copy
import pickle

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qfl.core.errors import ModuleMismatchError
from qfl.core.update import Update
from qfl.core.wire import from_wire, to_wire

DTYPES = st.sampled_from(
    ["u8", "i8", "f8", "c8", "f4", "u4", "i4", "f2", "u2", "i2", "i1", "u1", "?"]
)
NAMED = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=6).filter(lambda name: name != "__metadata__"),
    DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0))),
    max_size=4,
)
UPDATE = Update({"head:digit": {"bias": np.arange(4, dtype=np.float32)}}, {"head:digit": 40})


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype)
        assert found[name].tobytes() == array.tobytes()


@given(NAMED)
@pytest.mark.property
def test_bytes_are_those_of_the_library(named):
    block = to_wire(named)
    assert block == safetensors.numpy.save(named)
    same(from_wire(block), named)
    same(safetensors.numpy.load(bytes(block)), named)


def test_strides_and_byte_order_do_not_matter():
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = safetensors.numpy.save({"t": np.ascontiguousarray(grid.T[::-1])})
    assert to_wire({"t": grid.T[::-1]}) == expected
    assert to_wire({"t": grid.T[::-1].astype(">f4")}) == expected


def test_what_is_read_is_a_view_and_cannot_be_changed():
    block = to_wire({"t": np.ones(3, np.float32)})
    found = from_wire(block)["t"]
    assert np.shares_memory(found, np.frombuffer(block, np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2


def test_unknown_types_are_named():
    with pytest.raises(ModuleMismatchError, match="'t' is complex128"):
        to_wire({"t": np.ones(1, complex)})


@given(st.data())
@pytest.mark.property
def test_damaged_blocks_are_refused_or_read_as_something_whole(data):
    """Whatever comes in, nothing but the one error comes out."""
    block = bytearray(UPDATE.payload)
    kind = data.draw(st.sampled_from(["cut", "flip", "grow", "noise"]))
    if kind == "cut":
        del block[data.draw(st.integers(0, len(block) - 1)) :]
    elif kind == "flip":
        index = data.draw(st.integers(0, 8 * len(block) - 1))
        block[index // 8] ^= 1 << index % 8
    elif kind == "grow":
        block += data.draw(st.binary(min_size=1, max_size=9))
    else:
        block = data.draw(st.binary(max_size=40))
    try:
        Update.from_payload(bytes(block))
    except ModuleMismatchError:
        return
    assert kind == "flip"


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{}x",
        b'"text"',
        b"[" * 50_000,
        b'{"t":3}',
        b'{"t":{}}',
        b'{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        b'{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
        b'{"t":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}',
        b'{"t":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
        b'{"t":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}',
        b'{"t":{"dtype":"F32","shape":[0,1e99],"data_offsets":[0,0]}}',
        b'{"t":{"dtype":"F32","shape":[0,9999999999999999999],"data_offsets":[0,0]}}',
        b'{"t":{"dtype":"F32","shape":[1],"data_offsets":[0.0,4]}}',
        b'{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}',
    ],
)
def test_impossible_headers(header):
    with pytest.raises(ModuleMismatchError, match="not a serialised update"):
        from_wire(len(header).to_bytes(8, "little") + header + bytes(4))


@pytest.mark.parametrize("make", [copy.deepcopy, lambda u: pickle.loads(pickle.dumps(u))])
def test_updates_are_copied_with_and_without_their_payload(make):
    assert make(make(UPDATE)).payload == UPDATE.payload
