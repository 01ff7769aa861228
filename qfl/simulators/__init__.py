"""Exact engines: plain functions on arrays. Backends wrap them and quantum modules call them.

The subspace engine holds only the states that a constraint allows, the full-space engine all of
them. numba is used when it is there; without it the same operations run on numpy.
Nothing here knows a port, a problem or a study.
"""
