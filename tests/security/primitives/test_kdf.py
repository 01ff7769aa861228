import traceback

import pytest

from qfl.core.errors import UnknownNameError
from qfl.security.keys import Secret
from qfl.security.primitives.kdf import hkdf, hybrid_key


@pytest.mark.golden
def test_rfc_5869_case_1():
    derived = hkdf(
        b"\x0b" * 22,
        salt=bytes(range(13)),
        info=bytes(range(0xF0, 0xFA)),
        length=42,
        digest="sha256",
    )
    assert derived.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


@pytest.mark.golden
def test_hybrid_of_two_parts():
    """HKDF-SHA-384 over length-prefixed parts, evaluated independently."""
    key = hybrid_key(
        [Secret(b"\x22" * 32), Secret(b"\x33" * 32)],
        salt=b"\x11" * 48,
        info="qfl-hybrid-v1|k1|c0|s|1",
    )
    assert key.reveal().hex() == "fb0c526a8e1d1cc569c6194a1726c826fdf1c78ec124babca4daac675abca729"


def test_every_part_and_its_length_counts():
    def key(*parts: bytes, salt: bytes = b"s", info: str = "i") -> bytes:
        return hybrid_key([Secret(part) for part in parts], salt=salt, info=info).reveal()

    made = [
        key(b"ab", b"c"),
        key(b"a", b"bc"),
        key(b"abc"),
        key(b"ab", b"d"),
        key(b"ab", b"c", salt=b"t"),
        key(b"ab", b"c", info="j"),
    ]
    assert len(set(made)) == len(made)


def test_a_wrong_argument_shows_no_key():
    """Crash reporters print local variables, in every frame."""
    secret = Secret(bytes(range(97, 123)))
    for wrong in ({"info": 3}, {"info": "i", "salt": "s"}, {"info": "i", "length": -1}):
        with pytest.raises((AttributeError, TypeError, ValueError, OverflowError)) as caught:
            hybrid_key([secret], **{"salt": b"", **wrong})
        made = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert secret.reveal()[:8].decode() not in "".join(made.format())


def test_unknown_hash_is_named():
    with pytest.raises(UnknownNameError, match="sha384"):
        hkdf(b"", salt=b"", info=b"", length=4, digest="sha385")
