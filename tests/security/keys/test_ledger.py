from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import SecurityError
from qfl.security.keys import Account, Announcement, Entry, KeyEvent, Ledger, verify_chain

events = st.lists(
    st.tuples(st.sampled_from(list(KeyEvent)), st.integers(0, 4096), st.text(max_size=8)),
    min_size=2,
    max_size=12,
)


def chain(rows) -> Ledger:
    ledger = Ledger("server|c")
    for event, bits, key_id in rows:
        ledger.append(Announcement(event, bits, key_id))
    return ledger


@given(events)
@pytest.mark.property
def test_an_untouched_chain_verifies_and_adds_up(rows):
    ledger = chain(rows)
    assert verify_chain("server|c", ledger.entries) == ledger.head
    for event in KeyEvent:
        total = sum(bits for kind, bits, _ in rows if kind is event)
        assert getattr(ledger.account, event.value) == total


def shift(entry: Entry) -> Entry:
    return replace(entry, sequence=entry.sequence + 1)


@given(rows=events, data=st.data())
@pytest.mark.property
def test_any_change_is_found(rows, data):
    entries = list(chain(rows).entries)
    index = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[index]
    changed = data.draw(
        st.sampled_from(
            [
                replace(entry, bits=entry.bits + 1),
                replace(entry, key_id=entry.key_id + "x"),
                replace(entry, digest="0" * 64),
                replace(entry, expires=1.0),
                replace(entry, previous="f" * 64),
                shift(entry),
            ]
        )
    )
    with pytest.raises(SecurityError, match=f"entry {index}"):
        verify_chain("server|c", [*entries[:index], changed, *entries[index + 1 :]])


@given(events)
@pytest.mark.property
def test_drops_and_swaps_are_found(rows):
    entries = list(chain(rows).entries)
    with pytest.raises(SecurityError, match="entry 0"):
        verify_chain("server|c", entries[1:])
    with pytest.raises(SecurityError, match="entry 0"):
        verify_chain("server|c", entries[::-1])


def test_a_truncated_chain_shows_in_the_last_hash():
    ledger = chain([(KeyEvent.PRODUCED, 512, ""), (KeyEvent.DELIVERED, 256, "k")])
    assert verify_chain("server|c", ledger.entries[:1]) != ledger.head


def test_another_link_has_another_chain():
    ledger = chain([(KeyEvent.PRODUCED, 512, "")])
    with pytest.raises(SecurityError, match="trust no key"):
        verify_chain("server|d", ledger.entries)


def test_accounts_add():
    assert Account(1, 2, 3, 4, 5) + Account() + Account(1, 1, 1, 1, 1) == Account(2, 3, 4, 5, 6)
