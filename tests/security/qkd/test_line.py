import pytest

from qfl.security.keys import Secret
from qfl.security.qkd.line import End, PublicLine, TagKeys


class FlipFirstBit:
    """Alters every message of one end."""

    def __init__(self, victim: End):
        self.victim = victim

    def meddle(self, sender: End, message: bytes) -> bytes:
        if sender is not self.victim:
            return message
        return bytes([message[0] ^ 1]) + message[1:]


def tag_keys(seed: int = 0) -> TagKeys:
    material = bytes((index * 7 + 3 + seed) % 256 for index in range(64))
    return TagKeys(Secret(material[:32]), Secret(material[32:]))


def test_an_untouched_line_is_authentic_and_spends_its_pads():
    line = PublicLine((tag_keys(), tag_keys()))
    assert line.say(End.ALICE, b"parity") == b"parity"
    assert line.say(End.BOB, b"question") == b"question"
    assert line.spent_bits == 0
    assert line.authentic()
    assert line.spent_bits == 256


@pytest.mark.parametrize("victim", list(End))
def test_an_altered_message_is_found_by_the_tags_alone(victim):
    for keys, accepted in (((tag_keys(), tag_keys()), False), (None, True)):
        line = PublicLine(keys, FlipFirstBit(victim))
        line.say(End.ALICE, b"parity")
        line.say(End.BOB, b"question")
        assert line.authentic() is accepted


def test_without_the_other_ends_keys_there_is_no_tag():
    line = PublicLine((tag_keys(), tag_keys(seed=1)))
    line.say(End.ALICE, b"parity")
    assert not line.authentic()


def test_the_two_directions_have_keys_of_their_own():
    keys = tag_keys()
    assert keys.key(End.ALICE) != keys.key(End.BOB)
    assert len(keys.key(End.BOB)) == 32
    assert keys.key(End.ALICE).hex() not in repr(keys)
