"""Updates: samples for every module, a payload that is the update, a schema that is its form."""

import numpy as np
import pytest

from qfl.core.errors import ModuleMismatchError
from qfl.core.update import Update


def update(samples=40, dtype=np.float32, names=("weight", "bias"), module="head:digit"):
    tensors = {name: np.arange(4, dtype=dtype).reshape(2, 2) for name in names}
    return Update({module: tensors}, {module: samples})


def test_a_module_whose_samples_nobody_counted_is_refused():
    with pytest.raises(ModuleMismatchError, match=r"\['head:digit'\].*\['head:slant'\]"):
        Update({"head:digit": {}}, {"head:slant": 1})


def test_the_payload_is_the_whole_update():
    sent = update()
    got = Update.from_payload(bytes(sent.payload))
    assert got.samples == sent.samples
    assert got.schema == sent.schema
    assert sent.payload_bytes == len(sent.payload)
    for name, tensor in sent.modules["head:digit"].items():
        assert np.array_equal(got.modules["head:digit"][name], tensor)


def test_a_schema_is_names_shapes_and_types_and_neither_values_nor_samples():
    same = {update().schema, update(samples=1).schema, update(names=("bias", "weight")).schema}
    assert len(same) == 1
    others = {
        update(dtype=np.float64).schema,
        update(names=("weight",)).schema,
        update(module="head:slant").schema,
    }
    assert len(others | same) == 4
