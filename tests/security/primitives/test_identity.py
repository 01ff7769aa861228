import copy
import pickle

import pytest

from qfl.core.errors import SecurityError, TamperedError
from qfl.security.primitives.identity import (
    KEM_BYTES,
    SIGNATURE_BYTES,
    Identity,
    encapsulate,
    verify,
)

ONE, OTHER = Identity(), Identity()


def test_only_the_receiver_learns_the_secret():
    shared, capsule = encapsulate(ONE.kem_public)
    assert len(capsule) == KEM_BYTES
    assert ONE.decapsulate(capsule) == shared
    assert OTHER.decapsulate(capsule) != shared


def test_only_the_sender_signs():
    signature = ONE.sign(b"transcript")
    assert len(signature) == SIGNATURE_BYTES
    verify(ONE.verifying, signature, b"transcript")
    for public, message in ((OTHER.verifying, b"transcript"), (ONE.verifying, b"another")):
        with pytest.raises(TamperedError, match="not signed"):
            verify(public, signature, message)


@pytest.mark.parametrize("make", [pickle.dumps, copy.copy])
def test_private_keys_stay(make):
    with pytest.raises(SecurityError):
        make(ONE)
    assert repr(ONE) == "Identity()"
