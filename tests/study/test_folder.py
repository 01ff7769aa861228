"""A run folder: its lock says which rows count, one process writes, and TOML comes back."""

import os
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qfl.core.errors import StoreError
from qfl.study.folder import RunFolder, toml

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_settings_come_back_as_they_were_written(settings):
    assert tomllib.loads(toml(settings)) == settings


def test_what_toml_cannot_say_is_left_out():
    assert toml({"a": None, "b": 1}) == "b = 1\n"


def test_a_folder_is_held_by_one_process_at_a_time(tmp_path):
    one, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    with one.held():
        one.note_running({"cell": 2})
        assert other.is_held()
        with pytest.raises(StoreError, match=f"pid {os.getpid()}.*choose another --out"):
            other.held().__enter__()
    assert not other.is_held()


def test_a_note_of_what_runs_goes_with_the_last_cell(tmp_path):
    folder = RunFolder(tmp_path)
    folder.note_running({"cell": 2})
    assert folder.running() == {"pid": os.getpid(), "cells": {"cell": 2}}
    folder.note_running({})
    assert folder.running() == {}


def test_what_is_no_run_says_how_to_start_one(tmp_path):
    with pytest.raises(StoreError, match=r"is no run.*qfl run STUDY"):
        RunFolder(tmp_path).lock()
