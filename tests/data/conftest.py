"""A reader that finds what a test gives it."""

import pytest


@pytest.fixture
def given(monkeypatch, tmp_path):
    """A function (module, reader, arrays): let this reader find these arrays."""

    def put(module, arrays, reader="read"):
        monkeypatch.setattr(module, "require_folder", lambda id: tmp_path)
        monkeypatch.setattr(module, reader, lambda folder: arrays)

    return put
