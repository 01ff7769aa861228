"""The ladder of protections: how one message is sealed and opened at each level.

    L4  one-time pad and one-time tag       8 bits of key per byte, plus 256
    L3  AEAD under a fresh QKD key          256 bits per message
    L2  AEAD under HKDF(older QKD key, fresh ML-KEM secret)
    L1  AEAD under a fresh ML-KEM secret, signed: no QKD contribution

Every mechanism of a link binds header, level and cipher into the tag. Which one is used is
decided in `sealed.py`; nothing here steps down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from qfl.core.envelope import Direction, Envelope, Header, SecurityLevel
from qfl.core.errors import ConfigError, KeyExhaustedError, TamperedError, UnknownKeyError
from qfl.security.keys.pool import KEY_BITS, Key, KeyPool
from qfl.security.keys.secret import Secret
from qfl.security.primitives.aead import first_nonce, open_bytes, seal_bytes
from qfl.security.primitives.identity import (
    KEM_BYTES,
    SIGNATURE_BYTES,
    Identity,
    encapsulate,
    verify,
)
from qfl.security.primitives.kdf import hybrid_key
from qfl.security.primitives.pad import open_pad, pad_key_bits, seal_pad

LADDER = (
    SecurityLevel.ONE_TIME_PAD,
    SecurityLevel.QKD_AEAD,
    SecurityLevel.HYBRID,
    SecurityLevel.KEM_ONLY,
)
_SUITE = "qfl-seal-v1"
_LANES = {Direction.UP: 1, Direction.DOWN: 2}


class Mechanism(Protocol):
    """Seals and opens the messages of one link at one level."""

    def seal(self, payload: memoryview, header: Header) -> Envelope:
        """Return the envelope; raises KeyExhaustedError and spends nothing without a key."""
        ...

    def open(self, envelope: Envelope) -> memoryview:
        """Return the payload; raises TamperedError on any doubt."""
        ...


def rungs(level: str, minimum: str) -> tuple[SecurityLevel, ...]:
    """Return the levels from the wanted one down to the lowest that is acceptable.

    >>> [rung.value for rung in rungs("L3", "L2")]
    ['L3', 'L2']
    """
    names = [rung.value for rung in LADDER]
    for name in (level, minimum):
        if name not in names:
            raise ConfigError(f"a security level of {name!r}; allowed: {', '.join(names)}")
    first, last = names.index(level), names.index(minimum)
    if first > last:
        raise ConfigError(f"the minimum level {minimum} is above the wanted level {level}")
    return LADDER[first : last + 1]


class OneTimePad:
    """L4: the pool pays for every byte."""

    def __init__(self, pool: KeyPool) -> None:
        self._pool = pool

    def seal(self, payload: memoryview, header: Header) -> Envelope:
        """Return the padded payload."""
        bits = pad_key_bits(8 * len(payload))
        [key] = self._pool.enc_keys(header.sender, size=bits)
        header = replace(header, key_id=key.key_id)
        level = SecurityLevel.ONE_TIME_PAD
        hidden = seal_pad(key.secret, payload, associated_data=_context(header, level))
        return Envelope(header, b"", hidden, level, bits)

    def open(self, envelope: Envelope) -> memoryview:
        """Return the payload."""
        if envelope.nonce:
            raise TamperedError("a padded envelope with a nonce; nothing was decrypted")
        key = _fetch(self._pool, envelope)
        context = _context(envelope.header, SecurityLevel.ONE_TIME_PAD)
        return open_pad(key.secret, envelope.ciphertext, associated_data=context)


class QkdAead:
    """L3: a fresh QKD key per message."""

    def __init__(self, pool: KeyPool, cipher: str) -> None:
        self._pool = pool
        self._cipher = cipher

    def seal(self, payload: memoryview, header: Header) -> Envelope:
        """Return the encrypted payload."""
        [key] = self._pool.enc_keys(header.sender)
        header = replace(header, key_id=key.key_id)
        body = _encrypt(key.secret, payload, header, SecurityLevel.QKD_AEAD, self._cipher)
        nonce = first_nonce(_LANES[header.direction])
        return Envelope(header, nonce, body, SecurityLevel.QKD_AEAD, KEY_BITS)

    def open(self, envelope: Envelope) -> memoryview:
        """Return the payload."""
        key = _fetch(self._pool, envelope)
        return _decrypt(key.secret, envelope, envelope.ciphertext, self._cipher)


class Hybrid:
    """L2: one QKD key that both ends keep, combined with a fresh ML-KEM secret per message."""

    def __init__(self, pool: KeyPool, identities: Mapping[str, Identity], cipher: str) -> None:
        self._pool = pool
        self._identities = identities
        self._cipher = cipher
        self._kept: Mapping[str, Key] = {}

    def keep(self, sender: str, receiver: str) -> int:
        """Take the key to be kept from the pool, unless there is one or the pool is too low;
        return how many bits it took."""
        if self._kept or self._pool.bits_left < KEY_BITS:
            return 0
        [key] = self._pool.enc_keys(sender)
        [copy] = self._pool.dec_keys(receiver, [key.key_id])
        self._kept = {sender: key, receiver: copy}
        return key.secret.bits

    def seal(self, payload: memoryview, header: Header) -> Envelope:
        """Return the capsule and the encrypted payload."""
        if not self._kept:
            raise KeyExhaustedError(
                f"{header.sender!r} and {header.receiver!r} keep no QKD key to combine with "
                "ML-KEM; run a key exchange first"
            )
        kept = self._kept[header.sender]
        header = replace(header, key_id=kept.key_id)
        shared, capsule = encapsulate(self._identities[header.receiver].kem_public)
        key = _derived([kept.secret, shared], header, SecurityLevel.HYBRID, capsule)
        level = SecurityLevel.HYBRID
        body = _encrypt(key, payload, header, level, self._cipher, prefix=capsule)
        nonce = first_nonce(_LANES[header.direction])
        return Envelope(header, nonce, body, level)

    def open(self, envelope: Envelope) -> memoryview:
        """Return the payload."""
        header = envelope.header
        capsule, body = _front(envelope, KEM_BYTES)
        kept = self._kept.get(header.receiver)
        if kept is None or header.key_id != kept.key_id:
            raise TamperedError("an envelope under a key that this link does not keep")
        shared = self._identities[header.receiver].decapsulate(capsule)
        key = _derived([kept.secret, shared], header, SecurityLevel.HYBRID, capsule)
        return _decrypt(key, envelope, body, self._cipher)


class KemOnly:
    """L1: a fresh ML-KEM secret per message and the sender's signature."""

    def __init__(self, identities: Mapping[str, Identity], cipher: str) -> None:
        self._identities = identities
        self._cipher = cipher

    def seal(self, payload: memoryview, header: Header) -> Envelope:
        """Return capsule, signature and encrypted payload."""
        level = SecurityLevel.KEM_ONLY
        shared, capsule = encapsulate(self._identities[header.receiver].kem_public)
        signature = self._identities[header.sender].sign(_transcript(header, level, capsule))
        key = _derived([shared], header, level, capsule)
        front = capsule + signature
        body = _encrypt(key, payload, header, level, self._cipher, prefix=front)
        nonce = first_nonce(_LANES[header.direction])
        return Envelope(header, nonce, body, level)

    def open(self, envelope: Envelope) -> memoryview:
        """Return the payload."""
        header, level = envelope.header, SecurityLevel.KEM_ONLY
        front, body = _front(envelope, KEM_BYTES + SIGNATURE_BYTES)
        capsule, signature = front[:KEM_BYTES], front[KEM_BYTES:]
        verifying = self._identities[header.sender].verifying
        verify(verifying, signature, _transcript(header, level, capsule))
        shared = self._identities[header.receiver].decapsulate(capsule)
        key = _derived([shared], header, level, capsule)
        return _decrypt(key, envelope, body, self._cipher)


def _fetch(pool: KeyPool, envelope: Envelope) -> Key:
    header = envelope.header
    try:
        [key] = pool.dec_keys(header.receiver, [header.key_id])
    except UnknownKeyError as error:
        raise TamperedError(f"an envelope was not opened: {error}") from None
    if key.secret.bits != envelope.key_bits:
        raise TamperedError("an envelope claims another key than it was sealed with; not opened")
    return key


def _front(envelope: Envelope, length: int) -> tuple[bytes, memoryview]:
    """Return what stands before the ciphertext of an envelope that took no key from the pool."""
    if len(envelope.ciphertext) < length or envelope.key_bits:
        raise TamperedError("an envelope is too short or claims a key; nothing was decrypted")
    return bytes(envelope.ciphertext[:length]), memoryview(envelope.ciphertext)[length:]


def _context(header: Header, level: SecurityLevel, cipher: str = "") -> bytes:
    """Return the associated data: suite, level and cipher before the header."""
    return f"{_SUITE}|{level.value}|{cipher}|".encode() + header.associated_data()


def _transcript(header: Header, level: SecurityLevel, capsule: bytes) -> bytes:
    return hashlib.sha384(_context(header, level) + capsule).digest()


def _derived(parts: list[Secret], header: Header, level: SecurityLevel, capsule: bytes) -> Secret:
    fields = (_SUITE, header.key_id, header.sender, header.receiver, str(header.round))
    salt = _transcript(header, level, capsule)
    return hybrid_key(parts, salt=salt, info="|".join(fields))


def _encrypt(
    key: Secret,
    payload: memoryview,
    header: Header,
    level: SecurityLevel,
    cipher: str,
    *,
    prefix: bytes = b"",
) -> memoryview:
    return seal_bytes(
        key,
        payload,
        associated_data=_context(header, level, cipher),
        lane=_LANES[header.direction],
        cipher=cipher,
        prefix=prefix,
    )


def _decrypt(key: Secret, envelope: Envelope, body: bytes | memoryview, cipher: str) -> memoryview:
    lane = _LANES[envelope.header.direction]
    if envelope.nonce != first_nonce(lane):
        raise TamperedError("an envelope with a foreign nonce; nothing was decrypted")
    context = _context(envelope.header, envelope.level, cipher)
    return open_bytes(key, body, associated_data=context, lane=lane, cipher=cipher)
