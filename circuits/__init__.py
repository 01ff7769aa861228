"""Circuits as data: what to run, without saying where."""
