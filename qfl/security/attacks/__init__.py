"""Adversaries, each against the defence it is meant to break. Nothing here imports a channel."""
