import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from qfl.core.errors import SecurityError, UnknownNameError
from qfl.security.keys import Secret
from qfl.security.masking.stream import STREAMS, add_masks

KEY = bytes(range(32))


@pytest.mark.golden
def test_chacha20_keystream_of_rfc_8439():
    """Appendix A.1, test vector 1: key, nonce and counter zero."""
    vector = np.zeros(4, np.uint32)
    add_masks(vector, plus=[Secret(bytes(32))], stream="chacha20")
    assert vector.tobytes().hex() == "76b8e0ada0f13d90405d6ae55386bd28"


@pytest.mark.parametrize("word", [np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("length", [1, 1000, 200_001])
def test_a_mask_is_the_whole_keystream_across_pieces(word, length):
    vector = np.zeros(length, word)
    add_masks(vector, plus=[Secret(KEY)])
    encryptor = Cipher(algorithms.AES(KEY), modes.CTR(bytes(16))).encryptor()
    assert vector.tobytes() == encryptor.update(bytes(vector.nbytes))


@pytest.mark.parametrize("stream", STREAMS)
def test_plus_and_minus_cancel(stream):
    rng = np.random.default_rng(0)
    vector = rng.integers(0, 2**32, 70_000, dtype=np.uint32)
    seeds = [Secret(rng.bytes(32)) for _ in range(4)]
    masked = vector.copy()
    add_masks(masked, plus=seeds[:2], minus=seeds[2:], stream=stream)
    assert (masked != vector).mean() > 0.999
    add_masks(masked, plus=seeds[2:], minus=seeds[:2], stream=stream)
    assert (masked == vector).all()


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize("word", [np.uint32, np.uint64])
def test_threads_that_share_the_seeds_change_no_bit(monkeypatch, word, many):
    monkeypatch.setenv("NUMBA_NUM_THREADS", str(many))
    seeds = [Secret(bytes([k]) * 32) for k in range(7)]
    together = np.arange((1 << 17) + 5, dtype=word)
    alone = together.copy()
    add_masks(together, plus=seeds[:4], minus=seeds[4:])
    for seed in seeds[:4]:
        add_masks(alone, plus=[seed])
    for seed in seeds[4:]:
        add_masks(alone, minus=[seed])
    assert (together == alone).all()


def test_only_256_bit_seeds_and_known_streams():
    vector = np.zeros(2, np.uint32)
    with pytest.raises(SecurityError, match="256"):
        add_masks(vector, plus=[Secret(bytes(16))])
    with pytest.raises(UnknownNameError, match="chacha20"):
        add_masks(vector, plus=[Secret(bytes(32))], stream="mt19937")
