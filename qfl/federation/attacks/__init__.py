"""Attacks that need a model: what updates give away, and what poisoned ones do to learning.

Scores and recipes are in `qfl.security.attacks`, which knows no model; here they meet one.
`adversary` has the clients that lie in a federation; `table.attack_table` runs every attack with
and without its defence.
"""
