"""Federations whose tasks or seasons change: streams, ways to remember, and what is forgotten."""
