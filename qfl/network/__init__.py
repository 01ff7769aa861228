"""Devices, links and time, as plain numbers; no torch, no keys, no quantum framework."""
