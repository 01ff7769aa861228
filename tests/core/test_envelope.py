"""Headers: whatever a field says is under the tag, and counts on the wire."""

from dataclasses import fields, replace

import pytest

from qfl.core.envelope import Direction, Envelope, Header, SecurityLevel

HEADER = Header(
    run="r", round=1, sender="server", receiver="a", direction=Direction.DOWN, schema="s"
)
OTHER = {
    **dict.fromkeys(("run", "sender", "receiver", "schema", "key_id"), "other"),
    **dict.fromkeys(("round", "sequence"), 7),
    "direction": Direction.UP,
}


@pytest.mark.parametrize("name", [field.name for field in fields(Header)])
def test_no_field_of_a_header_can_change_unnoticed(name):
    changed = replace(HEADER, **{name: OTHER[name]})
    assert changed.associated_data() != HEADER.associated_data()


def test_text_cannot_slide_from_one_field_into_the_next():
    ends = (replace(HEADER, sender="ab", receiver="c"), replace(HEADER, sender="a", receiver="bc"))
    assert ends[0].associated_data() != ends[1].associated_data()


def test_bytes_on_the_wire_are_header_nonce_and_ciphertext():
    sealed = Envelope(HEADER, b"n" * 12, memoryview(b"c" * 100), SecurityLevel.QKD_AEAD)
    assert sealed.wire_bytes == len(HEADER.associated_data()) + 112
