"""Emulated quantum key distribution: links, closed-form rates and sampled sessions.

A sampled session ends with two equal keys or reports why not. No key made here is secret in the
real world: see `qfl.security.HONESTY`. This package knows nothing of pools or channels.
"""

from qfl.security.qkd.link import FibreLink
from qfl.security.qkd.session import Protocol, Session, run_session

__all__ = ["FibreLink", "Protocol", "Session", "run_session"]
