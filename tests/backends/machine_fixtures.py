"""A loopback cloud with a connection to it, for tests that spend its shots."""

from contextlib import contextmanager

import pytest
from loopback import Cloud, environment

from qfl.backends import account


@contextmanager
def connection(like="fake_manila"):
    """A cloud whose only device is like a snapshot, and an environment that leads to it."""
    with Cloud(like) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(cloud.url).items():
            patch.setenv(name, value)
        account.service.cache_clear()
        yield cloud
        account.service.cache_clear()


@pytest.fixture(scope="module")
def connected():
    with connection() as cloud:
        yield cloud


@pytest.fixture
def cloud(connected):
    connected.mood, connected.refuse, connected.victim = "done", 0, None
    connected.lost, connected.broken = [], {}
    connected.expired, connected.operational, connected.perfect = False, True, False
    connected.jobs.clear()
    connected.log.clear()
    return connected
