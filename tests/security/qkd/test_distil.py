import numpy as np
import pytest

from qfl.core.errors import QflError
from qfl.security.keys import Secret
from qfl.security.qkd.distil import Processing, distil
from qfl.security.qkd.line import End, PublicLine, TagKeys

KEYS = TagKeys(Secret(bytes(range(32))), Secret(bytes(range(32, 64))))


class Flip:
    """Flips one bit of the n-th message of one end."""

    def __init__(self, victim: End, number: int):
        self.victim, self.left = victim, number

    def meddle(self, sender: End, message: bytes) -> bytes:
        if sender is self.victim:
            self.left -= 1
            if self.left == -1:
                return message[:-1] + bytes([message[-1] ^ 1])
        return message


class Resize(Flip):
    """Swallows the n-th message of one end, or adds to it."""

    def __init__(self, victim: End, number: int, added: bytes):
        super().__init__(victim, number)
        self.added = added

    def meddle(self, sender: End, message: bytes) -> bytes:
        altered = super().meddle(sender, message)
        return altered if altered == message else (message + self.added if self.added else b"")


def run(meddler=None, *, authenticated=True, errors=40, n=2000, **options):
    rng = np.random.default_rng(5)
    alice = rng.integers(0, 2, n, dtype=np.uint8)
    bob = alice.copy()
    bob[rng.permutation(n)[:errors]] ^= 1
    return distil(
        alice,
        bob,
        processing=Processing(**options),
        secret_length=lambda kept, wrong, disclosed: (kept - 10 * wrong - disclosed) // 8 * 8,
        line=PublicLine((KEYS, KEYS) if authenticated else None, meddler),
        rng=rng,
    )


def test_both_ends_get_the_same_key():
    result = run()
    assert result.aborted == ""
    assert result.keys[0] == result.keys[1]
    assert result.sampled_bits == 200
    assert result.disclosed_bits > 300


@pytest.mark.parametrize("victim", list(End))
@pytest.mark.parametrize("number", [0, 1, 2, 5, 20, 30])
def test_no_meddling_survives(victim, number):
    """Whatever message is altered, tags or hashes find it; only a late one needs the tags."""
    assert run(Flip(victim, number)).keys is None


@pytest.mark.parametrize("victim", list(End))
@pytest.mark.parametrize("number", [0, 1, 5])
def test_messages_have_the_length_that_both_ends_know(victim, number):
    """One that is swallowed is read as zeros, what is added is not read; tags find out both."""
    assert run(Resize(victim, number, b"")).keys is None
    assert "authenticate" in run(Resize(victim, number, b"more")).aborted
    assert run(Resize(victim, number, b"more"), authenticated=False).keys


def test_without_tags_a_meddler_can_split_the_keys():
    """The amplification seed is announced last: altered, nothing but the tags notices."""
    clean = Count()
    run(clean, authenticated=False)
    messages = clean.heard[End.ALICE]
    split = run(Flip(End.ALICE, messages - 1), authenticated=False)
    assert split.aborted == ""
    assert split.keys[0] != split.keys[1]
    assert "authenticate" in run(Flip(End.ALICE, messages - 1)).aborted


class Count:
    """Alters nothing, counts everything."""

    def __init__(self):
        self.heard = dict.fromkeys(End, 0)

    def meddle(self, sender: End, message: bytes) -> bytes:
        self.heard[sender] += 1
        return message


def test_reasons_for_no_key():
    assert "QBER" in run(errors=600).aborted
    assert "leave no secret bits" in run(errors=125).aborted
    assert "were sifted" in run(n=1, errors=0).aborted


def test_a_key_that_would_not_pay_for_its_tags_is_not_made():
    """The tags of a session cost 256 bits; without them any length will do."""
    poor = run(errors=105)
    assert "do not pay for the session's 256 bits of tags" in poor.aborted
    free = run(errors=105, authenticated=False)
    assert 0 < free.keys[0].bits <= 256


@pytest.mark.parametrize(
    "options",
    [{"sample_fraction": 1.0}, {"abort_qber": 0.0}, {"correctness": 0.0}, {"variant": "orginal"}],
)
def test_senseless_settings_are_refused(options):
    with pytest.raises(QflError):
        Processing(**options)
