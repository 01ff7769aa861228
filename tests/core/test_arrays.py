"""What shared bytes rest on: copies that nobody changes, one JSON text, parts that cannot slide."""

import numpy as np
import pytest

from qfl.core.arrays import canonical_json, frozen, real, sha256_hex


def test_a_frozen_array_is_a_copy_that_nobody_changes():
    mine = np.arange(3.0)
    kept = frozen(mine, float)
    mine[0] = 7
    assert kept.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 7


def test_imaginary_parts_are_refused_not_dropped():
    assert real([1, 2]).dtype == np.float64
    with pytest.raises(TypeError, match="complex128"):
        real([1 + 1j])


def test_one_text_for_equal_mappings_whatever_their_order():
    assert canonical_json({"b": 0.1, "a": "µ"}) == canonical_json({"a": "µ", "b": 0.1})
    assert canonical_json({"b": 0.1, "a": "µ"}) == '{"a":"µ","b":0.1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_bytes_that_move_from_one_part_to_the_next_change_the_hash():
    assert len({sha256_hex(b"ab", b"c"), sha256_hex(b"a", b"bc"), sha256_hex(b"abc")}) == 3
