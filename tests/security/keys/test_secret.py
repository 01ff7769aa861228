import copy
import pickle
import traceback

import pytest

from qfl.core.errors import KeyExhaustedError, SecurityError
from qfl.security.keys import Key, KeyPool, Secret

PLANTED = b"planted-key-material-0123456789!"


def test_material_comes_out_only_by_reveal():
    secret = Secret(PLANTED)
    key = Key("id", secret)
    assert secret.reveal() == PLANTED
    for text in (repr(secret), str(secret), f"{key}", repr([key])):
        assert "planted" not in text
        assert PLANTED.hex() not in text


@pytest.mark.parametrize("make", [pickle.dumps, copy.deepcopy])
def test_keys_and_pools_are_not_copied(make):
    pool = filled()
    for thing in (Secret(PLANTED), Key("id", Secret(PLANTED)), pool):
        with pytest.raises(SecurityError) as caught:
            make(thing)
        assert "planted" not in str(caught.value)


def test_equality_is_by_content_and_nothing_else():
    assert Secret(PLANTED) == Secret(PLANTED)
    assert Secret(PLANTED) != Secret(PLANTED[::-1])
    assert Secret(PLANTED) != PLANTED
    with pytest.raises(TypeError):
        hash(Secret(PLANTED))


def test_errors_do_not_carry_keys():
    pool = filled()
    with pytest.raises(KeyExhaustedError) as caught:
        pool.enc_keys("a", number=9)
    shown = "".join(traceback.format_exception(caught.value)) + repr(pool)
    assert "planted" not in shown
    assert PLANTED.hex() not in shown


def filled() -> KeyPool:
    pool = KeyPool(("a", "b"), run="cell", capacity_bits=4096)
    pool.produce({"a": Secret(PLANTED), "b": Secret(PLANTED)})
    return pool
