"""What a participant holds to be addressed and recognised: ML-KEM-768 and ML-DSA-65 keys.

The key pairs come from the operating system's generator, not from a study's streams: envelopes
that use them differ from run to run, the updates inside do not.

References: FIPS 203 (ML-KEM), FIPS 204 (ML-DSA).
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from qfl.core.errors import SecurityError, TamperedError
from qfl.security.keys.secret import Secret

KEM_BYTES = 1088
SIGNATURE_BYTES = 3309


class Identity:
    """One participant's key pairs.

    >>> receiver = Identity()
    >>> shared, capsule = encapsulate(receiver.kem_public)
    >>> receiver.decapsulate(capsule) == shared, len(capsule)
    (True, 1088)
    """

    __slots__ = ("_kem", "_signing", "kem_public", "verifying")

    def __init__(self) -> None:
        self._kem = MLKEM768PrivateKey.generate()
        self._signing = MLDSA65PrivateKey.generate()
        self.kem_public: MLKEM768PublicKey = self._kem.public_key()
        self.verifying: MLDSA65PublicKey = self._signing.public_key()

    def decapsulate(self, capsule: bytes) -> Secret:
        """Return the shared secret inside; a forged capsule gives an unrelated one."""
        return Secret(self._kem.decapsulate(capsule))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return self._signing.sign(message)

    def __repr__(self) -> str:
        return "Identity()"

    def __reduce__(self) -> NoReturn:
        raise SecurityError("an identity is neither pickled nor copied")


def encapsulate(public: MLKEM768PublicKey) -> tuple[Secret, bytes]:
    """Return a fresh shared secret and the capsule that carries it."""
    shared, capsule = public.encapsulate()
    return Secret(shared), capsule


def verify(public: MLDSA65PublicKey, signature: bytes, message: bytes) -> None:
    """Return if the signature is good.

    Raises:
        TamperedError: it is not.
    """
    try:
        public.verify(signature, message)
    except InvalidSignature:
        raise TamperedError(
            "an envelope is not signed by its sender; nothing was decrypted"
        ) from None
