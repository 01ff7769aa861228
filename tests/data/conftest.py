"""A reader that finds what a test gives it."""

import pytest


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A function (module, reader, arrays): let this reader find these arrays."""

    def put(module, arrays=None, reader="read"):
        monkeypatch.setattr(module, "arrays_of", lambda id, read: read(tmp_path))
        if arrays is not None:
            monkeypatch.setattr(module, reader, lambda folder: arrays)

    return put
