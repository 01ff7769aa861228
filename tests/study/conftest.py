from toy_fixtures import settings, study, toy_world

__all__ = ["settings", "study", "toy_world"]
