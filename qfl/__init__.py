"""Does a quantum computer help a federation learn? A suite that finds out, and shows its work."""

from importlib.metadata import version

__version__ = version("qfl")
