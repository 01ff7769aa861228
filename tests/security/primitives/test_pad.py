import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import SecurityError, TamperedError
from qfl.security.keys import Secret
from qfl.security.primitives.pad import (
    forgery_bound_log2,
    one_time_tag,
    open_pad,
    pad_key_bits,
    seal_pad,
)

KEY = bytes(range(100, 139))


@pytest.mark.golden
def test_tag_of_rfc_8439():
    """Section 2.5.2."""
    key = bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b")
    tag = one_time_tag(key, b"Cryptographic Forum Research Group")
    assert tag.hex() == "a8061dc1305136c6c22b8baf0c0127a9"


@pytest.mark.golden
@pytest.mark.parametrize(
    ("parameters", "expected"), [(61_706, 987_552), (11_689_512, 187_032_448), (64, 1280)]
)
def test_key_bits_of_models_at_16_bits(parameters, expected):
    """d b + 256 bits: LeNet-5, ResNet-18 and a quantum circuit of 64 parameters."""
    assert pad_key_bits(16 * parameters) == expected


@pytest.mark.golden
@pytest.mark.parametrize(
    ("length", "expected"), [(1000, -97.02272007650008), (4_000_000, -85.06843143067583)]
)
def test_forgery_bound(length, expected):
    assert forgery_bound_log2(length) == pytest.approx(expected, abs=1e-9)


@given(payload=st.binary(max_size=300), context=st.binary(max_size=20), seed=st.integers(0, 2**32))
@pytest.mark.property
def test_round_trip_and_no_flipped_bit_is_accepted(payload, context, seed):
    """Keys are random, as in use: the all-zero tag key would accept forgeries."""
    rng = np.random.default_rng(seed)
    key = Secret(rng.bytes(len(payload) + 32))
    sealed = seal_pad(key, payload, associated_data=context)
    assert open_pad(key, sealed, associated_data=context) == payload
    position = int(rng.integers(8 * len(sealed)))
    broken = bytearray(sealed)
    broken[position // 8] ^= 1 << position % 8
    with pytest.raises(TamperedError):
        open_pad(key, bytes(broken), associated_data=context)


def test_the_pad_is_all_there_is():
    """payload XOR ciphertext gives the pad back, byte for byte."""
    sealed = seal_pad(Secret(KEY), b"weights", associated_data=b"")
    assert bytes(a ^ b for a, b in zip(sealed, b"weights", strict=False)) == KEY[:7]


def test_content_cannot_pose_as_header():
    sealed = seal_pad(Secret(KEY), b"weights", associated_data=b"ab")
    with pytest.raises(TamperedError, match="nothing was decrypted"):
        open_pad(Secret(KEY), sealed, associated_data=b"a")
    with pytest.raises(TamperedError, match="another length"):
        open_pad(Secret(KEY), b"b" + sealed, associated_data=b"a")
    with pytest.raises(TamperedError, match="another length"):
        open_pad(Secret(KEY), b"short", associated_data=b"a")


def test_a_pad_of_another_length_is_refused():
    with pytest.raises(SecurityError, match="needs 312"):
        seal_pad(Secret(bytes(40)), b"weights", associated_data=b"")
