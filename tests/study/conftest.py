from machine_fixtures import cloud, connected
from toy_fixtures import settings, study, toy_world

__all__ = ["cloud", "connected", "settings", "study", "toy_world"]
