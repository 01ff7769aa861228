"""What comes home: an answer of which nothing is said did not arrive, and cost nothing."""

from dataclasses import FrozenInstanceError

import pytest

from qfl.core.gather import Arrival, Gathered


def test_silence_is_no_arrival():
    lost = Arrival()
    assert not lost.arrived
    assert (lost.wire_bytes, lost.key_bits, lost.modules, lost.opened) == (0, 0, frozenset(), None)


def test_what_arrived_cannot_be_changed_afterwards():
    home = Gathered(updates=(), arrivals={}, holders={})
    assert (home.key_bits_produced, home.key_bits_used, home.waiting_seconds) == (0, 0, 0)
    with pytest.raises(FrozenInstanceError):
        home.key_bits_used = 1
