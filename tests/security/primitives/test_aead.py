import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import TamperedError, UnknownNameError
from qfl.security.keys import Secret
from qfl.security.primitives import aead
from qfl.security.primitives.aead import first_nonce, open_bytes, seal_bytes

KEY = Secret(bytes(range(32)))


def test_one_chunk_is_plain_aes_gcm():
    sealed = seal_bytes(KEY, b"weights", associated_data=b"header", lane=1)
    expected = AESGCM(bytes(range(32))).encrypt(first_nonce(1), b"weights", b"header\x01")
    assert sealed == expected
    assert first_nonce(1) == bytes([0, 0, 0, 1]) + bytes(8)


def test_nonces_of_the_lanes_differ():
    assert first_nonce(1) != first_nonce(2)


@given(payload=st.binary(max_size=200), data=st.data())
@pytest.mark.property
def test_no_flipped_bit_is_accepted(payload, data):
    sealed = bytearray(seal_bytes(KEY, payload, associated_data=b"header", lane=1))
    index = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[index // 8] ^= 1 << index % 8
    with pytest.raises(TamperedError, match="nothing was decrypted"):
        open_bytes(KEY, bytes(sealed), associated_data=b"header", lane=1)


@pytest.mark.parametrize(
    "change",
    [
        {"associated_data": b"Header"},
        {"associated_data": b"header\x01"},
        {"lane": 2},
    ],
)
def test_context_is_bound(change):
    sealed = seal_bytes(KEY, b"weights", associated_data=b"header", lane=1)
    with pytest.raises(TamperedError):
        open_bytes(KEY, sealed, **{"associated_data": b"header", "lane": 1, **change})


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 64, 100])
def test_chunks_join_and_cannot_be_moved_dropped_or_added(monkeypatch, length):
    monkeypatch.setattr(aead, "CHUNK_BYTES", 16)
    payload = np.random.default_rng(length).bytes(length)
    sealed = seal_bytes(KEY, payload, associated_data=b"h", lane=1)
    assert open_bytes(KEY, sealed, associated_data=b"h", lane=1) == payload
    pieces = [sealed[i : i + 32] for i in range(0, len(sealed), 32)]
    wrong = [pieces[:-1], [*pieces, pieces[-1]], [*pieces, b""][1:], [*pieces, bytes(32)]]
    wrong += [pieces[1:2] + pieces[:1] + pieces[2:]] if len(pieces) > 1 else []
    for order in wrong:
        with pytest.raises(TamperedError):
            open_bytes(KEY, b"".join(order), associated_data=b"h", lane=1)


@pytest.mark.parametrize("chunk", range(3))
def test_one_bad_chunk_spoils_the_whole_and_nothing_comes_out(monkeypatch, chunk):
    monkeypatch.setattr(aead, "CHUNK_BYTES", 16)
    sealed = bytearray(seal_bytes(KEY, bytes(40), associated_data=b"h", lane=1))
    sealed[32 * chunk] ^= 1
    with pytest.raises(TamperedError, match="nothing was decrypted") as caught:
        open_bytes(KEY, bytes(sealed), associated_data=b"h", lane=1)
    assert caught.value.args == (str(caught.value),)


@pytest.mark.parametrize("length", range(17))
def test_truncation_is_tampering(length):
    sealed = seal_bytes(KEY, b"w", associated_data=b"h", lane=1)
    with pytest.raises(TamperedError):
        open_bytes(KEY, sealed[:length], associated_data=b"h", lane=1)


@pytest.mark.golden
def test_cipher_of_rfc_8439():
    """Section 2.8.2, through the class that the name stands for."""
    cipher = aead.CIPHERS["chacha20-poly1305"](bytes(range(0x80, 0xA0)))
    sealed = cipher.encrypt(
        bytes.fromhex("070000004041424344454647"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it.",
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
    )
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


def test_ciphers_do_not_open_each_other():
    sealed = seal_bytes(KEY, b"w", associated_data=b"h", lane=1, cipher="chacha20-poly1305")
    context = {"associated_data": b"h", "lane": 1}
    assert open_bytes(KEY, sealed, **context, cipher="chacha20-poly1305") == b"w"
    with pytest.raises(TamperedError):
        open_bytes(KEY, sealed, **context)
    with pytest.raises(UnknownNameError, match="aes-256-gcm"):
        seal_bytes(KEY, b"w", **context, cipher="aes-256-gmc")
