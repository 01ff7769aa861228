"""Conformance kits that a third party can call in one line, and the instances they use.

A kit raises AssertionError with one sentence about the first promise that is broken.
"""

from qfl.testing.backends import check_backend
from qfl.testing.solvers import check_solver

__all__ = ["check_backend", "check_solver"]
