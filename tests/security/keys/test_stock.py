"""A stock hands out the oldest bytes first, equal at both ends, with the nearest expiry."""

import copy
import pickle
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import SecurityError
from qfl.security.keys.secret import Secret
from qfl.security.keys.stock import Stock


def both(material):
    return {"a": Secret(material), "b": Secret(material)}


@pytest.mark.property
@given(st.lists(st.binary(max_size=6), max_size=5), st.data())
def test_what_comes_out_is_what_went_in_in_order(batches, data):
    stock = Stock(("a", "b"))
    for number, batch in enumerate(batches):
        stock.add(both(batch), expires=float(number))
    whole, got = b"".join(batches), b""
    while stock.size:
        size = data.draw(st.integers(1, stock.size))
        cut = stock.take(size)
        assert cut.place == len(got)
        assert cut.copies["a"] == cut.copies["b"]
        got += cut.copies["a"].reveal()
    assert got == whole
    assert stock.end == len(whole)


def test_a_key_over_two_batches_expires_with_the_first_of_them():
    stock = Stock(("a", "b"))
    stock.add(both(b"later"), expires=90.0)
    stock.add(both(b"soon"), expires=60.0)
    assert stock.next_expiry == 60.0
    assert stock.take(6).expires == 60.0
    stock.add(both(b"later"), expires=90.0)
    assert stock.take(4).expires == 60.0
    assert stock.take(4).expires == 90.0
    assert stock.next_expiry == inf


def test_what_lies_before_a_stale_byte_is_stale_too():
    """Bytes leave in order: an old one behind others holds them all up."""
    stock = Stock(("a", "b"))
    stock.add(both(b"fresh"), expires=90.0)
    stock.add(both(b"old"), expires=60.0)
    assert (stock.stale(59.0), stock.stale(60.0)) == (0, 8)


def test_a_stock_is_neither_shown_nor_copied():
    stock = Stock(("a", "b"))
    stock.add(both(b"secret"), expires=1.0)
    assert repr(stock) == "<Stock of 48 bits per end>"
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(SecurityError, match="neither pickled nor copied"):
            leak(stock)
