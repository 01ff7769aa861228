from machine_fixtures import cloud, connected

__all__ = ["cloud", "connected"]
