"""Emulated quantum key distribution: links, closed-form rates and sampled sessions.

A sampled session ends with two equal keys or reports why not. No key made here is secret in the
real world: see `qfl.security.HONESTY`. This package knows nothing of pools or channels.
"""

from qfl.security.qkd.block import Block, run_block
from qfl.security.qkd.continuous import GaussianLink
from qfl.security.qkd.distil import Processing
from qfl.security.qkd.ekert import run_e91_session
from qfl.security.qkd.entangled import PairLink, PairProtocol, run_pair_session
from qfl.security.qkd.gaussian_session import GaussianProtocol, run_gaussian_session
from qfl.security.qkd.line import PublicLine, TagKeys
from qfl.security.qkd.link import FibreLink, FreeSpaceLink
from qfl.security.qkd.rounds import run_bb84_rounds, run_e91_rounds
from qfl.security.qkd.session import Protocol, Session, run_pulse_session, run_session
from qfl.security.qkd.sifted_block import run_sifted_block

__all__ = [
    "Block",
    "FibreLink",
    "FreeSpaceLink",
    "GaussianLink",
    "GaussianProtocol",
    "PairLink",
    "PairProtocol",
    "Processing",
    "Protocol",
    "PublicLine",
    "Session",
    "TagKeys",
    "run_bb84_rounds",
    "run_block",
    "run_e91_rounds",
    "run_e91_session",
    "run_gaussian_session",
    "run_pair_session",
    "run_pulse_session",
    "run_session",
    "run_sifted_block",
]
